"""What a function is told by its environment: read once, refused when unset, empty or malformed.

One frozen class per kind of function; a field's name in capitals is the variable's name. Nothing below the handlers reads
`os.environ` elsewhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from rental_pipeline.base.errors import FixConfiguration


class _Settings(Protocol):
    """A class of settings: what `dataclasses.fields` takes."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


Settings = TypeVar("Settings", bound=_Settings)

DECODERS = ("binary", "text", "plain")

_MARKETPLACE = re.compile(r"[a-z][a-z0-9_]{0,40}")
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True)
class PlanSettings:
    """Settings of plan_run.

    Attributes:
        marketplace: The folder under `sql/`, and the prefix of all schemas and S3 keys.
        bucket: The stack's bucket, by name.
        source_secret_arn: The Secrets Manager secret of the source database (its fields: `rental_pipeline.source.connection`).
        sql_root: The folder that holds `<marketplace>/source.yaml`; `/opt` on Lambda.
        slice_rows: Row budget of a slice: what one extract_slice reads in a fraction of its time limit.
        watermark_delay_seconds: How far the watermark stays behind the source's clock where open transactions may not be seen.
        hash_secret_arn: The secret whose text keys the hash of personal columns; needed where the contract hashes any.
        redshift_workgroup, redshift_cluster, redshift_database, reporting_currency: As in WarehouseSettings. The warehouse is
            not asked: these say whether what a run has left of it (state.json) is about this one.
    """

    marketplace: str
    bucket: str
    source_secret_arn: str
    sql_root: Path = Path("/opt")
    slice_rows: int = 500_000
    watermark_delay_seconds: int = 600
    hash_secret_arn: str | None = None
    redshift_workgroup: str | None = None
    redshift_cluster: str | None = None
    redshift_database: str | None = None
    reporting_currency: str = "USD"


@dataclass(frozen=True)
class SourceCheckSettings:
    """Settings of check_source; as in PlanSettings."""

    marketplace: str
    bucket: str
    source_secret_arn: str
    sql_root: Path = Path("/opt")
    watermark_delay_seconds: int = 600
    hash_secret_arn: str | None = None


@dataclass(frozen=True)
class OperationCheckSettings:
    """Settings of check_operation.

    Attributes:
        marketplace, bucket: As in PlanSettings.
        state_machine_arn: The state machine of a run.
        increment_schedule, reconcile_schedule: Names of the schedules that start it, in the default group.
        topic_arn, alarm_topic_arn: The topics that runs and alarms tell people through.
        redshift_workgroup: Whose price is looked at; none where the warehouse is a provisioned cluster.
        redshift_rpus: As in WarehouseSettings.
    """

    marketplace: str
    bucket: str
    state_machine_arn: str
    increment_schedule: str
    reconcile_schedule: str
    topic_arn: str
    alarm_topic_arn: str
    redshift_workgroup: str | None = None
    redshift_rpus: int = 8


@dataclass(frozen=True)
class ExtractSettings:
    """Settings of extract_slice; those of PlanSettings are as there.

    Attributes:
        part_rows, part_bytes: The most that one Parquet file holds, in memory; it is built whole there. The default makes files
            of some 2 MB, of which Redshift wants at least 1 ("Loading data files"), and leaves the function below 250 MB.
        reserve_seconds: With less than this left of the function's time, what is unread of a slice is handed on.
        decoder: How rows are read: `binary` (prepared statements), `text` (for RDS Proxy, where those pin a session), or `plain`
            (PyMySQL's own, several times slower).
    """

    marketplace: str
    bucket: str
    source_secret_arn: str
    part_rows: int = 250_000
    part_bytes: int = 12_000_000
    reserve_seconds: int = 60
    decoder: str = "binary"
    hash_secret_arn: str | None = None


@dataclass(frozen=True)
class BucketSettings:
    """Settings of what needs the bucket alone (write_manifests, archive_slices, write_report); as in PlanSettings."""

    marketplace: str
    bucket: str


@dataclass(frozen=True)
class CatalogueSettings:
    """Settings of switch_catalogue; as in PlanSettings, and:

    Attributes:
        lake_database: The stack's database in the Glue Data Catalog.
    """

    marketplace: str
    bucket: str
    lake_database: str


@dataclass(frozen=True)
class WarehouseSettings:
    """Settings of the functions that speak to Redshift.

    Attributes:
        redshift_workgroup: A Serverless workgroup's name; exactly one of it and `redshift_cluster` is set.
        redshift_cluster: A provisioned cluster's identifier.
        redshift_database: The database within.
        redshift_secret_arn: Credentials by secret; without it the function's IAM role is the database user.
        copy_role_arn: The role that COPY uses to read the bucket.
        lease_seconds: How long a run may be silent before another may take its place.
        redshift_rpus: Base capacity of the workgroup, for the estimate of a run's cost only.
        reporting_currency: In which the marketplace's figures are, by its ISO 4217 code.
        kms_key_arn: The key that encrypts the bucket, where it is one of the user's own.
    """

    marketplace: str
    bucket: str
    redshift_database: str
    copy_role_arn: str
    redshift_workgroup: str | None = None
    redshift_cluster: str | None = None
    redshift_secret_arn: str | None = None
    sql_root: Path = Path("/opt")
    lease_seconds: int = 43_200
    redshift_rpus: int = 8
    reporting_currency: str = "USD"
    kms_key_arn: str | None = None

    def __post_init__(self) -> None:
        if bool(self.redshift_workgroup) == bool(self.redshift_cluster):
            found = "both are" if self.redshift_workgroup else "neither is"
            raise FixConfiguration(f"exactly one of the variables REDSHIFT_WORKGROUP and REDSHIFT_CLUSTER must be set; {found}")

    @property
    def unload_encryption(self) -> str:
        """The option by which UNLOAD encrypts as the bucket does.

        Untold, it takes S3's own key, whatever the bucket says (Redshift Developer Guide, UNLOAD).
        """
        return " encrypted auto" if self.kms_key_arn else ""

    def data_api_target(self) -> dict[str, str]:
        """Return the arguments that name the warehouse in a call of the Redshift Data API."""
        target = {"Database": self.redshift_database}
        if self.redshift_workgroup:
            target["WorkgroupName"] = self.redshift_workgroup
        if self.redshift_cluster:
            target["ClusterIdentifier"] = self.redshift_cluster
        if self.redshift_secret_arn:
            target["SecretArn"] = self.redshift_secret_arn
        return target


@dataclass(frozen=True, kw_only=True)
class FailureSettings(WarehouseSettings):
    """Settings of close_failed_run: the warehouse's, and the topic that people are told through."""

    topic_arn: str


@cache
def read_settings(kind: type[Settings]) -> Settings:
    """Return the settings of one kind from this process's environment, read at the first call.

    Raises:
        FixConfiguration: a variable is unset, empty or malformed; the message names it.
    """
    return settings_from(kind, os.environ)


def settings_from(kind: type[Settings], environment: Mapping[str, str]) -> Settings:
    """Return the settings of one kind from a mapping of variables (raises as `read_settings`)."""
    values: dict[str, Any] = {}
    for field in fields(kind):
        variable = field.name.upper()
        text = environment.get(variable, "").strip()
        if text:
            values[field.name] = _parse(variable, text, str(field.type))
        elif field.default is MISSING:
            state = "empty" if variable in environment else "unset"
            raise FixConfiguration(f"the environment variable {variable} is {state}: set it through the stack's parameters")
    return kind(**values)


def _parse(variable: str, text: str, field_type: str) -> str | int | Path:
    if field_type == "int":
        if not text.isdecimal() or int(text) == 0:
            raise FixConfiguration(f"the environment variable {variable} must be a whole number above zero, not {text!r}")
        return int(text)
    if variable == "MARKETPLACE" and not _MARKETPLACE.fullmatch(text):
        raise FixConfiguration(f"MARKETPLACE must be lower-case letters, digits and _, as its folder under sql/; found {text!r}")
    if variable == "DECODER" and text not in DECODERS:
        raise FixConfiguration(f"DECODER must be one of {', '.join(DECODERS)}; found {text!r}")
    if variable == "REPORTING_CURRENCY" and not _CURRENCY.fullmatch(text):
        raise FixConfiguration(f"REPORTING_CURRENCY must be three capitals, as USD or EUR (ISO 4217); found {text!r}")
    return Path(text) if field_type == "Path" else text

"""The warehouse's part of the doctor: the database user, its schemas, the role of COPY and UNLOAD, and the bucket.

The work of the function check_warehouse, which has the role of the functions that run all SQL.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rental_pipeline.base.errors import PipelineError
from rental_pipeline.base.object_store import (
    address,
    delete_objects,
    doctor_folder,
    find_kms_key,
    list_objects,
    object_size,
    write_copy_manifest,
)
from rental_pipeline.base.settings import WarehouseSettings
from rental_pipeline.definitions.exchange_rates import make_rates
from rental_pipeline.definitions.marketplace import Schemas
from rental_pipeline.definitions.read_marketplace import read_marketplace
from rental_pipeline.model.contract import read_contract
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.model.strategies import Merge, advise_on_cursor
from rental_pipeline.operate.doctor.bucket_checks import check_bucket
from rental_pipeline.operate.doctor.report import Report
from rental_pipeline.warehouse.data_api import DataApi, StatementFailed, Submission, classify
from rental_pipeline.warehouse.settled_state import find_kept_run
from rental_pipeline.warehouse.steps.open_run import select_columns

_BOOTSTRAP = "run sql/bootstrap.sql as an administrator"
# A day more than the week between two reconcile runs; CloudWatch's alarms look back no further than the week.
_COMPARED_WITHIN_DAYS = 8
_MEASURED_DAYS = 30
# For the bucket's checks, and to answer.
_RESERVE_SECONDS = 60


def check_warehouse(settings: WarehouseSettings, remaining_seconds: Callable[[], float]) -> dict[str, Any]:
    """Look at everything that a run needs of the warehouse and the bucket.

    Args:
        remaining_seconds: Seconds until the function times out; a warehouse that lets it wait longer is a finding.

    Returns:
        `{"findings": [{"status", "check", "says"}, …], "catalogue": […]}`, the latter the columns of the raw tables, for
        check_source; null where they could not be read.
    """
    report, name = Report(), f"{settings.marketplace}/doctor/{uuid.uuid4()}"
    api = DataApi(settings, seconds_left=lambda: remaining_seconds() - _RESERVE_SECONDS)
    catalogue = None
    with _asking(report, "warehouse"):
        _check_user(report, api, name, settings)
        catalogue = api.query(name, select_columns(Schemas(settings.marketplace).raw))
        _check_restored(report, api, name, settings)
        _check_completeness(report, api, name, settings)
        _check_cursors(report, api, name, settings)
    with report.looking_at("bucket"):
        check_bucket(report, settings)
    with _asking(report, "COPY role"):
        _check_copy_role(report, api, name, settings)
    with report.looking_at("exchange rates"):
        _check_rates(report, settings)
    return {"findings": report.to_json(), "catalogue": catalogue}


def _check_rates(report: Report, settings: WarehouseSettings) -> None:
    """Say what is converted into the currency of the figures; a line that is no rate is refused by its number."""
    currency = settings.reporting_currency
    text = read_marketplace(settings.sql_root, settings.marketplace, currency).exchange_rates
    newest = {rate.currency: rate.valid_from for rate in make_rates(text, currency) if rate.currency != currency}
    known = ", ".join(f"{other} (the newest of {day})" for other, day in sorted(newest.items()))
    report.ok("exchange rates", f"figures are in {currency}; converted into it: {known or 'nothing else'}")


@contextmanager
def _asking(report: Report, check: str) -> Iterator[None]:
    """As `report.looking_at`, of Redshift's own errors too."""
    with report.looking_at(check):
        try:
            yield
        except StatementFailed as failure:
            raise classify(str(failure)) from failure


def _check_user(report: Report, api: DataApi, name: str, settings: WarehouseSettings) -> None:
    database, schemas = settings.redshift_database, Schemas(settings.marketplace)
    (user,) = api.query(
        name,
        'select cast(current_user as varchar(128)) as "user",'
        f" has_database_privilege({literal(database)}, 'create') as may_create",
    )
    user_name, may_create = user["user"], user["may_create"]
    report.ok("warehouse", f"the database {database} answers; its user is {user_name!r}")
    if may_create:
        report.ok("CREATE", f"{user_name!r} may create schemas in {database}")
    else:
        report.fail(
            "CREATE",
            f"{user_name!r} may not create schemas in {database}, for which every run asks: grant create on"
            f' database {database} to "{user_name}" (or {_BOOTSTRAP})',
        )
    owners = api.query(
        name,
        "select cast(pg_namespace.nspname as varchar(128)) as schema_name, cast(pg_user.usename as varchar(128)) as owner_name"
        " from pg_namespace inner join pg_user on pg_namespace.nspowner = pg_user.usesysid"
        f" where pg_namespace.nspname in ({', '.join(map(literal, schemas.all))}) order by 1",
    )
    foreign = [row for row in owners if row["owner_name"] != user_name]
    for row in foreign:
        report.fail(
            "schemas",
            f"{row['schema_name']} is owned by {row['owner_name']!r}, and a run makes and alters tables there: as an"
            f' administrator, alter schema {row["schema_name"]} owner to "{user_name}", and its tables likewise, all at once'
            " by sql/change_owner.sql (the stack was made again, and its role has another name?)",
        )
    tables = api.query(
        name,
        "select cast(schemaname as varchar(128)) as schema_name, count(*) as tables from ("
        "select schemaname, tableowner as owner_name from pg_tables"
        " union all select schemaname, viewowner as owner_name from pg_views"
        f") as made where owner_name <> {literal(user_name)} and schemaname in ({', '.join(map(literal, schemas.all))})"
        " group by schemaname order by 1",
    )
    foreign += tables
    for row in tables:
        report.fail(
            "schemas",
            f"{row['tables']} tables or views of {row['schema_name']} are not owned by {user_name!r}, which cannot alter them:"
            " as an administrator, run sql/change_owner.sql (the stack was made again, and its role has another name?)",
        )
    if not foreign:
        missing = len(schemas.all) - len(owners)
        made = f"; {missing} are not there yet, the first run makes them" if missing else ""
        report.ok("schemas", f"{len(owners)} of {len(schemas.all)} are there and owned by {user_name!r}{made}")


def _check_restored(report: Report, api: DataApi, name: str, settings: WarehouseSettings) -> None:
    """Say where the bucket has a later run than the ledger, as `open` would refuse it."""
    try:
        kept = find_kept_run(settings)
    except PipelineError:
        return  # the bucket has a check of its own, which says what is wrong with it
    if not kept:
        return
    run, written = kept
    try:
        (last,) = api.query(
            name,
            "select max(run_sequence) as run_sequence,"
            f" max(started_at) < cast({literal(written.isoformat(sep=' '))} as timestamp) as is_older"
            f" from {Schemas(settings.marketplace).control}.run",
        )
    except StatementFailed as failure:
        if "does not exist" not in str(failure):
            raise
        return  # before the first run, or begun anew
    if last["is_older"] and last["run_sequence"] < run:
        report.fail(
            "ledger",
            f"its last run is {last['run_sequence']}, and the bucket has run {run}: the warehouse was restored to an earlier"
            ' state; start the state machine with {"after_restore": true}, which reads again what it lost',
        )
    else:
        report.ok("ledger", f"it has every run that the bucket has; the last is {last['run_sequence']}")


def _check_completeness(report: Report, api: DataApi, name: str, settings: WarehouseSettings) -> None:
    """Say for each table when it was last looked at whole: compared by a reconcile run that took it, or read as a whole."""
    control = Schemas(settings.marketplace).control
    contract = read_contract(settings.sql_root / settings.marketplace / "source.yaml")
    try:
        rows = api.query(
            name,
            f"""
            select looked.table_name, datediff(day, max(run.finished_at), getdate()) as days
            from (
                select run_sequence, table_name from {control}.reconciliation where is_whole
                union all
                select run_sequence, table_name from {control}.run_window where is_complete
            ) as looked
            inner join {control}.run on looked.run_sequence = run.run_sequence
            where run.status in ('succeeded', 'unchanged')
            group by looked.table_name
            """,
        )
    except StatementFailed as failure:
        if "does not exist" not in str(failure):
            raise
        return  # before the first run
    days = {row["table_name"]: row["days"] for row in rows if row["table_name"] in contract}
    late = {table: count for table, count in days.items() if count > _COMPARED_WITHIN_DAYS}
    if late:
        told = ", ".join(
            f"{table} {count} days ago" for table, count in sorted(late.items(), key=lambda each: (-each[1], each[0]))
        )
        report.warn(
            "completeness",
            f"tables were last looked at whole long ago ({told}), so rows that were deleted since may still be here: start the"
            ' state machine with {"reconcile": true}, and see why its schedule did not',
        )
    elif days:
        report.ok("completeness", f"each of {len(days)} tables was looked at whole within the last {_COMPARED_WITHIN_DAYS} days")


def _check_cursors(report: Report, api: DataApi, name: str, settings: WarehouseSettings) -> None:
    """Say of which tables the comparisons of late have found rows that no increment finds."""
    contract = read_contract(settings.sql_root / settings.marketplace / "source.yaml")
    cursors = {table.name: table.strategy.cursor for table in contract.values() if isinstance(table.strategy, Merge)}
    try:
        rows = api.query(
            name,
            f"""
            select table_name, sum(rows_unmoved) as rows_unmoved, sum(rows_backdated) as rows_backdated,
                max(source_rows) as source_rows, count(*) as comparisons
            from {Schemas(settings.marketplace).control}.reconciliation
            where compared_at > dateadd(day, -{_MEASURED_DAYS}, getdate())
            group by table_name
            having sum(rows_unmoved) + sum(rows_backdated) > 0
            order by table_name
            """,
        )
    except StatementFailed as failure:
        if "does not exist" not in str(failure):
            raise
        return  # before the first run, or a control schema from before this was measured
    for row in rows:
        if cursor := cursors.get(row["table_name"]):
            report.warn(
                f"table {row['table_name']}",
                f"{row['comparisons']} comparisons of the last {_MEASURED_DAYS} days found {row['rows_unmoved']} rows that"
                f" changed without moving the cursor {cursor}, and {row['rows_backdated']} that came with an older one:"
                f" {advise_on_cursor(cursor, row['source_rows'])}",
            )


def _check_copy_role(report: Report, api: DataApi, name: str, settings: WarehouseSettings) -> None:
    """Have the warehouse write a constant to the bucket, and load it: only that shows that its role is attached and let in."""
    folder = doctor_folder(settings.marketplace) + "unload/"
    role = f"iam_role {literal(settings.copy_role_arn)} format as parquet"
    unload = Submission(
        label="unload",
        statements=(
            # A select without a table would run on the leader node only, which does not unload.
            "create temporary table doctor_probe as select 1 as probe",
            f"unload ('select probe from doctor_probe') to {literal(address(settings.bucket, folder))}"
            f" {role} parallel off allowoverwrite{settings.unload_encryption}",
        ),
    )
    if not _may(report, api, name, unload, "write to", settings):
        return
    written = list(list_objects(settings.bucket, folder))
    manifest = folder + "manifest"
    try:
        _check_key(report, settings, written)
        listed = write_copy_manifest(settings.bucket, manifest, [(key, object_size(settings.bucket, key)) for key in written])
        copy = Submission(
            label="copy",
            statements=(
                "create temporary table doctor_probe (probe integer)",
                f"copy doctor_probe from {literal(listed)} {role} manifest",
            ),
        )
        if _may(report, api, name, copy, "read from", settings):
            report.ok("COPY role", f"{settings.copy_role_arn} is attached; it wrote to the bucket by UNLOAD and read it by COPY")
    finally:
        delete_objects(settings.bucket, [*written, manifest])


def _check_key(report: Report, settings: WarehouseSettings, written: list[str]) -> None:
    """Say where what the warehouse wrote is not under the bucket's key."""
    if not settings.kms_key_arn:
        return
    keys = {find_kms_key(settings.bucket, key) for key in written}
    if keys == {settings.kms_key_arn}:
        report.ok("key", f"what UNLOAD writes is encrypted by {settings.kms_key_arn}")
    else:
        told = ", ".join(sorted(key or "S3's own key" for key in keys))
        report.fail(
            "key",
            f"what UNLOAD writes is encrypted by {told}, not by {settings.kms_key_arn}, the parameter KmsKeyArn: put the bucket's"
            " default encryption back, as template.yaml has it",
        )


def _may(report: Report, api: DataApi, name: str, probe: Submission, does: str, settings: WarehouseSettings) -> bool:
    """Whether the warehouse's role may do what a probe does; if not, that is a finding."""
    try:
        api.finish(api.submit(name, probe, name))
    except StatementFailed as failure:
        report.fail(
            "COPY role",
            f"the warehouse could not {does} {settings.bucket} as {settings.copy_role_arn}, the parameter CopyRoleArn"
            f" ({failure}): give the role that is attached to the workgroup's namespace or the cluster, or attach this one; let"
            " redshift.amazonaws.com (and redshift-serverless.amazonaws.com) assume it, and keep the bucket's policy as"
            " template.yaml has it",
        )
        return False
    return True

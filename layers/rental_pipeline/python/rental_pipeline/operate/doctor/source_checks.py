"""The source's part of the doctor: the SQL files, the way to the source, its user, its server, the contract against its schema.

The work of the function check_source, which has the role and the network of plan_run: what it may do here, a run may do. It also
looks whether the dependencies run on the functions' processor.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from ipaddress import ip_address
from typing import Any

import pymysql

from rental_pipeline.base.object_store import can_list
from rental_pipeline.base.settings import SourceCheckSettings
from rental_pipeline.definitions.marketplace import Schemas
from rental_pipeline.definitions.read_marketplace import read_marketplace
from rental_pipeline.model.column_types import CatalogueColumn
from rental_pipeline.model.contract import HASH, TableContract, read_contract
from rental_pipeline.model.document import read_event
from rental_pipeline.model.raw_tables import read_catalogue
from rental_pipeline.model.strategies import Merge
from rental_pipeline.operate.doctor.reference_checks import check_references
from rental_pipeline.operate.doctor.report import Report
from rental_pipeline.source.connection import (
    SourceAddress,
    connect,
    explain_source_error,
    read_source_address,
)
from rental_pipeline.source.personal_data import read_hash_key
from rental_pipeline.source.queries import quote_name
from rental_pipeline.source.safe_watermark import NAMES_OF_UTC, SafeWatermark, find_safe_watermark
from rental_pipeline.source.table_match import MatchedTable, TableMatcher

_COMPILED = ("numpy", "pyarrow")
_CLOCKS_APART = timedelta(seconds=60)
_OPEN_FOR_LONG = timedelta(hours=1)


def check_source(event: dict[str, Any], settings: SourceCheckSettings) -> dict[str, Any]:
    """Look at everything that a run needs before its first row is read.

    Args:
        event: `{"catalogue": […]}`, raw's columns as check_warehouse answers them; without it (`{}`) the source is not compared
            with raw, which this function's network cannot reach.

    Returns:
        `{"findings": [{"status", "check", "says"}, …]}`.
    """
    report = Report()
    _check_dependencies(report)
    contract: dict[str, TableContract] = {}
    with report.looking_at("contract"):
        contract = read_contract(settings.sql_root / settings.marketplace / "source.yaml")
        report.ok("contract", f"source.yaml names {len(contract)} tables")
    parents: frozenset[str] = frozenset()
    with report.looking_at("SQL files"):
        parents = _check_files(report, settings, contract)
    with report.looking_at("S3"):
        can_list(settings.bucket)
        report.ok("S3", f"reached from the functions that reach the source; {settings.bucket} may be listed")
    if hashing := [table.name for table in contract.values() if HASH in table.personal.values()]:
        with report.looking_at("hash secret"):
            read_hash_key(settings.hash_secret_arn, hashing)
            report.ok("hash secret", f"keys the personal columns of {', '.join(hashing)}")
    given = event.get("catalogue")
    catalogue = None if given is None else read_event(tuple[CatalogueColumn, ...], given)
    with report.looking_at("source secret"):
        address = read_source_address(settings.source_secret_arn)
        login = "a password" if address.password else "IAM authentication"
        report.ok("source secret", f"{address.user!r} at {address}, by {login}")
        with report.looking_at("connection"), closing(connect(address)) as connection:
            _check_server(report, connection, address, settings)
            with _asking(report, "references", address):
                check_references(report, connection, contract)
            with _asking(report, "tables", address):
                path = settings.sql_root / settings.marketplace / "source.yaml"
                matcher = TableMatcher(connection, path, Schemas(settings.marketplace).raw)
                zone = _check_time_zone(report, connection)
                for table in contract.values():
                    with _asking(report, f"table {table.name}", address):
                        is_parent = table.name in parents
                        source = _check_table(report, matcher, table, settings, catalogue, zone, is_parent)
                        if table.strategy.name == Merge.name:
                            _tell_cursor(report, connection, source, table)
    return {"findings": report.to_json()}


@contextmanager
def _asking(report: Report, check: str, address: SourceAddress) -> Iterator[None]:
    """As `report.looking_at`, of the source's own errors too."""
    with report.looking_at(check):
        try:
            yield
        except pymysql.MySQLError as error:
            raise explain_source_error(error, address) from error


def _check_dependencies(report: Report) -> None:
    """Import what is compiled for one processor: on another, plan_run would do and extract_slice fail."""
    machine = platform.machine()
    try:
        versions = [f"{name} {import_module(name).__version__}" for name in _COMPILED]
    except ImportError as error:
        report.fail(
            "dependencies",
            f"the layer cannot be imported on {machine} ({str(error).splitlines()[0]}): build it for the functions' processor"
            " (Architecture in samconfig.toml, x86_64 or arm64; then make deploy)",
        )
    else:
        report.ok("dependencies", f"{', '.join(versions)} run on {machine}")


def _check_files(report: Report, settings: SourceCheckSettings, contract: dict[str, TableContract]) -> frozenset[str]:
    """Check the marketplace's folder; return the source tables to whose rows others refer."""
    marketplace = read_marketplace(settings.sql_root, settings.marketplace)
    unknown = [table for table in marketplace.curated if contract and table.source not in contract]
    for table in unknown:
        report.fail("SQL files", f"curated/{table.name}.sql is made from {table.source}, which source.yaml does not name: add it")
    if not unknown:
        counted = ((marketplace.curated, "curated tables"), (marketplace.metrics, "metrics"), (marketplace.checks, "checks"))
        report.ok("SQL files", ", ".join(f"{len(files)} {what}" for files, what in counted))
    if marketplace.metrics and not marketplace.checks:
        report.warn(
            "SQL files",
            "checks/ holds none: only what headers say (unique_key, holds, references) is looked at before figures are published;"
            " write at least one that counts a metric's rows against the curated table's (checks/bookings_counted_once.sql)",
        )
    for table in marketplace.curated:
        if strange := [join.table for join in table.joins if contract and join.table not in contract]:
            report.fail("SQL files", f"curated/{table.name}.sql joins {strange[0]}, which source.yaml does not name: add it")
    referred = {reference.parent for table in marketplace.curated for reference in table.references}
    return frozenset(table.source for table in marketplace.curated if table.name in referred)


def _check_server(report: Report, connection: pymysql.Connection, address: SourceAddress, settings: SourceCheckSettings) -> None:
    with _asking(report, "connection", address), connection.cursor() as cursor:
        cursor.execute("show session status like 'Ssl_version'")
        encryption = (cursor.fetchone() or ("", ""))[1]
        if encryption:
            report.ok("connection", f"logged in, encrypted by {encryption} (tls: {address.tls})")
        elif _is_this_machine(address.host):
            report.ok("connection", "logged in, not encrypted; the source is on this machine")
        else:
            report.warn("connection", f'logged in, not encrypted: set "tls": "verify" in the secret {address.secret}')
        cursor.execute("select version(), @@global.sql_mode, @@log_bin, @@max_allowed_packet")
        version, sql_mode, log_bin, packet = cursor.fetchone()
        log = "on" if int(log_bin) else "off"
        report.ok(
            "server",
            f"version {version}; sql_mode {sql_mode.replace(',', ', ') or '(none)'}; max_allowed_packet {packet};"
            f" binary log {log} (it is not needed: the source is read by queries)",
        )
    with _asking(report, "open transactions", address):
        safe_watermark = find_safe_watermark(connection, address, timedelta(seconds=settings.watermark_delay_seconds))
        _tell_replication(report, address, safe_watermark, settings)
        if not safe_watermark.sees_transactions:
            report.warn(
                "open transactions",
                f"{address.user!r} may not see them, so every run stays {settings.watermark_delay_seconds} seconds behind, and a"
                f" longer transaction's rows are found by a reconcile run only: grant process on *.* to {address.user!r}",
            )
        elif safe_watermark.lag > _OPEN_FOR_LONG:
            report.warn(
                "open transactions",
                f"one is open for {safe_watermark.lag}, and each run reads from its start on: find it in"
                " information_schema.innodb_trx, and have its owner end it",
            )
        else:
            report.ok("open transactions", f"seen (PROCESS); a run now would read up to {safe_watermark.lag} ago")
        apart = abs(datetime.now(UTC).replace(tzinfo=None) - safe_watermark.source_time)
        if apart > _CLOCKS_APART:
            report.warn(
                "clock",
                f"the source's is {apart.total_seconds():.0f} s from this function's; runs go by the source's, so no row is lost,"
                " but freshness and reports of the day are wrong by it: set the source's clock by NTP",
            )
        else:
            report.ok("clock", f"the source's is within {_CLOCKS_APART.total_seconds():.0f} s of this function's")


def _tell_replication(report: Report, address: SourceAddress, safe: SafeWatermark, settings: SourceCheckSettings) -> None:
    """Say how sure it is that no rows arrive from elsewhere; a replica was refused before."""
    may_see = f"grant replication client on *.* to {address.user!r} (MariaDB: grant slave monitor)"
    if safe.replication.other_writers:
        report.warn(
            "writer",
            f"one of {safe.replication.other_writers}, whose transactions it does not show: every run stays"
            f" {settings.watermark_delay_seconds} seconds behind, and only a reconcile run finds a longer transaction's rows",
        )
    elif safe.replication.sees_status:
        report.ok("writer", "not read-only, and no replica of another server")
    elif safe.sees_transactions:
        report.ok("writer", f"not read-only, and no replication runs; whether one is set up but stopped is not seen ({may_see})")
    else:
        report.warn("writer", f"not read-only; but whether it is a replica of another server could not be asked: {may_see}")


def _check_time_zone(report: Report, connection: pymysql.Connection) -> str:
    """Return the zone that the server's applications get, unless they ask for another."""
    with connection.cursor() as cursor:
        cursor.execute("select if(@@global.time_zone = 'SYSTEM', @@system_time_zone, @@global.time_zone)")
        (zone,) = cursor.fetchone()
    report.ok("time zone", f"the server's is {zone}; the pipeline's own sessions are in UTC")
    return str(zone)


def _check_table(
    report: Report,
    matcher: TableMatcher,
    contract: TableContract,
    settings: SourceCheckSettings,
    catalogue: Sequence[CatalogueColumn] | None,
    zone: str,
    is_parent: bool,
) -> str:
    """Match the table as planning does (raises as `TableMatcher.match`), and say what would be better otherwise.

    Returns:
        The table's name in the source.
    """
    check = f"table {contract.name}"
    existing = read_catalogue(catalogue or (), Schemas(settings.marketplace).raw).get(contract.name)
    matched = matcher.match(contract, existing, may_evolve=True)
    source = matched.source
    if contract.cursor and contract.cursor not in source.indexed:
        report.warn(
            check,
            f"no index begins with the cursor {contract.cursor}, so each run scans the table:"
            f" create index {_spell(f'{contract.name}_{contract.cursor}')} on {_spell(source.name)} ({_spell(contract.cursor)})",
        )
    kinds = {column.name.lower(): column.data_type for column in source.columns}
    is_local = contract.cursor and kinds[contract.cursor] == "datetime"
    if is_local and contract.cursor_time_zone == "UTC" and zone not in NAMES_OF_UTC:
        report.warn(
            check,
            f"the cursor {contract.cursor} is a DATETIME, taken to be in UTC, on a server in {zone}: if now() fills it,"
            " say cursor_time_zone in source.yaml",
        )
    for column in source.columns:
        # The source finds a parent in any case of letters, the warehouse compares bytes.
        if is_parent and column.name.lower() in contract.key and column.ignores_case:
            report.warn(
                check,
                f"the source compares the key {column.name} without case ({column.collation}), the warehouse by its bytes: a row"
                " of another table that spells it otherwise is set aside (parent_spelled_otherwise); mend such rows in the"
                " source, or join by lower(…) in the marketplace's SQL",
            )
    if contract.undecided:
        report.warn(
            check,
            f"nobody has decided whether these are personal, so they are not read: {', '.join(contract.undecided)}; write drop or"
            " hash for undecided in source.yaml, or take the line out, which takes it (a frozen table names it in requires)",
        )
    raw = "not compared with raw, whose columns were not given" if catalogue is None else _tell_raw(matched, existing)
    report.ok(check, f"{contract.strategy.name}; {len(matched.columns)} columns may be read, and fit the contract; {raw}")
    return source.name


def _tell_cursor(report: Report, connection: pymysql.Connection, source: str, contract: TableContract) -> None:
    """Warn of a merge table, by its name in the source, whose cursor the server does not move by itself, or that may be NULL."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select extra, is_nullable from information_schema.columns where table_schema = database() and table_name = %s"
            " and lower(column_name) = %s",
            (source, contract.cursor),
        )
        extra, nullable = cursor.fetchone() or ("", "NO")
    if "on update" not in str(extra).lower():
        report.warn(
            f"table {contract.name}",
            f"the cursor {contract.cursor} has no ON UPDATE CURRENT_TIMESTAMP: a change by which the application does not move it"
            " (a bulk update, a counter) is found by a reconcile run only; schedule one daily, or take strategy snapshot",
        )
    if nullable == "YES":
        report.warn(
            f"table {contract.name}",
            f"the cursor {contract.cursor} may be NULL, and every run reads the rows where it is: make it NOT NULL in the source",
        )


def _spell(name: str) -> str:
    """Write a name as a person would in a statement: quoted only where it has to be."""
    return name if name.isidentifier() and name.isascii() else quote_name(name)


def _tell_raw(matched: MatchedTable, existing: dict[str, str] | None) -> str:
    if existing is None:
        return "raw has no such table yet, the first run makes it"
    if matched.raw.added:
        return f"new in the source: {', '.join(matched.raw.added)}, for which the next run reads the table again"
    return "raw has the same columns"


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False

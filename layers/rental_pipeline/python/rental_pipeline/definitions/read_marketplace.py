"""Reads a marketplace's SQL folder, and refuses by name what its files say wrongly."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.definitions import exchange_rates
from rental_pipeline.definitions.charts import read_charts
from rental_pipeline.definitions.curated_table import CuratedTable
from rental_pipeline.definitions.exchange_rates import US_DOLLAR
from rental_pipeline.definitions.file_shapes import DIRTY, DIRTY_DAYS, judge_shape, list_read
from rental_pipeline.definitions.generic_checks import name_generated_checks
from rental_pipeline.definitions.lake_tables import list_lake_tables
from rental_pipeline.definitions.marketplace import Check, Marketplace, Schemas, View
from rental_pipeline.definitions.metric import PERIOD_TABLES, Intermediate, Metric
from rental_pipeline.definitions.sql_files import SqlFile, hash_texts, read_sql_folder

# Tables of the curated schema that the engine makes (steps/open_run.py).
_ENGINE_TABLES = ("rejected_rows", "unreadable_values")
_CHANGED = "changed_"


def read_marketplace(sql_root: Path, marketplace: str, reporting_currency: str = US_DOLLAR) -> Marketplace:
    """Read and check all SQL of a marketplace, whose figures are in the reporting currency.

    What was read is kept for the process's next call, as long as no file has changed.

    Raises:
        FixConfiguration: the folder is absent, a header is wrong, references form a circle, or a check has another's name.
    """
    folders = (sql_root / "control", sql_root / marketplace)
    files = ((path, path.stat()) for folder in folders for path in sorted(folder.rglob("*")))
    state = tuple((path, found.st_mtime_ns, found.st_size) for path, found in files)
    return _read_files(sql_root, marketplace, reporting_currency, state)


@lru_cache(maxsize=4)
def _read_files(sql_root: Path, marketplace: str, reporting_currency: str, _state: tuple[object, ...]) -> Marketplace:
    folder = sql_root / marketplace
    if not folder.is_dir():
        known = sorted(path.parent.name for path in sql_root.glob("*/source.yaml"))
        raise FixConfiguration(f"no SQL for marketplace {marketplace!r} under {sql_root}; there is: {', '.join(known) or 'none'}")
    control = read_sql_folder(sql_root / "control")
    curated = read_sql_folder(folder / "curated")
    intermediates = _read_intermediates(read_sql_folder(folder / "intermediate"), curated)
    rates = sql_root / "control" / exchange_rates.FILE
    read = Marketplace(
        schemas=Schemas(marketplace),
        control=tuple(sql for file in control.values() for sql in file.sections.values()),
        functions="".join(control[name].hash_meaning() for name in ("functions", "calendar") if name in control),
        exchange_rate_table=control["tables"].sections.get("exchange_rate", "") if "tables" in control else "",
        exchange_rates=rates.read_text(encoding="utf-8-sig") if rates.is_file() else "",
        reporting_currency=reporting_currency,
        curated=_order_by_reference([CuratedTable(file) for file in curated.values()]),
        metrics=tuple(_read_metric(file, intermediates, curated) for file in read_sql_folder(folder / "presentation").values()),
        checks=tuple(
            _read_check(file, intermediates, Schemas(marketplace).curated) for file in read_sql_folder(folder / "checks").values()
        ),
        views=tuple(View(file) for file in read_sql_folder(folder / "views").values()),
        charts=read_charts(folder / "report"),
    )
    _judge_headers(read)
    return read


def _judge_headers(marketplace: Marketplace) -> None:
    """Read what steps would read later, so that a wrong header stops the run before it opens."""
    for table in marketplace.curated:
        judge_shape(table.file, "curated")
        _ = (table.source, table.is_derived, table.keeps_removed, table.amount, table.rules, table.joins)
    for metric in marketplace.metrics:
        _ = (metric.reads, metric.period, metric.unique_key)
        _require_dirty_sections(marketplace, metric)
    for view in marketplace.views:
        judge_shape(view.file, "views")
        _ = view.reads
    _ = list_lake_tables(marketplace)
    if taken := sorted(name_generated_checks(marketplace) & {check.name for check in marketplace.checks}):
        raise FixConfiguration(f"checks/{taken[0]}.sql has the name of a check that is made for all tables: rename the file")


def _require_dirty_sections(marketplace: Marketplace, metric: Metric) -> None:
    """Refuse a metric of which a table's changes would make no period stale."""
    read = set().union(*(list_read(file.section("rows"), marketplace.schemas.curated) for file in metric.files))
    told = {*metric.dirty_from, *metric.dirty_days_from}
    if silent := sorted(read & {table.name for table in marketplace.curated} - told):
        raise FixConfiguration(
            f"{metric.file.path} reads {silent[0]}, and no section says which periods a change of it makes stale: write"
            f" `-- name: {DIRTY}{silent[0]}` or `-- name: {DIRTY_DAYS}{silent[0]}`"
        )


def hash_contract(sql_root: Path, marketplace: str) -> str:
    """Hash a marketplace's source.yaml as it is deployed."""
    return hash_texts((sql_root / marketplace / "source.yaml").read_text(encoding="utf-8"))


def _order_by_reference(tables: list[CuratedTable]) -> tuple[CuratedTable, ...]:
    ordered: list[CuratedTable] = []
    waiting = list(tables)
    names = {table.name for table in tables}
    for table in tables:
        if table.name in _ENGINE_TABLES:
            raise FixConfiguration(f"{table.file.path}: {table.name} is a table that every curated schema has: rename the file")
    for table in tables:
        if unknown := [reference.parent for reference in table.references if reference.parent not in names]:
            raise FixConfiguration(f"{table.file.path} references {unknown[0]}, which is no curated table")
    while waiting:
        built = {table.name for table in ordered}
        ready = [table for table in waiting if {reference.parent for reference in table.references} <= built]
        if not ready:
            raise FixConfiguration(f"curated tables reference each other in a circle: {', '.join(t.name for t in waiting)}")
        ordered += ready
        waiting = [table for table in waiting if table not in ready]
    return tuple(ordered)


def _read_intermediates(files: Mapping[str, SqlFile], curated: Collection[str]) -> dict[str, Intermediate]:
    read = {}
    for file in files.values():
        if file.name in PERIOD_TABLES or file.name.startswith(_CHANGED):
            raise FixConfiguration(
                f"{file.path}: {file.name} is a temporary table that the engine makes for a metric: rename the file"
            )
        judge_shape(file, "intermediate", curated)
        read[file.name] = Intermediate(file)
    for intermediate in read.values():
        if intermediate.is_kept and not intermediate.is_shared:
            raise FixConfiguration(
                f"{intermediate.file.path} is kept by {intermediate.kept_by} and reads dirty periods, of which each metric has"
                " its own: a kept table is bounded by :first_day instead"
            )
        if intermediate.is_kept and intermediate.kept_by not in intermediate.file.table_columns:
            raise FixConfiguration(
                f"{intermediate.file.path}: kept_by is {intermediate.kept_by!r}, and its table has no such column; it has:"
                f" {', '.join(intermediate.file.table_columns)}"
            )
        _list_made_before(intermediate, read)
    return read


def _list_made_before(
    intermediate: Intermediate, read: Mapping[str, Intermediate], readers: tuple[str, ...] = ()
) -> list[Intermediate]:
    """Return the intermediate tables that one is made from, and those that these are made from, in the order of their making.

    Raises:
        FixConfiguration: one is made from itself, or one of no periods from one of periods, of which there are none yet.
    """
    made: list[Intermediate] = []
    for name in _list_own(intermediate.file):
        is_too_late = name in read and intermediate.is_shared and not read[name].is_shared
        if name not in read or name in (*readers, intermediate.name) or is_too_late:
            raise FixConfiguration(
                f"{intermediate.file.path} reads {name}; an intermediate table may read other ones that do not read it; one that"
                " reads no dirty periods only such as read none, either"
            )
        made += [*_list_made_before(read[name], read, (*readers, intermediate.name)), read[name]]
    return made


def _read_metric(file: SqlFile, intermediates: dict[str, Intermediate], curated: Collection[str]) -> Metric:
    judge_shape(file, "presentation", curated)
    own = _list_own(file)
    if unknown := [name for name in own if name not in intermediates]:
        raise FixConfiguration(f"{file.path} reads {unknown[0]}, and there is no intermediate/{unknown[0]}.sql")
    return Metric(file, _list_made(own, intermediates))


def _list_made(names: Iterable[str], read: Mapping[str, Intermediate]) -> tuple[Intermediate, ...]:
    """Return some intermediate tables and all that they are made from, each once, in the order of their making."""
    made = [each for name in names for each in (*_list_made_before(read[name], read), read[name])]
    return tuple({each.name: each for each in made}.values())


def _list_own(file: SqlFile) -> list[str]:
    """Return the tables of intermediate/ that a file reads: those without a schema that the engine does not make."""
    reads = [name.strip() for name in file.header_line("reads").split(",")]
    return [name for name in reads if "." not in name and not name.startswith(_CHANGED) and name not in PERIOD_TABLES]


def _read_check(file: SqlFile, intermediates: Mapping[str, Intermediate], curated: str) -> Check:
    judge_shape(file, "checks")
    severity = file.header_line("severity")
    if severity not in ("fail", "warn"):
        raise FixConfiguration(f"{file.path}: severity is {severity!r}; it is either fail or warn")
    read = list_read(file.section("violations"), curated)
    touched = tuple(name.strip() for name in file.header.get("touched", "").split(",") if name.strip())
    if unread := [name for name in touched if name not in read]:
        raise FixConfiguration(f"{file.path}: touched says {unread[0]}, which the check does not read as {curated}.{unread[0]}")
    own = _list_own(file) if "reads" in file.header else []
    offered = {name for name, each in intermediates.items() if each.is_shared and not each.is_kept}
    if unknown := [name for name in own if name not in offered]:
        raise FixConfiguration(
            f"{file.path} reads {unknown[0]}, and there is no intermediate/{unknown[0]}.sql that reads no dirty periods and keeps"
            " nothing"
        )
    return Check(file.name, severity, file.section("violations"), touched, _list_made(own, intermediates))

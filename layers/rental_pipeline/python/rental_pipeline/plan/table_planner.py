"""Planning one table: what its window is, how it is cut, and what must become of its raw table before the load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pymysql

from rental_pipeline.base.errors import FixConfiguration, FixData
from rental_pipeline.base.settings import PlanSettings
from rental_pipeline.base.telemetry import logger
from rental_pipeline.definitions.sql_files import hash_texts
from rental_pipeline.model.column_types import SourceColumn
from rental_pipeline.model.contract import TableContract
from rental_pipeline.model.ledger import Ledger
from rental_pipeline.model.raw_tables import add_metadata, list_raw_columns, read_catalogue
from rental_pipeline.model.run_request import RunInput
from rental_pipeline.model.strategies import Append, Merge, Snapshot
from rental_pipeline.model.table_plan import Comparison, PlannedColumn, PlannedTable, Slice, iso_text
from rental_pipeline.plan.comparison import Comparer, Known
from rental_pipeline.plan.continuation import Deadline, PlannedPart, Progress
from rental_pipeline.plan.keys import refuse_blank_ends
from rental_pipeline.plan.slices import cut_slices
from rental_pipeline.source.connection import SourceTable
from rental_pipeline.source.personal_data import HashKey, require_hash_key
from rental_pipeline.source.queries import ROW_HASH_VERSION, cursor_is_missing, from_table, name_column
from rental_pipeline.source.safe_watermark import SafeWatermark, earliest_local_time, latest_local_time
from rental_pipeline.source.table_match import MatchedTable, TableMatcher, list_table

_DAY = timedelta(days=1)


class TablePlanner:
    """Plans one table after the other."""

    def __init__(
        self,
        connection: pymysql.Connection,
        settings: PlanSettings,
        path: Path,
        ledger: Ledger,
        fingerprints: Mapping[str, Known],
        run_input: RunInput,
        progress: Progress,
        run_sequence: int,
        hash_key: HashKey | None,
        deadline: Deadline,
    ):
        self.connection = connection
        self.run_input = run_input
        self.progress = progress
        self.safe_watermark = progress.safe_watermark
        self.deadline = deadline
        self.run_sequence = run_sequence
        # A table that is erased is planned as if it had never been loaded.
        self.fingerprints = {name: found for name, found in fingerprints.items() if name not in run_input.erase}
        self.hash_key = hash_key
        self.slice_rows = settings.slice_rows
        self.raw_schema = f"{settings.marketplace}_raw"
        catalogue = read_catalogue(ledger.columns, self.raw_schema)
        self.catalogue = {name: columns for name, columns in catalogue.items() if name not in run_input.erase}
        self.positions = {position.name: position for position in ledger.positions if position.layer == "raw"}
        self.matcher = TableMatcher(connection, path, self.raw_schema)

    def plan(self, contract: TableContract, is_read: bool) -> PlannedPart:
        """Plan one table; one that is not read and has its raw table is only listed, whatever it is in the source.

        Raises:
            OutOfTime: another planner must go on; what this one has found of the table is in the progress.
        """
        existing = self.catalogue.get(contract.name)
        if self.run_input.reconcile and is_read and contract.name not in self.positions:
            logger.warning("there is nothing to reconcile yet: the table was never loaded", extra={"table": contract.name})
            is_read = False
        if not is_read and existing:
            return PlannedPart(
                list_table(contract, contract.name, list_raw_columns(existing)),
                batch=[*add_metadata(self.raw_schema, contract.name, existing)],
            )
        part, matched, is_as_loaded = self.match(contract, is_read)
        if is_read:
            known = self.fingerprints.get(contract.name) if is_as_loaded and not contract.hashes_key else None
            if isinstance(contract.strategy, Snapshot) or self.run_input.reconcile:
                part.table = replace(part.table, complete=known is None)
            self._cut(part, known, self._find_increments_start(contract, matched.source))
            _log_table(part.table, matched)
        return part

    def match(self, contract: TableContract, is_read: bool = True) -> tuple[PlannedPart, MatchedTable, bool]:
        """Compare a table of the source with the contract and with raw, and choose its window; no row is read.

        Returns:
            What must change in raw, and the table with its window, without slices; the match; and whether raw's rows were read
            by the same definition.
        """
        existing = self.catalogue.get(contract.name)
        matched = self.matcher.match(contract, existing, may_evolve=is_read and self.run_input.window is None)
        source, raw_table = matched.source, matched.raw
        table = list_table(contract, source.name, raw_table.columns)
        table = replace(table, added=raw_table.added, is_new=existing is None)
        is_as_loaded = False
        if is_read:
            definition_hash = _hash_definition(contract, raw_table.columns, self.hash_key)
            position = self.positions.get(contract.name)
            loaded_by = position.definition_hash if position else None
            is_as_loaded = not raw_table.added and loaded_by in (None, definition_hash)
            table = replace(table, read=True, definition_hash=definition_hash)
            if not isinstance(contract.strategy, Snapshot) and not self.run_input.reconcile:
                table = self._plan_window(table, contract, source, is_as_loaded)
        return PlannedPart(table, batch=[*raw_table.batch], single=[*raw_table.single]), matched, is_as_loaded

    def _find_increments_start(self, contract: TableContract, source: SourceTable) -> str | None:
        """Return where the window of a merge table's next increment begins; None where it has no watermark."""
        position = self.positions.get(contract.name)
        if not isinstance(contract.strategy, Merge) or position is None or position.watermark is None:
            return None
        column = next(column for column in source.columns if column.name.lower() == contract.strategy.cursor)
        return iso_text(_floor(datetime.fromisoformat(position.watermark) - contract.overlap, contract, column))

    def _cut(self, part: PlannedPart, known: Known | None, increments_from: str | None) -> None:
        """Give a part its slices; where the table is compared with what raw knows, also what was found."""
        table = part.table
        sums = self.progress.begin_sums(f"{table.name} {table.definition_hash}")
        require_time = self.deadline.require_time
        if known is None:
            points = sums.points.setdefault("", [])
            part.slices = cut_slices(self.connection, table, self.run_sequence, self.slice_rows, points, require_time)
        else:
            salt = require_hash_key(self.hash_key).salt if any(column.is_hashed for column in table.columns) else ""
            comparer = Comparer(self.connection, self.run_sequence, salt, self.slice_rows, require_time)
            compared = comparer.compare(table, known, sums)
            part.slices, part.equal = compared.slices, compared.equal
            table = replace(table, comparison=replace(compared.comparison, increments_from=increments_from))
            self._refuse_purge(table, compared.comparison)
            if isinstance(table.strategy, Append):
                table = replace(table, days=_join_days(part.slices))
        refuse_blank_ends(self.connection, table, part.slices, sums, require_time)
        part.table = replace(table, slice_count=len(part.slices))

    def _refuse_purge(self, table: PlannedTable, comparison: Comparison) -> None:
        """Stop before a reconcile run takes a source's clearing of old events for their deletion.

        Deletions of keyed tables are refused at the load, where they are known exactly.
        """
        lost = comparison.raw_rows - comparison.source_rows
        allowed = table.max_delete_fraction * comparison.raw_rows
        if isinstance(table.strategy, Append) and table.lower is None and lost > allowed and not self.run_input.force_deletes:
            raise FixData(
                f"DELETE REFUSED: {lost} of {comparison.raw_rows} events of {table.name} would go; if they are to go, rerun"
                ' with {"reconcile": true, "force_deletes": true}, else leave the table out: {"reconcile": true, "tables": […]}'
            )

    def _plan_window(self, table: PlannedTable, contract: TableContract, source: SourceTable, is_as_loaded: bool) -> PlannedTable:
        """Return the table with its window of the cursor, and where its watermark goes."""
        column = next(column for column in source.columns if column.name.lower() == contract.cursor)
        if self.run_input.window:
            lower = earliest_local_time(self.run_input.window.start, contract.cursor_time_zone)
            upper = latest_local_time(self.run_input.window.end, contract.cursor_time_zone)
            lower, upper = _floor(lower, contract, column), _ceil(upper, contract, column)
            return replace(table, lower=iso_text(lower), upper=iso_text(upper), definition_hash=None)

        # A position may be left of an earlier raw table of the name; prepare takes its watermark away.
        position = None if table.is_new else self.positions.get(contract.name)
        planned = datetime.fromisoformat(position.watermark) if position and position.watermark else None
        new = earliest_local_time(self.safe_watermark.safe_time, contract.cursor_time_zone)
        reached = max(new, planned) if planned else new
        table = replace(
            table,
            planned_watermark=iso_text(planned) if planned else None,
            new_watermark=iso_text(reached),
            next_lower=iso_text(_floor(reached - contract.overlap, contract, column)),
        )
        if planned is None:
            return replace(table, complete=True)
        if not is_as_loaded:
            # Rows that were read without a column, or by another rule, are read again. Events that the source has removed since
            # then are kept: only the days that it still has are replaced.
            if not isinstance(contract.strategy, Append):
                return replace(table, complete=True)
            lower = min(planned - contract.overlap, self._find_first_day(table) or datetime.max)
        else:
            lower = planned - contract.overlap
        return replace(table, lower=iso_text(_floor(lower, contract, column)))

    def _find_first_day(self, table: PlannedTable) -> datetime | None:
        """Return the first day that has events; None where none has a usable time."""
        name = name_column(table.cursor_column)
        missing, arguments = cursor_is_missing(table)
        with self.connection.cursor() as cursor:
            cursor.execute(f"select cast(date(min({name})) as char) {from_table(table)} where not {missing}", arguments)
            (day,) = cursor.fetchone()
        return datetime.fromisoformat(day) if day else None


def _join_days(slices: list[Slice]) -> tuple[tuple[str | None, str], ...]:
    """Return the days that slices read, neighbours as one range."""
    days: list[tuple[str | None, str]] = []
    for part in slices:
        # Of a comparison, each slice ends with a day.
        start, (end,) = part.start[0] if part.start else None, part.end or ()
        if days and days[-1][1] == start:
            start = days.pop()[0]
        days.append((start, end))
    return tuple(days)


def choose_as_of(run_input: RunInput, ledger: Ledger, safe_watermark: SafeWatermark) -> date:
    """Return the date for which presentation is made; it goes back only where all of that layer is made again."""
    last = date.fromisoformat(ledger.as_of) if ledger.as_of else date.min
    if run_input.as_of is None:
        return max(safe_watermark.source_time.date(), last)
    if run_input.as_of < last and ("presentation" not in run_input.rebuild or run_input.tables):
        raise FixConfiguration(
            f"as_of {run_input.as_of} lies before {last}, for which presentation was published: the newer periods would stay;"
            f' to go back, make everything again: {{"rebuild": true, "as_of": "{run_input.as_of}"}}'
        )
    return run_input.as_of


def _hash_definition(contract: TableContract, columns: tuple[PlannedColumn, ...], hash_key: HashKey | None) -> str:
    """Hash what decides which values a read gives; a text that grew wider does not.

    With a new key every hash is another: a table that is not read again whole would know each person twice.
    """
    read = [f"{column.name}:{require_hash_key(hash_key).mark if column.is_hashed else ''}" for column in columns]
    source = [contract.source_table] if contract.source_table else []
    return hash_texts(
        ROW_HASH_VERSION, contract.strategy.name, *contract.key, contract.cursor or "", contract.cursor_time_zone, *source, *read
    )


def _floor(moment: datetime, contract: TableContract, cursor: SourceColumn) -> datetime:
    """Round a lower bound down to what the cursor can show; append tables are replaced by whole days."""
    if isinstance(contract.strategy, Append) or cursor.data_type == "date":
        return moment.replace(hour=0, minute=0, second=0, microsecond=0)
    step = 10 ** (6 - cursor.fraction)
    return moment.replace(microsecond=moment.microsecond // step * step)


def _ceil(moment: datetime, contract: TableContract, cursor: SourceColumn) -> datetime:
    """Round an upper bound up where the table is read by whole days; elsewhere it is exact."""
    if not isinstance(contract.strategy, Append) and cursor.data_type != "date":
        return moment
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if moment == midnight else midnight + _DAY


def _log_table(table: PlannedTable, matched: MatchedTable) -> None:
    logger.info(
        "planned",
        extra={
            "table": table.name,
            "complete": table.complete,
            "lower": table.lower,
            "upper": table.upper,
            "slices": table.slice_count,
        },
    )
    if matched.raw.added:
        logger.warning("new columns in the source", extra={"table": table.name, "columns": list(matched.raw.added)})
    taken = {column.name for column in matched.raw.columns}
    if waiting := [column.name for column in matched.columns if column.name not in taken]:
        logger.warning(
            "new columns in the source wait for the next run without a window", extra={"table": table.name, "columns": waiting}
        )
    if table.cursor and table.cursor not in matched.source.indexed:
        logger.warning("no index begins with the cursor: each run scans the table", extra={"table": table.name})

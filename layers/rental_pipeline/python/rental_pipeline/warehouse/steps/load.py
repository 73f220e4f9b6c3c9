"""Load: the Parquet of one table becomes versions (or whole days) in its raw table."""

from __future__ import annotations

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.model.arrivals import write_bounds
from rental_pipeline.model.load_document import LoadTotals
from rental_pipeline.model.raw_tables import BAD_COLUMNS, BAD_COLUMNS_TYPE, FIRST_DATE, METADATA, ROW_HASH, quote_identifier
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.model.strategies import Append, Merge
from rental_pipeline.model.table_plan import PlannedTable
from rental_pipeline.warehouse.steps.analyze import analyze_if_large
from rental_pipeline.warehouse.steps.comparisons import is_recorded_before_its_load, record_comparisons
from rental_pipeline.warehouse.steps.newest import select_newest
from rental_pipeline.warehouse.steps.step import Step, StepRequest, TableRequest
from rental_pipeline.warehouse.steps.verify_load import compose_verification

_METADATA = tuple(METADATA)
# A row without an event time belongs to this day of its append table (docs/architecture.md, "Raw").
_NO_DAY = "0001-01-01"
_NOTHING_BAD = f"cast(null as {BAD_COLUMNS_TYPE})"


def compose_load(request: TableRequest) -> Step:
    """Compose the load of one table: COPY, compare, add what differs, count, move the watermark; one transaction.

    Last of all raw is compared with what was read: what did not arrive as it should is not committed.

    Raises:
        FixConfiguration: the run's plan, or its loads.json, has no such table.
    """
    table = request.table
    totals = request.loads.get(table.name)
    if totals is None:
        raise FixConfiguration(
            f"nothing was read of {table.name} in run {request.run_sequence}; its loads.json has:"
            f" {', '.join(request.loads) or 'no table'}"
        )
    load = Load(request, table, totals)
    change = [*load.replace_days(), load.note_changed_days()] if isinstance(table.strategy, Append) else load.add_versions()
    compared = [] if is_recorded_before_its_load(request, table) else record_comparisons(request, [table])
    verify = compose_verification(request, table, totals)
    writes = request.write_all(*load.copy(), *compared, *change, *load.commit(), *verify)
    return Step(request.statement_name, (*writes, *analyze_if_large(load.raw, totals.rows_in_parquet)))


class Load:
    """The statements of one table's load."""

    def __init__(self, request: StepRequest, table: PlannedTable, totals: LoadTotals):
        self.run = request.run_sequence
        self.table = table
        self.totals = totals
        self.control = request.schemas.control
        self.raw = f"{request.schemas.raw}.{quote_identifier(table.name)}"
        self.copy_role = request.settings.copy_role_arn
        self.observed_at = literal(request.plan.source_time.replace("T", " "))
        self.force_deletes = request.plan.force_deletes
        self.columns = [quote_identifier(column.name) for column in table.columns]
        self.key = [quote_identifier(column) for column in table.key]

    def copy(self) -> list[str]:
        """Bring the slices' rows, each with its hash, into the temporary table `_rp_arrived`, and deleted keys
        into `_rp_deleted`: no name of the pipeline's own here is one that a source may have (own_names.py)."""
        types = {quote_identifier(name): kind for name, kind in self.table.types.items()}
        bad_columns = {BAD_COLUMNS: BAD_COLUMNS_TYPE} if self.table.sets_aside else {}
        statements = self._copy("_rp_arrived", {**types, ROW_HASH: "bigint", **bad_columns}, self.totals.manifest)
        if self.key:
            statements += self._copy("_rp_deleted", {column: types[column] for column in self.key}, self.totals.deleted_manifest)
        return statements

    def add_versions(self) -> list[str]:
        """Add a version for each key whose row differs from its newest version, and a tombstone for each deleted key.

        Deleted is what the comparison found so; or, where the read covered the whole table, what did not arrive.
        """
        keys = ", ".join(self.key)
        # A table that is read whole is compared whole; else its versions of the keys that arrived, by literals (decision 17).
        touched = "" if self.table.complete else f"inner join _rp_touched on {self._on_key('_rp_raw', '_rp_touched')}"
        bounds = "true" if self.table.complete else self._bound_key("_rp_raw")
        cursor = self._measured_cursor
        compared = [ROW_HASH, "_operation", *([quote_identifier(cursor)] if cursor and cursor not in self.table.key else [])]
        select = select_newest(self.raw, self.table.key, compared, bounds, keep_removed=True, join=touched)
        newest = f"create temp table _rp_newest as {select}"
        if self.table.complete:
            statements = [
                newest,
                f"""
                insert into _rp_deleted
                select {", ".join(f"_rp_newest.{column}" for column in self.key)}
                from _rp_newest
                left join _rp_arrived on {self._on_key("_rp_newest", "_rp_arrived")}
                where _rp_newest._operation = 'U' and _rp_arrived._row_hash is null
                """,
            ]
        else:
            statements = [
                f"create temp table _rp_touched as select {keys} from _rp_arrived union select {keys} from _rp_deleted",
                newest,
            ]
        comparison = self.table.comparison
        known = comparison.raw_rows if comparison else "(select count(*) from _rp_newest where _operation = 'U')"
        return [
            *statements,
            *self._measure_cursor(),
            f"""
            insert into {self.raw} ({self._list_arrived()}, _run_sequence, _operation, _observed_at)
            select _rp_arrived.*, {self.run}, 'U', cast({self.observed_at} as timestamp)
            from _rp_arrived
            left join _rp_newest on {self._on_key("_rp_newest", "_rp_arrived")}
            where _rp_newest._operation is null or _rp_newest._operation = 'D' or _rp_newest._row_hash <> _rp_arrived._row_hash
            """,
            f"""
            insert into {self.raw} ({", ".join([*self.key, *_METADATA])})
            select {", ".join(f"_rp_newest.{column}" for column in self.key)},
                {self.run}, 'D', _rp_newest._row_hash, cast({self.observed_at} as timestamp), {_NOTHING_BAD}
            from _rp_newest
            inner join _rp_deleted on {self._on_key("_rp_newest", "_rp_deleted")}
            where _rp_newest._operation = 'U'
            """,
            self._count(
                rows_copied="(select count(*) from _rp_arrived)",
                keys_copied=f"(select count(*) from (select distinct {keys} from _rp_arrived) as _rp_distinct_keys)",
                rows_added=f"(select count(*) from {self.raw} where _run_sequence = {self.run} and _operation = 'U')",
                rows_removed=f"(select count(*) from {self.raw} where _run_sequence = {self.run} and _operation = 'D')",
                rows_known=str(known),
            ),
        ]

    @property
    def _measured_cursor(self) -> str | None:
        """The cursor of a merge table that was compared: how many rows it has missed can be counted."""
        is_compared = isinstance(self.table.strategy, Merge) and self.table.comparison is not None
        return self.table.cursor if is_compared else None

    def _measure_cursor(self) -> list[str]:
        """Note how many rows a comparison found that an increment misses: what the cursor of a merge table is worth.

        Unmoved: the row is another, and its cursor no later than it was. Backdated: a row came, or changed, with a cursor from
        before the window of increments. Rows without a cursor, or with an impossible one, are read by every run.
        """
        found, name, measured = self.table.comparison, literal(self.table.name), self._measured_cursor
        if found is None or measured is None:
            return []
        cursor = quote_identifier(measured)
        changed = "_rp_newest._operation = 'U' and _rp_newest._row_hash <> _rp_arrived._row_hash"
        is_old = f"_rp_arrived.{cursor} < {_timestamp(found.increments_from)}" if found.increments_from else "false"
        is_unmoved = f"{changed} and _rp_arrived.{cursor} <= _rp_newest.{cursor}"
        if self.table.cursor_column.type == "date":
            # A day's later changes show the same date, and are in the window.
            is_unmoved = f"{is_unmoved} and {is_old}"
        is_backdated = f"(_rp_newest._operation is null or _rp_newest._operation = 'D' or {changed}) and {is_old}"
        return [
            f"""
            update {self.control}.reconciliation
            set rows_unmoved = _rp_missed._rp_unmoved, rows_backdated = _rp_missed._rp_backdated
            from (
                select
                    coalesce(sum(case when {is_unmoved} then 1 else 0 end), 0) as _rp_unmoved,
                    coalesce(sum(case when {is_unmoved} then 0 when {is_backdated} then 1 else 0 end), 0) as _rp_backdated
                from _rp_arrived
                left join _rp_newest on {self._on_key("_rp_newest", "_rp_arrived")}
                where _rp_arrived.{cursor} >= '{FIRST_DATE}'
            ) as _rp_missed
            where reconciliation.run_sequence = {self.run} and reconciliation.table_name = {name}
            """
        ]

    def replace_days(self) -> list[str]:
        """Replace the days of the window whose rows, as a multiset, differ from raw's.

        The sum of the rows' hashes, with the count, tells multisets apart.
        """
        event_day = (
            f"coalesce(cast(_rp_arrived.{quote_identifier(self.table.cursor_column.name)} as date), cast('{_NO_DAY}' as date))"
        )
        own_day = f"{self.raw.partition('.')[2]}._event_day"
        multiset = "count(*) as _rp_day_rows, sum(cast(_row_hash as decimal(38, 0))) as _rp_checksum"
        return [
            f"create temp table _rp_arrived_by_day as select _rp_arrived.*, {event_day} as _event_day from _rp_arrived",
            f"create temp table _rp_arrived_day as select _event_day, {multiset} from _rp_arrived_by_day group by _event_day",
            f"""
            create temp table _rp_known_day as
            select _event_day, {multiset}
            from {self.raw}
            where {self._covers_day()}
            group by _event_day
            """,
            """
            create temp table _rp_replaced_day as
            select
                coalesce(_rp_arrived_day._event_day, _rp_known_day._event_day) as _event_day,
                coalesce(_rp_known_day._rp_day_rows, 0) as _rp_known_rows
            from _rp_arrived_day
            full outer join _rp_known_day on _rp_arrived_day._event_day = _rp_known_day._event_day
            where _rp_arrived_day._event_day is null
                or _rp_known_day._event_day is null
                or _rp_arrived_day._rp_day_rows <> _rp_known_day._rp_day_rows
                or _rp_arrived_day._rp_checksum <> _rp_known_day._rp_checksum
            """,
            f"delete from {self.raw} using _rp_replaced_day"
            f" where {own_day} = _rp_replaced_day._event_day and ({self._covers_day(own_day)})",
            f"""
            insert into {self.raw} ({self._list_arrived()}, _event_day, _run_sequence, _operation, _observed_at)
            select _rp_arrived_by_day.*, {self.run}, 'U', cast({self.observed_at} as timestamp)
            from _rp_arrived_by_day
            inner join _rp_replaced_day on _rp_arrived_by_day._event_day = _rp_replaced_day._event_day
            """,
            self._count(
                rows_copied="(select count(*) from _rp_arrived)",
                keys_copied="null",
                rows_added=f"(select count(*) from {self.raw} where _run_sequence = {self.run} and ({self._covers_day()}))",
                rows_removed="(select coalesce(sum(_rp_known_rows), 0) from _rp_replaced_day)",
                rows_known="(select coalesce(sum(_rp_day_rows), 0) from _rp_known_day)",
            ),
        ]

    def note_changed_days(self) -> str:
        """Tell the curated layer which days were replaced."""
        return f"""
        insert into {self.control}.changed_day (table_name, event_day, run_sequence)
        select {literal(self.table.name)}, _event_day, {self.run} from _rp_replaced_day
        """

    def commit_nothing(self) -> list[str]:
        """Record that the table was read and nothing was found, and move the watermark."""
        return [
            self._count(rows_copied="0", keys_copied="null", rows_added="0", rows_removed="0", rows_known="0"),
            *self.commit(),
        ]

    def commit(self) -> list[str]:
        """Check what was counted and move the watermark."""
        # An append window replaces what it removes, so only tombstones are deletes that could be suspicious.
        refuse_deletes = not isinstance(self.table.strategy, Append) and not self.force_deletes
        fraction = self.table.max_delete_fraction if refuse_deletes else None
        before, after = map(_timestamp, (self.table.planned_watermark, self.table.new_watermark))
        return [
            f"call commit_load({self.run}, {literal(self.table.name)}, {before}, {after}, {literal(fraction)},"
            f" {literal(self.table.definition_hash)})"
        ]

    def _list_arrived(self) -> str:
        """List the columns of `_rp_arrived`, as `_rp_arrived.*` does.

        Named once in a statement, and not in COPY: a thousand columns of long names fill most of a request.
        """
        return ", ".join([*self.columns, ROW_HASH, *([BAD_COLUMNS] if self.table.sets_aside else [])])

    def _bound_key(self, rows: str) -> str:
        """The condition that a key's first column lies among those that arrived, or are gone; `true` where that is not known."""
        kind, ends = self.table.types[self.table.key[0]], (self.totals.least_key, self.totals.greatest_key)
        if None in ends or kind.startswith(("varchar", "char")):  # as texts, whole numbers sort otherwise
            return "true"
        return write_bounds(f"{rows}.{self.key[0]}", kind, *map(str, ends))

    def _covers_day(self, day: str = "_event_day") -> str:
        """The condition on _event_day that says which days were read whole."""
        if self.table.days is not None:
            return " or ".join(f"({_between_days(day, start, end)})" for start, end in self.table.days) or "false"
        # Rows without a usable event time are read by every window.
        return f"({_between_days(day, self.table.lower, self.table.upper)}) or {day} < '{FIRST_DATE}'"

    def _copy(self, temporary: str, columns: dict[str, str], manifest: str | None) -> list[str]:
        """Make a temporary table and copy a manifest's files into it.

        Parquet is copied by position: the table has the file's columns, in its order ("COPY from columnar data formats").
        """
        statements = [f"create temp table {temporary} ({', '.join(f'{name} {kind}' for name, kind in columns.items())})"]
        if manifest:
            statements.append(
                f"copy {temporary} from {literal(manifest)} iam_role {literal(self.copy_role)} format as parquet manifest"
            )
        return statements

    def _on_key(self, left: str, right: str) -> str:
        return " and ".join(f"{left}.{column} = {right}.{column}" for column in self.key)

    def _count(self, **counts: str) -> str:
        totals = self.totals
        values = {
            "run_sequence": self.run,
            "table_name": literal(self.table.name),
            "manifest": literal(totals.manifest),
            "slices": totals.slices,
            "parts": totals.parts,
            "bytes": totals.bytes,
            "rows_read": totals.rows_read,
            "rows_in_parquet": totals.rows_in_parquet,
            "zero_dates": totals.zero_dates,
            "rows_set_aside": totals.rows_set_aside,
            **counts,
            "watermark_before": _timestamp(self.table.planned_watermark),
            "watermark_after": _timestamp(self.table.new_watermark),
        }
        selected = ", ".join(str(value) for value in values.values())
        return f"insert into {self.control}.table_load ({', '.join(values)}) select {selected}"


def _between_days(day: str, start: str | None, end: str | None) -> str:
    bounds = [f"{day} >= {literal(start[:10])}"] if start else []
    bounds += [f"{day} < {literal(end[:10])}"] if end else []
    return " and ".join(bounds) or "true"


def _timestamp(text: str | None) -> str:
    return f"cast({literal(text.replace('T', ' '))} as timestamp)" if text else "cast(null as timestamp)"

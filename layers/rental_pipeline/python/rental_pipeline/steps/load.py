"""Load: the Parquet of one table becomes versions (or whole days) in its raw table."""

from __future__ import annotations

from typing import Any

from rental_pipeline.steps.step import Step, StepRequest, find_table, literal

_METADATA = ("_run_sequence", "_operation", "_row_hash", "_observed_at")
# A row without an event time belongs to this day of its append table (docs/architecture.md, "Raw").
_NO_DAY = "0001-01-01"
_LOWEST_DAY = "1000-01-01"


def compose_load(request: StepRequest) -> Step:
    """Compose the load of one table: COPY, compare, add what differs, count, move the watermark; one transaction."""
    table = find_table(request)
    load = Load(request, table)
    change = load.replace_days() if table["strategy"] == "append" else load.add_versions()
    return Step(request.statement_name, (request.write(*load.copy(), *change, *load.commit()),))


class Load:
    """The statements of one table's load."""

    def __init__(self, request: StepRequest, table: dict[str, Any]):
        self.run = request.run_sequence
        self.table = table
        self.totals = request.loads[table["name"]]
        self.control = request.schemas.control
        self.raw = f'{request.schemas.raw}."{table["name"]}"'
        self.copy_role = request.settings.copy_role_arn
        self.observed_at = literal(request.plan["source_time"].replace("T", " "))
        self.force_deletes = request.plan["force_deletes"]
        self.columns = [quote(column["name"]) for column in table["columns"]]
        self.key = [quote(column) for column in table["key"] or ()]

    def copy(self) -> list[str]:
        """Bring the slices' rows into the temporary table `arrived`, and hash each.

        The hash is taken column by column, in the order of the names, with a mark for NULL: two columns never run together, the
        empty text is not NULL, and no concatenated text passes VARCHAR's 65,535 bytes.
        """
        definitions = ", ".join(f"{quote(column['name'])} {column['type']}" for column in self.table["columns"])
        hashes = " || ".join(
            f"coalesce(md5({_as_text(column)}), '-')"
            for column in sorted(self.table["columns"], key=lambda column: column["name"])
        )
        statements = [f"create temp table copied ({definitions})"]
        if self.totals["manifest"]:
            # Parquet is copied by position: the list fixes the order (Redshift, "COPY from columnar data formats").
            statements.append(
                f"copy copied ({', '.join(self.columns)}) from {literal(self.totals['manifest'])}"
                f" iam_role {literal(self.copy_role)} format as parquet manifest"
            )
        statements.append(
            f"create temp table arrived as select {', '.join(self.columns)}, md5({hashes}) as _row_hash from copied"
        )
        return statements

    def add_versions(self) -> list[str]:
        """Add a version for each key whose row differs from its newest version, and a tombstone for each that is gone.

        Absence counts only where the read covered the whole table.
        """
        on_key = " and ".join(f"newest.{column} = arrived.{column}" for column in self.key)
        keys = ", ".join(self.key)
        arriving = (
            ""
            if self.table["complete"]
            else f" where exists (select 1 from arrived where {on_key.replace('newest.', 'raw_rows.')})"
        )
        statements = [
            f"""
            create temp table newest as
            select {keys}, _row_hash, _operation
            from (
                select {keys}, _row_hash, _operation,
                    row_number() over (partition by {keys} order by _run_sequence desc) as version_rank
                from {self.raw} as raw_rows{arriving}
            ) as ranked
            where version_rank = 1
            """,
            f"""
            insert into {self.raw} ({", ".join([*self.columns, *_METADATA])})
            select {", ".join(f"arrived.{column}" for column in self.columns)},
                {self.run}, 'U', arrived._row_hash, cast({self.observed_at} as timestamp)
            from arrived
            left join newest on {on_key}
            where newest._operation is null or newest._operation = 'D' or newest._row_hash <> arrived._row_hash
            """,
        ]
        if self.table["complete"]:
            statements.append(
                f"""
                insert into {self.raw} ({", ".join([*self.key, *_METADATA])})
                select {", ".join(f"newest.{column}" for column in self.key)},
                    {self.run}, 'D', newest._row_hash, cast({self.observed_at} as timestamp)
                from newest
                left join arrived on {on_key}
                where newest._operation = 'U' and arrived._row_hash is null
                """
            )
        statements.append(
            self._count(
                keys_copied=f"(select count(*) from (select distinct {keys} from arrived) as distinct_keys)",
                rows_added=f"(select count(*) from {self.raw} where _run_sequence = {self.run} and _operation = 'U')",
                rows_removed=f"(select count(*) from {self.raw} where _run_sequence = {self.run} and _operation = 'D')",
                rows_known="(select count(*) from newest where _operation = 'U')",
            )
        )
        return statements

    def replace_days(self) -> list[str]:
        """Replace the days of the window whose rows, as a multiset, differ from raw's; note them for the curated layer.

        The checksum is the sum of 60 bits of each row's hash (Redshift, "STRTOL"); with the count it tells multisets apart.
        """
        event_day = f"coalesce(cast({quote(self.table['cursor'])} as date), cast('{_NO_DAY}' as date))"
        multiset = "count(*) as day_rows, sum(cast(strtol(substring(_row_hash, 1, 15), 16) as decimal(38, 0))) as checksum"
        return [
            f"create temp table arrived_by_day as select *, {event_day} as _event_day from arrived",
            f"create temp table arrived_day as select _event_day, {multiset} from arrived_by_day group by _event_day",
            f"""
            create temp table known_day as
            select _event_day, {multiset}
            from {self.raw}
            where {self._covers_day()}
            group by _event_day
            """,
            """
            create temp table replaced_day as
            select
                coalesce(arrived_day._event_day, known_day._event_day) as event_day,
                coalesce(known_day.day_rows, 0) as known_rows
            from arrived_day
            full outer join known_day on arrived_day._event_day = known_day._event_day
            where arrived_day._event_day is null
                or known_day._event_day is null
                or arrived_day.day_rows <> known_day.day_rows
                or arrived_day.checksum <> known_day.checksum
            """,
            f"delete from {self.raw} using replaced_day where {quote(self.table['name'])}._event_day = replaced_day.event_day",
            f"""
            insert into {self.raw} ({", ".join([*self.columns, *_METADATA, "_event_day"])})
            select {", ".join(self.columns)}, {self.run}, 'U', _row_hash, cast({self.observed_at} as timestamp), _event_day
            from arrived_by_day
            inner join replaced_day on arrived_by_day._event_day = replaced_day.event_day
            """,
            f"""
            insert into {self.control}.changed_day (table_name, event_day, run_sequence)
            select {literal(self.table["name"])}, event_day, {self.run} from replaced_day
            """,
            self._count(
                keys_copied="null",
                rows_added=f"(select count(*) from {self.raw} where _run_sequence = {self.run})",
                rows_removed="(select coalesce(sum(known_rows), 0) from replaced_day)",
                rows_known="(select coalesce(sum(day_rows), 0) from known_day)",
            ),
        ]

    def commit(self) -> list[str]:
        """Check what was counted and move the watermark."""
        # An append window replaces what it removes, so only tombstones are deletes that could be suspicious.
        refuse_deletes = self.table["strategy"] != "append" and not self.force_deletes
        fraction = self.table["max_delete_fraction"] if refuse_deletes else None
        before, after = (_timestamp(self.table[name]) for name in ("planned_watermark", "new_watermark"))
        return [
            f"call commit_load({self.run}, {literal(self.table['name'])}, {before}, {after}, {literal(fraction)},"
            f" {literal(self.table['definition_hash'])})"
        ]

    def _covers_day(self) -> str:
        """The condition on _event_day that says which days the window read whole."""
        bounds = []
        if self.table["lower"]:
            bounds.append(f"_event_day >= {literal(self.table['lower'][:10])}")
        if self.table["upper"]:
            bounds.append(f"_event_day < {literal(self.table['upper'][:10])}")
        # Rows without a usable event time are read by every window.
        return f"({' and '.join(bounds) or 'true'}) or _event_day < '{_LOWEST_DAY}'"

    def _count(self, **counts: str) -> str:
        totals = self.totals
        values = {
            "run_sequence": self.run,
            "table_name": literal(self.table["name"]),
            "manifest": literal(totals["manifest"]),
            **{name: totals[name] for name in ("slices", "parts", "bytes", "rows_read", "rows_in_parquet", "zero_dates")},
            "rows_copied": "(select count(*) from copied)",
            **counts,
            "watermark_before": _timestamp(self.table["planned_watermark"]),
            "watermark_after": _timestamp(self.table["new_watermark"]),
        }
        selected = ", ".join(str(value) for value in values.values())
        return f"insert into {self.control}.table_load ({', '.join(values)}) select {selected}"


def quote(identifier: str) -> str:
    """Quote an identifier of the source, which may be a reserved word."""
    return '"' + identifier.replace('"', '""') + '"'


def _as_text(column: dict[str, str]) -> str:
    # CAST … AS VARCHAR without a length would cut at 256 bytes (Redshift, "Character types").
    return quote(column["name"]) if "char" in column["type"] else f"cast({quote(column['name'])} as varchar(64))"


def _timestamp(text: str | None) -> str:
    return f"cast({literal(text.replace('T', ' '))} as timestamp)" if text else "cast(null as timestamp)"

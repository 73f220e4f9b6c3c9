"""Curate: judge the rows of one table that changed in raw, or whose parents did, and remember which periods that makes stale."""

from __future__ import annotations

from rental_pipeline.errors import FixConfiguration
from rental_pipeline.lake_tables import lake_name, mark_years, year_of
from rental_pipeline.raw_tables import quote_identifier
from rental_pipeline.steps.step import Step, StepRequest, literal
from rental_pipeline.warehouse_files import CuratedTable


def compose_curate(request: StepRequest) -> Step:
    """Compose the build of one curated table; one transaction."""
    curation = Curation(request, request.warehouse.curated_table(request.name))
    return Step(request.statement_name, (request.write(*curation.statements()),))


def needs_full_build(request: StepRequest, table: CuratedTable) -> bool:
    """Whether every key is judged: a rebuild was asked for, or what the rows are made with has changed (or never ran)."""
    return (
        request.is_rebuilt("curated", request.warehouse.sources(table))
        or is_forgotten(request, table)
        or not request.ledger.is_made_from("curated", table.name, request.warehouse.curated_hash(table))
    )


def is_reshaped(request: StepRequest, table: CuratedTable) -> bool:
    """Whether the table does not exist with the definition that its file has now."""
    return not request.ledger.is_defined_as("curated", table.name, request.warehouse.definition_hash(table.file))


def is_forgotten(request: StepRequest, table: CuratedTable) -> bool:
    """Whether the run takes a raw table anew that the table's rows are judged by; prepare has then reset its position."""
    return not request.warehouse.sources(table).isdisjoint(request.plan["erased"])


class Curation:
    """The statements of one curated table's build."""

    def __init__(self, request: StepRequest, table: CuratedTable):
        self.request = request
        self.table = table
        self.run = request.run_sequence
        self.control = request.schemas.control
        self.curated = f"{request.schemas.curated}.{table.name}"
        self.rejected = f"{request.schemas.curated}.rejected_rows"
        self.raw = self._raw(table.source)
        # Prepare has made a table of another shape anew, without a position, and reset that of a forgotten one.
        is_unbuilt = is_reshaped(request, table) or is_forgotten(request, table)
        self.position = 0 if is_unbuilt else request.ledger.run_sequence("curated", table.name)
        self.is_full = needs_full_build(request, table)
        self.is_append = self._planned(table.source)["strategy"] == "append"
        self.raw_key = ["_event_day"] if self.is_append else self._source_key(table)
        if len(self.raw_key) != len(table.key):
            raise FixConfiguration(
                f"{table.name}.sql: key names {len(table.key)} columns, source.yaml names {len(self.raw_key)} for {table.source}"
            )

    def statements(self) -> list[str]:
        """Everything between the guard and the commit, in order."""
        changed = f"changed_{self.table.name}"
        return [
            f"call expect_position('curated', {literal(self.table.name)}, {self.position})",
            f"create temp table touched as {self._touched()}",
            *(self._versions() if self.table.is_derived else self._judged()),
            f"create temp table before_image as select {self.table.name}.* from {self.curated}"
            + ("" if self.is_full else f" inner join touched on {self._on_touched(self.table.name)}"),
            f"create temp table after_image as {self.table.file.section('accepted')}",
            f"""
            create temp table {changed} as
            (select * from before_image except select * from after_image)
            union all
            (select * from after_image except select * from before_image)
            """,
            *self._note_verdicts(),
            *self._mark_dirty(),
            self._mark_stale_in_lake(changed),
            f"delete from {self.curated}" + ("" if self.is_full else f" using touched where {self._on_touched(self.table.name)}"),
            f"insert into {self.curated} select * from after_image",
            *([] if self.table.is_derived else self._replace_rejected()),
            self._count(changed),
            f"delete from {self.control}.layer_position where layer = 'curated' and name = {literal(self.table.name)}",
            f"insert into {self.control}.layer_position (layer, name, run_sequence, input_hash, definition_hash)"
            f" values ('curated', {literal(self.table.name)}, {self.run},"
            f" {literal(self.request.warehouse.curated_hash(self.table))},"
            f" {literal(self.request.warehouse.definition_hash(self.table.file))})",
        ]

    def _touched(self) -> str:
        """Keys (or days) whose newest version may now be judged otherwise: changed themselves, or child of a parent that was
        accepted since, or is no longer.

        Raw keeps all versions of a child, so its old parents count as well as its new ones.
        """
        keys = ", ".join(self.raw_key)
        if self.is_full:
            # Days that lost all their rows are in curated, not in raw.
            gone = f" union select event_day from {self.curated}" if self.is_append else ""
            return f"select distinct {keys} from {self.raw}{gone}"
        selects = [f"select {keys} from {self.raw} where _run_sequence > {self.position}"]
        if self.is_append:
            selects.append(
                f"select event_day from {self.control}.changed_day"
                f" where table_name = {literal(self.table.source)} and run_sequence > {self.position}"
            )
        for reference in self.table.references:
            parent_table = self.request.warehouse.curated_table(reference.parent)
            parent = self._raw(parent_table.source)
            parent_key = _join_key("parent", self._source_key(parent_table))
            child_keys = ", ".join(f"child.{key}" for key in self.raw_key)
            selects.append(
                f"select {child_keys} from {self.raw} as child inner join {parent} as parent"
                f" on child.{quote_identifier(reference.column)} = parent.{quote_identifier(reference.parent_key)}"
                f" inner join {self.control}.verdict_change as verdict on verdict.row_key = {parent_key}"
                f" where verdict.table_name = {literal(reference.parent)} and verdict.run_sequence > {self.position}"
            )
        return " union ".join(selects)

    def _judged(self) -> list[str]:
        keys = ", ".join(f"raw_rows.{key}" for key in self.raw_key)
        if self.is_append:
            # Equal rows of one day are told apart by a number, so that each can be rejected by a key of its own.
            newest = f"""
            select
                raw_rows.*,
                row_number() over (
                    partition by raw_rows._event_day, raw_rows._row_hash order by raw_rows._row_hash
                ) as _row_ordinal
            from {self.raw} as raw_rows
            inner join touched on {self._on_touched_raw("raw_rows")}
            """
        else:
            newest = f"""
            select ranked.*
            from (
                select raw_rows.*, row_number() over (partition by {keys} order by raw_rows._run_sequence desc) as _version_rank
                from {self.raw} as raw_rows
                inner join touched on {self._on_touched_raw("raw_rows")}
            ) as ranked
            where ranked._version_rank = 1 and ranked._operation = 'U'
            """
        return [f"create temp table newest as {newest}", f"create temp table judged as {self.table.file.section('judged')}"]

    def _versions(self) -> list[str]:
        return [
            "create temp table versions as"
            f" select raw_rows.* from {self.raw} as raw_rows inner join touched on {self._on_touched_raw('raw_rows')}"
        ]

    def _note_verdicts(self) -> list[str]:
        """Note which keys are accepted now and were not, or the other way round, if other tables refer to this one.

        A full build needs no notes: its children's hash has this table's files in it, so they are built anew as well.
        """
        is_parent = any(
            reference.parent == self.table.name for table in self.request.warehouse.curated for reference in table.references
        )
        if self.is_full or not is_parent:
            return []
        images = {"before_keys": "before_image", "after_keys": "after_image"}
        joins = " ".join(
            f"left join (select distinct {', '.join(self.table.key)} from {image}) as {alias} on {self._on_touched(alias)}"
            for alias, image in images.items()
        )
        was, is_now = (f"case when {alias}.{self.table.key[0]} is null then 0 else 1 end" for alias in images)
        return [
            f"insert into {self.control}.verdict_change (table_name, row_key, run_sequence)"
            f" select {literal(self.table.name)}, {_join_key('touched', self.raw_key)}, {self.run}"
            f" from touched {joins} where {was} <> {is_now}"
        ]

    def _mark_dirty(self) -> list[str]:
        """Note which periods of which metrics the changed rows touch, by each metric's own select."""
        selects = [
            # An untyped literal has no type as a column of an inner query (Redshift: "failed to find conversion function").
            f"select cast({literal(metric.name)} as varchar(127)) as metric, touched_period.period_start"
            f" from ({metric.dirty_from[self.table.name]}) as touched_period"
            for metric in self.request.warehouse.metrics
            if self.table.name in metric.dirty_from
        ]
        if not selects:
            return []
        return [
            f"insert into {self.control}.dirty_period (metric, period_start, run_sequence)"
            f" select distinct metric, period_start, {self.run} from ({' union all '.join(selects)}) as touched_periods"
            " where period_start is not null"
        ]

    def _mark_stale_in_lake(self, changed: str) -> str:
        """Note which years of the table the lake has to unload again.

        Of an append table these are the touched days': events that are equal and differ in number are no changed rows.
        """
        column = year_of(self.table)
        if self.is_append and column not in (None, "event_day"):
            raise FixConfiguration(f"{self.table.name}.sql: an append table's years in the lake are those of event_day")
        rows, date_column = ("touched", column and "_event_day") if self.is_append else (changed, column)
        return mark_years(self.control, lake_name("curated", self.table.name), self.run, rows, date_column)

    def _replace_rejected(self) -> list[str]:
        of_table = f"rejected_rows.table_name = {literal(self.table.name)}"
        if self.is_full:
            forget = f"delete from {self.rejected} where {of_table}"
        elif self.is_append:
            forget = (
                f"delete from {self.rejected} using touched where {of_table} and rejected_rows.event_day = touched._event_day"
            )
        else:
            row_key = _join_key("touched", self.raw_key)
            forget = f"delete from {self.rejected} using touched where {of_table} and rejected_rows.row_key = {row_key}"
        event_day = "event_day" if self.is_append else "cast(null as date)"
        return [
            forget,
            f"insert into {self.rejected} (table_name, row_key, event_day, broken_rule, broken_value)"
            f" select {literal(self.table.name)}, row_key, {event_day}, broken_rule, broken_value"
            " from judged where broken_rule is not null",
        ]

    def _count(self, changed: str) -> str:
        rejected = "0" if self.table.is_derived else "(select count(*) from judged where broken_rule is not null)"
        return (
            f"insert into {self.control}.curated_build"
            " (run_sequence, table_name, is_full, keys_touched, rows_accepted, rows_rejected, rows_changed)"
            f" select {self.run}, {literal(self.table.name)}, {str(self.is_full).lower()}, (select count(*) from touched),"
            f" (select count(*) from after_image), {rejected}, (select count(*) from {changed})"
        )

    def _on_touched(self, curated: str) -> str:
        return " and ".join(
            f"{curated}.{column} = touched.{key}" for column, key in zip(self.table.key, self.raw_key, strict=True)
        )

    def _on_touched_raw(self, alias: str) -> str:
        return " and ".join(f"{alias}.{key} = touched.{key}" for key in self.raw_key)

    def _raw(self, table: str) -> str:
        return f"{self.request.schemas.raw}.{quote_identifier(table)}"

    def _source_key(self, table: CuratedTable) -> list[str]:
        return [quote_identifier(column) for column in self._planned(table.source)["key"]]

    def _planned(self, table: str) -> dict:
        for planned in self.request.plan["tables"]:
            if planned["name"] == table:
                return planned
        raise FixConfiguration(f"{self.table.name}.sql: source {table!r} is no table of source.yaml")


def _join_key(alias: str, key: list[str]) -> str:
    """Return a key's columns as one text, as `row_key` has it."""
    return " || '|' || ".join(f"cast({alias}.{column} as varchar(512))" for column in key)

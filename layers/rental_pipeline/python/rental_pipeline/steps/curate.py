"""Curate: judge the rows of one table that changed in raw, or whose parents did, and remember which periods that makes stale."""

from __future__ import annotations

from rental_pipeline.errors import FixConfiguration
from rental_pipeline.lake_tables import lake_name, mark_years, year_of
from rental_pipeline.raw_tables import BAD_COLUMNS, quote_identifier
from rental_pipeline.steps.dirty_periods import mark_dirty
from rental_pipeline.steps.limits import read_limits, tell_all
from rental_pipeline.steps.step import Step, StepRequest, literal
from rental_pipeline.warehouse_files import CuratedTable, Reference

# The rules that hold for every table: raw could not hold a value (broken_value has the names of the columns), or curated cannot.
UNREADABLE_ROW = "unreadable_row"
VALUE_TOO_LARGE = "value_too_large"
# What breaks them, in words.
RULES = {
    UNREADABLE_ROW: "a value in the source that the warehouse cannot hold (bad_rows in source.yaml)",
    VALUE_TOO_LARGE: "a text longer, or a number larger, than its column holds",
}


def compose_curate(request: StepRequest) -> Step:
    """Compose the build of one curated table; one transaction."""
    curation = Curation(request, request.warehouse.curated_table(request.name))
    return Step(request.statement_name, request.write_all(*curation.statements()))


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
            *self._mark_dirty(),
            self._mark_stale_in_lake(changed),
            f"delete from {self.curated}" + ("" if self.is_full else f" using touched where {self._on_touched(self.table.name)}"),
            f"insert into {self.curated} select * from after_image",
            *([] if self.table.is_derived else [*self._quarantine(), *self._replace_unreadable()]),
            self._count(changed),
            f"delete from {self.control}.layer_position where layer = 'curated' and name = {literal(self.table.name)}",
            f"insert into {self.control}.layer_position (layer, name, run_sequence, input_hash, definition_hash)"
            f" values ('curated', {literal(self.table.name)}, {self.run},"
            f" {literal(self.request.warehouse.curated_hash(self.table))},"
            f" {literal(self.request.warehouse.definition_hash(self.table.file))})",
        ]

    def _touched(self) -> str:
        """Keys (or days) that may now be judged otherwise: changed themselves, or child of a parent that is new in raw.

        Raw keeps all versions, so a parent that it once had is one that existed, whatever became of it.
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
        child_keys = ", ".join(f"child.{key}" for key in self.raw_key)
        selects += [
            f"select {child_keys} from {self.raw} as child inner join ({self._appeared(reference)}) as appeared"
            f" on child.{quote_identifier(reference.column)} = appeared.{quote_identifier(reference.parent_key)}"
            for reference in self.table.references
        ]
        return " union ".join(selects)

    def _appeared(self, reference: Reference) -> str:
        """Return the select of the parents that raw has for the first time since the table's position."""
        raw, key = self._raw_parent(reference), quote_identifier(reference.parent_key)
        return (
            f"select parent.{key} from {raw} as parent inner join"
            f" (select distinct arrived.{key} from {raw} as arrived where arrived._run_sequence > {self.position}) as arrived"
            f" on parent.{key} = arrived.{key} where parent._operation = 'U'"
            f" group by parent.{key} having min(parent._run_sequence) > {self.position}"
        )

    def _judged(self) -> list[str]:
        return [
            f"create temp table newest as {self._select_newest()}",
            *self._take_out_unreadable(),
            *self._known_parents(),
            f"create temp table judged as {self.table.file.section('judged')}",
            *self._take_out_too_large(),
        ]

    def _take_out_unreadable(self) -> list[str]:
        """Return the statements that move the rows of which a value could not be held out of those that are judged."""
        key = ", ".join(f"newest.{column}" for column in self.raw_key)
        if self.is_append:
            row_key = "cast(newest._row_hash as varchar(20)) || '-' || cast(newest._row_ordinal as varchar(64))"
        else:
            row_key = _join_key("newest", self.raw_key)
        # A value of rejected_rows holds 1,024 bytes; a name may take four for each of its letters.
        return [
            f"create temp table _rp_unheld_row as select {key}, cast({row_key} as varchar(1024)) as row_key,"
            f" cast({literal(UNREADABLE_ROW)} as varchar(127)) as broken_rule,"
            f" cast(left(newest.{BAD_COLUMNS}, 256) as varchar(1024)) as broken_value,"
            " cast(null as decimal(38, 2)) as amount, cast(null as varchar(3)) as currency"
            f" from newest where newest.{BAD_COLUMNS} is not null",
            f"delete from newest where {BAD_COLUMNS} is not null",
        ]

    def _take_out_too_large(self) -> list[str]:
        """Return the statements that keep values which the table does not hold from stopping the build.

        A column that may be null only informs: it becomes NULL, and is told as unreadable. Without the others there is no row.
        """
        limits = read_limits(self.table)
        required = [limit for limit in limits if limit.is_required]
        informing = [limit for limit in limits if not limit.is_required]
        statements = []
        if required:
            exceeds = f"judged.broken_rule is null and ({' or '.join(limit.exceeds for limit in required)})"
            keys = ["event_day"] if self.is_append else self.table.key
            statements += [
                f"insert into _rp_unheld_row select {', '.join(f'judged.{column}' for column in keys)}, judged.row_key,"
                f" {literal(VALUE_TOO_LARGE)}, {tell_all(required)}, {', '.join(self._amount('judged'))}"
                f" from judged where {exceeds}",
                f"delete from judged where {exceeds}",
            ]
        if informing:
            exceeds = f"judged.broken_rule is null and ({' or '.join(limit.exceeds for limit in informing)})"
            event_day = "judged.event_day" if self.is_append else "cast(null as date)"
            emptied = ", ".join(
                f"{limit.column} = case when {limit.exceeds} then null else judged.{limit.column} end" for limit in informing
            )
            statements += [
                f"create temp table _rp_shortened as select judged.row_key, {event_day} as event_day,"
                f" {tell_all(informing)} as unreadable_value from judged where {exceeds}",
                f"update judged set {emptied} where {exceeds}",
            ]
        else:
            statements.append(
                "create temp table _rp_shortened (row_key varchar(1024), event_day date, unreadable_value varchar(1024))"
            )
        return statements

    def _select_newest(self) -> str:
        """Return the select of the rows to judge: whole days of an append table, else the newest version of each key.

        Where removed rows are kept, that is the newest version that is no tombstone, with the time of the tombstone after it.
        """
        keys = ", ".join(f"raw_rows.{key}" for key in self.raw_key)
        touched = f"from {self.raw} as raw_rows inner join touched on {self._on_touched_raw('raw_rows')}"
        if self.is_append:
            # Equal rows of one day are told apart by a number, so that each can be rejected by a key of its own.
            return f"""
            select
                raw_rows.*,
                row_number() over (
                    partition by raw_rows._event_day, raw_rows._row_hash order by raw_rows._row_hash
                ) as _row_ordinal
            {touched}
            """
        partition, removed_at = keys, ""
        if self.table.keeps_removed:
            partition = f"{keys}, raw_rows._operation"
            removed_at = f""",
                    first_value(case when raw_rows._operation = 'D' then raw_rows._observed_at end) over (
                        partition by {keys} order by raw_rows._run_sequence desc
                        rows between unbounded preceding and unbounded following
                    ) as _removed_at"""
        return f"""
            select ranked.*
            from (
                select
                    raw_rows.*,
                    row_number() over (partition by {partition} order by raw_rows._run_sequence desc) as _version_rank{removed_at}
                {touched}
            ) as ranked
            where ranked._version_rank = 1 and ranked._operation = 'U'
            """

    def _known_parents(self) -> list[str]:
        """Return one temporary table per parent: the keys, of those that the rows refer to, that raw has or ever had."""
        statements = []
        for parent in dict.fromkeys(reference.parent for reference in self.table.references):
            references = [reference for reference in self.table.references if reference.parent == parent]
            if len({reference.parent_key for reference in references}) > 1:
                raise FixConfiguration(f"{self.table.name}.sql: references names two keys of {parent}; name one")
            raw, key = self._raw_parent(references[0]), quote_identifier(references[0].parent_key)
            referred = " union ".join(
                f"select newest.{quote_identifier(reference.column)} as parent_key from newest" for reference in references
            )
            statements.append(
                f"create temp table known_{parent} as select distinct parent.{key} from {raw} as parent"
                f" inner join ({referred}) as referred on parent.{key} = referred.parent_key where parent._operation = 'U'"
            )
        return statements

    def _versions(self) -> list[str]:
        return [
            "create temp table versions as"
            f" select raw_rows.* from {self.raw} as raw_rows inner join touched on {self._on_touched_raw('raw_rows')}",
            # A version of which a value could not be held says of its time as much as a tombstone: it is a gap.
            f"update versions set _operation = 'D' where {BAD_COLUMNS} is not null",
        ]

    def _mark_dirty(self) -> list[str]:
        """Note which periods of which metrics the changed rows touch, by each metric's own select."""
        metrics = self.request.warehouse.metrics
        return mark_dirty(
            self.request,
            {metric.name: metric.dirty_from[self.table.name] for metric in metrics if self.table.name in metric.dirty_from},
        )

    def _mark_stale_in_lake(self, changed: str) -> str:
        """Note which years of the table the lake has to unload again.

        Of an append table these are the touched days': events that are equal and differ in number are no changed rows.
        """
        column = year_of(self.table)
        if self.is_append and column not in (None, "event_day"):
            raise FixConfiguration(f"{self.table.name}.sql: an append table's years in the lake are those of event_day")
        rows, date_column = ("touched", column and "_event_day") if self.is_append else (changed, column)
        return mark_years(self.control, lake_name("curated", self.table.name), self.run, rows, date_column)

    def _quarantine(self) -> list[str]:
        """Replace the touched rows that are set aside, and record what was not set aside before, in rows and in money."""
        name, run = literal(self.table.name), self.run
        set_aside = f"{self.control}.set_aside_row"
        amount, currency = self._amount("judged")
        amount_before, currency_before = self._amount("before_image")
        # Whether a row was accepted before can be told by its key, which an append table has not.
        before = " and ".join(f"broken.{column} = before_image.{column}" for column in self.table.key)
        event_day = "judged.event_day" if self.is_append else "cast(null as date)"
        keys = [] if self.is_append else self.table.key
        unheld = [
            *(f"_rp_unheld_row.{source} as {column}" for column, source in zip(keys, self.raw_key, strict=False)),
            "_rp_unheld_row.row_key",
            f"{'_rp_unheld_row._event_day' if self.is_append else 'cast(null as date)'} as event_day",
            "_rp_unheld_row.broken_rule, _rp_unheld_row.broken_value, _rp_unheld_row.amount, _rp_unheld_row.currency",
        ]
        was_accepted = "false" if self.is_append else f"before_image.{self.table.key[0]} is not null"
        return [
            f"""
            create temp table quarantined as
            select
                broken.row_key,
                broken.event_day,
                broken.broken_rule,
                broken.broken_value,
                broken.amount,
                broken.currency,
                coalesce(known.run_sequence, {run}) as run_sequence,
                coalesce(known.is_accepted_before, {was_accepted}) as is_accepted_before,
                case when known.row_key is null then {amount_before} else known.amount_before end as amount_before,
                case when known.row_key is null then {currency_before} else known.currency_before end as currency_before
            from (
                select {"".join(f"judged.{column}, " for column in keys)}judged.row_key, {event_day} as event_day,
                    judged.broken_rule, judged.broken_value, {amount} as amount, {currency} as currency
                from judged
                where judged.broken_rule is not null
                union all
                select {", ".join(unheld)} from _rp_unheld_row
            ) as broken
            left join {set_aside} as known on known.table_name = {name} and known.row_key = broken.row_key
            {"" if self.is_append else f"left join before_image on {before}"}
            """,
            self._forget_touched(set_aside),
            f"insert into {set_aside}"
            " (table_name, row_key, event_day, run_sequence, is_accepted_before, amount_before, currency_before)"
            f" select {name}, row_key, event_day, run_sequence, is_accepted_before, amount_before, currency_before"
            " from quarantined",
            self._forget_touched(self.rejected),
            f"insert into {self.rejected} (table_name, row_key, event_day, broken_rule, broken_value, amount, currency)"
            f" select {name}, row_key, event_day, broken_rule, broken_value, amount, currency from quarantined",
            f"""
            insert into {self.control}.set_aside (
                run_sequence, table_name, broken_rule, currency, rows_set_aside, amount, rows_without_amount,
                rows_accepted_before, amount_before
            )
            select
                {run},
                {name},
                broken_rule,
                coalesce(currency_before, currency, ''),
                count(*),
                sum(amount),
                sum(case when amount is null then 1 else 0 end),
                sum(case when is_accepted_before then 1 else 0 end),
                sum(amount_before)
            from quarantined
            where run_sequence = {run}
            group by broken_rule, coalesce(currency_before, currency, '')
            """,
        ]

    def _replace_unreadable(self) -> list[str]:
        """Replace what the touched rows say of fields that inform and could not be read."""
        unreadable = f"{self.request.schemas.curated}.unreadable_values"
        event_day = "event_day" if self.is_append else "cast(null as date)"
        return [
            self._forget_touched(unreadable),
            f"insert into {unreadable} (table_name, row_key, event_day, unreadable_value)"
            f" select {literal(self.table.name)}, row_key, {event_day}, unreadable_value"
            " from judged where unreadable_value is not null and broken_rule is null",
            f"insert into {unreadable} (table_name, row_key, event_day, unreadable_value)"
            f" select {literal(self.table.name)}, row_key, event_day, unreadable_value from _rp_shortened",
        ]

    def _amount(self, rows: str) -> tuple[str, str]:
        """Return the expressions of what a row of `judged` or `before_image` is worth, and of its currency; null: unknown."""
        columns = self.table.amount if not (self.is_append and rows == "before_image") else None
        amount = f"cast(round({rows}.{columns.amount}, 2) as decimal(38, 2))" if columns else "cast(null as decimal(38, 2))"
        if not columns:
            return amount, "cast(null as varchar(3))"
        if columns.currency:
            return amount, f"cast({rows}.{columns.currency} as varchar(3))"
        currency = literal(self.request.settings.reporting_currency)
        return amount, f"case when {rows}.{columns.amount} is not null then cast({currency} as varchar(3)) end"

    def _forget_touched(self, table: str) -> str:
        """Return the statement that deletes the touched rows of this table from one that holds rows of all tables by row_key."""
        name = table.rpartition(".")[2]
        of_table = f"{name}.table_name = {literal(self.table.name)}"
        if self.is_full:
            return f"delete from {table} where {of_table}"
        if self.is_append:
            return f"delete from {table} using touched where {of_table} and {name}.event_day = touched._event_day"
        return f"delete from {table} using touched where {of_table} and {name}.row_key = {_join_key('touched', self.raw_key)}"

    def _count(self, changed: str) -> str:
        rejected, unreadable = (
            "0" if self.table.is_derived else f"(select count(*) from {rows})"
            for rows in (
                "quarantined",
                "(select row_key from judged where unreadable_value is not null and broken_rule is null"
                " union select row_key from _rp_shortened) as unreadable_rows",
            )
        )
        return (
            f"insert into {self.control}.curated_build"
            " (run_sequence, table_name, is_full, keys_touched, rows_accepted, rows_rejected, rows_changed, rows_unreadable)"
            f" select {self.run}, {literal(self.table.name)}, {str(self.is_full).lower()}, (select count(*) from touched),"
            f" (select count(*) from after_image), {rejected}, (select count(*) from {changed}), {unreadable}"
        )

    def _on_touched(self, curated: str) -> str:
        return " and ".join(
            f"{curated}.{column} = touched.{key}" for column, key in zip(self.table.key, self.raw_key, strict=True)
        )

    def _on_touched_raw(self, alias: str) -> str:
        return " and ".join(f"{alias}.{key} = touched.{key}" for key in self.raw_key)

    def _raw(self, table: str) -> str:
        return f"{self.request.schemas.raw}.{quote_identifier(table)}"

    def _raw_parent(self, reference: Reference) -> str:
        return self._raw(self.request.warehouse.curated_table(reference.parent).source)

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

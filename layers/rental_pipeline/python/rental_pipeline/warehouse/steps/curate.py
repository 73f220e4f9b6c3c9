"""Curate: judge the rows of one table that changed in raw, or whose parents did, and remember which periods that makes stale."""

from __future__ import annotations

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.definitions.lake_tables import lake_name, mark_years, year_of
from rental_pipeline.definitions.marketplace import CuratedTable, Reference
from rental_pipeline.model.raw_tables import BAD_COLUMNS, quote_identifier
from rental_pipeline.model.strategies import Append
from rental_pipeline.model.table_plan import PlannedTable
from rental_pipeline.warehouse.steps.dirty_periods import mark_dirty
from rental_pipeline.warehouse.steps.limits import Limit, read_limits, tell_all
from rental_pipeline.warehouse.steps.newest import rank_versions
from rental_pipeline.warehouse.steps.step import Step, StepRequest, TableRequest, literal

_ROW_KEY_BYTES = 512  # of the control schema's tables
_ROW_KEY_START = 110  # characters, of up to four bytes each
_LETTERS_TOLD = 64  # of a reference, and of the key that it may mean
# The rules that hold for every table: raw could not hold a value (broken_value has the names of the columns), or curated cannot;
# or a row whose parent never existed (a rule of the file, named orphan…) only spells a parent's key otherwise.
UNREADABLE_ROW = "unreadable_row"
VALUE_TOO_LARGE = "value_too_large"
PARENT_SPELLED_OTHERWISE = "parent_spelled_otherwise"
_CREATE_SHORTENED = "create temp table _rp_shortened (row_key varchar(1024), event_day date, unreadable_value varchar(1024))"
# What breaks them, in words.
RULES = {
    UNREADABLE_ROW: "a value in the source that the warehouse cannot hold (bad_rows in source.yaml)",
    VALUE_TOO_LARGE: "a text longer, or a number larger, than its column holds",
    PARENT_SPELLED_OTHERWISE: "a reference that differs only in case, or in blanks at its end, from a parent's key, which the"
    " source may take for equal: spell it alike there, or join by lower(…) in the curated file",
}


def compose_curate(request: TableRequest) -> Step:
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
    """Whether the run reloads a raw table in full that the table's rows are judged by; prepare has then reset its position."""
    return not request.warehouse.sources(table).isdisjoint(request.plan.erased)


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
        # Prepare has made a table of another shape again, without a position, and reset that of a forgotten one.
        is_unbuilt = is_reshaped(request, table) or is_forgotten(request, table)
        self.position = 0 if is_unbuilt else request.ledger.applied_run("curated", table.name)
        self.is_full = needs_full_build(request, table)
        self.is_append = isinstance(self._planned(table.source).strategy, Append)
        self.raw_key = ["_event_day"] if self.is_append else self._source_key(table)
        if len(self.raw_key) != len(table.key):
            raise FixConfiguration(
                f"{table.name}.sql: key names {len(table.key)} columns, source.yaml names {len(self.raw_key)} for {table.source}"
            )

    def statements(self) -> list[str]:
        """Everything between the guard and the commit, in order."""
        changed, on_touched = f"changed_{self.table.name}", self._on_touched(self.table.name)
        return [
            f"call expect_position('curated', {literal(self.table.name)}, {self.position})",
            f"create temp table _rp_touched as {self._touched()}",
            *(self._select_versions() if self.table.is_derived else self._judge()),
            f"create temp table _rp_before as select {self.table.name}.* from {self.curated}"
            + ("" if self.is_full else f" inner join _rp_touched on {on_touched}"),
            f"create temp table _rp_after as {self.table.file.section('accepted')}",
            *(self._take_out_too_large_versions() if self.table.is_derived else []),
            f"""
            create temp table {changed} as
            (select * from _rp_before except select * from _rp_after)
            union all
            (select * from _rp_after except select * from _rp_before)
            """,
            *self._mark_dirty(),
            self._mark_stale_in_lake(changed),
            f"delete from {self.curated}"
            + ("" if self.is_full else f" using _rp_touched where {self._on_touched(self.table.name)}"),
            f"insert into {self.curated} select * from _rp_after",
            *self._quarantine(),
            *self._replace_unreadable(),
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
        child_keys = ", ".join(f"_rp_child.{key}" for key in self.raw_key)
        selects += [
            f"select {child_keys} from {self.raw} as _rp_child inner join ({self._appeared(reference)}) as _rp_appeared"
            f" on {self._is_alike(reference, '_rp_child', '_rp_appeared')}"
            for reference in self.table.references
        ]
        return " union ".join(selects)

    def _appeared(self, reference: Reference) -> str:
        """Return the select of the parents that raw has for the first time since the table's position."""
        raw, key = self._raw_parent(reference), quote_identifier(reference.parent_key)
        return (
            f"select _rp_parent.{key} from {raw} as _rp_parent inner join"
            f" (select distinct _rp_raw.{key} from {raw} as _rp_raw where _rp_raw._run_sequence > {self.position}) as _rp_arrived"
            f" on _rp_parent.{key} = _rp_arrived.{key} where _rp_parent._operation = 'U'"
            f" group by _rp_parent.{key} having min(_rp_parent._run_sequence) > {self.position}"
        )

    def _judge(self) -> list[str]:
        return [
            f"create temp table newest as {self._select_newest()}",
            *self._take_out_unreadable(),
            *self._known_parents(),
            f"create temp table judged as {self.table.file.section('judged')}",
            *self._take_out_too_large(),
            *self._find_misspelled(),
        ]

    def _take_out_unreadable(self) -> list[str]:
        """Return the statements that move the rows of which a value could not be held out of those that are judged."""
        key = ", ".join(f"newest.{column}" for column in self.raw_key)
        # A value of rejected_rows holds 1,024 bytes; a name may take four for each of its letters.
        return [
            f"create temp table _rp_unheld_row as select {key}, cast(newest._row_key as varchar(1024)) as row_key,"
            f" cast({literal(UNREADABLE_ROW)} as varchar(127)) as broken_rule,"
            f" cast(left(newest.{BAD_COLUMNS}, 256) as varchar(1024)) as broken_value,"
            " cast(null as decimal(38, 2)) as amount, cast(null as varchar(3)) as currency"
            f" from newest where newest.{BAD_COLUMNS} is not null",
            f"delete from newest where {BAD_COLUMNS} is not null",
        ]

    def _find_misspelled(self) -> list[str]:
        """Return the statements that find, of the rows without a parent, those that only spell a parent's key otherwise.

        The source may find that parent, by a collation that ignores case and blanks at the end; the warehouse compares bytes.
        """
        return [
            "create temp table _rp_misspelled (row_key varchar(1024), broken_value varchar(1024))",
            *(
                "insert into _rp_misspelled select newest._row_key,"
                f" cast(min({literal(f'{reference.column}=')} || left({_as_text('newest', reference.column)}, {_LETTERS_TOLD})"
                f" || ', its parent ' || left({_as_text('_rp_parent', reference.parent_key)}, {_LETTERS_TOLD})) as varchar(1024))"
                " from judged inner join newest on judged.row_key = newest._row_key"
                f" inner join {self._raw_parent(reference)} as _rp_parent on {self._is_alike(reference, 'newest', '_rp_parent')}"
                " where judged.broken_rule like 'orphan%' and _rp_parent._operation = 'U'"
                f" and {_as_text('newest', reference.column)} <> {_as_text('_rp_parent', reference.parent_key)}"
                " group by newest._row_key"
                for reference in self.table.references
                if self._may_be_misspelled(reference)
            ),
        ]

    def _is_alike(self, reference: Reference, child: str, parent: str) -> str:
        """Return the condition that a child refers to a parent, be it by another spelling."""
        names = (f"{child}.{quote_identifier(reference.column)}", f"{parent}.{quote_identifier(reference.parent_key)}")
        if not self._may_be_misspelled(reference):
            return " = ".join(names)
        return " = ".join(f"lower(rtrim(cast({name} as varchar(65535))))" for name in names)

    def _may_be_misspelled(self, reference: Reference) -> bool:
        """Whether a reference is a text; also where the plan does not say."""
        columns = {column.name: column.type for column in self._planned(self.table.source).columns}
        return columns.get(reference.column, "varchar").startswith(("varchar", "char"))

    def _take_out_too_large(self) -> list[str]:
        """Return the statements that keep values which the table does not hold from stopping the build.

        A column that may be null only informs: it becomes NULL, and is told as unreadable. Without the others there is no row.
        """
        required, informing = self._limits("judged")
        statements = []
        if required:
            exceeds = f"judged.broken_rule is null and {_any_of(required)}"
            keys = ["event_day"] if self.is_append else self.table.key
            statements += [
                f"insert into _rp_unheld_row select {', '.join(f'judged.{column}' for column in keys)}, judged.row_key,"
                f" {literal(VALUE_TOO_LARGE)}, {tell_all(required)}, {', '.join(self._amount('judged'))}"
                f" from judged where {exceeds}",
                f"delete from judged where {exceeds}",
            ]
        if informing:
            exceeds = f"judged.broken_rule is null and {_any_of(informing)}"
            event_day = "judged.event_day" if self.is_append else "cast(null as date)"
            statements += [
                f"insert into _rp_shortened select judged.row_key, {event_day}, {tell_all(informing)}"
                f" from judged where {exceeds}",
                f"update judged set {_empty(informing)} where {exceeds}",
            ]
        return [_CREATE_SHORTENED, *statements]

    def _take_out_too_large_versions(self) -> list[str]:
        """Return the statements that keep values which a derived table does not hold from stopping the build.

        Of a key whose versions are too large, one is told; a version without a required value is a gap in the key's history.
        """
        required, informing = self._limits("_rp_after")
        row_key = _write_row_key("_rp_after", [quote_identifier(column) for column in self.table.key])
        keys = [f"_rp_after.{column}" for column in self.table.key]
        selected = [f"{key} as {raw}" for key, raw in zip(keys, self.raw_key, strict=True)]
        exceeds, told = (_any_of(required), tell_all(required)) if required else ("false", "''")
        statements = [
            f"create temp table _rp_unheld_row as select {', '.join(selected)}, cast({row_key} as varchar(1024)) as row_key,"
            f" cast({literal(VALUE_TOO_LARGE)} as varchar(127)) as broken_rule,"
            f" cast(min({told}) as varchar(1024)) as broken_value,"
            " cast(null as decimal(38, 2)) as amount, cast(null as varchar(3)) as currency"
            f" from _rp_after where {exceeds} group by {', '.join(keys)}",
            f"delete from _rp_after where {exceeds}",
            _CREATE_SHORTENED,
        ]
        if informing:
            event_day = keys[0] if self.is_append else "cast(null as date)"
            statements += [
                f"insert into _rp_shortened select {row_key}, {event_day}, min({tell_all(informing)})"
                f" from _rp_after where {_any_of(informing)} group by {', '.join(keys)}",
                f"update _rp_after set {_empty(informing)} where {_any_of(informing)}",
            ]
        return statements

    def _limits(self, rows: str) -> tuple[list[Limit], list[Limit]]:
        """Return the limits of the columns that are required, and of those that only inform."""
        limits = read_limits(self.table, rows)
        return [limit for limit in limits if limit.is_required], [limit for limit in limits if not limit.is_required]

    def _select_newest(self) -> str:
        """Return the select of the rows to judge: whole days of an append table, else the newest version of each key.

        Where removed rows are kept, that is the newest version that is no tombstone, with the time of the tombstone after it.
        """
        keys = ", ".join(f"_rp_raw.{key}" for key in self.raw_key)
        touched = f"from {self.raw} as _rp_raw inner join _rp_touched on {self._on_touched_raw('_rp_raw')}"
        if self.is_append:
            # Equal rows of one day are told apart by a number, so that each can be rejected by a key of its own.
            return f"""
            select _rp_numbered.*,
                cast(_rp_numbered._row_hash as varchar(64)) || '-' || cast(_rp_numbered._row_ordinal as varchar(64)) as _row_key
            from (
                select
                    _rp_raw.*,
                    row_number() over (
                        partition by _rp_raw._event_day, _rp_raw._row_hash order by _rp_raw._row_hash
                    ) as _row_ordinal
                {touched}
            ) as _rp_numbered
            """
        ranked, removed_at = self.raw_key, ""
        if self.table.keeps_removed:
            ranked = [*self.raw_key, "_operation"]
            removed_at = f""",
                    first_value(case when _rp_raw._operation = 'D' then _rp_raw._observed_at end) over (
                        partition by {keys} order by _rp_raw._run_sequence desc
                        rows between unbounded preceding and unbounded following
                    ) as _removed_at"""
        return f"""
            select _rp_ranked.*, {_write_row_key("_rp_ranked", self.raw_key)} as _row_key
            from (
                select
                    _rp_raw.*,
                    {rank_versions(*ranked)} as _version_rank{removed_at}
                {touched}
            ) as _rp_ranked
            where _rp_ranked._version_rank = 1 and _rp_ranked._operation = 'U'
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
                f"select newest.{quote_identifier(reference.column)} as _rp_parent_key from newest" for reference in references
            )
            statements.append(
                f"create temp table known_{parent} as select distinct _rp_parent.{key} from {raw} as _rp_parent"
                f" inner join ({referred}) as _rp_referred"
                f" on _rp_parent.{key} = _rp_referred._rp_parent_key where _rp_parent._operation = 'U'"
            )
        return statements

    def _select_versions(self) -> list[str]:
        return [
            "create temp table versions as"
            f" select _rp_raw.* from {self.raw} as _rp_raw inner join _rp_touched on {self._on_touched_raw('_rp_raw')}",
            # A version of which a value could not be held says of its time as much as a tombstone: it is a gap.
            f"update versions set _operation = 'D' where {BAD_COLUMNS} is not null",
        ]

    def _mark_dirty(self) -> list[str]:
        """Note which periods of which metrics the changed rows touch, by each metric's own select."""
        selects = {metric.name: metric.select_dirty(self.table.name, self.control) for metric in self.request.warehouse.metrics}
        return mark_dirty(self.request, {metric: select for metric, select in selects.items() if select})

    def _mark_stale_in_lake(self, changed: str) -> str:
        """Note which years of the table the lake has to unload again.

        Of an append table these are the touched days': events that are equal and differ in number are no changed rows.
        """
        column = year_of(self.table)
        if self.is_append and column not in (None, "event_day"):
            raise FixConfiguration(f"{self.table.name}.sql: an append table's years in the lake are those of event_day")
        rows, date_column = ("_rp_touched", column and "_event_day") if self.is_append else (changed, column)
        return mark_years(self.control, lake_name("curated", self.table.name), self.run, rows, date_column)

    def _quarantine(self) -> list[str]:
        """Replace the touched rows that are set aside, and record what was not set aside before, in rows and in money."""
        name, run = literal(self.table.name), self.run
        set_aside = f"{self.control}.set_aside_row"
        amount, currency = self._amount("judged")
        amount_before, currency_before = self._amount("_rp_before")
        # Whether a row was accepted before can be told by its key, which an append table has not.
        before = " and ".join(f"_rp_broken.{column} = _rp_before.{column}" for column in self.table.key)
        event_day = "judged.event_day" if self.is_append else "cast(null as date)"
        keys = [] if self.is_append else self.table.key
        unheld = [
            *(f"_rp_unheld_row.{source} as {column}" for column, source in zip(keys, self.raw_key, strict=False)),
            "_rp_unheld_row.row_key",
            f"{'_rp_unheld_row._event_day' if self.is_append else 'cast(null as date)'} as event_day",
            "_rp_unheld_row.broken_rule, _rp_unheld_row.broken_value, _rp_unheld_row.amount, _rp_unheld_row.currency",
        ]
        was_accepted = "false" if self.is_append else f"_rp_before.{self.table.key[0]} is not null"
        rows_before = "_rp_before"
        misspelled = "(select row_key, min(broken_value) as broken_value from _rp_misspelled group by row_key) as _rp_misspelled"
        judged = f"""
                    select {"".join(f"judged.{column}, " for column in keys)}judged.row_key, {event_day} as event_day,
                        case
                            when _rp_misspelled.row_key is null then judged.broken_rule
                            else cast({literal(PARENT_SPELLED_OTHERWISE)} as varchar(127))
                        end as broken_rule,
                        coalesce(_rp_misspelled.broken_value, judged.broken_value) as broken_value,
                        {amount} as amount, {currency} as currency
                    from judged
                    left join {misspelled} on judged.row_key = _rp_misspelled.row_key
                    where judged.broken_rule is not null
                    union all"""
        if self.table.is_derived:
            # Several rows have one key, and what is judged is in another table.
            judged, rows_before = "", f"(select distinct {', '.join(self.table.key)} from _rp_before) as _rp_before"
        return [
            f"""
            create temp table _rp_quarantined as
            select
                _rp_broken.row_key,
                _rp_broken.event_day,
                _rp_broken.broken_rule,
                _rp_broken.broken_value,
                _rp_broken.amount,
                _rp_broken.currency,
                coalesce(_rp_known.run_sequence, {run}) as run_sequence,
                coalesce(_rp_known.is_accepted_before, {was_accepted}) as is_accepted_before,
                case when _rp_known.row_key is null then {amount_before} else _rp_known.amount_before end as amount_before,
                case when _rp_known.row_key is null then {currency_before} else _rp_known.currency_before end as currency_before
            from (
                select _rp_each.*, {_number_alike("_rp_each")} as _rp_number
                from ({judged}
                    select {", ".join(unheld)} from _rp_unheld_row
                ) as _rp_each
            ) as _rp_broken
            left join {self._set_aside_before()}
            {"" if self.is_append else f"left join {rows_before} on {before}"}
            """,
            self._forget_touched(set_aside),
            f"insert into {set_aside}"
            " (table_name, row_key, event_day, run_sequence, is_accepted_before, amount_before, currency_before)"
            f" select {name}, row_key, event_day, run_sequence, is_accepted_before, amount_before, currency_before"
            " from _rp_quarantined",
            self._forget_touched(self.rejected),
            f"insert into {self.rejected} (table_name, row_key, event_day, broken_rule, broken_value, amount, currency)"
            f" select {name}, row_key, event_day, broken_rule, broken_value, amount, currency from _rp_quarantined",
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
            from _rp_quarantined
            where run_sequence = {run}
            group by broken_rule, coalesce(currency_before, currency, '')
            """,
        ]

    def _set_aside_before(self) -> str:
        """Return what is joined to the broken rows: those that were set aside before, under the name _rp_known.

        A keyed row is known by its key. An event is known by its day, its rule and the value that broke it, as one of so many:
        the hash in its row_key is another when the source only adds a column.
        """
        set_aside, of_table = f"{self.control}.set_aside_row", f"set_aside_row.table_name = {literal(self.table.name)}"
        if not self.is_append:
            on_key = "_rp_known.row_key = _rp_broken.row_key"
            return f"(select set_aside_row.* from {set_aside} where {of_table}) as _rp_known on {on_key}"
        alike = ("event_day", "broken_rule", "broken_value", "_rp_number")
        matches = " and ".join(
            f"coalesce(_rp_known.{column}, '') = coalesce(_rp_broken.{column}, '')"
            if column == "broken_value"
            else f"_rp_known.{column} = _rp_broken.{column}"
            for column in alike
        )
        return f"""(
                select set_aside_row.*, rejected_rows.broken_rule, rejected_rows.broken_value,
                    {_number_alike("rejected_rows")} as _rp_number
                from {set_aside}
                inner join {self.rejected}
                    on set_aside_row.table_name = rejected_rows.table_name and set_aside_row.row_key = rejected_rows.row_key
                where {of_table}
            ) as _rp_known on {matches}"""

    def _replace_unreadable(self) -> list[str]:
        """Replace what the touched rows say of fields that inform and could not be read."""
        unreadable = f"{self.request.schemas.curated}.unreadable_values"
        event_day = "event_day" if self.is_append else "cast(null as date)"
        judged = (
            f"insert into {unreadable} (table_name, row_key, event_day, unreadable_value)"
            f" select {literal(self.table.name)}, row_key, {event_day}, unreadable_value"
            " from judged where unreadable_value is not null and broken_rule is null"
        )
        return [
            self._forget_touched(unreadable),
            *([] if self.table.is_derived else [judged]),
            f"insert into {unreadable} (table_name, row_key, event_day, unreadable_value)"
            f" select {literal(self.table.name)}, row_key, event_day, unreadable_value from _rp_shortened",
        ]

    def _amount(self, rows: str) -> tuple[str, str]:
        """Return the expressions of what a row of `judged` or `_rp_before` is worth, and of its currency; null: unknown."""
        columns = self.table.amount if not (self.is_append and rows == "_rp_before") else None
        if not columns:
            return "cast(null as decimal(38, 2))", "cast(null as varchar(3))"
        value = f"{rows}.{columns.amount}"
        # A broken row may be worth more than any number of the ledger; as double precision it may be asked.
        amount = f"case when abs(cast({value} as double precision)) < 1e35 then cast(round({value}, 2) as decimal(38, 2)) end"
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
            return f"delete from {table} using _rp_touched where {of_table} and {name}.event_day = _rp_touched._event_day"
        row_key = _write_row_key("_rp_touched", self.raw_key)
        return f"delete from {table} using _rp_touched where {of_table} and {name}.row_key = {row_key}"

    def _count(self, changed: str) -> str:
        judged = "select row_key from judged where unreadable_value is not null and broken_rule is null union "
        unreadable = f"{'' if self.table.is_derived else judged}select row_key from _rp_shortened"
        return (
            f"insert into {self.control}.curated_build"
            " (run_sequence, table_name, is_full, keys_touched, rows_accepted, rows_rejected, rows_changed, rows_unreadable)"
            f" select {self.run}, {literal(self.table.name)}, {str(self.is_full).lower()}, (select count(*) from _rp_touched),"
            " (select count(*) from _rp_after), (select count(*) from _rp_quarantined),"
            f" (select count(*) from {changed}), (select count(*) from ({unreadable}) as _rp_unreadable)"
        )

    def _on_touched(self, curated: str) -> str:
        return " and ".join(
            f"{curated}.{column} = _rp_touched.{key}" for column, key in zip(self.table.key, self.raw_key, strict=True)
        )

    def _on_touched_raw(self, alias: str) -> str:
        return " and ".join(f"{alias}.{key} = _rp_touched.{key}" for key in self.raw_key)

    def _raw(self, table: str) -> str:
        return f"{self.request.schemas.raw}.{quote_identifier(table)}"

    def _raw_parent(self, reference: Reference) -> str:
        return self._raw(self.request.warehouse.curated_table(reference.parent).source)

    def _source_key(self, table: CuratedTable) -> list[str]:
        return [quote_identifier(column) for column in self._planned(table.source).key]

    def _planned(self, name: str) -> PlannedTable:
        planned = self.request.plan.find(name)
        if planned is None:
            raise FixConfiguration(f"{self.table.name}.sql: source {name!r} is no table of source.yaml")
        return planned


def _as_text(rows: str, column: str) -> str:
    return f"cast({rows}.{quote_identifier(column)} as varchar(65535))"


def _any_of(limits: list[Limit]) -> str:
    """Return the condition that a row exceeds one of the limits."""
    return f"({' or '.join(limit.exceeds for limit in limits)})"


def _empty(limits: list[Limit]) -> str:
    """Return the assignments that make NULL of what exceeds a limit."""
    return ", ".join(
        f"{limit.column} = case when {limit.exceeds} then null else {limit.rows}.{limit.column} end" for limit in limits
    )


def _number_alike(rows: str) -> str:
    """Return the expression that numbers rows of one day which break one rule by one value."""
    alike = ", ".join(f"{rows}.{column}" for column in ("event_day", "broken_rule", "broken_value"))
    return f"row_number() over (partition by {alike} order by {rows}.row_key)"


def _write_row_key(alias: str, key: list[str]) -> str:
    """Return a key as one text, `_row_key` of `newest`: different for different keys.

    A single column is its text. Of several, what joins them is escaped in each (| as ~1, and ~ as ~0, as in JSON Pointers), or
    `a|b, c` would be `a, b|c`. A key of more bytes than tables of row keys hold is cut, and told from others by its MD5.
    """
    parts = [f"cast({alias}.{column} as varchar(65535))" for column in key]
    if len(parts) > 1:
        parts = [f"replace(replace({part}, '~', '~0'), '|', '~1')" for part in parts]
    joined = " || '|' || ".join(parts)
    short = f"left({joined}, {_ROW_KEY_START}) || '~' || md5({joined})"
    return (
        f"cast(case when octet_length({joined}) <= {_ROW_KEY_BYTES} then {joined} else {short} end as varchar({_ROW_KEY_BYTES}))"
    )

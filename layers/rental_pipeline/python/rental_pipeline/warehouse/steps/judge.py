"""Judging the touched rows: by the rules that hold for every table, and by those of the curated file."""

from __future__ import annotations

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.model.raw_tables import BAD_COLUMNS, quote_identifier
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.model.strategies import Merge
from rental_pipeline.warehouse.steps.curated_build import CuratedBuild, write_row_key
from rental_pipeline.warehouse.steps.joined import JoinedTables
from rental_pipeline.warehouse.steps.limits import Limit, describe_all, read_limits
from rental_pipeline.warehouse.steps.newest import rank_versions

_MOST_SHOWN = 64  # characters of a reference, and of the key that it may mean
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
    " source may take for equal: use the same spelling there, or join by lower(…) in the curated file",
}


class Judging(CuratedBuild):
    """The statements from the touched keys to `judged`, and to what is set aside by a rule that holds for every table."""

    def judge(self) -> list[str]:
        """Return the statements that make `judged`, and the tables of what is set aside before or after it."""
        return [
            f"create temp table newest as {self._select_newest()}",
            *self._take_out_unreadable(),
            *self._known_parents(),
            *JoinedTables(self.request, self.table, self.position, self.arrivals, self.judges_new_rows).create(),
            f"create temp table judged as {self.table.file.section('judged')}",
            *self._take_out_too_large(),
            *self._find_misspelled(),
        ]

    def _select_newest(self) -> str:
        """Return the select of the rows to judge: whole days of an append table, else the newest version of each key.

        Where removed rows are kept, that is the newest version that is no tombstone, with the time of the tombstone after it.
        """
        keys = ", ".join(f"_rp_raw.{key}" for key in self.raw_key)
        touched = (
            f"from {self.raw} as _rp_raw inner join _rp_touched on {self.on_touched_raw('_rp_raw')}"
            f" where {self.bound_raw('_rp_raw')}"
        )
        if self.is_append and self.arrivals.orphans:
            touched = f"""
                from {self.raw} as _rp_raw
                left join _rp_touched on {self.on_touched_raw("_rp_raw")}
                left join (select distinct _event_day, _row_hash from _rp_orphan where is_rejected) as _rp_alone
                    on _rp_raw._event_day = _rp_alone._event_day and _rp_raw._row_hash = _rp_alone._row_hash
                where (_rp_touched._event_day is not null or _rp_alone._event_day is not null) and {self.bound_raw("_rp_raw")}"""
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
            select _rp_ranked.*, {write_row_key("_rp_ranked", self.raw_key)} as _row_key
            from (
                select
                    _rp_raw.*,
                    {rank_versions(*ranked)} as _version_rank{removed_at}
                {touched}
            ) as _rp_ranked
            where _rp_ranked._version_rank = 1 and _rp_ranked._operation = 'U'
            """

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

    def _known_parents(self) -> list[str]:
        """Return one temporary table per parent: the keys, of those that the rows refer to, that raw has or ever had."""
        statements = []
        for parent in dict.fromkeys(reference.parent for reference in self.table.references):
            references = [reference for reference in self.table.references if reference.parent == parent]
            if len({reference.parent_key for reference in references}) > 1:
                raise FixConfiguration(f"{self.table.name}.sql: references names two keys of {parent}; name one")
            raw, key = self.raw_parent(references[0]), quote_identifier(references[0].parent_key)
            referred = " union ".join(
                f"select newest.{quote_identifier(reference.column)} as _rp_parent_key from newest" for reference in references
            )
            statements.append(
                f"create temp table known_{parent} as select distinct _rp_parent.{key} from {raw} as _rp_parent"
                f" inner join ({referred}) as _rp_referred"
                f" on _rp_parent.{key} = _rp_referred._rp_parent_key where _rp_parent._operation = 'U'"
                f" and {self.bound_parents(references, '_rp_parent')}"
            )
        return statements

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
                f" {literal(VALUE_TOO_LARGE)}, {describe_all(required)}, {', '.join(self.amount_of('judged'))}"
                f" from judged where {exceeds}",
                f"delete from judged where {exceeds}",
            ]
        if informing:
            exceeds = f"judged.broken_rule is null and {_any_of(informing)}"
            event_day = "judged.event_day" if self.is_append else "cast(null as date)"
            statements += [
                f"insert into _rp_shortened select judged.row_key, {event_day}, {describe_all(informing)}"
                f" from judged where {exceeds}",
                f"update judged set {_empty(informing)} where {exceeds}",
            ]
        return [_CREATE_SHORTENED, *statements]

    def _find_misspelled(self) -> list[str]:
        """Return the statements that find, of the rows without a parent, those that only spell a parent's key otherwise.

        The source may find that parent, by a collation that ignores case; the warehouse compares bytes (but for blanks).
        """
        selects = [
            "select newest._row_key,"
            f" cast(min({literal(f'{reference.column}=')} || left({_as_text('newest', reference.column)}, {_MOST_SHOWN})"
            f" || ', its parent ' || left({_as_text('_rp_parent', reference.parent_key)}, {_MOST_SHOWN})) as varchar(1024))"
            " as _rp_broken_value from judged inner join newest on judged.row_key = newest._row_key"
            f" inner join {self.raw_parent(reference)} as _rp_parent on {self.is_alike(reference, 'newest', '_rp_parent')}"
            " where judged.broken_rule like 'orphan%' and _rp_parent._operation = 'U'"
            f" and {_as_text('newest', reference.column)} <> {_as_text('_rp_parent', reference.parent_key)}"
            " group by newest._row_key"
            for reference in self.table.references
            if self.may_be_misspelled(reference)
        ]
        if not selects:
            return ["create temp table _rp_misspelled (_row_key varchar(1024), _rp_broken_value varchar(1024))"]
        return [f"create temp table _rp_misspelled as {' union all '.join(selects)}"]

    def select_versions(self) -> list[str]:
        """Return the statements that make `versions`, all of the touched keys, of which a derived table is made.

        `_changed_at` is when a version came to be (UTC): by its cursor, unless the row was seen to be otherwise, or absent,
        after that; then, and where there is no cursor, it is when the version was seen. Its predecessor's run saw the row
        otherwise, and so did each comparison of the whole table between the two that came to its end, but for those of a raw
        table that was erased.
        """
        keys = ", ".join(f"_rp_raw.{key}" for key in self.raw_key)
        cursor = self._write_cursor("_rp_version")
        name = literal(self.table.source)
        return [
            "create temp table _rp_version as select _rp_raw.*,"
            f" lag(_rp_raw._observed_at) over (partition by {keys} order by _rp_raw._run_sequence) as _rp_before_at"
            f" from {self.raw} as _rp_raw inner join _rp_touched on {self.on_touched_raw('_rp_raw')}"
            f" where {self.bound_raw('_rp_raw')}",
            f"""
            create temp table versions as
            select _rp_version.*,
                case
                    when _rp_version._operation = 'D' or _rp_version.{BAD_COLUMNS} is not null
                        or {cursor} < greatest(_rp_version._rp_before_at, _rp_compared._rp_compared_at)
                        then _rp_version._observed_at
                    else coalesce({cursor}, _rp_version._observed_at)
                end as _changed_at
            from _rp_version
            left join (
                select _rp_run._run_sequence, max(reconciliation.compared_at) as _rp_compared_at
                from (select distinct _run_sequence from _rp_version) as _rp_run
                inner join {self.control}.reconciliation
                    on reconciliation.run_sequence < _rp_run._run_sequence
                    and reconciliation.table_name = {name} and reconciliation.is_whole
                where reconciliation.source_rows_after is not null and reconciliation.run_sequence >= (
                    select coalesce(max(first_run_sequence), 0) from {self.control}.layer_position
                    where layer = 'raw' and name = {name}
                )
                group by _rp_run._run_sequence
            ) as _rp_compared on _rp_version._run_sequence = _rp_compared._run_sequence
            """,
            # A version of which a value could not be held says of its time as much as a tombstone: it is a gap.
            f"update versions set _operation = 'D' where {BAD_COLUMNS} is not null",
        ]

    def _write_cursor(self, rows: str) -> str:
        """Return the expression of when a version says that its row was changed, in UTC; NULL where no column says it."""
        planned = self.planned(self.table.source)
        if not isinstance(planned.strategy, Merge):
            return "cast(null as timestamp)"
        cursor = f"cast({rows}.{quote_identifier(planned.strategy.cursor)} as timestamp)"
        zone = planned.cursor_time_zone
        return cursor if zone == "UTC" else f"convert_timezone({literal(zone)}, 'UTC', {cursor})"

    def take_out_too_large_versions(self) -> list[str]:
        """Return the statements that keep values which a derived table does not hold from stopping the build.

        Of a key whose versions are too large, one is told; a version without a required value is a gap in the key's history.
        """
        required, informing = self._limits("_rp_after")
        row_key = write_row_key("_rp_after", [quote_identifier(column) for column in self.table.key])
        keys = [f"_rp_after.{column}" for column in self.table.key]
        selected = [f"{key} as {raw}" for key, raw in zip(keys, self.raw_key, strict=True)]
        exceeds, told = (_any_of(required), describe_all(required)) if required else ("false", "''")
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
                f"insert into _rp_shortened select {row_key}, {event_day}, min({describe_all(informing)})"
                f" from _rp_after where {_any_of(informing)} group by {', '.join(keys)}",
                f"update _rp_after set {_empty(informing)} where {_any_of(informing)}",
            ]
        return statements

    def _limits(self, rows: str) -> tuple[list[Limit], list[Limit]]:
        """Return the limits of the columns that are required, and of those that only inform."""
        limits = read_limits(self.table, rows)
        return [limit for limit in limits if limit.is_required], [limit for limit in limits if not limit.is_required]


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

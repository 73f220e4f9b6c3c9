"""The quarantine of a curated table: the rejected rows and unreadable values of the touched keys, and what is newly set aside."""

from __future__ import annotations

from rental_pipeline.definitions.curated_table import Reference
from rental_pipeline.model.raw_tables import quote_identifier
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.warehouse.steps.curated_build import CuratedBuild, write_row_key
from rental_pipeline.warehouse.steps.judge import PARENT_SPELLED_OTHERWISE
from rental_pipeline.warehouse.steps.touched_keys import hash_key


class Quarantine(CuratedBuild):
    """The statements that replace it, after the table itself was replaced."""

    def replace_rejected(self) -> list[str]:
        """Replace the touched rows that are set aside, and record what was not set aside before, in rows and in money."""
        name, run = literal(self.table.name), self.run
        set_aside = f"{self.control}.set_aside_row"
        amount, currency = self.amount_of("judged")
        amount_before, currency_before = self.amount_of("_rp_before")
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
        told = "select _row_key as row_key, min(_rp_broken_value) as broken_value from _rp_misspelled group by _row_key"
        judged = f"""
                    select {"".join(f"judged.{column}, " for column in keys)}judged.row_key, {event_day} as event_day,
                        case
                            when _rp_misspelled.row_key is null then judged.broken_rule
                            else cast({literal(PARENT_SPELLED_OTHERWISE)} as varchar(127))
                        end as broken_rule,
                        coalesce(_rp_misspelled.broken_value, judged.broken_value) as broken_value,
                        {amount} as amount, {currency} as currency
                    from judged
                    left join ({told}) as _rp_misspelled on judged.row_key = _rp_misspelled.row_key
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

    def replace_unreadable(self) -> list[str]:
        """Replace what the touched rows say of fields that inform and could not be read."""
        unreadable = f"{self.request.schemas.curated}.unreadable_values"
        event_day = "event_day" if self.is_append else "cast(null as date)"
        name = f"cast({literal(self.table.name)} as varchar(127))"
        shortened = f"select {name}, row_key, event_day, unreadable_value from _rp_shortened"
        judged = (
            f"select {name}, row_key, {event_day}, unreadable_value"
            " from judged where unreadable_value is not null and broken_rule is null union all "
        )
        return [
            self._forget_touched(unreadable),
            f"insert into {unreadable} (table_name, row_key, event_day, unreadable_value)"
            f" {'' if self.table.is_derived else judged}{shortened}",
        ]

    def replace_orphans(self) -> list[str]:
        """Replace what of the touched rows refers to a parent that raw never had: they are judged again when it comes."""
        if self.table.is_derived:
            return []
        orphan = f"{self.control}.orphan"
        columns = "table_name, row_key, event_day, row_hash, run_sequence, parent, parent_hash, is_rejected"
        selects = " union all ".join(map(self._select_orphans, self.table.references))
        return [self._forget_touched(orphan), *([f"insert into {orphan} ({columns}) {selects}"] if selects else [])]

    def _select_orphans(self, reference: Reference) -> str:
        child = f"newest.{quote_identifier(reference.column)}"
        known = f"known_{reference.parent}.{quote_identifier(reference.parent_key)}"
        return f"""
            select
                cast({literal(self.table.name)} as varchar(127)),
                newest._row_key,
                {"newest._event_day" if self.is_append else "cast(null as date)"},
                newest._row_hash,
                newest._run_sequence,
                cast({literal(reference.parent)} as varchar(127)),
                {hash_key("newest", reference.column)},
                _rp_accepted.row_key is null
            from newest
            left join known_{reference.parent} on {child} = {known}
            left join (select row_key from judged where broken_rule is null) as _rp_accepted
                on newest._row_key = _rp_accepted.row_key
            where {child} is not null and {known} is null
        """

    def _forget_touched(self, table: str) -> str:
        """Return the statement that deletes the touched rows of this table from one that holds rows of all tables by row_key."""
        name = table.rpartition(".")[2]
        of_table = f"{name}.table_name = {literal(self.table.name)}"
        if self.is_full:
            return f"delete from {table} where {of_table}"
        if not self.is_append:
            row_key = write_row_key("_rp_touched", self.raw_key)
            return f"delete from {table} using _rp_touched where {of_table} and {name}.row_key = {row_key}"
        if not self.arrivals.orphans:
            return f"delete from {table} using _rp_touched where {of_table} and {name}.event_day = _rp_touched._event_day"
        alone = (
            f"cast({name}.event_day as varchar(64)) || {name}.row_key in"
            " (select cast(_rp_orphan._event_day as varchar(64)) || _rp_orphan.row_key from _rp_orphan)"
        )
        of_day = f"{name}.event_day in (select _rp_touched._event_day from _rp_touched)"
        return f"delete from {table} where {of_table} and ({of_day} or {alone})"


def _number_alike(rows: str) -> str:
    """Return the expression that numbers rows of one day which break one rule by one value."""
    alike = ", ".join(f"{rows}.{column}" for column in ("event_day", "broken_rule", "broken_value"))
    return f"row_number() over (partition by {alike} order by {rows}.row_key)"

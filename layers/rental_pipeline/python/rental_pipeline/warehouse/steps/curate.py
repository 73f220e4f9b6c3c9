"""Curate: judge the rows of one table that changed in raw, or whose parents did, and remember which periods that makes stale."""

from __future__ import annotations

from typing import Any

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.base.object_store import DIRTY, run_key, write_json
from rental_pipeline.definitions.lake_tables import division_of, lake_name, mark_parts
from rental_pipeline.model.document import write
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.warehouse.steps.curated_build import CuratedBuild, is_reshaped
from rental_pipeline.warehouse.steps.dirty_periods import mark_dirty, read_dirty_ranges, select_dirty_ranges
from rental_pipeline.warehouse.steps.judge import UNREADABLE_ROW, Judging
from rental_pipeline.warehouse.steps.quarantine import Quarantine
from rental_pipeline.warehouse.steps.step import Rows, Step, TableRequest
from rental_pipeline.warehouse.steps.touched_keys import TouchedKeys


def compose_curate(request: TableRequest) -> Step:
    """Compose the build of one curated table; one transaction. After the last one, `dirty.json` says which periods are stale."""
    curation = Curation(request, request.marketplace.curated_table(request.name))
    submissions = request.write_all(*curation.statements())
    if request.name != request.pending.curated[-1]:
        return Step(request.statement_name, submissions)

    def finish(rows: list[Rows]) -> dict[str, Any]:
        key = run_key(request.schemas.marketplace, request.run_sequence, DIRTY)
        write_json(request.settings.bucket, key, write(read_dirty_ranges(rows[0])))
        return {}

    return Step(request.statement_name, submissions, reads=(select_dirty_ranges(request),), finish=finish)


class Curation(CuratedBuild):
    """The statements of one curated table's build, in their order."""

    def statements(self) -> list[str]:
        """Everything between the guard and the commit, in order."""
        return [
            f"call expect_position('curated', {literal(self.table.name)}, {self.position})",
            *([] if self.is_untouched else self._build()),
            f"delete from {self.control}.layer_position where layer = 'curated' and name = {literal(self.table.name)}",
            f"insert into {self.control}.layer_position (layer, name, run_sequence, input_hash, definition_hash)"
            f" values ('curated', {literal(self.table.name)}, {self.run},"
            f" {literal(self.request.marketplace.curated_hash(self.table))},"
            f" {literal(self.request.marketplace.definition_hash(self.table.file))})",
        ]

    def _build(self) -> list[str]:
        touched, judging = TouchedKeys(self.request, self.table), Judging(self.request, self.table)
        quarantine = Quarantine(self.request, self.table)
        changed, on_touched = f"changed_{self.table.name}", self.on_touched(self.table.name)
        return [
            *touched.find_orphans(),
            f"create temp table _rp_touched as {touched.select_touched()}",
            *(judging.select_versions() if self.table.is_derived else judging.judge()),
            f"create temp table _rp_before as select {self.table.name}.* from {self.curated}"
            + ("" if self.is_full else f" inner join _rp_touched on {on_touched} where {self.bound_curated()}"),
            f"create temp table _rp_after as {self.table.file.section('accepted')}",
            *(judging.take_out_too_large_versions() if self.table.is_derived else []),
            f"create temp table {changed} as {self._select_changed()}",
            *map(self.fill_in_keys, self._mark_dirty()),
            self._mark_stale_in_lake(changed),
            f"delete from {self.curated}"
            + ("" if self.is_full else f" using _rp_touched where {on_touched} and {self.bound_curated()}"),
            f"insert into {self.curated} select * from _rp_after",
            *quarantine.replace_rejected(),
            *quarantine.replace_unreadable(),
            *quarantine.replace_orphans(),
            *self._add_up(),
            self._count(changed),
        ]

    def _select_changed(self) -> str:
        """Return the select of the rows before that are no longer there (`_is_before`), and of those after that are new.

        Rows without a key are counted with their equals: one event more of the same kind is a row that changed.
        """
        before, after = "select * from _rp_before", "select * from _rp_after"
        if self.is_append:
            columns = ", ".join(self.table.columns)
            counted = f"select {columns}, count(*) as _rp_number from"
            before, after = (f"{counted} {rows} group by {columns}" for rows in ("_rp_before", "_rp_after"))
        columns = ", ".join([*self.table.columns, "_is_before"])
        return (
            f"select {columns} from (select *, true as _is_before from ({before} except {after}) as _rp_gone"
            f" union all select *, false as _is_before from ({after} except {before}) as _rp_come) as _rp_changed"
        )

    def _mark_dirty(self) -> list[str]:
        is_made_anew = is_reshaped(self.request, self.table)
        return mark_dirty(self.request, self.table.name, self.request.marketplace.metrics, is_made_anew=is_made_anew)

    def _mark_stale_in_lake(self, changed: str) -> str:
        """Note which months or years of the table the lake has to unload again.

        Of an append table these are the touched days'.
        """
        division, rows, column = division_of(self.table), changed, ""
        if self.is_append and division and division.column != "event_day":
            raise FixConfiguration(f"{self.table.name}.sql: an append table's parts in the lake are those of event_day")
        if self.is_append:
            alone = " union select _event_day from _rp_orphan" if self.arrivals.orphans else ""
            rows = f"(select _event_day from _rp_touched{alone}) as _rp_day" if alone else "_rp_touched"
            column = "_event_day"
        return mark_parts(self.control, lake_name("curated", self.table.name), self.run, rows, division, column)

    def _add_up(self) -> list[str]:
        """Return the statements that keep what the table holds in all: what it held, less the rows before, and those after."""
        total, name = f"{self.control}.curated_total", literal(self.table.name)
        worth = self.table.amount
        currency = literal(self.request.settings.reporting_currency if worth else "")
        currency = f"cast({worth.currency if worth and worth.currency else currency} as varchar(3))"
        amount = f"cast(sum({worth.amount}) as decimal(38, 4))" if worth else "cast(null as decimal(38, 4))"

        def add(rows: str, sign: str) -> str:
            counted = f"{sign}count(*) as accepted_rows, {sign}{amount} as amount"
            return f"select {currency} as currency, {counted} from {rows} group by 1"

        known = f"select currency, accepted_rows, amount from {total} where table_name = {name}"
        changes = " union all ".join([add("_rp_after", ""), *([] if self.is_full else [add("_rp_before", "-"), known])])
        return [
            "create temp table _rp_total as select currency, sum(accepted_rows) as accepted_rows,"
            f" cast(sum(amount) as decimal(38, 4)) as amount from ({changes}) as _rp_change group by currency",
            f"delete from {total} where table_name = {name}",
            f"insert into {total} (table_name, currency, accepted_rows, amount)"
            f" select {name}, coalesce(currency, ''), accepted_rows, amount from _rp_total where accepted_rows <> 0",
        ]

    def _count(self, changed: str) -> str:
        judged = "select row_key from judged where unreadable_value is not null and broken_rule is null union "
        unreadable = f"{'' if self.table.is_derived else judged}select row_key from _rp_shortened"
        # Before those were taken out whose values could not be held.
        unread = f"(select count(*) from _rp_unheld_row where broken_rule = {literal(UNREADABLE_ROW)})"
        in_raw = "null" if self.table.is_derived else f"(select count(*) from newest) + {unread}"
        return (
            f"insert into {self.control}.curated_build"
            " (run_sequence, table_name, is_full, keys_touched, rows_accepted, rows_rejected, rows_changed, rows_unreadable,"
            " rows_judged)"
            f" select {self.run}, {literal(self.table.name)}, {str(self.is_full).lower()}, (select count(*) from _rp_touched),"
            " (select count(*) from _rp_after), (select count(*) from _rp_quarantined),"
            f" (select count(*) from {changed}), (select count(*) from ({unreadable}) as _rp_unreadable), {in_raw}"
        )

"""Rows of other raw tables by which a curated table's rows are judged (its header's `joins`): which keys they touch, and their
newest versions, as the temporary tables `joined_<table>`."""

from __future__ import annotations

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.definitions.curated_table import CuratedTable, Join
from rental_pipeline.model.arrivals import Arrivals, sorts_as, write_bounds
from rental_pipeline.model.raw_tables import quote_identifier
from rental_pipeline.model.strategies import Append
from rental_pipeline.model.table_plan import PlannedTable
from rental_pipeline.warehouse.steps.newest import rank_versions
from rental_pipeline.warehouse.steps.step import StepRequest


class JoinedTables:
    """The statements about the raw tables that one curated table joins.

    Args:
        position: The run up to which raw is in the curated table.
        arrivals: What raw has above it; None: nothing is known.
        only_new: Whether every row that is judged is one above the position.
    """

    def __init__(
        self,
        request: StepRequest,
        table: CuratedTable,
        position: int,
        arrivals: Arrivals | None = None,
        only_new: bool = False,
    ):
        self._request = request
        self._table = table
        self._position = position
        self._known = arrivals.joins if arrivals else {}
        self._only_new = only_new
        self.joins = table.joins
        self._by_table = {join.table: join for join in table.joins}
        for join in table.joins:
            self._planned(join.table)

    def create(self) -> list[str]:
        """Return the statements that make `joined_<table>`, after `newest`, in the order of the header."""
        return [f"create temp table joined_{join.table} as {self._select_joined(join)}" for join in self._table.joins]

    def select_touched(self, raw_key: list[str]) -> list[str]:
        """Return, for each joined table in which rows arrived, the select of the keys whose rows they may change: old and new
        rows, of any version.

        A few more than those are no fault: a key that is judged again without need comes out as it was.
        """
        keys = ", ".join(f"_rp_raw.{key}" for key in raw_key)
        raw = self._raw(self._table.source)
        changed = [join for join in self._table.joins if join.table not in self._known or self._known[join.table].rows]
        return [f"select {keys} from {raw} as _rp_raw where {self._is_referring(join)}" for join in changed]

    def _is_referring(self, join: Join) -> str:
        """Return the condition that a row of `_rp_raw`, the curated table's own, may lead to a changed row of a joined table."""
        keys = ", ".join(map(quote_identifier, self._planned(join.table).key))
        on_changed = " and ".join(
            f"_rp_version.{key} = _rp_changed.{key}" for key in map(quote_identifier, self._planned(join.table).key)
        )
        raw = self._raw(join.table)
        values = (
            f"select _rp_version.{quote_identifier(join.to)} from {raw} as _rp_version inner join"
            f" (select distinct {keys} from {raw} as _rp_arrived where _rp_arrived._run_sequence > {self._position}"
            f" and {self._bound_changed(join, '_rp_arrived')}) as _rp_changed on {on_changed}"
            f" where {self._bound_changed(join, '_rp_version')}"
        )
        while join.left is not None:
            before = self._by_table[join.left]
            values = (
                f"select _rp_between.{quote_identifier(before.to)} from {self._raw(before.table)} as _rp_between"
                f" where _rp_between.{quote_identifier(join.column)} in ({values})"
            )
            join = before
        return f"_rp_raw.{quote_identifier(join.column)} in ({values})"

    def _select_joined(self, join: Join) -> str:
        """Return the select of the current rows to which those that are judged lead; a row that the source deleted is not one."""
        planned = self._planned(join.table)
        key = [quote_identifier(column) for column in planned.key]
        raw, to = self._raw(join.table), quote_identifier(join.to)
        left = "newest" if join.left is None else f"joined_{join.left}"
        referred = f"select {left}.{quote_identifier(join.column)} from {left}"
        bounds = self._bound_referred(join, raw)
        wanted = f"select distinct {', '.join(key)} from {raw} where {to} in ({referred}) and {bounds}"
        on_wanted = " and ".join(f"_rp_raw.{column} = _rp_wanted.{column}" for column in key)
        columns = ", ".join(f"_rp_ranked.{quote_identifier(column.name)}" for column in planned.columns)
        return (
            f"select {columns} from (select _rp_raw.*, {rank_versions(*key)} as _version_rank from {raw} as _rp_raw"
            f" inner join ({wanted}) as _rp_wanted on {on_wanted}) as _rp_ranked"
            f" where _rp_ranked._version_rank = 1 and _rp_ranked._operation = 'U' and _rp_ranked.{to} in ({referred})"
        )

    def _bound_changed(self, join: Join, rows: str) -> str:
        """Return the condition, in literals, on rows of a joined table that excludes no version of a key that arrived."""
        known, planned = self._known.get(join.table), self._planned(join.table)
        if known is None:
            return "true"
        key = planned.key[0]
        return write_bounds(f"{rows}.{quote_identifier(key)}", planned.types.get(key, ""), known.least, known.greatest)

    def _bound_referred(self, join: Join, rows: str) -> str:
        """Return the condition, in literals, on rows of a joined table that excludes none to which a judged row leads.

        It is known only of new rows: they are what `pending` looked at.
        """
        known, kind = self._known.get(join.table), self._planned(join.table).types.get(join.to, "")
        if known is None or join.left is not None or not self._only_new:
            return "true"
        # A text sorts otherwise than the number that it stands for.
        if sorts_as(self._planned(self._table.source).types.get(join.column, "")) != sorts_as(kind):
            return "true"
        return write_bounds(f"{rows}.{quote_identifier(join.to)}", kind, known.referred_least, known.referred_greatest)

    def _raw(self, table: str) -> str:
        return f"{self._request.schemas.raw}.{quote_identifier(table)}"

    def _planned(self, name: str) -> PlannedTable:
        planned = self._request.plan.find(name)
        if planned is None:
            raise FixConfiguration(f"{self._table.name}.sql: joins names {name!r}, which is no table of source.yaml")
        if isinstance(planned.strategy, Append):
            raise FixConfiguration(
                f"{self._table.name}.sql: joins names {name}, which is taken by append: its rows have no key by which the newest"
                " could be told; take it by merge or snapshot"
            )
        return planned

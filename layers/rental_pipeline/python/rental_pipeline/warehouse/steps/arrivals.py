"""What raw has above the positions of curated tables: asked once, by `pending`, so that each build reads that by literals."""

from __future__ import annotations

from collections.abc import Sequence

from rental_pipeline.definitions.curated_table import CuratedTable
from rental_pipeline.model.arrivals import Arrivals, JoinedArrivals
from rental_pipeline.model.raw_tables import EVENT_DAY, quote_identifier
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.model.strategies import Append
from rental_pipeline.warehouse.steps.joined import JoinedTables
from rental_pipeline.warehouse.steps.step import Rows, StepRequest
from rental_pipeline.warehouse.steps.touched_keys import select_orphans

_NO_REFERENCE = "cast(null as varchar(65535)) as _rp_referred_least, cast(null as varchar(65535)) as _rp_referred_greatest"
_NOTHING = (
    "select cast(null as varchar(127)) as _rp_table, cast(null as varchar(127)) as _rp_join,"
    " cast(null as varchar(65535)) as _rp_least, cast(null as varchar(65535)) as _rp_greatest, cast(0 as bigint) as _rp_removed,"
    f" cast(0 as bigint) as _rp_rows, {_NO_REFERENCE} where 1 = 0"
)
_NO_ORPHANS = (
    "select cast(null as varchar(127)) as _rp_table, cast(null as varchar(32)) as _rp_parent, cast(0 as bigint) as _rp_orphans,"
    " cast(0 as bigint) as _rp_accepted, cast(null as bigint) as _rp_since"
    " where 1 = 0"
)
# So many parents, by their hashes, are written in a statement.
_MOST_PARENTS = 50


def select_arrivals(request: StepRequest, tables: Sequence[CuratedTable]) -> tuple[str, str]:
    """Return two selects: what arrived for each of some curated tables, and which rows without a parent may have one now.

    The second has a row for each parent that has come, or one more than are written, each with what holds of all of them.
    """
    arrived = [select for table in tables for select in (_select_arrived(request, table), *_select_joined(request, table))]
    orphans = [_select_orphans(request, table) for table in tables if table.references and not table.is_derived]
    return " union all ".join(arrived) or _NOTHING, " union all ".join(orphans) or _NO_ORPHANS


def read_arrivals(tables: Sequence[CuratedTable], arrived: Rows, orphans: Rows) -> dict[str, Arrivals]:
    """Return what the two selects found, by table."""
    found = {row["_rp_table"]: row for row in arrived if row["_rp_join"] is None}
    joins: dict[str, dict[str, JoinedArrivals]] = {table.name: {} for table in tables}
    for row in arrived:
        if row["_rp_join"] is not None:
            joins[row["_rp_table"]][row["_rp_join"]] = JoinedArrivals(
                rows=row["_rp_rows"],
                least=row["_rp_least"],
                greatest=row["_rp_greatest"],
                referred_least=row["_rp_referred_least"],
                referred_greatest=row["_rp_referred_greatest"],
            )
    waiting = {row["_rp_table"]: row for row in orphans}
    parents = {table.name: [row["_rp_parent"] for row in orphans if row["_rp_table"] == table.name] for table in tables}
    return {
        table.name: Arrivals(
            rows=found[table.name]["_rp_rows"],
            least=found[table.name]["_rp_least"],
            greatest=found[table.name]["_rp_greatest"],
            removed=found[table.name]["_rp_removed"] or 0,
            orphans=waiting.get(table.name, {}).get("_rp_orphans") or 0,
            orphans_accepted=waiting.get(table.name, {}).get("_rp_accepted") or 0,
            orphans_since=waiting.get(table.name, {}).get("_rp_since"),
            orphan_parents=tuple(parents[table.name]) if len(parents[table.name]) <= _MOST_PARENTS else (),
            joined=sum(join.rows for join in joins[table.name].values()),
            joins=joins[table.name],
        )
        for table in tables
    }


def _select_orphans(request: StepRequest, table: CuratedTable) -> str:
    position = request.ledger.applied_run("curated", table.name)
    found = select_orphans(request, table, position, ("row_key", "event_day", "run_sequence", "is_rejected", "parent_hash"))
    return (
        f"select cast({literal(table.name)} as varchar(127)) as _rp_table, _rp_parent, _rp_orphans, _rp_accepted, _rp_since"
        " from (select parent_hash as _rp_parent, row_number() over (order by parent_hash) as _rp_number,"
        " cast(sum(_rp_rows) over () as bigint) as _rp_orphans, cast(sum(_rp_kept) over () as bigint) as _rp_accepted,"
        " min(_rp_first) over () as _rp_since"
        " from (select parent_hash, count(*) as _rp_rows, sum(case when is_rejected then 0 else 1 end) as _rp_kept,"
        f" min(run_sequence) as _rp_first from ({found}) as _rp_orphan group by parent_hash) as _rp_came) as _rp_counted"
        f" where _rp_number <= {_MOST_PARENTS + 1}"
    )


def _select_arrived(request: StepRequest, table: CuratedTable) -> str:
    planned = request.plan.table(table.source)
    position = request.ledger.applied_run("curated", table.name)
    raw = f"{request.schemas.raw}.{quote_identifier(table.source)}"
    first, rows = EVENT_DAY, f"{raw} where _run_sequence > {position}"
    if isinstance(planned.strategy, Append):
        # A day that lost all its rows has none in raw.
        rows = (
            f"(select {EVENT_DAY}, _operation from {rows} union all select event_day as {EVENT_DAY}, 'U' as _operation"
            f" from {request.schemas.control}.changed_day"
            f" where table_name = {literal(table.source)} and run_sequence > {position}) as _rp_arrived"
        )
    else:
        first = quote_identifier(planned.key[0])
    return (
        f"select cast({literal(table.name)} as varchar(127)) as _rp_table, cast(null as varchar(127)) as _rp_join,"
        f" cast(min({first}) as varchar(65535)) as _rp_least, cast(max({first}) as varchar(65535)) as _rp_greatest,"
        f" cast(coalesce(sum(case when _operation = 'D' then 1 else 0 end), 0) as bigint) as _rp_removed,"
        f" count(*) as _rp_rows, {_NO_REFERENCE} from {rows}"
    )


def _select_joined(request: StepRequest, table: CuratedTable) -> list[str]:
    """Return, for each raw table that a curated one joins, the select of what arrived there, and of where new rows lead."""
    position = request.ledger.applied_run("curated", table.name)
    selects = []
    for join in JoinedTables(request, table, position).joins:
        column = quote_identifier(join.column) if join.left is None else "null"
        arrived = _select_ends(request, join.table, quote_identifier(request.plan.table(join.table).key[0]), position)
        selects.append(
            f"select cast({literal(table.name)} as varchar(127)) as _rp_table,"
            f" cast({literal(join.table)} as varchar(127)) as _rp_join, _rp_arrived._rp_least, _rp_arrived._rp_greatest,"
            " cast(0 as bigint) as _rp_removed, _rp_arrived._rp_rows,"
            " _rp_own._rp_least as _rp_referred_least, _rp_own._rp_greatest as _rp_referred_greatest"
            f" from ({arrived}) as _rp_arrived cross join"
            f" ({_select_ends(request, table.source, column, position)}) as _rp_own"
        )
    return selects


def _select_ends(request: StepRequest, table: str, column: str, position: int) -> str:
    """Return the select of how many rows arrived in a raw table, and of the ends between which a column of theirs lies."""
    ends = ", ".join(
        f"cast({end}({column}) as varchar(65535)) as _rp_{name}" for end, name in (("min", "least"), ("max", "greatest"))
    )
    raw = f"{request.schemas.raw}.{quote_identifier(table)}"
    return f"select {ends}, count(*) as _rp_rows from {raw} where _run_sequence > {position}"

"""What raw has above the positions of curated tables: asked once, by `pending`, so that each build reads that by literals."""

from __future__ import annotations

from collections.abc import Sequence

from rental_pipeline.definitions.curated_table import CuratedTable
from rental_pipeline.model.arrivals import Arrivals
from rental_pipeline.model.raw_tables import EVENT_DAY, quote_identifier
from rental_pipeline.model.strategies import Append
from rental_pipeline.warehouse.steps.joined import JoinedTables
from rental_pipeline.warehouse.steps.step import Rows, StepRequest, literal
from rental_pipeline.warehouse.steps.touched_keys import select_orphans

_NOTHING = (
    "select cast(null as varchar(127)) as _rp_table, cast(null as varchar(65535)) as _rp_least,"
    " cast(null as varchar(65535)) as _rp_greatest, cast(0 as bigint) as _rp_removed, cast(0 as bigint) as _rp_joined where 1 = 0"
)
_NO_ORPHANS = (
    "select cast(null as varchar(127)) as _rp_table, cast(0 as bigint) as _rp_orphans, cast(0 as bigint) as _rp_accepted,"
    " cast(null as bigint) as _rp_since"
    " where 1 = 0"
)


def select_arrivals(request: StepRequest, tables: Sequence[CuratedTable]) -> tuple[str, str]:
    """Return two selects: what arrived for each of some curated tables, and which rows without a parent may have one now."""
    arrived = [_select_arrived(request, table) for table in tables]
    orphans = [
        f"select cast({literal(table.name)} as varchar(127)) as _rp_table, count(*) as _rp_orphans,"
        f" cast(coalesce(sum(case when is_rejected then 0 else 1 end), 0) as bigint) as _rp_accepted,"
        f" min(run_sequence) as _rp_since from ({_select_orphans(request, table)}) as _rp_orphan"
        for table in tables
        if table.references and not table.is_derived
    ]
    return " union all ".join(arrived) or _NOTHING, " union all ".join(orphans) or _NO_ORPHANS


def read_arrivals(tables: Sequence[CuratedTable], arrived: Rows, orphans: Rows) -> dict[str, Arrivals]:
    """Return what the two selects found, by table."""
    found = {row["_rp_table"]: row for row in arrived}
    waiting = {row["_rp_table"]: row for row in orphans}
    return {
        table.name: Arrivals(
            least=found[table.name]["_rp_least"],
            greatest=found[table.name]["_rp_greatest"],
            removed=found[table.name]["_rp_removed"] or 0,
            orphans=waiting.get(table.name, {}).get("_rp_orphans") or 0,
            orphans_accepted=waiting.get(table.name, {}).get("_rp_accepted") or 0,
            orphans_since=waiting.get(table.name, {}).get("_rp_since"),
            joined=found[table.name]["_rp_joined"] or 0,
        )
        for table in tables
    }


def _select_orphans(request: StepRequest, table: CuratedTable) -> str:
    position = request.ledger.applied_run("curated", table.name)
    return select_orphans(request, table, position, ("row_key", "event_day", "run_sequence", "is_rejected"))


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
        f"select cast({literal(table.name)} as varchar(127)) as _rp_table, cast(min({first}) as varchar(65535)) as _rp_least,"
        f" cast(max({first}) as varchar(65535)) as _rp_greatest,"
        f" cast(coalesce(sum(case when _operation = 'D' then 1 else 0 end), 0) as bigint) as _rp_removed,"
        f" {JoinedTables(request, table, position).count_arrived()} as _rp_joined from {rows}"
    )

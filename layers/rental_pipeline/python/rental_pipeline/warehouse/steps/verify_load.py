"""After a load, in its transaction: raw is compared, span by span, with what was read of the source.

A span is a range of keys or of days; what is expected of it stands in loads.json. All is counted and summed again, from raw's own
rows: a row that any step between lost, doubled or changed keeps the whole load from being committed.
"""

from __future__ import annotations

from collections.abc import Sequence

from rental_pipeline.model.fingerprints import Span
from rental_pipeline.model.load_document import TableLoad
from rental_pipeline.model.raw_tables import EVENT_DAY, FIRST_DATE, ROW_HASH, quote_identifier
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.model.strategies import Append
from rental_pipeline.model.table_plan import PlannedTable
from rental_pipeline.warehouse.steps.newest import select_newest
from rental_pipeline.warehouse.steps.step import StepRequest
from rental_pipeline.warehouse.steps.unload_known import within

_SHOWN = 60  # characters of a key in a message


def compose_verification(request: StepRequest, table: PlannedTable, load: TableLoad) -> list[str]:
    """Return the statements that compare raw's table with what is expected; none where nothing is.

    Args:
        table: The table's entry of plan.json.
        load: Its entry of loads.json.
    """
    spans = load.expected
    if not spans:
        return []
    expected = " union all ".join(
        f"select {number} as _rp_span_number, cast({literal(_describe(table, span))} as varchar(1024)) as _rp_span_text,"
        f" cast({span.expected.rows} as bigint) as _rp_rows, cast({span.expected.checksum} as decimal(38, 0)) as _rp_checksum"
        for number, span in enumerate(spans)
    )
    found = _select_days(request, table, spans) if isinstance(table.strategy, Append) else _select_ranges(request, table, spans)
    name, control = literal(table.name), request.schemas.control
    return [
        f"""
        create temp table _rp_verified as
        select
            _rp_expected._rp_span_number,
            _rp_expected._rp_span_text,
            _rp_expected._rp_rows as _rp_rows_expected,
            _rp_expected._rp_checksum as _rp_checksum_expected,
            coalesce(_rp_found._rp_rows, 0) as _rp_rows_found,
            coalesce(_rp_found._rp_checksum, 0) as _rp_checksum_found
        from ({expected}) as _rp_expected
        left join ({found}) as _rp_found on _rp_expected._rp_span_number = _rp_found._rp_span_number
        """,
        f"call require_equal({name})",
        f"""
        update {control}.reconciliation
        set source_rows_after = {load.rows_apart} + (select sum(_rp_rows_expected) from _rp_verified),
            raw_rows_after = {load.rows_apart} + (select sum(_rp_rows_found) from _rp_verified)
        where run_sequence = {request.run_sequence} and table_name = {name}
        """,
    ]


def _select_ranges(request: StepRequest, table: PlannedTable, spans: Sequence[Span]) -> str:
    key = [(quote_identifier(name), table.types[name]) for name in table.key]
    condition = within(key, spans[0].start, spans[-1].end)
    current = select_newest(_name_raw(request, table), table.key, [ROW_HASH], condition)
    return _sum(_number([within(key, None, span.start) for span in spans[1:]], 0), f"({current}) as _rp_current")


def _select_days(request: StepRequest, table: PlannedTable, spans: Sequence[Span]) -> str:
    # Events without a usable time stand before all days, in every window.
    bounds = [f"{EVENT_DAY} >= {literal(table.lower[:10])}"] if table.lower else []
    bounds += [f"{EVENT_DAY} < {literal(table.upper[:10])}"] if table.upper else []
    window = f"({' and '.join(bounds)}) or {EVENT_DAY} < '{FIRST_DATE}'" if bounds else "true"
    starts = [span.start[0] for span in spans[1:] if span.start]  # only the first may begin open
    number = _number([f"{EVENT_DAY} < {literal(start)}" for start in starts], 0)
    return _sum(number, f"{_name_raw(request, table)} where {window}")


def _sum(number: str, rows: str) -> str:
    return (
        f"select {number} as _rp_span_number, count(*) as _rp_rows, sum(cast({ROW_HASH} as decimal(38, 0))) as _rp_checksum"
        f" from {rows} group by 1"
    )


def _number(below: Sequence[str], first: int) -> str:
    """Return the expression of a row's span, by halving, from the conditions that it lies before each but the first."""
    if not below:
        return str(first)
    middle = len(below) // 2
    lower, upper = _number(below[:middle], first), _number(below[middle + 1 :], first + middle + 1)
    return f"case when {below[middle]} then {lower} else {upper} end"


def _describe(table: PlannedTable, span: Span) -> str:
    """Return the words for a span, which a message shows."""
    what = "days" if isinstance(table.strategy, Append) else "keys"
    start, end = (", ".join(point)[:_SHOWN] if point else None for point in (span.start, span.end))
    if start and end:
        return f"{what} from {start} to before {end}"
    if start or end:
        return f"{what} from {start} on" if start else f"{what} before {end}"
    return f"all {what}"


def _name_raw(request: StepRequest, table: PlannedTable) -> str:
    return f"{request.schemas.raw}.{quote_identifier(table.name)}"

"""What a run's rules newly set aside: the checks that watch over it, and its words in messages.

Rows leave the figures when a rule rejects them. That is told in rows and in money, and beyond the contract's limit nothing is
published. A row counts from the run that set it aside until a run has published without it.
"""

from __future__ import annotations

from collections.abc import Collection

from rental_pipeline.definitions.curated_table import CuratedTable
from rental_pipeline.definitions.generic_checks import BEYOND_LIMIT, NEWLY_SET_ASIDE
from rental_pipeline.definitions.marketplace import Check
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.warehouse.steps.step import Rows, StepRequest

WAYS_OUT = (
    "Correct the rows in the source; or let the curated file's rule accept them; or, if they are to be left out of the figures,"
    " raise max_rejected_fraction of the table in source.yaml. Then start a new execution."
)


def list_set_aside_checks(request: StepRequest, looked_at: Collection[str]) -> list[Check]:
    """Return two checks per curated table: one warns of rows newly set aside, one fails beyond the limit.

    Args:
        looked_at: The names of the tables that were built since the last publication; no other has set a row aside since.
    """
    limits = {planned.name: planned.max_rejected_fraction for planned in request.plan.tables}
    checks = []
    for table in request.marketplace.curated:
        if table.name not in looked_at:
            continue
        rows = _select_rows(request, table)
        checks += [
            Check(f"{table.name}{NEWLY_SET_ASIDE}", "warn", rows),
            Check(f"{table.name}{BEYOND_LIMIT}", "fail", f"{rows} {_beyond(request, table, limits[table.source])}"),
        ]
    return checks


def select_set_aside(request: StepRequest) -> str:
    """Return the select of what the run newly set aside, a row per table, rule and currency."""
    return (
        "select table_name, broken_rule, currency, rows_set_aside, amount, rows_without_amount, rows_accepted_before,"
        " amount_before"
        f" from {request.schemas.control}.set_aside where run_sequence = {request.run_sequence}"
        " order by table_name, broken_rule, currency"
    )


def select_newly_set_aside(request: StepRequest) -> str:
    """Return the select of all rows newly set aside, with what each broke."""
    return (
        "select rejected_rows.table_name, rejected_rows.row_key, rejected_rows.broken_rule, rejected_rows.broken_value"
        f" from {request.schemas.control}.set_aside_row inner join {request.schemas.curated}.rejected_rows"
        " on set_aside_row.table_name = rejected_rows.table_name and set_aside_row.row_key = rejected_rows.row_key"
        f" where set_aside_row.run_sequence > {request.ledger.published_run}"
    )


def describe_set_aside(rows: Rows) -> list[str]:
    """Return a line for each row of `select_set_aside`."""
    lines = []
    for row in rows:
        worth = f" worth {_money(row['amount'], row['currency'])}" if row["amount"] is not None else ""
        unknown = (
            f", {row['rows_without_amount']} of them without a readable amount"
            if row["currency"] and row["rows_without_amount"]
            else ""
        )
        before = ""
        if row["rows_accepted_before"]:
            money = f" with {_money(row['amount_before'], row['currency'])}" if row["amount_before"] is not None else ""
            before = f"; {row['rows_accepted_before']} of them{money} were in the figures before"
        lines.append(
            f"newly set aside: {row['table_name']}, rule {row['broken_rule']}: {row['rows_set_aside']} rows"
            f"{worth}{unknown}{before}"
        )
    return lines


def _money(amount: str, currency: str) -> str:
    return f"{float(amount):,.2f} {currency}".strip()


def _select_rows(request: StepRequest, table: CuratedTable) -> str:
    """Return the select of the rows newly set aside; the example has no value of a personal column, but that column's name."""
    planned, personal = request.plan.table(table.source), request.marketplace.personal_columns(table)
    # A broken value names columns as raw does.
    named = sorted(personal.union(raw for raw, key in zip(planned.key, table.key, strict=False) if key in personal))
    value, row = "newly_set_aside.broken_value", " || ' (row ' || newly_set_aside.row_key || ')'"
    if named:
        shows = " or ".join(f"position({literal(f'{name}=')} in {value}) > 0" for name in named)
        value = f"case when {shows} then split_part({value}, '=', 1) else {value} end"
    if not personal.isdisjoint(table.key):
        row = ""
    return f"""
        select newly_set_aside.broken_rule || ': ' || coalesce({value}, ''){row} as example
        from ({select_newly_set_aside(request)}) as newly_set_aside
        where newly_set_aside.table_name = {literal(table.name)}
    """


def _beyond(request: StepRequest, table: CuratedTable, limit: float) -> str:
    """Return the condition that more than the limit was set aside since the last publication; before the table's first, never.

    One row alone never stops the others. Counted are the rows; and, by currency, the money of those that were accepted before,
    since their amounts were readable then.
    """
    control, name = request.schemas.control, literal(table.name)
    published = request.ledger.published_run
    newly = f"from {control}.set_aside_row where table_name = {name} and run_sequence > {published}"
    accepted = f"from {control}.curated_total where table_name = {name}"
    shares = [
        "select newly.set_aside as lost, accepted.kept as kept from"
        f" (select count(*) as set_aside {newly} having count(*) > 1) as newly"
        f" cross join (select coalesce(sum(accepted_rows), 0) as kept {accepted}) as accepted"
    ]
    if table.amount:
        shares.append(
            "select newly.set_aside as lost, coalesce(accepted.kept, 0) as kept from"
            f" (select currency_before as currency, sum(amount_before) as set_aside {newly} and is_accepted_before"
            " group by currency_before having count(*) > 1) as newly left join"
            f" (select currency, amount as kept {accepted}) as accepted"
            " on newly.currency = accepted.currency"
        )
    shares_sql = " union all ".join(
        f"select cast(lost as double precision) as lost, cast(kept as double precision) as kept from ({share}) as share"
        for share in shares
    )
    return f"""
            and {published} >= (
                select coalesce(min(run_sequence), {published + 1}) from {control}.curated_build
                where table_name = {name} and rows_accepted > 0
            )
            and 0 < (
                select count(*) from ({shares_sql}) as shares where shares.lost > {limit} * (shares.lost + shares.kept)
            )
    """

"""Exchange rates: those of exchange_rates.csv replace the warehouse's, and make stale what was converted by another.

They may be any number: they come as one Parquet file. Old and new are compared by value and day, so that a new line rebuilds only
the periods of the days for which it holds, and a comment, another order or other digits of the same number rebuild nothing.
"""

from __future__ import annotations

import io

from rental_pipeline.base.object_store import rates_key, write_bytes, write_copy_manifest
from rental_pipeline.definitions.exchange_rates import END_OF_TIME, PRECISION, SCALE, Rate, make_rates
from rental_pipeline.definitions.lake_tables import EXCHANGE_RATE, mark_parts
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.warehouse.data_api import Submission
from rental_pipeline.warehouse.steps.dirty_periods import mark_dirty
from rental_pipeline.warehouse.steps.step import StepRequest

_COLUMNS = {"currency": "varchar(3)", "valid_from": "date", "valid_to": "date", "rate": f"decimal({PRECISION}, {SCALE})"}


def replace_rates(request: StepRequest) -> list[Submission]:
    """Return the transaction that brings the rates and marks what they make stale; none where they are in already.

    Made again, it finds no difference and marks nothing.

    Raises:
        FixConfiguration: exchange_rates.csv holds what is no rate.
    """
    rate_hash = request.marketplace.exchange_rate_hash
    if request.ledger.is_made_from("control", "exchange_rate", rate_hash):
        return []
    currency = request.marketplace.reporting_currency
    manifest = _write_file(request, make_rates(request.marketplace.exchange_rates, currency), rate_hash)
    control, columns = request.schemas.control, ", ".join(_COLUMNS)
    return list(
        request.write_all(
            f"create temp table incoming_rate ({', '.join(f'{name} {kind} not null' for name, kind in _COLUMNS.items())})",
            f"copy incoming_rate ({columns}) from {literal(manifest)}"
            f" iam_role {literal(request.settings.copy_role_arn)} format as parquet manifest",
            f"create temp table changed_rate as {_select_changed(control)}",
            f"create temp table changed_exchange_rate as {_select_changed_days(control)}",
            *_mark_dirty(request),
            mark_parts(control, EXCHANGE_RATE, request.run_sequence, "changed_rate"),
            f"delete from {control}.exchange_rate",
            f"insert into {control}.exchange_rate ({columns}) select {columns} from incoming_rate",
            f"delete from {control}.reporting_currency",
            f"insert into {control}.reporting_currency (currency) values ({literal(currency)})",
            f"delete from {control}.layer_position where layer = 'control' and name = 'exchange_rate'",
            f"insert into {control}.layer_position (layer, name, run_sequence, input_hash)"
            f" values ('control', 'exchange_rate', {request.run_sequence}, {literal(rate_hash)})",
            once=False,
            label="rates",
        )
    )


def _write_file(request: StepRequest, rates: list[Rate], rate_hash: str) -> str:
    """Write the rates as Parquet, and return the address of its manifest; written again, both are the same."""
    # Only this step needs it, and only where rates have changed.
    import pyarrow
    from pyarrow import parquet

    types = (pyarrow.string(), pyarrow.date32(), pyarrow.date32(), pyarrow.decimal128(PRECISION, SCALE))
    values = ([getattr(rate, name) for rate in rates] for name in _COLUMNS)
    content = pyarrow.table({name: pyarrow.array(each, kind) for name, kind, each in zip(_COLUMNS, types, values, strict=True)})
    file = io.BytesIO()
    parquet.write_table(content, file, version="1.0")
    bucket, marketplace = request.settings.bucket, request.schemas.marketplace
    key = rates_key(marketplace, request.run_sequence, rate_hash, "parquet")
    write_bytes(bucket, key, file.getvalue())
    manifest = rates_key(marketplace, request.run_sequence, rate_hash, "json")
    return write_copy_manifest(bucket, manifest, [(key, file.tell())])


def _select_changed(control: str) -> str:
    """Select the spans of days for which another rate of a currency holds than before, or one where none did, or none any more.

    Linear in the rates: at each day on which a rate begins, before or now, both are filled in from the last that began.
    """
    by_day = "partition by currency order by valid_from rows unbounded preceding"
    return f"""
    with beginning as (
        select
            coalesce(incoming_rate.currency, known.currency) as currency,
            coalesce(incoming_rate.valid_from, known.valid_from) as valid_from,
            known.rate as rate_before,
            incoming_rate.rate as rate_now
        from incoming_rate
        full outer join {control}.exchange_rate as known
            on incoming_rate.currency = known.currency and incoming_rate.valid_from = known.valid_from
    ),

    numbered as (
        select
            currency,
            valid_from,
            rate_before,
            rate_now,
            count(rate_before) over ({by_day}) as number_before,
            count(rate_now) over ({by_day}) as number_now,
            lead(valid_from) over (partition by currency order by valid_from) as next_from
        from beginning
    ),

    filled as (
        select
            valid_from,
            coalesce(next_from, cast('{END_OF_TIME}' as date)) as valid_to,
            max(rate_before) over (partition by currency, number_before) as held_before,
            max(rate_now) over (partition by currency, number_now) as holds_now
        from numbered
    )

    select valid_from, valid_to
    from filled
    where coalesce(held_before, 0) <> coalesce(holds_now, 0)
    """


def _select_changed_days(control: str) -> str:
    """Select the calendar's days within the changed spans: those on which more spans have begun than ended."""
    return f"""
    with edge as (
        select valid_from as edge_day, 1 as step, 0 as is_of_calendar from changed_rate
        union all
        select valid_to as edge_day, -1 as step, 0 as is_of_calendar from changed_rate
        union all
        select calendar_date as edge_day, 0 as step, 1 as is_of_calendar from {control}.calendar
    ),

    edge_day as (
        select edge_day, sum(step) as step, max(is_of_calendar) as is_of_calendar from edge group by edge_day
    ),

    counted as (
        select
            edge_day,
            is_of_calendar,
            sum(step) over (order by edge_day rows unbounded preceding) as open_spans
        from edge_day
    )

    select edge_day as rate_day
    from counted
    where open_spans > 0 and is_of_calendar = 1
    """


def _mark_dirty(request: StepRequest) -> list[str]:
    """Note the periods of the metrics that convert by a changed rate. One that was never built is built whole in any case."""
    marketplace = request.marketplace
    converted = [
        metric
        for metric in marketplace.metrics
        if marketplace.is_converted(metric) and request.ledger.position("presentation", metric.name)
    ]
    days = "select rate_day as first_day, rate_day as last_day from changed_exchange_rate"
    return mark_dirty(request, "exchange_rate", converted, days)

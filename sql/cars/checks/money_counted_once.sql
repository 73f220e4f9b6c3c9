-- On every day rebuilt by this run, each daily metric has as many rentals and as much revenue as the curated layer: no rental
-- twice (as when the money of pickups and dropoffs is added), none lost in a join.
--
-- severity:   fail
-- reads:      cars_curated.rental_transactions, cars_control.staged_period, cars_staging.rentals_daily,
--             cars_staging.location_rentals_daily, cars_staging.vehicle_type_rentals_daily
-- parameters: first_day, last_day

-- name: violations
with expected as (
    select
        staged_period.metric,
        staged_period.period_start,
        count(*) as rentals,
        sum(rental_transactions.total_amount) as revenue
    from cars_control.staged_period
    inner join cars_curated.rental_transactions on staged_period.period_start = rental_transactions.rental_date
    where staged_period.metric in ('rentals_daily', 'location_rentals_daily', 'vehicle_type_rentals_daily')
        and rental_transactions.rental_date between cast(:first_day as date) and cast(:last_day as date)
    group by staged_period.metric, staged_period.period_start
),

metric_rows as (
    select cast('rentals_daily' as varchar(64)) as metric, period_start, rentals, revenue
    from cars_staging.rentals_daily
    union all
    select cast('location_rentals_daily' as varchar(64)) as metric, period_start, rentals, revenue
    from cars_staging.location_rentals_daily
    union all
    select cast('vehicle_type_rentals_daily' as varchar(64)) as metric, period_start, rentals, revenue
    from cars_staging.vehicle_type_rentals_daily
),

counted as (
    select
        metric,
        period_start,
        sum(rentals) as rentals,
        sum(revenue) as revenue
    from metric_rows
    group by metric, period_start
)

select
    coalesce(expected.metric, counted.metric) || ' ' || cast(coalesce(expected.period_start, counted.period_start) as varchar(64))
    || ': ' || cast(coalesce(counted.rentals, 0) as varchar(64)) || ' rentals for '
    || cast(coalesce(counted.revenue, 0) as varchar(64)) || ' instead of '
    || cast(coalesce(expected.rentals, 0) as varchar(64)) || ' for '
    || cast(coalesce(expected.revenue, 0) as varchar(64)) as example
from expected
full outer join counted
    on expected.metric = counted.metric
    and expected.period_start = counted.period_start
where coalesce(expected.rentals, 0) <> coalesce(counted.rentals, 0)
    or coalesce(expected.revenue, 0) <> coalesce(counted.revenue, 0)

-- Over all days each metric of totals has as many rentals, as much revenue and as many dropoffs as the curated layer holds.
--
-- severity:   fail
-- reads:      cars_control.staged_period, cars_control.curated_total, cars_staging.location_rentals_total,
--             cars_staging.vehicle_type_rentals_total, cars_staging.user_rentals_total
-- parameters: none
--
-- What the curated layer holds in all its builds have added up. So no run has to look at all rentals for it, and the checks of
-- single days, which read no table of totals, look at these days alone.

-- name: violations
with metric_rows as (
    select cast('location_rentals_total' as varchar(64)) as metric, rentals, revenue, dropoffs
    from cars_staging.location_rentals_total
    union all
    select cast('vehicle_type_rentals_total' as varchar(64)) as metric, rentals, revenue, cast(null as bigint) as dropoffs
    from cars_staging.vehicle_type_rentals_total
    union all
    select cast('user_rentals_total' as varchar(64)) as metric, rentals, revenue, cast(null as bigint) as dropoffs
    from cars_staging.user_rentals_total
),

counted as (
    select
        metric,
        sum(rentals) as rentals,
        sum(revenue) as revenue,
        sum(dropoffs) as dropoffs
    from metric_rows
    group by metric
),

expected as (
    select
        coalesce(sum(accepted_rows), 0) as rentals,
        cast(coalesce(sum(amount), 0) as decimal(38, 2)) as revenue
    from cars_control.curated_total
    where table_name = 'rental_transactions'
        and currency <> ''
)

select
    staged_period.metric || ': ' || cast(coalesce(counted.rentals, 0) as varchar(64)) || ' rentals for '
    || cast(coalesce(counted.revenue, 0) as varchar(64))
    || coalesce(' and ' || cast(counted.dropoffs as varchar(64)) || ' dropoffs', '') || ' instead of '
    || cast(expected.rentals as varchar(64)) || ' for ' || cast(expected.revenue as varchar(64)) as example
from cars_control.staged_period
cross join expected
left join counted on staged_period.metric = counted.metric
where staged_period.metric in ('location_rentals_total', 'vehicle_type_rentals_total', 'user_rentals_total')
    and (
        coalesce(counted.rentals, 0) <> expected.rentals
        or coalesce(counted.revenue, 0) <> expected.revenue
        or counted.dropoffs <> expected.rentals
    )

-- Revenue by the day of use is revenue by rental, to the cent: over all days, published and staged, it is what all rentals
-- cost. No day is left out, and none holds what another has.
--
-- severity:   fail
-- reads:      cars_control.staged_period, cars_control.curated_total, cars_staging.fleet_use_daily,
--             cars_presentation.fleet_use_daily
-- parameters: none

-- name: violations
with kept as (
    select fleet_use_daily.revenue, fleet_use_daily.pickup_revenue, fleet_use_daily.rentals
    from cars_presentation.fleet_use_daily
    left join cars_control.staged_period
        on fleet_use_daily.period_start = staged_period.period_start
        and staged_period.metric = 'fleet_use_daily'
    where staged_period.period_start is null
    union all
    select revenue, pickup_revenue, rentals
    from cars_staging.fleet_use_daily
),

counted as (
    select
        coalesce(sum(revenue), 0) as revenue,
        coalesce(sum(pickup_revenue), 0) as pickup_revenue,
        coalesce(sum(rentals), 0) as rentals
    from kept
),

expected as (
    select
        cast(coalesce(sum(amount), 0) as decimal(38, 2)) as revenue,
        coalesce(sum(accepted_rows), 0) as rentals
    from cars_control.curated_total
    where table_name = 'rental_transactions'
        and currency <> ''
)

select
    cast(counted.rentals as varchar(64)) || ' rentals for ' || cast(counted.pickup_revenue as varchar(64)) || ' by pickup and '
    || cast(counted.revenue as varchar(64)) || ' by use instead of ' || cast(expected.rentals as varchar(64)) || ' for '
    || cast(expected.revenue as varchar(64)) as example
from counted
cross join expected
where counted.revenue <> expected.revenue
    or counted.pickup_revenue <> expected.revenue
    or counted.rentals <> expected.rentals

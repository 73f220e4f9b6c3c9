-- On every day rebuilt by this run as many cars are dropped off at some location as rentals end.
--
-- severity:   fail
-- reads:      cars_curated.rental_transactions, cars_control.staged_period, cars_staging.location_rentals_daily
-- parameters: first_day, last_day

-- name: violations
with ended as (
    select
        cast(ended_at as date) as ended_on,
        count(*) as dropoffs
    from cars_curated.rental_transactions
    where ended_at >= cast(:first_day as date)
        and rental_date <= cast(:last_day as date)
    group by cast(ended_at as date)
),

expected as (
    select
        staged_period.period_start,
        coalesce(ended.dropoffs, 0) as dropoffs
    from cars_control.staged_period
    left join ended on staged_period.period_start = ended.ended_on
    where staged_period.metric = 'location_rentals_daily'
),

counted as (
    select
        period_start,
        sum(dropoffs) as dropoffs
    from cars_staging.location_rentals_daily
    group by period_start
)

select
    cast(expected.period_start as varchar(64)) || ': ' || cast(coalesce(counted.dropoffs, 0) as varchar(64)) || ' instead of '
    || cast(expected.dropoffs as varchar(64)) as example
from expected
left join counted on expected.period_start = counted.period_start
where expected.dropoffs <> coalesce(counted.dropoffs, 0)

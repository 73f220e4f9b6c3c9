-- One-way imbalance: of each location and week, how many cars more are picked up than come back.
--
-- grain:      one row per week and location at which a rental starts or ends in it
-- reads:      cars_presentation.location_rentals_daily, cars_curated.locations
-- writes:     cars_presentation.location_balance_weekly
-- parameters: none
-- rerun:      a view: dropped and made again where it or a table it reads has changed its definition
-- storage:    none
--
-- A pickup counts in the week (from Monday) in which the rental starts, a dropoff in that in which it ends.
-- The formula is imbalance = pickups - dropoffs; running_imbalance adds it up since the first week. Units are cars.
-- For example, 12 pickups and 9 dropoffs in a week: imbalance 3, three cars fewer stand there than before; 2 and 5 in the next:
-- -3, and running_imbalance is 0 again.
-- It cannot say how many cars stand there: cars that are bought, sold or driven there by staff are no rentals. Over all
-- locations the running_imbalance is the number of cars that are out. Name and place are the location's today, or its last.

-- name: view
create view cars_presentation.location_balance_weekly as
with weeks as (
    select
        cast(date_trunc('week', period_start) as date) as week_start,
        location_id,
        cast(sum(rentals) as bigint) as pickups,
        cast(sum(dropoffs) as bigint) as dropoffs
    from cars_presentation.location_rentals_daily
    group by date_trunc('week', period_start), location_id
)

select
    weeks.week_start,
    weeks.location_id,
    locations.location_name,
    locations.city,
    locations.state,
    weeks.pickups,
    weeks.dropoffs,
    weeks.pickups - weeks.dropoffs as imbalance,
    cast(
        sum(weeks.pickups - weeks.dropoffs) over (
            partition by weeks.location_id
            order by weeks.week_start
            rows between unbounded preceding and current row
        ) as bigint
    ) as running_imbalance
from weeks
left join cars_curated.locations on weeks.location_id = locations.location_id

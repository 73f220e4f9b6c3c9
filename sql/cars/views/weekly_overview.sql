-- The marketplace week by week: how many cars are rented, what that brings in, and what a rental is worth.
--
-- grain:      one row per week in which a rental began
-- reads:      cars_presentation.rentals_daily
-- writes:     cars_presentation.weekly_overview
-- parameters: none
-- rerun:      a view: dropped and made again where it or a table it reads has changed its definition
-- storage:    none
--
-- A rental belongs to the week of its pickup, with all its money. Weeks begin on Monday. Amounts are in the reporting currency.
--
-- The formula: average_amount = revenue / rentals of the week.
-- For example, 2 rentals for 80.00 on Monday and 3 for 20.00 on Sunday: 5 rentals, 100.00, 20.00 each.
-- It cannot say what a week's use earned: that is fleet_revenue_daily.

-- name: view
create view cars_presentation.weekly_overview as
with weeks as (
    select
        cast(date_trunc('week', period_start) as date) as week_start,
        cast(sum(rentals) as bigint) as rentals,
        cast(sum(revenue) as decimal(38, 2)) as revenue
    from cars_presentation.rentals_daily
    group by date_trunc('week', period_start)
)

select
    week_start,
    rentals,
    revenue,
    cast(revenue as double precision) / cast(rentals as double precision) as average_amount
from weeks

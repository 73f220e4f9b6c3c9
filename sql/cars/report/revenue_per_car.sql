-- What a car of the fleet brings in a day, month by month.
--
-- place:      2
-- title:      Revenue per car and day
-- reading:    Each point is a month: what its days of use brought in, by the days on which cars were in the fleet, rented or not
--             (RevPAC). It is what a rented day brings in, times utilisation. The last month counts its days so far.
-- matters:    It joins price and utilisation: either may rise while the fleet earns less.
-- chart:      line
-- columns:    month (month, Month), revenue_per_car_day (money, Revenue per car and day),
--             revenue_per_rented_day (money, Revenue per rented day), utilisation (percent, Utilisation),
--             revenue (money, Revenue)
-- drawn:      revenue_per_car_day
-- empty:      No day after the first rental has passed yet.
-- reads:      cars_presentation.fleet_revenue_monthly
-- parameters: none
--
-- The newest two years that have figures.

-- name: query
with known_month as (
    select
        month_start,
        revenue_per_car_day,
        revenue_per_rented_day,
        utilisation,
        revenue
    from cars_presentation.fleet_revenue_monthly
    where car_days > 0
)

select
    cast(month_start as varchar(10)) as month,
    revenue_per_car_day,
    revenue_per_rented_day,
    utilisation,
    revenue
from known_month
where month_start > (select dateadd(month, -24, max(newest.month_start)) from known_month as newest)
order by month

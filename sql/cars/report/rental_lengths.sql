-- How long rentals last.
--
-- place:      11
-- title:      Rentals by length
-- reading:    How many of the rentals of the newest year of whole weeks lasted how long, the shortest first, and what a rented
--             day of each length brings in.
-- chart:      ranking
-- columns:    length (text, Length), rentals (count, Rentals), share (percent, Share of rentals), revenue (money, Revenue),
--             revenue_per_day (money, Revenue per rented day)
-- drawn:      rentals
-- empty:      No whole week with a rental has passed yet.
-- reads:      cars_presentation.rental_lengths_weekly
-- parameters: as_of
--
-- The newest year of whole weeks that has figures.

-- name: query
with whole_week as (
    select period_start, hours_from, rentals, revenue, rental_hours
    from cars_presentation.rental_lengths_weekly
    where period_start + 7 <= cast(:as_of as date)
),

by_length as (
    select
        hours_from,
        sum(rentals) as rentals,
        sum(revenue) as revenue,
        sum(rental_hours) as rental_hours
    from whole_week
    where period_start >= (select max(newest.period_start) - 364 from whole_week as newest)
    group by hours_from
)

select
    case hours_from
        when 0 then 'under 4 hours'
        when 4 then '4 to 12 hours'
        when 12 then '12 to 24 hours'
        when 24 then '1 to 3 days'
        when 72 then '3 to 7 days'
        else '7 days or more'
    end as length,
    by_length.rentals,
    cast(by_length.rentals as double precision)
    / cast((select sum(in_all.rentals) from by_length as in_all) as double precision) as share,
    by_length.revenue,
    24 * (
        cast(by_length.revenue as double precision) / cast(nullif(by_length.rental_hours, 0) as double precision)
    ) as revenue_per_day
from by_length
order by hours_from

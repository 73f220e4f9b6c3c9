-- The marketplace week by week: what listings ask, who books, what is earned, how long people stay.
--
-- grain:      one row per week that has an active listing, a booking or a checkin
-- reads:      apartments_presentation.average_listing_price_weekly, apartments_presentation.bookings_per_user_weekly,
--             apartments_presentation.top_listings_weekly, apartments_presentation.average_booking_duration_weekly
-- writes:     apartments_presentation.weekly_overview
-- parameters: none
-- rerun:      a view: dropped and made again where it or a table it reads has changed its definition
-- storage:    none
--
-- Bookings of every status except canceled, confirmed bookings and revenue belong to the week of booking, stays to the week of
-- their checkin, so that weeks ahead have stays only. A week without any has 0 bookings and no average.
-- average_price is that of the listings whose price is for price_unit: the unit in which, over all weeks, most are priced.
-- revenue is that of the confirmed bookings but bookings_without_rate; it is NULL where all of a week's are without a rate.
--
-- The formulas: active_listings and average_price are those of average_listing_price_weekly, the first over all units;
-- bookings is the sum over users, users_who_booked their number; confirmed_bookings and revenue are the sums over listings.
-- Worked example: Ann has 2 bookings in the week and Bob 1, of which two are confirmed, for 300 and 200: bookings 3,
-- users_who_booked 2, confirmed_bookings 2, revenue 500.
-- It cannot say: what nights earned (nights_monthly), nor why a week was weak.

-- name: view
create view apartments_presentation.weekly_overview as
with periods as (
    select period_start from apartments_presentation.average_listing_price_weekly
    union all
    select period_start from apartments_presentation.bookings_per_user_weekly
    union all
    select period_start from apartments_presentation.average_booking_duration_weekly
),

weeks as (
    select distinct period_start from periods
),

counted_unit as (
    select
        price_unit,
        sum(listings) as listing_weeks
    from apartments_presentation.average_listing_price_weekly
    group by price_unit
),

ordered_unit as (
    select
        price_unit,
        row_number() over (order by listing_weeks desc, price_unit asc) as unit_number
    from counted_unit
),

active as (
    select
        period_start,
        cast(sum(listings) as bigint) as listings
    from apartments_presentation.average_listing_price_weekly
    group by period_start
),

priced as (
    select
        weekly.period_start,
        weekly.price_unit,
        weekly.average_price
    from apartments_presentation.average_listing_price_weekly as weekly
    inner join ordered_unit on weekly.price_unit = ordered_unit.price_unit
    where ordered_unit.unit_number = 1
),

booked as (
    select
        period_start,
        cast(sum(bookings) as bigint) as bookings,
        count(*) as users
    from apartments_presentation.bookings_per_user_weekly
    group by period_start
),

confirmed as (
    select
        period_start,
        cast(sum(bookings) as bigint) as bookings,
        cast(sum(bookings_without_rate) as bigint) as bookings_without_rate,
        cast(sum(revenue) as decimal(38, 2)) as revenue
    from apartments_presentation.top_listings_weekly
    group by period_start
)

select
    weeks.period_start as week_start,
    coalesce(active.listings, 0) as active_listings,
    priced.price_unit,
    priced.average_price,
    coalesce(booked.bookings, 0) as bookings,
    coalesce(booked.users, 0) as users_who_booked,
    coalesce(confirmed.bookings, 0) as confirmed_bookings,
    coalesce(confirmed.bookings_without_rate, 0) as bookings_without_rate,
    case when confirmed.bookings is null then 0 else confirmed.revenue end as revenue,
    coalesce(stays.stays, 0) as stays,
    stays.average_nights
from weeks
left join active on weeks.period_start = active.period_start
left join priced on weeks.period_start = priced.period_start
left join booked on weeks.period_start = booked.period_start
left join confirmed on weeks.period_start = confirmed.period_start
left join apartments_presentation.average_booking_duration_weekly as stays on weeks.period_start = stays.period_start

-- The marketplace week by week: what listings ask, who books, what is earned, how long people stay.
--
-- grain:      one row per week that has an active listing, a booking or a checkin
-- reads:      apartments_presentation.average_listing_price_weekly, apartments_presentation.bookings_per_user_weekly,
--             apartments_presentation.top_listings_weekly, apartments_presentation.average_booking_duration_weekly
-- writes:     apartments_presentation.weekly_overview
-- parameters: none
-- rerun:      a view: dropped and made anew where it or a table it reads has changed its definition
-- storage:    none
--
-- Bookings of every status except canceled, confirmed bookings and revenue belong to the week of booking, stays to the week of
-- their checkin, so that weeks ahead have stays only. A week without any has 0 bookings and no average.

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
        cast(sum(revenue_usd) as decimal(38, 2)) as revenue_usd
    from apartments_presentation.top_listings_weekly
    group by period_start
)

select
    weeks.period_start as week_start,
    coalesce(prices.listings, 0) as active_listings,
    prices.average_price_usd,
    coalesce(booked.bookings, 0) as bookings,
    coalesce(booked.users, 0) as users_who_booked,
    coalesce(confirmed.bookings, 0) as confirmed_bookings,
    coalesce(confirmed.revenue_usd, 0) as revenue_usd,
    coalesce(stays.stays, 0) as stays,
    stays.average_nights
from weeks
left join apartments_presentation.average_listing_price_weekly as prices on weeks.period_start = prices.period_start
left join booked on weeks.period_start = booked.period_start
left join confirmed on weeks.period_start = confirmed.period_start
left join apartments_presentation.average_booking_duration_weekly as stays on weeks.period_start = stays.period_start

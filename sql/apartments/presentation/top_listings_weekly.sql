-- Listings by their confirmed revenue per week, the highest first.
--
-- grain:      one row per week of booking and listing with a confirmed booking
-- period:     week
-- reads:      dirty_period, apartments_curated.bookings, apartments_control.exchange_rate, apartments_control.calendar, changed_bookings
-- writes:     apartments_presentation.top_listings_weekly
-- parameters: none
-- rerun:      replaces whole weeks; the same rows for the same curated rows and rates
-- storage:    distkey apartment_id: joined to listings on it; sortkey period_start: read by time
--
-- Revenue is the confirmed bookings' total_price in US dollars, each by the rate of its booking_date, the sum rounded to cents.
-- Bookings whose currency has no rate on that day add nothing to it and are counted in bookings_without_rate.
-- Listings with equal revenue share a rank. All listings are here: take listing_rank <= 10 for a top ten.
-- sql/control/exchange_rates.csv ships with approximate monthly rates, those of 2026 carried forward: put your own into it.

-- name: table
create table if not exists apartments_presentation.top_listings_weekly (
    period_start date not null,
    apartment_id bigint not null,
    bookings bigint not null,
    bookings_without_rate bigint not null,
    revenue_usd decimal(38, 2) not null,
    listing_rank bigint not null
)
distkey (apartment_id)
sortkey (period_start)

-- name: dirty_from_bookings
select distinct calendar.week_start as period_start
from changed_bookings
inner join apartments_control.calendar on changed_bookings.booking_date = calendar.calendar_date
where changed_bookings.booking_status = 'confirmed'

-- name: rows
with listing_week as (
    select
        dirty_period.period_start,
        bookings.apartment_id,
        count(*) as bookings,
        sum(case when exchange_rate.currency is null then 1 else 0 end) as bookings_without_rate,
        cast(round(coalesce(sum(bookings.total_price * exchange_rate.rate), 0), 2) as decimal(38, 2)) as revenue_usd
    from dirty_period
    inner join apartments_control.calendar on dirty_period.period_start = calendar.week_start
    inner join apartments_curated.bookings on calendar.calendar_date = bookings.booking_date
    left join apartments_control.exchange_rate
        on bookings.currency = exchange_rate.currency
        and bookings.booking_date >= exchange_rate.valid_from
        and bookings.booking_date < exchange_rate.valid_to
    where bookings.booking_status = 'confirmed'
    group by dirty_period.period_start, bookings.apartment_id
)

select
    period_start,
    apartment_id,
    bookings,
    bookings_without_rate,
    revenue_usd,
    rank() over (partition by period_start order by revenue_usd desc) as listing_rank
from listing_week

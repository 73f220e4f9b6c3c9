-- What each listing earned per week: the confirmed revenue of the bookings made in it.
--
-- grain:      one row per week of booking and listing with a confirmed booking
-- period:     week
-- unique_key: period_start, apartment_id
-- holds:      revenue >= 0; (revenue is null) = (bookings = bookings_without_rate); bookings >= bookings_without_rate
-- reads:      dirty_day, booking_made, apartments_control.exchange_rate, changed_bookings
-- writes:     apartments_presentation.top_listings_weekly
-- parameters: first_day, last_day
-- rerun:      replaces whole weeks; the same rows for the same curated rows and rates
-- storage:    distkey apartment_id: joined to listings on it; sortkey period_start: read by time
-- lake:       by month of period_start
--
-- Revenue is the confirmed bookings' total_price in the reporting currency, each by the rate of its booking_date, the sum rounded
-- to cents, half up. A booking whose currency has no rate on that day is counted in bookings_without_rate, and revenue is then
-- that of the listing's other bookings. Where none has a rate, revenue is NULL. All listings are here, removed ones too.
-- The rank of a listing is a column of views/listing_revenue_weekly.sql: one more booking may move the ranks of all listings
-- below it, and a rank that is made when it is read costs no run anything.
--
-- The formula: revenue = sum of total_price * rate.
-- Worked example: listing 7 has bookings of 300 USD and of 100 EUR, at a rate of 1.10: revenue 410.00.
-- It cannot say: what is earned in the week: it is what is booked in it (nights_monthly has revenue by night).

-- name: table
create table if not exists apartments_presentation.top_listings_weekly (
    period_start date not null,
    apartment_id bigint not null,
    bookings bigint not null,
    bookings_without_rate bigint not null,
    revenue decimal(38, 2)
)
distkey (apartment_id)
sortkey (period_start)

-- name: dirty_days_from_bookings
select
    booking_date as first_day,
    booking_date as last_day
from changed_bookings
where booking_status = 'confirmed'

-- name: rows
select
    dirty_day.period_start,
    bookings.apartment_id,
    count(*) as bookings,
    sum(case when exchange_rate.currency is null then 1 else 0 end) as bookings_without_rate,
    cast(round(sum(bookings.total_price * exchange_rate.rate), 2) as decimal(38, 2)) as revenue
from dirty_day
inner join booking_made as bookings on dirty_day.calendar_date = bookings.booking_date
left join apartments_control.exchange_rate
    on bookings.currency = exchange_rate.currency
    and bookings.booking_date >= exchange_rate.valid_from
    and bookings.booking_date < exchange_rate.valid_to
where bookings.booking_status = 'confirmed'
    and bookings.booking_date between cast(:first_day as date) and cast(:last_day as date)
group by dirty_day.period_start, bookings.apartment_id

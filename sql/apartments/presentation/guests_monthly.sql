-- Guests who book in every month, by the month of their first booking: new ones, returning ones, and what each cohort brings.
--
-- grain:      one row per month of booking and cohort (month of the guest's first confirmed booking) with a confirmed booking
-- period:     month
-- unique_key: period_start, cohort_month
-- holds:      cohort_month <= period_start; guests >= 1; bookings >= guests; guests_back_first between 0 and guests;
--             (revenue is null) = (bookings = bookings_without_rate); revenue >= 0; bookings_without_rate between 0 and bookings
-- reads:      dirty_period, numbered_booking, apartments_control.exchange_rate, changed_bookings
-- writes:     apartments_presentation.guests_monthly
-- parameters: first_day, last_day
-- rerun:      replaces whole months; the same rows for the same curated rows and rates
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- The formulas: new guests of a month are the guests of the row whose cohort_month it is, returning guests those of the month's
-- other rows. guests_back_first are those who book for the second time in the month, whatever they book later. The view
-- guest_cohorts makes of them, by age, the share of a cohort that has come back, and what a guest has brought so far (lifetime
-- value).
-- Worked example: Ann books on 5 January, 20 January and 3 March; Bob on 7 January. January: cohort January, guests 2,
-- guests_back_first 1 (Ann),
--   bookings 3. March: cohort January, guests 1, guests_back_first 0 (she was back already), bookings 1.
--
-- Confirmed bookings by their booking_date, of all listings; revenue in the reporting currency by the rate of that day, in whole
-- cents; where none of a row's bookings has a rate it is NULL. A booking that arrives late, or is canceled, moves its guest's
-- later months.
-- It cannot say: who a person with two accounts is, and who booked before the source's first booking: the oldest cohorts hold
-- guests who are older.

-- name: table
create table if not exists apartments_presentation.guests_monthly (
    period_start date not null,
    cohort_month date not null,
    guests bigint not null,
    guests_back_first bigint not null,
    bookings bigint not null,
    bookings_without_rate bigint not null,
    revenue decimal(38, 2)
)
diststyle all
sortkey (period_start)

-- name: dirty_days_from_bookings
-- What a guest's earlier months show is decided by bookings before it. The later ones may be of another cohort now, and what
-- is kept of them (numbered_booking) is made again.
select
    min(booking_date) as first_day,
    cast('2050-12-31' as date) as last_day
from changed_bookings
where booking_status = 'confirmed'
having count(*) > 0

-- name: rows
with booked as (
    select
        cast(date_trunc('month', numbered_booking.booking_date) as date) as booking_month,
        cast(date_trunc('month', numbered_booking.first_booking_date) as date) as cohort_month,
        numbered_booking.user_id,
        numbered_booking.booking_number,
        cast(round(numbered_booking.total_price * exchange_rate.rate, 2) as decimal(38, 2)) as amount
    from numbered_booking
    left join apartments_control.exchange_rate
        on numbered_booking.currency = exchange_rate.currency
        and numbered_booking.booking_date >= exchange_rate.valid_from
        and numbered_booking.booking_date < exchange_rate.valid_to
    where numbered_booking.booking_date between cast(:first_day as date) and cast(:last_day as date)
)

select
    dirty_period.period_start,
    booked.cohort_month,
    count(distinct booked.user_id) as guests,
    sum(case when booked.booking_number = 2 then 1 else 0 end) as guests_back_first,
    count(*) as bookings,
    sum(case when booked.amount is null then 1 else 0 end) as bookings_without_rate,
    cast(sum(booked.amount) as decimal(38, 2)) as revenue
from dirty_period
inner join booked on dirty_period.period_start = booked.booking_month
group by dirty_period.period_start, booked.cohort_month

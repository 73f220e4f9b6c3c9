-- The bookings made in every week: by how many customers, how long ahead, how many are canceled, what they earn, what is lost,
-- and what is not paid.
--
-- grain:      one row per week of booking, segment and member with a booking of any status
-- period:     week
-- unique_key: period_start, segment, member
-- holds:      bookings = confirmed + pending + canceled; customers <= confirmed + pending;
--             (customers = 0) = (confirmed + pending = 0); cancellation_rate between 0 and 1;
--             (cancellation_rate is null) = (confirmed + canceled = 0);
--             confirmed = days_0 + days_1_to_7 + days_8_to_30 + days_31_to_90 + days_over_90 + booked_after_checkin;
--             (mean_days_ahead is null) = (confirmed = booked_after_checkin); mean_days_ahead >= 0; median_days_ahead >= 0;
--             revenue >= 0; revenue_lost >= 0; (revenue is null) = (confirmed > 0 and confirmed = confirmed_without_rate);
--             (revenue_lost is null) = (canceled > 0 and canceled = canceled_without_rate); revenue_share between 0 and 1
-- reads:      dirty_day, booking_made, apartments_control.exchange_rate, changed_bookings
-- writes:     apartments_presentation.bookings_weekly
-- parameters: first_day, last_day
-- rerun:      replaces whole weeks; the same rows for the same curated rows and rates
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- Formulas:
--   customers         = the different users of the confirmed and the pending ones
--   cancellation_rate = canceled / (confirmed + canceled), of the bookings made in the week, whenever they were canceled
--   revenue           = total_price of the confirmed ones, revenue_lost = that of the canceled ones, in the reporting currency by
--                       the rate of the booking_date, each booking in whole cents
--   days ahead        = checkin_date - booking_date of the confirmed ones (booking window, lead time): their mean, their median,
--                       and how many are in each range of days
--   revenue_share     = revenue / revenue of all in the week: of the member unpaid, the unpaid share
-- Worked example: three bookings of Monday, for Tuesday, for a day in 10 and for one in 40 days, of 100, 200 and 300; the last is
-- canceled.
--   cancellation_rate = 1 / 3, revenue = 300, revenue_lost = 300, mean_days_ahead = (1 + 10) / 2 = 5.5, days_1_to_7 = 1,
--     days_8_to_30 = 1.
--
-- segment is all or payment_status, whose members are the statuses as bookings.sql spells them, and unknown. They add up to all,
-- but for customers: one may pay for a booking and not for the next.
-- A booking made after its checkin (a late entry, or a wrong clock) is in booked_after_checkin and in no mean.
-- A booking whose currency has no rate on its day is counted beside; where none has one, the money is NULL: unknown, not 0.
-- It cannot say: when a booking was canceled, what was refunded, when a payment came in. Young weeks have had less time to be
-- canceled.

-- name: table
create table if not exists apartments_presentation.bookings_weekly (
    period_start date not null,
    segment varchar(16) not null,
    member varchar(128) not null,
    bookings bigint not null,
    confirmed bigint not null,
    pending bigint not null,
    canceled bigint not null,
    customers bigint not null,
    cancellation_rate double precision,
    confirmed_without_rate bigint not null,
    canceled_without_rate bigint not null,
    revenue decimal(38, 2),
    revenue_lost decimal(38, 2),
    revenue_share double precision,
    mean_days_ahead double precision,
    median_days_ahead double precision,
    days_0 bigint not null,
    days_1_to_7 bigint not null,
    days_8_to_30 bigint not null,
    days_31_to_90 bigint not null,
    days_over_90 bigint not null,
    booked_after_checkin bigint not null
)
diststyle all
sortkey (period_start)

-- name: dirty_days_from_bookings
select
    booking_date as first_day,
    booking_date as last_day
from changed_bookings

-- name: rows
with booked as (
    select
        dirty_day.period_start,
        bookings.user_id,
        bookings.booking_status,
        coalesce(bookings.payment_status, 'unknown') as payment_status,
        case when bookings.booking_status = 'confirmed' then bookings.checkin_date - bookings.booking_date end as days_ahead,
        cast(round(bookings.total_price * exchange_rate.rate, 2) as decimal(38, 2)) as amount
    from dirty_day
    inner join booking_made as bookings on dirty_day.calendar_date = bookings.booking_date
    left join apartments_control.exchange_rate
        on bookings.currency = exchange_rate.currency
        and bookings.booking_date >= exchange_rate.valid_from
        and bookings.booking_date < exchange_rate.valid_to
    where bookings.booking_date between cast(:first_day as date) and cast(:last_day as date)
),

in_segment as (
    select
        booked.*,
        cast('all' as varchar(16)) as segment,
        cast('all' as varchar(128)) as member
    from booked
    union all
    select
        booked.*,
        cast('payment_status' as varchar(16)) as segment,
        cast(booked.payment_status as varchar(128)) as member
    from booked
),

-- By itself: Redshift refuses a median beside different values that are counted.
customer_week as (
    select
        period_start,
        segment,
        member,
        count(distinct user_id) as customers
    from in_segment
    where booking_status <> 'canceled'
    group by period_start, segment, member
),

member_week as (
    select
        period_start,
        segment,
        member,
        count(*) as bookings,
        sum(case when booking_status = 'confirmed' then 1 else 0 end) as confirmed,
        sum(case when booking_status = 'pending' then 1 else 0 end) as pending,
        sum(case when booking_status = 'canceled' then 1 else 0 end) as canceled,
        sum(case when booking_status = 'confirmed' and amount is null then 1 else 0 end) as confirmed_without_rate,
        sum(case when booking_status = 'canceled' and amount is null then 1 else 0 end) as canceled_without_rate,
        sum(case when booking_status = 'confirmed' then amount end) as confirmed_amount,
        sum(case when booking_status = 'canceled' then amount end) as canceled_amount,
        sum(case when days_ahead >= 0 then days_ahead end) as total_days_ahead,
        median(cast(case when days_ahead >= 0 then days_ahead end as double precision)) as median_days_ahead,
        sum(case when days_ahead >= 0 then 1 else 0 end) as booked_ahead,
        sum(case when days_ahead = 0 then 1 else 0 end) as days_0,
        sum(case when days_ahead between 1 and 7 then 1 else 0 end) as days_1_to_7,
        sum(case when days_ahead between 8 and 30 then 1 else 0 end) as days_8_to_30,
        sum(case when days_ahead between 31 and 90 then 1 else 0 end) as days_31_to_90,
        sum(case when days_ahead > 90 then 1 else 0 end) as days_over_90,
        sum(case when days_ahead < 0 then 1 else 0 end) as booked_after_checkin
    from in_segment
    group by period_start, segment, member
),

earned_week as (
    select
        member_week.*,
        case when confirmed = 0 then 0 else confirmed_amount end as earned,
        case when canceled = 0 then 0 else canceled_amount end as lost
    from member_week
),

whole_week as (
    select
        period_start,
        earned
    from earned_week
    where segment = 'all'
)

select
    earned_week.period_start,
    earned_week.segment,
    earned_week.member,
    earned_week.bookings,
    earned_week.confirmed,
    earned_week.pending,
    earned_week.canceled,
    coalesce(customer_week.customers, 0) as customers,
    cast(earned_week.canceled as double precision)
    / cast(nullif(earned_week.confirmed + earned_week.canceled, 0) as double precision) as cancellation_rate,
    earned_week.confirmed_without_rate,
    earned_week.canceled_without_rate,
    cast(earned_week.earned as decimal(38, 2)) as revenue,
    cast(earned_week.lost as decimal(38, 2)) as revenue_lost,
    cast(earned_week.earned as double precision) / cast(nullif(whole_week.earned, 0) as double precision) as revenue_share,
    cast(earned_week.total_days_ahead as double precision) / cast(nullif(earned_week.booked_ahead, 0) as double precision)
        as mean_days_ahead,
    earned_week.median_days_ahead,
    earned_week.days_0,
    earned_week.days_1_to_7,
    earned_week.days_8_to_30,
    earned_week.days_31_to_90,
    earned_week.days_over_90,
    earned_week.booked_after_checkin
from earned_week
inner join whole_week on earned_week.period_start = whole_week.period_start
left join customer_week
    on earned_week.period_start = customer_week.period_start
    and earned_week.segment = customer_week.segment
    and earned_week.member = customer_week.member

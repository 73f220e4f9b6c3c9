-- The listings of every week: how many there are, which came and went, how many earn nothing, and how much the best tenth earns.
--
-- grain:      one row per week begun before as_of, with a listing at its end or at the end of the week before, or with revenue
-- period:     week
-- lookback:   84 days
-- unique_key: period_start
-- holds:      active_listings = active_before + new_listings + returned_listings - lost_listings; new_listings >= 0;
--             returned_listings >= 0; lost_listings between 0 and active_before; listings_without_booking between 0 and
--             active_listings; revenue >= 0; top_revenue between 0 and revenue; top_revenue_share between 0 and 1;
--             (revenue is null) = (bookings > 0 and bookings = bookings_without_rate)
-- reads:      dirty_period, active_listing, booking_made, apartments_control.exchange_rate, apartments_control.calendar,
--             changed_apartment_versions, changed_bookings, changed_exchange_rate
-- writes:     apartments_presentation.listings_weekly
-- parameters: as_of, first_day, last_day
-- rerun:      replaces whole weeks; the same rows for the same curated rows, rates and as_of
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- The formulas: a listing is there at the end of a week if it was active on the week's last night (of the run's own week: on the
-- last night before as_of). active_listings = active_before + new_listings + returned_listings - lost_listings, where new ones
-- were never active on a night before the week, returned ones were, but not on the night before it, and lost ones were on that
-- night and are no more. revenue is that of the confirmed bookings made in the thirteen weeks (some 90 days) that end with the
-- row's; top_revenue is that of the best-earning tenth of the listings (a tenth of active_listings, rounded up),
-- top_revenue_share = top_revenue / revenue. listings_without_booking are there at the week's end and have no confirmed booking
-- of these thirteen weeks.
-- Worked example: 20 listings, two of them earn 600 and 300, four others 25 each: top_revenue = 900, share = 900 / 1000 = 90 %,
-- without = 14.
--
-- Money is in the reporting currency, each booking by the rate of its booking_date, in whole cents. Bookings without a rate are
-- counted beside; where none has one, revenue is NULL. The listings of earlier weeks are told by versions, as occupancy_monthly
-- tells nights.
-- It cannot say: why a listing went; what one earns that is on several platforms.

-- name: table
create table if not exists apartments_presentation.listings_weekly (
    period_start date not null,
    active_listings bigint not null,
    active_before bigint not null,
    new_listings bigint not null,
    returned_listings bigint not null,
    lost_listings bigint not null,
    listings_without_booking bigint not null,
    bookings bigint not null,
    bookings_without_rate bigint not null,
    revenue decimal(38, 2),
    top_revenue decimal(38, 2),
    top_revenue_share double precision
)
diststyle all
sortkey (period_start)

-- name: dirty_days_from_apartment_versions
with image as (
    select
        id,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as timestamp)) as ends_at
    from changed_apartment_versions
    where is_active
),

changed_interval as (
    -- Two images of one version that differ only in where it ends change the weeks from the earlier end on, not those before.
    select
        cast(case when count(*) = 1 then min(valid_from) else min(ends_at) end as date) as first_day,
        cast(max(ends_at) as date) as last_day
    from image
    group by id, valid_from
)

-- The week after an end knows of it. A night that was the first one, and is none now, makes later ones new: all later weeks.
select
    min(changed_interval.first_day) as first_day,
    cast(:as_of as date) as last_day
from changed_interval
having count(*) > 0

-- name: dirty_days_from_bookings
select distinct
    booking_date as first_day,
    least(booking_date + 84, cast(:as_of as date)) as last_day
from changed_bookings
where booking_status = 'confirmed'

-- name: dirty_days_from_exchange_rate
select distinct
    rate_day as first_day,
    least(rate_day + 84, cast(:as_of as date)) as last_day
from changed_exchange_rate

-- name: rows
with past_week as (
    select
        period_start,
        least(period_end, cast(:as_of as date)) as elapsed_end
    from dirty_period
    where period_start < cast(:as_of as date)
),

-- Days, the last exclusive: an instant before midnight is what a night is decided by.
active as (
    select
        id as apartment_id,
        cast(valid_from as date) as active_from,
        coalesce(cast(valid_to as date), cast('9999-12-31' as date)) as active_to
    from active_listing
    where valid_from < cast(:last_day as date) + 1
),

first_active as (
    select
        apartment_id,
        min(active_from) as first_night
    from active
    where active_to > active_from
    group by apartment_id
),

-- A listing is there on the week's last night, on the last night before the week, or on both.
listing_week as (
    select
        past_week.period_start,
        active.apartment_id,
        max(case when active.active_to >= past_week.elapsed_end then 1 else 0 end) as is_there,
        max(case when active.active_from < past_week.period_start then 1 else 0 end) as was_there
    from past_week
    inner join active
        on active.active_from < past_week.elapsed_end
        and active.active_to >= past_week.period_start
    group by past_week.period_start, active.apartment_id
),

booked as (
    select
        cast(date_trunc('week', bookings.booking_date) as date) as week_start,
        bookings.apartment_id,
        count(*) as bookings,
        sum(case when exchange_rate.currency is null then 1 else 0 end) as bookings_without_rate,
        sum(cast(round(bookings.total_price * exchange_rate.rate, 2) as decimal(38, 2))) as amount
    from booking_made as bookings
    left join apartments_control.exchange_rate
        on bookings.currency = exchange_rate.currency
        and bookings.booking_date >= exchange_rate.valid_from
        and bookings.booking_date < exchange_rate.valid_to
    where bookings.booking_status = 'confirmed'
        and bookings.booking_date between cast(:first_day as date) and cast(:last_day as date)
        and bookings.booking_date < cast(:as_of as date)
    group by cast(date_trunc('week', bookings.booking_date) as date), bookings.apartment_id
),

-- A week's bookings are in thirteen rows. Equality joins on these scale, a range join does not.
weeks_later as (
    select calendar_date - cast('2000-01-03' as date) as days
    from apartments_control.calendar
    where calendar_date = week_start
        and calendar_date between cast('2000-01-03' as date) and cast('2000-03-27' as date)
),

booked_week as (
    select
        past_week.period_start,
        booked.apartment_id,
        sum(booked.bookings) as bookings,
        sum(booked.bookings_without_rate) as bookings_without_rate,
        sum(booked.amount) as amount
    from booked
    cross join weeks_later
    inner join past_week on booked.week_start + weeks_later.days = past_week.period_start
    group by past_week.period_start, booked.apartment_id
),

judged_week as (
    select
        listing_week.period_start,
        listing_week.is_there,
        listing_week.was_there,
        case when listing_week.is_there = 1 and listing_week.was_there = 0 then 1 else 0 end as has_come,
        case when first_active.first_night >= listing_week.period_start then 1 else 0 end as is_first,
        case when booked_week.apartment_id is null then 1 else 0 end as is_unbooked
    from listing_week
    inner join first_active on listing_week.apartment_id = first_active.apartment_id
    left join booked_week
        on listing_week.period_start = booked_week.period_start
        and listing_week.apartment_id = booked_week.apartment_id
    where listing_week.is_there = 1
        or listing_week.was_there = 1
),

supply as (
    select
        period_start,
        sum(is_there) as active_listings,
        sum(was_there) as active_before,
        sum(has_come * is_first) as new_listings,
        sum(has_come * (1 - is_first)) as returned_listings,
        sum(was_there * (1 - is_there)) as lost_listings,
        sum(is_there * is_unbooked) as listings_without_booking
    from judged_week
    group by period_start
),

ranked as (
    select
        booked_week.*,
        row_number() over (partition by period_start order by coalesce(amount, 0) desc, apartment_id) as earner_number
    from booked_week
),

earned as (
    select
        ranked.period_start,
        sum(ranked.bookings) as bookings,
        sum(ranked.bookings_without_rate) as bookings_without_rate,
        sum(ranked.amount) as amount,
        sum(
            case
                when ranked.earner_number * 10 < coalesce(supply.active_listings, 0) + 10 then coalesce(ranked.amount, 0)
                else 0
            end
        ) as top_amount
    from ranked
    left join supply on ranked.period_start = supply.period_start
    group by ranked.period_start
)

select
    past_week.period_start,
    coalesce(supply.active_listings, 0) as active_listings,
    coalesce(supply.active_before, 0) as active_before,
    coalesce(supply.new_listings, 0) as new_listings,
    coalesce(supply.returned_listings, 0) as returned_listings,
    coalesce(supply.lost_listings, 0) as lost_listings,
    coalesce(supply.listings_without_booking, 0) as listings_without_booking,
    coalesce(earned.bookings, 0) as bookings,
    coalesce(earned.bookings_without_rate, 0) as bookings_without_rate,
    cast(case when earned.bookings is null then 0 else earned.amount end as decimal(38, 2)) as revenue,
    cast(
        case when earned.bookings is null then 0 when earned.amount is not null then earned.top_amount end as decimal(38, 2)
    ) as top_revenue,
    cast(case when earned.amount is not null then earned.top_amount end as double precision)
    / cast(nullif(earned.amount, 0) as double precision) as top_revenue_share
from past_week
left join supply on past_week.period_start = supply.period_start
left join earned on past_week.period_start = earned.period_start
where supply.period_start is not null
    or earned.period_start is not null

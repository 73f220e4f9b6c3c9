-- Percentage of available rental nights that were booked over a month.
--
-- grain:      one row per month that has an available or a booked night before as_of
-- period:     month
-- unique_key: period_start
-- holds:      booked_nights >= 0; booked_nights_unavailable >= 0; available_nights_assumed >= 0; available_nights_assumed <=
--             available_nights; booked_nights <= available_nights; occupancy_rate is not null or available_nights = 0;
--             occupancy_rate between 0 and 1
-- reads:      dirty_period, active_listing, confirmed_stay, changed_bookings
-- writes:     apartments_presentation.occupancy_monthly
-- parameters: as_of, first_day, last_day
-- rerun:      replaces whole months; the same rows for the same curated rows and as_of
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- Only nights that are over count: the last one is the night before as_of. The night of a day is available if the version in
-- force at the end of that day is active. A stay has the nights from its checkin to the day before its checkout, each in its own
-- month; two confirmed stays on one night of a listing count once. Booked nights on which the listing was not available are no
-- part of the rate, so it never passes 1; they stand beside it in booked_nights_unavailable. A listing that was removed keeps its
-- past. available_nights_assumed is how many of the available nights are only assumed: they lie before the first known version.
--
-- The formula: occupancy_rate = booked_nights / available_nights.
-- Worked example: two listings in June, 30 nights each: available_nights 60. Stays of 3 and of 6 nights:
-- occupancy_rate = 9 / 60 = 15 %.
-- It cannot say: whether an owner kept a night for himself, which counts as available.

-- name: table
create table if not exists apartments_presentation.occupancy_monthly (
    period_start date not null,
    available_nights bigint not null,
    available_nights_assumed bigint not null,
    booked_nights bigint not null,
    booked_nights_unavailable bigint not null,
    occupancy_rate double precision
)
diststyle all
sortkey (period_start)

-- name: dirty_days_from_bookings
select distinct
    checkin_date as first_day,
    least(checkout_date - 1, cast(:as_of as date)) as last_day
from changed_bookings
where booking_status = 'confirmed'
    and checkin_date < checkout_date

-- name: rows
with past_month as (
    select
        period_start,
        least(period_end, cast(:as_of as date)) as elapsed_end
    from dirty_period
    where period_start < cast(:as_of as date)
),

-- Days, the last exclusive: an instant before midnight is what a night is decided by.
available as (
    select
        id as apartment_id,
        is_assumed,
        cast(valid_from as date) as available_from,
        coalesce(cast(valid_to as date), cast(:as_of as date)) as available_to
    from active_listing
),

listing_month as (
    select
        past_month.period_start,
        available.is_assumed,
        least(available.available_to, past_month.elapsed_end) - greatest(available.available_from, past_month.period_start)
            as nights
    from past_month
    inner join available
        on available.available_from < past_month.elapsed_end
        and available.available_to > past_month.period_start
),

available_month as (
    select
        period_start,
        sum(nights) as available_nights,
        sum(case when is_assumed then nights else 0 end) as available_nights_assumed
    from listing_month
    group by period_start
),

stay_month as (
    select
        past_month.period_start,
        bookings.apartment_id,
        greatest(bookings.checkin_date, past_month.period_start) as stay_from,
        least(bookings.checkout_date, past_month.elapsed_end) as stay_to
    from past_month
    inner join confirmed_stay as bookings
        on bookings.checkin_date < past_month.elapsed_end
        and bookings.checkout_date > past_month.period_start
    where bookings.booking_status = 'confirmed'
        and bookings.checkin_date < bookings.checkout_date
        and bookings.checkin_date <= cast(:last_day as date)
        and bookings.checkout_date > cast(:first_day as date)
),

-- In order of their beginning, each stay brings only the nights after the latest checkout before it: no night comes twice.
ordered_stay as (
    select
        period_start,
        apartment_id,
        stay_from,
        stay_to,
        max(stay_to) over (
            partition by period_start, apartment_id
            order by stay_from, stay_to
            rows between unbounded preceding and 1 preceding
        ) as counted_to
    from stay_month
),

distinct_stay as (
    select
        period_start,
        apartment_id,
        greatest(stay_from, coalesce(counted_to, stay_from)) as stay_from,
        stay_to
    from ordered_stay
    where stay_to > coalesce(counted_to, stay_from)
),

stayed_month as (
    select
        period_start,
        sum(stay_to - stay_from) as stayed_nights
    from distinct_stay
    group by period_start
),

booked_month as (
    select
        distinct_stay.period_start,
        sum(least(available.available_to, distinct_stay.stay_to) - greatest(available.available_from, distinct_stay.stay_from))
            as booked_nights
    from distinct_stay
    inner join available
        on distinct_stay.apartment_id = available.apartment_id
        and available.available_from < distinct_stay.stay_to
        and available.available_to > distinct_stay.stay_from
    group by distinct_stay.period_start
)

select
    past_month.period_start,
    coalesce(available_month.available_nights, 0) as available_nights,
    coalesce(available_month.available_nights_assumed, 0) as available_nights_assumed,
    coalesce(booked_month.booked_nights, 0) as booked_nights,
    coalesce(stayed_month.stayed_nights, 0) - coalesce(booked_month.booked_nights, 0) as booked_nights_unavailable,
    cast(coalesce(booked_month.booked_nights, 0) as double precision)
    / cast(nullif(available_month.available_nights, 0) as double precision) as occupancy_rate
from past_month
left join available_month on past_month.period_start = available_month.period_start
left join stayed_month on past_month.period_start = stayed_month.period_start
left join booked_month on past_month.period_start = booked_month.period_start
where available_month.available_nights > 0
    or stayed_month.stayed_nights > 0

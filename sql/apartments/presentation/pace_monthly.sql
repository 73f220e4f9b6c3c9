-- What comes on the books of every month, day by day, and what leaves them: pace_daily adds it up.
--
-- grain:      one row per month of stay and day on which its books changed, or something of a stay that begins in it was learned
-- period:     month
-- unique_key: period_start, change_day
-- holds:      nights_standing >= 0; stays_learned >= 0
-- reads:      dirty_period, apartments_curated.booking_versions, confirmed_stay, changed_booking_versions, changed_bookings
-- writes:     apartments_presentation.pace_monthly
-- parameters: first_day, last_day
-- rerun:      replaces whole months; the same rows for the same curated rows
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- The formulas, in nights of confirmed stays that fall into the month:
--   nights          = those that came on the books on change_day, as was known on that day, less those that left them; stays
--                     counts the bookings with such a night in the same way
--   nights_standing = those of the bookings that are confirmed now and were made on change_day (their booking_date)
--   stays_learned   = versions of bookings, of any status, that became known on change_day, of stays that begin in the month
-- So the nights on the books at the end of a day are the sum of nights up to it. The first and the last day of all with a
-- stays_learned tell from when to when the warehouse knew anything.
-- Worked example: on Monday a booking of 30 July to 2 August is made, on Wednesday it is canceled. July: Monday nights 2, stays 1,
-- nights_standing 0 (it does not stand), stays_learned 1; Wednesday nights -2, stays -1, stays_learned 1. August: Monday nights 1,
-- Wednesday -1, stays_learned 0 on both.
-- It cannot say: why something left: canceled, moved to other days, or gone from the source.

-- name: table
create table if not exists apartments_presentation.pace_monthly (
    period_start date not null,
    change_day date not null,
    nights bigint not null,
    stays bigint not null,
    nights_standing bigint not null,
    stays_learned bigint not null
)
diststyle all
sortkey (period_start)

-- name: dirty_days_from_booking_versions
select distinct
    checkin_date as first_day,
    greatest(checkin_date, checkout_date - 1) as last_day
from changed_booking_versions

-- name: dirty_days_from_bookings
select distinct
    checkin_date as first_day,
    checkout_date - 1 as last_day
from changed_bookings
where booking_status = 'confirmed'
    and checkin_date < checkout_date

-- name: rows
with version as (
    select
        checkin_date,
        checkout_date,
        booking_status,
        cast(known_from as date) as day_from,
        cast(known_to as date) as day_to
    from apartments_curated.booking_versions
    where checkin_date <= cast(:last_day as date)
        and checkout_date >= cast(:first_day as date)
),

booked as (
    select
        cast('known' as varchar(8)) as measure,
        checkin_date,
        checkout_date,
        day_from,
        day_to
    from version
    where booking_status = 'confirmed'
        and checkin_date < checkout_date
        and (day_to is null or day_from < day_to)
    union all
    select
        cast('standing' as varchar(8)) as measure,
        checkin_date,
        checkout_date,
        booking_date as day_from,
        cast(null as date) as day_to
    from confirmed_stay
    where booking_status = 'confirmed'
        and checkin_date < checkout_date
        and checkin_date <= cast(:last_day as date)
        and checkout_date > cast(:first_day as date)
),

spanned as (
    select
        booked.*,
        cast(date_trunc('month', checkin_date) as date) as first_month,
        cast(date_trunc('month', checkout_date - 1) as date) as last_month
    from booked
),

-- Most stays are in one month, or in two: only for what is between is a range joined.
in_month as (
    select
        spanned.*,
        first_month as stay_month
    from spanned
    union all
    select
        spanned.*,
        last_month as stay_month
    from spanned
    where last_month > first_month
    union all
    select
        spanned.*,
        dirty_period.period_start as stay_month
    from spanned
    inner join dirty_period
        on spanned.first_month < dirty_period.period_start
        and spanned.last_month > dirty_period.period_start
    where spanned.last_month > dateadd(month, 1, spanned.first_month)
),

counted as (
    select
        in_month.*,
        least(checkout_date, cast(dateadd(month, 1, stay_month) as date)) - greatest(checkin_date, stay_month) as stay_nights
    from in_month
),

change as (
    select
        stay_month,
        day_from as change_day,
        case when measure = 'known' then stay_nights else 0 end as known_nights,
        case when measure = 'known' then 1 else 0 end as known_stays,
        case when measure = 'standing' then stay_nights else 0 end as standing_nights,
        0 as learned
    from counted
    union all
    select
        stay_month,
        day_to as change_day,
        -stay_nights as known_nights,
        -1 as known_stays,
        0 as standing_nights,
        0 as learned
    from counted
    where day_to is not null
    union all
    select
        cast(date_trunc('month', checkin_date) as date) as stay_month,
        day_from as change_day,
        0 as known_nights,
        0 as known_stays,
        0 as standing_nights,
        1 as learned
    from version
)

select
    dirty_period.period_start,
    change.change_day,
    sum(change.known_nights) as nights,
    sum(change.known_stays) as stays,
    sum(change.standing_nights) as nights_standing,
    sum(change.learned) as stays_learned
from dirty_period
inner join change on dirty_period.period_start = change.stay_month
group by dirty_period.period_start, change.change_day
-- A version that changed no date takes the nights off and puts them on again.
having sum(change.learned) > 0
    or sum(change.standing_nights) > 0
    or sum(change.known_nights) <> 0
    or sum(change.known_stays) <> 0

-- Average price of active rental listings each week, per currency and as asked (not converted).
--
-- grain:      one row per week and currency that has an active listing
-- period:     week
-- reads:      dirty_period, apartments_curated.apartment_versions, apartments_control.calendar, changed_apartment_versions
-- writes:     apartments_presentation.average_listing_price_weekly_by_currency
-- parameters: as_of
-- rerun:      replaces whole weeks; the same rows for the same curated rows and as_of
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- Counted as in average_listing_price_weekly: a listing is in the currency of the last price it had while active in the week.

-- name: table
create table if not exists apartments_presentation.average_listing_price_weekly_by_currency (
    period_start date not null,
    currency varchar(3) not null,
    listings bigint not null,
    average_price double precision not null
)
diststyle all
sortkey (period_start)

-- name: dirty_from_apartment_versions
with image as (
    select
        id,
        valid_from,
        price,
        currency,
        coalesce(valid_to, cast('9999-12-31' as timestamp)) as ends_at
    from changed_apartment_versions
    where is_active
),

changed_interval as (
    -- As in average_listing_price_weekly: images that differ only in their end change the weeks between the two ends.
    select
        case when count(*) = 1 then min(valid_from) else min(ends_at) end as changed_from,
        max(ends_at) as changed_to
    from image
    group by id, valid_from, price, currency
),

-- Few different ones remain, however many listings changed.
changed_weeks as (
    select distinct
        cast(date_trunc('week', changed_from) as date) as first_week,
        cast(date_trunc('week', changed_to) as date) as last_week
    from changed_interval
),

all_weeks as (
    select distinct week_start
    from apartments_control.calendar
)

select distinct all_weeks.week_start as period_start
from all_weeks
inner join changed_weeks on all_weeks.week_start between changed_weeks.first_week and changed_weeks.last_week
where all_weeks.week_start <= cast(:as_of as date)

-- name: rows
with past_week as (
    select
        period_start,
        period_end
    from dirty_period
    where period_start <= cast(:as_of as date)
        -- A full build has every week of the calendar, most of them from before the first listing.
        and period_end > (select min(valid_from) from apartments_curated.apartment_versions)
),

active_version as (
    select
        valid_from,
        valid_to,
        price,
        currency,
        lead(valid_from) over (partition by id order by valid_from) as next_active_from
    from apartments_curated.apartment_versions
    where is_active
),

-- One row per week and listing: of its versions active in the week, the one after which no other begins before the week ends.
listing_week as (
    select
        past_week.period_start,
        active_version.price,
        active_version.currency
    from past_week
    inner join active_version
        on active_version.valid_from < past_week.period_end
        and (active_version.valid_to is null or active_version.valid_to > past_week.period_start)
        and (active_version.next_active_from is null or active_version.next_active_from >= past_week.period_end)
)

select
    period_start,
    currency,
    count(*) as listings,
    cast(sum(price) as double precision) / cast(count(*) as double precision) as average_price
from listing_week
group by period_start, currency

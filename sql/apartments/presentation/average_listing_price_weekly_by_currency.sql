-- Average price of active rental listings each week, by what the price is for, per currency and as asked (not converted).
--
-- grain:      one row per week, price unit and currency that has an active listing
-- period:     week
-- reads:      dirty_period, apartments_curated.apartment_versions, apartments_curated.apartment_attributes,
--             apartments_control.calendar, changed_apartment_versions, changed_apartment_attributes
-- writes:     apartments_presentation.average_listing_price_weekly_by_currency
-- parameters: as_of
-- rerun:      replaces whole weeks; the same rows for the same curated rows and as_of
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- Counted as in average_listing_price_weekly: a listing is in the currency of the last price it had while active in the week, and
-- in the unit of its attributes today.

-- name: table
create table if not exists apartments_presentation.average_listing_price_weekly_by_currency (
    period_start date not null,
    price_unit varchar(128) not null,
    currency varchar(3) not null,
    listings bigint not null,
    listings_assumed bigint not null,
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
        is_assumed,
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
    group by id, valid_from, price, currency, is_assumed
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

-- name: dirty_from_apartment_attributes
with other_unit as (
    -- As in average_listing_price_weekly: of the attributes, only the unit is one of a price.
    select id
    from changed_apartment_attributes
    group by id
    having min(price_unit) <> max(price_unit)
        or (count(*) = 1 and min(price_unit) <> 'unknown')
),

changed_weeks as (
    select distinct
        cast(date_trunc('week', apartment_versions.valid_from) as date) as first_week,
        cast(date_trunc('week', coalesce(apartment_versions.valid_to, cast('9999-12-31' as timestamp))) as date) as last_week
    from other_unit
    inner join apartments_curated.apartment_versions on other_unit.id = apartment_versions.id
    where apartment_versions.is_active
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
        id,
        valid_from,
        valid_to,
        price,
        currency,
        is_assumed,
        lead(valid_from) over (partition by id order by valid_from) as next_active_from
    from apartments_curated.apartment_versions
    where is_active
),

-- One row per week and listing: of its versions active in the week, the one after which no other begins before the week ends.
listing_week as (
    select
        past_week.period_start,
        active_version.price,
        active_version.currency,
        active_version.is_assumed,
        coalesce(apartment_attributes.price_unit, 'unknown') as price_unit
    from past_week
    inner join active_version
        on active_version.valid_from < past_week.period_end
        and (active_version.valid_to is null or active_version.valid_to > past_week.period_start)
        and (active_version.next_active_from is null or active_version.next_active_from >= past_week.period_end)
    left join apartments_curated.apartment_attributes on active_version.id = apartment_attributes.id
)

select
    period_start,
    price_unit,
    currency,
    count(*) as listings,
    sum(case when is_assumed then 1 else 0 end) as listings_assumed,
    cast(sum(price) as double precision) / cast(count(*) as double precision) as average_price
from listing_week
group by period_start, price_unit, currency

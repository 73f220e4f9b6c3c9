-- Average price of active rental listings each week, by what the price is for, in the reporting currency.
--
-- grain:      one row per week and price unit that has an active listing
-- period:     week
-- reads:      dirty_period, apartments_curated.apartment_versions, apartments_curated.apartment_attributes,
--             apartments_control.exchange_rate, apartments_control.calendar, changed_apartment_versions,
--             changed_apartment_attributes
-- writes:     apartments_presentation.average_listing_price_weekly
-- parameters: as_of
-- rerun:      replaces whole weeks; the same rows for the same curated rows, rates and as_of
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- A listing counts once in every week in which it was active at any moment, with the last price it had while active in that week,
-- as its versions tell (not as it is today). Weeks begin on Monday; the last one is the week that contains as_of.
-- A price for a week and one for a month have no average: price_unit is that of the listing's attributes today (or of its last
-- ones), `unknown` where they say none, more than one, or are absent.
-- A price is converted by the rate in force on the week's Monday. Listings whose currency has no rate then are counted in
-- listings_without_rate, and are in the average only of average_listing_price_weekly_by_currency; the average is NULL if all are.
-- listings_assumed are those whose price of the week is only assumed: it lies before their first known version.

-- name: table
create table if not exists apartments_presentation.average_listing_price_weekly (
    period_start date not null,
    price_unit varchar(128) not null,
    listings bigint not null,
    listings_without_rate bigint not null,
    listings_assumed bigint not null,
    average_price double precision
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
    -- Two images of one version that differ only in where it ends change the weeks between the two ends, not those before:
    -- a new price today must not rebuild the years in which the old one held.
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
    -- Attributes that come or go count where they had a unit. Any other change of them is none of a price.
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
),

currency_week as (
    select
        period_start,
        price_unit,
        currency,
        count(*) as listings,
        sum(case when is_assumed then 1 else 0 end) as listings_assumed,
        sum(price) as price_sum
    from listing_week
    group by period_start, price_unit, currency
),

converted as (
    select
        currency_week.period_start,
        currency_week.price_unit,
        currency_week.listings,
        currency_week.listings_assumed,
        case when exchange_rate.currency is null then 0 else currency_week.listings end as listings_with_rate,
        cast(currency_week.price_sum as decimal(19, 2)) * exchange_rate.rate as converted_sum
    from currency_week
    left join apartments_control.exchange_rate
        on currency_week.currency = exchange_rate.currency
        and currency_week.period_start >= exchange_rate.valid_from
        and currency_week.period_start < exchange_rate.valid_to
)

select
    converted.period_start,
    converted.price_unit,
    sum(converted.listings) as listings,
    sum(converted.listings - converted.listings_with_rate) as listings_without_rate,
    sum(converted.listings_assumed) as listings_assumed,
    cast(sum(converted.converted_sum) as double precision)
    / cast(nullif(sum(converted.listings_with_rate), 0) as double precision) as average_price
from converted
group by converted.period_start, converted.price_unit

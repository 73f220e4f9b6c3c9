-- Average price of active rental listings each week, in US dollars.
--
-- grain:      one row per week that has an active listing
-- period:     week
-- reads:      dirty_period, apartments_curated.apartment_versions, apartments_control.exchange_rate, apartments_control.calendar,
--             changed_apartment_versions
-- writes:     apartments_presentation.average_listing_price_weekly
-- parameters: as_of
-- rerun:      replaces whole weeks; the same rows for the same curated rows, rates and as_of
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- A listing counts once in every week in which it was active at any moment, with the last price it had while active in that week,
-- as its versions tell (not as it is today). Weeks begin on Monday; the last one is the week that contains as_of.
-- A price is converted by the rate in force on the week's Monday. Listings whose currency has no rate then are counted in
-- listings_without_rate, and are in the average only of average_listing_price_weekly_by_currency.
-- sql/control/exchange_rates.csv ships with approximate monthly rates, those of 2026 carried forward: put your own into it.

-- name: table
create table if not exists apartments_presentation.average_listing_price_weekly (
    period_start date not null,
    listings bigint not null,
    listings_without_rate bigint not null,
    average_price_usd double precision
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
    -- Two images of one version that differ only in where it ends change the weeks between the two ends, not those before:
    -- a new price today must not rebuild the years in which the old one held.
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
),

currency_week as (
    select
        period_start,
        currency,
        count(*) as listings,
        sum(price) as price_sum
    from listing_week
    group by period_start, currency
),

converted as (
    select
        currency_week.period_start,
        currency_week.listings,
        case when exchange_rate.currency is null then 0 else currency_week.listings end as listings_with_rate,
        cast(currency_week.price_sum as decimal(19, 2)) * exchange_rate.rate as price_sum_usd
    from currency_week
    left join apartments_control.exchange_rate
        on currency_week.currency = exchange_rate.currency
        and currency_week.period_start >= exchange_rate.valid_from
        and currency_week.period_start < exchange_rate.valid_to
)

select
    converted.period_start,
    sum(converted.listings) as listings,
    sum(converted.listings - converted.listings_with_rate) as listings_without_rate,
    cast(sum(converted.price_sum_usd) as double precision)
    / cast(nullif(sum(converted.listings_with_rate), 0) as double precision) as average_price_usd
from converted
group by converted.period_start

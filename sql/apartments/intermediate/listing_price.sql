-- What active rental listings cost in a period, by what the price is for and by currency: as asked, added up.
--
-- grain:      one row per dirty period, price unit and currency that has an active listing
-- reads:      dirty_period, active_listing, apartments_curated.apartment_versions, current_attributes,
--             changed_apartment_versions, changed_apartment_attributes
-- parameters: as_of, greatest_key, least_key
--
-- A listing counts once in every period in which it was active at any moment, with the last price it had while active in it, as
-- its versions tell (not as it is today). The last period is the one that contains as_of.
-- A price for a week and one for a month have no average: price_unit is that of the listing's attributes today (or of its last
-- ones), `unknown` where they say none, more than one, or are absent.
-- listings_assumed are those whose price of the period is only assumed: it lies before their first known version.

-- name: dirty_days_from_apartment_versions
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
    -- Two images of one version that differ only in where it ends change the periods between the two ends, not those before:
    -- a new price today must not rebuild the years in which the old one held.
    select
        cast(case when count(*) = 1 then min(valid_from) else min(ends_at) end as date) as first_day,
        cast(max(ends_at) as date) as last_day
    from image
    group by id, valid_from, price, currency, is_assumed
)

-- Few different ones remain, however many listings changed. What comes after as_of is only of the period that holds it.
select distinct
    first_day,
    greatest(changed_interval.first_day, least(changed_interval.last_day, cast(:as_of as date))) as last_day
from changed_interval

-- name: dirty_days_from_apartment_attributes
with other_unit as (
    -- Attributes that come or go count where they had a unit. Any other change of them is none of a price.
    select id
    from changed_apartment_attributes
    group by id
    having min(price_unit) <> max(price_unit)
        or (count(*) = 1 and min(price_unit) <> 'unknown')
)

select distinct
    cast(apartment_versions.valid_from as date) as first_day,
    greatest(
        cast(apartment_versions.valid_from as date),
        least(coalesce(cast(apartment_versions.valid_to as date), cast(:as_of as date)), cast(:as_of as date))
    ) as last_day
from other_unit
inner join apartments_curated.apartment_versions on other_unit.id = apartment_versions.id
where apartment_versions.is_active
    and apartment_versions.id between :least_key and :greatest_key

-- name: rows
with active_version as (
    select
        id,
        valid_from,
        valid_to,
        price,
        currency,
        is_assumed,
        lead(valid_from) over (partition by id order by valid_from) as next_active_from
    from active_listing
),

past_period as (
    select
        period_start,
        period_end
    from dirty_period
    where period_start <= cast(:as_of as date)
        -- A full build has every period of the calendar, most of them from before the first listing.
        and period_end > (select min(valid_from) from active_version)
),

-- One row per period and listing: of its versions active in the period, the one after which no other begins before it ends.
priced_listing as (
    select
        past_period.period_start,
        active_version.price,
        active_version.currency,
        active_version.is_assumed,
        coalesce(apartment_attributes.price_unit, 'unknown') as price_unit
    from past_period
    inner join active_version
        on active_version.valid_from < past_period.period_end
        and (active_version.valid_to is null or active_version.valid_to > past_period.period_start)
        and (active_version.next_active_from is null or active_version.next_active_from >= past_period.period_end)
    left join current_attributes as apartment_attributes on active_version.id = apartment_attributes.id
)

select
    period_start,
    price_unit,
    currency,
    count(*) as listings,
    sum(case when is_assumed then 1 else 0 end) as listings_assumed,
    sum(price) as price_sum
from priced_listing
group by period_start, price_unit, currency

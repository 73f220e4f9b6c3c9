-- ADR, RevPAR and occupancy of every month, in all and by city, category and bedrooms: what a night earns and how many are sold.
--
-- grain:      one row per month, segment and member that has an available night, or a stay, before as_of
-- period:     month
-- unique_key: period_start, segment, member_key
-- holds:      available_nights >= 0; booked_nights between 0 and available_nights; booked_nights_without_rate between 0 and
--             booked_nights; booked_nights_unavailable >= 0; revenue >= 0; revenue_unavailable >= 0; revenue_without_night >= 0;
--             (revenue is null) = (booked_nights > 0 and booked_nights = booked_nights_without_rate);
--             (adr is null) = (booked_nights = booked_nights_without_rate); adr >= 0; revpar >= 0;
--             (occupancy_rate is null) = (available_nights = 0); occupancy_rate between 0 and 1;
--             booked_nights_without_rate > 0 or adr is null or abs(revpar - adr * occupancy_rate) <= 0.000001 * (1 + revpar)
-- reads:      dirty_period, active_listing, apartments_curated.apartment_versions, current_attributes,
--             confirmed_stay, apartments_curated.bookings, apartments_control.exchange_rate,
--             changed_apartment_attributes, changed_bookings, changed_exchange_rate
-- writes:     apartments_presentation.nights_monthly
-- parameters: as_of, first_day, greatest_key, last_day, least_key
-- rerun:      replaces whole months; the same rows for the same curated rows, rates and as_of
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- Formulas (money in the reporting currency, a night):
--   adr            = revenue / booked nights that have a rate (average daily rate)
--   occupancy_rate = booked_nights / available_nights
--   revpar         = revenue / available nights = adr * occupancy_rate (revenue per available night)
-- Worked example: two listings, 30 nights each: 60 available. One stay of 3 nights for 100.00: nights of 33.33, 33.33 and 33.34.
--   adr = 100 / 3 = 33.33, occupancy_rate = 3 / 60 = 5 %, revpar = 100 / 60 = 1.67 = 33.33 * 5 %.
--
-- A confirmed stay's price, converted by the rate of its booking_date and rounded to cents, is spread evenly over its nights,
-- whole cents each; what is left goes to the last night. So the nights of a stay add up to its price (check nights_add_up). A
-- night belongs to the month it falls in, and counts once it is over, as in occupancy_monthly, which says which nights are
-- available. Booked nights on which the listing was not available are beside: booked_nights_unavailable, revenue_unavailable. So
-- is the price of a stay that ends on the day it begins, in the month of that day: revenue_without_night. Two stays on one night
-- of a listing are one booked night with the revenue of both.
-- Nights whose currency has no rate (booked_nights_without_rate) are left out of adr, and of both sides of revpar. Where no
-- booked night has a rate, revenue is NULL: unknown, not 0.
-- segment is all, city, category or bedrooms; member_key tells its members apart (lower case; empty for all and for unknown),
-- member is what is shown. They are the listing's attributes today (or its last ones): a city of today, also for the nights of
-- last year. Bedrooms are whole ones, from 5 on together. The members of a segment add up to `all`.
-- It cannot say: what a night was offered for (that is average_listing_price_weekly), taxes and fees, nights that an owner
-- blocked.

-- name: table
create table if not exists apartments_presentation.nights_monthly (
    period_start date not null,
    segment varchar(16) not null,
    member_key varchar(4200) not null,
    member varchar(2100) not null,
    available_nights bigint not null,
    booked_nights bigint not null,
    booked_nights_without_rate bigint not null,
    booked_nights_unavailable bigint not null,
    revenue decimal(38, 2),
    revenue_unavailable decimal(38, 2),
    revenue_without_night decimal(38, 2),
    adr double precision,
    revpar double precision,
    occupancy_rate double precision
)
diststyle all
sortkey (period_start)

-- name: dirty_days_from_apartment_attributes
with moved as (
    -- A listing that is now of another member of a segment takes its nights along.
    select id
    from changed_apartment_attributes
    group by id
    having count(*) = 1
        or min(coalesce(city, '')) <> max(coalesce(city, ''))
        or min(coalesce(state, '')) <> max(coalesce(state, ''))
        or min(coalesce(category, '')) <> max(coalesce(category, ''))
        or min(coalesce(bedrooms, -1)) <> max(coalesce(bedrooms, -1))
)

select distinct
    cast(apartment_versions.valid_from as date) as first_day,
    least(coalesce(cast(apartment_versions.valid_to as date), cast(:as_of as date)), cast(:as_of as date)) as last_day
from moved
inner join apartments_curated.apartment_versions on moved.id = apartment_versions.id
where apartment_versions.is_active
    and apartment_versions.id between :least_key and :greatest_key
-- name: dirty_from_apartment_attributes
with moved as (
    -- And its stays: a month in which it has one has a row of the place that it had. Without attributes that was the unknown one.
    select
        id,
        coalesce(max(case when _is_before then city_key || coalesce(', ' || state_key, '') end), '') as member_key
    from changed_apartment_attributes
    group by id
    having count(*) = 1
        or min(coalesce(city, '')) <> max(coalesce(city, ''))
        or min(coalesce(state, '')) <> max(coalesce(state, ''))
        or min(coalesce(category, '')) <> max(coalesce(category, ''))
        or min(coalesce(bedrooms, -1)) <> max(coalesce(bedrooms, -1))
)

select distinct nights_monthly.period_start
from moved
inner join apartments_presentation.nights_monthly on moved.member_key = nights_monthly.member_key
where nights_monthly.segment = 'city'

-- name: dirty_days_from_bookings
select distinct
    checkin_date as first_day,
    least(greatest(checkin_date, checkout_date - 1), cast(:as_of as date)) as last_day
from changed_bookings
where booking_status = 'confirmed'

-- name: dirty_days_from_exchange_rate
select distinct
    bookings.checkin_date as first_day,
    least(bookings.checkout_date, cast(:as_of as date)) as last_day
from changed_exchange_rate
inner join apartments_curated.bookings on changed_exchange_rate.rate_day = bookings.booking_date
where bookings.booking_status = 'confirmed'

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
        cast(valid_from as date) as available_from,
        coalesce(cast(valid_to as date), cast(:as_of as date)) as available_to
    from active_listing
    where valid_from < cast(:last_day as date) + 1
        and (valid_to is null or valid_to > cast(:first_day as date))
),

stay as (
    select
        bookings.booking_id,
        bookings.apartment_id,
        bookings.checkin_date,
        bookings.checkout_date,
        bookings.checkout_date - bookings.checkin_date as nights,
        cast(round(bookings.total_price * exchange_rate.rate * 100, 0) as bigint) as cents
    from confirmed_stay as bookings
    left join apartments_control.exchange_rate
        on bookings.currency = exchange_rate.currency
        and bookings.booking_date >= exchange_rate.valid_from
        and bookings.booking_date < exchange_rate.valid_to
    where bookings.booking_status = 'confirmed'
        and bookings.checkin_date <= cast(:last_day as date)
        and bookings.checkout_date >= cast(:first_day as date)
),

nightly as (
    select
        stay.*,
        cast(
            floor(cast(stay.cents as double precision) / cast(nullif(stay.nights, 0) as double precision)) as bigint
        ) as night_cents
    from stay
),

stay_month as (
    select
        past_month.period_start,
        nightly.booking_id,
        nightly.apartment_id,
        nightly.checkout_date,
        nightly.night_cents,
        nightly.cents - nightly.night_cents * nightly.nights as last_night_more,
        greatest(nightly.checkin_date, past_month.period_start) as stay_from,
        least(nightly.checkout_date, past_month.elapsed_end) as stay_to
    from past_month
    inner join nightly
        on nightly.checkin_date < past_month.elapsed_end
        and nightly.checkout_date > past_month.period_start
    where nightly.nights > 0
),

-- In order of their beginning, each stay brings only the nights after the latest checkout before it: no night comes twice.
ordered_stay as (
    select
        stay_month.*,
        max(stay_to) over (
            partition by period_start, apartment_id
            order by stay_from, stay_to, booking_id
            rows between unbounded preceding and 1 preceding
        ) as stayed_to,
        max(case when night_cents is not null then stay_to end) over (
            partition by period_start, apartment_id
            order by stay_from, stay_to, booking_id
            rows between unbounded preceding and 1 preceding
        ) as priced_to
    from stay_month
),

-- From new_from on its nights are nobody else's, from priced_from on no other's with a rate (where it has none itself: none).
distinct_stay as (
    select
        period_start,
        apartment_id,
        checkout_date,
        night_cents,
        last_night_more,
        stay_from,
        stay_to,
        least(stay_to, greatest(stay_from, coalesce(stayed_to, stay_from))) as new_from,
        case
            when night_cents is null then stay_to
            else least(stay_to, greatest(stay_from, coalesce(priced_to, stay_from)))
        end as priced_from
    from ordered_stay
),

booked_stay as (
    select
        distinct_stay.period_start,
        distinct_stay.apartment_id,
        distinct_stay.checkout_date,
        distinct_stay.night_cents,
        distinct_stay.last_night_more,
        distinct_stay.new_from,
        distinct_stay.priced_from,
        greatest(available.available_from, distinct_stay.stay_from) as booked_from,
        least(available.available_to, distinct_stay.stay_to) as booked_to
    from distinct_stay
    inner join available
        on distinct_stay.apartment_id = available.apartment_id
        and available.available_from < distinct_stay.stay_to
        and available.available_to > distinct_stay.stay_from
),

measured as (
    select
        past_month.period_start,
        available.apartment_id,
        least(available.available_to, past_month.elapsed_end) - greatest(available.available_from, past_month.period_start)
            as available_nights,
        0 as stayed_nights,
        0 as stayed_nights_priced,
        0 as booked_nights,
        0 as booked_nights_priced,
        cast(null as bigint) as stayed_cents,
        cast(null as bigint) as booked_cents,
        0 as day_stays,
        cast(null as bigint) as day_cents
    from past_month
    inner join available
        on available.available_from < past_month.elapsed_end
        and available.available_to > past_month.period_start
    union all
    select
        period_start,
        apartment_id,
        0 as available_nights,
        stay_to - new_from as stayed_nights,
        stay_to - priced_from as stayed_nights_priced,
        0 as booked_nights,
        0 as booked_nights_priced,
        night_cents * (stay_to - stay_from) + case when stay_to = checkout_date then last_night_more else 0 end as stayed_cents,
        cast(null as bigint) as booked_cents,
        0 as day_stays,
        cast(null as bigint) as day_cents
    from distinct_stay
    union all
    select
        period_start,
        apartment_id,
        0 as available_nights,
        0 as stayed_nights,
        0 as stayed_nights_priced,
        greatest(booked_to - greatest(booked_from, new_from), 0) as booked_nights,
        greatest(booked_to - greatest(booked_from, priced_from), 0) as booked_nights_priced,
        cast(null as bigint) as stayed_cents,
        night_cents * (booked_to - booked_from) + case when booked_to = checkout_date then last_night_more else 0 end
            as booked_cents,
        0 as day_stays,
        cast(null as bigint) as day_cents
    from booked_stay
    union all
    select
        past_month.period_start,
        nightly.apartment_id,
        0 as available_nights,
        0 as stayed_nights,
        0 as stayed_nights_priced,
        0 as booked_nights,
        0 as booked_nights_priced,
        cast(null as bigint) as stayed_cents,
        cast(null as bigint) as booked_cents,
        1 as day_stays,
        nightly.cents as day_cents
    from past_month
    inner join nightly
        on nightly.checkin_date >= past_month.period_start
        and nightly.checkin_date < past_month.elapsed_end
    where nightly.nights = 0
),

listing_month as (
    select
        period_start,
        apartment_id,
        sum(measured.available_nights) as available_nights,
        sum(measured.stayed_nights) as stayed_nights,
        sum(measured.stayed_nights_priced) as stayed_nights_priced,
        sum(measured.booked_nights) as booked_nights,
        sum(measured.booked_nights_priced) as booked_nights_priced,
        sum(measured.stayed_cents) as stayed_cents,
        sum(measured.booked_cents) as booked_cents,
        sum(measured.day_stays) as day_stays,
        sum(measured.day_cents) as day_cents
    from measured
    group by period_start, apartment_id
),

placed_month as (
    select
        listing_month.*,
        coalesce(apartment_attributes.city_key || coalesce(', ' || apartment_attributes.state_key, ''), '') as city_key,
        coalesce(apartment_attributes.city || coalesce(', ' || apartment_attributes.state, ''), 'unknown') as city,
        coalesce(apartment_attributes.category, 'unknown') as category,
        coalesce(lower(apartment_attributes.category), '') as category_key,
        case
            when apartment_attributes.bedrooms >= 5 then '5 or more'
            when apartment_attributes.bedrooms >= 0 then cast(cast(floor(apartment_attributes.bedrooms) as bigint) as varchar(9))
            else ''
        end as bedrooms_key
    from listing_month
    left join current_attributes as apartment_attributes on listing_month.apartment_id = apartment_attributes.id
),

-- Few kinds of listings remain before each is counted in four segments.
kind_month as (
    select
        period_start,
        city_key,
        city,
        category_key,
        category,
        bedrooms_key,
        sum(placed_month.available_nights) as available_nights,
        sum(placed_month.stayed_nights) as stayed_nights,
        sum(placed_month.stayed_nights_priced) as stayed_nights_priced,
        sum(placed_month.booked_nights) as booked_nights,
        sum(placed_month.booked_nights_priced) as booked_nights_priced,
        sum(placed_month.stayed_cents) as stayed_cents,
        sum(placed_month.booked_cents) as booked_cents,
        sum(placed_month.day_stays) as day_stays,
        sum(placed_month.day_cents) as day_cents
    from placed_month
    group by period_start, city_key, city, category_key, category, bedrooms_key
),

segments as (
    select cast('all' as varchar(16)) as segment
    union all
    select cast('city' as varchar(16)) as segment
    union all
    select cast('category' as varchar(16)) as segment
    union all
    select cast('bedrooms' as varchar(16)) as segment
),

kind_member as (
    select
        kind_month.*,
        segments.segment,
        case segments.segment
            when 'city' then kind_month.city_key
            when 'category' then kind_month.category_key
            when 'bedrooms' then kind_month.bedrooms_key
            else ''
        end as member_key,
        case segments.segment
            when 'city' then kind_month.city
            when 'category' then kind_month.category
            when 'bedrooms' then coalesce(nullif(kind_month.bedrooms_key, ''), 'unknown')
            else 'all'
        end as member
    from kind_month
    cross join segments
),

member_month as (
    select
        period_start,
        segment,
        member_key,
        -- Of several spellings the first by its bytes.
        min(kind_member.member) as member,
        sum(kind_member.available_nights) as available_nights,
        sum(kind_member.stayed_nights) as stayed_nights,
        sum(kind_member.stayed_nights_priced) as stayed_nights_priced,
        sum(kind_member.booked_nights) as booked_nights,
        sum(kind_member.booked_nights_priced) as booked_nights_priced,
        sum(kind_member.stayed_cents) as stayed_cents,
        sum(kind_member.booked_cents) as booked_cents,
        sum(kind_member.day_stays) as day_stays,
        sum(kind_member.day_cents) as day_cents
    from kind_member
    group by period_start, segment, member_key
),

paid_month as (
    select
        member_month.*,
        case
            when booked_nights = 0 then 0
            when booked_nights_priced > 0 then cast(booked_cents as decimal(36, 0)) * 0.01
        end as booked_revenue,
        case
            when stayed_nights = booked_nights then 0
            when stayed_nights_priced > booked_nights_priced
                then cast(stayed_cents - coalesce(booked_cents, 0) as decimal(36, 0)) * 0.01
        end as unavailable_revenue,
        case when day_stays = 0 then 0 else cast(day_cents as decimal(36, 0)) * 0.01 end as day_revenue
    from member_month
)

select
    period_start,
    segment,
    member_key,
    member,
    available_nights,
    booked_nights,
    paid_month.booked_nights - booked_nights_priced as booked_nights_without_rate,
    stayed_nights - paid_month.booked_nights as booked_nights_unavailable,
    cast(booked_revenue as decimal(38, 2)) as revenue,
    cast(unavailable_revenue as decimal(38, 2)) as revenue_unavailable,
    cast(day_revenue as decimal(38, 2)) as revenue_without_night,
    cast(booked_revenue as double precision) / cast(nullif(booked_nights_priced, 0) as double precision) as adr,
    cast(booked_revenue as double precision)
    / cast(nullif(paid_month.available_nights - paid_month.booked_nights + booked_nights_priced, 0) as double precision)
        as revpar,
    cast(paid_month.booked_nights as double precision) / cast(nullif(paid_month.available_nights, 0) as double precision)
        as occupancy_rate
from paid_month
where paid_month.available_nights > 0
    or stayed_nights > 0
    or day_stays > 0

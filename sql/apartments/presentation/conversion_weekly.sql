-- From looking to booking, every week, in all and by city of the listing: who looked, kept, called, and who booked.
--
-- grain:      one row per week, segment and member with a viewing or a confirmed booking
-- period:     week
-- unique_key: period_start, segment, member_key
-- holds:      viewers >= 0; viewers_with_wishlist between 0 and viewers; viewers_with_call between 0 and viewers; bookers >= 0;
--             bookings >= bookers; viewers_who_booked between 0 and viewers; viewers_who_booked <= bookers;
--             (bookings_per_viewer is null) = (viewers = 0)
-- reads:      dirty_day, apartments_curated.user_viewing, booking_made, current_attributes, changed_user_viewing,
--             changed_bookings, changed_apartment_attributes
-- writes:     apartments_presentation.conversion_weekly
-- parameters: first_day, last_day
-- rerun:      replaces whole weeks; the same rows for the same curated rows
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- The formula: bookings_per_viewer = bookings / viewers. Everybody counts once a week and member, however often they looked:
-- viewers, those who put a listing on their wishlist, those who answered a call to action, and bookers (users with a confirmed
-- booking made in the week). viewers_who_booked are viewers who booked a listing of the same member in the same week.
-- Worked example: Ann looks at two flats in Austin and books one, Bob looks at one and calls the agent. Austin: viewers 2,
-- viewers_with_call 1,
--   bookers 1, bookings 1, bookings_per_viewer 0.5, viewers_who_booked 1.
--
-- The week of a viewing is that of viewed_at, of a booking that of booking_date. segment is all or city: the listing's city today
-- (or its last one) by member_key, in lower case; empty for all and for an unknown one. Somebody who looks in two cities is a
-- viewer of each, so the cities do not add up to all; bookings do.
-- It cannot say: what a viewer did in a later week, or in the application before the source's first viewing. Bookings without a
-- viewing (by telephone, say) count, so that bookings_per_viewer can pass 1.

-- name: table
create table if not exists apartments_presentation.conversion_weekly (
    period_start date not null,
    segment varchar(16) not null,
    member_key varchar(4200) not null,
    member varchar(2100) not null,
    viewers bigint not null,
    viewers_with_wishlist bigint not null,
    viewers_with_call bigint not null,
    bookers bigint not null,
    bookings bigint not null,
    viewers_who_booked bigint not null,
    bookings_per_viewer double precision
)
diststyle all
sortkey (period_start)

-- name: dirty_days_from_user_viewing
select distinct
    cast(viewed_at as date) as first_day,
    cast(viewed_at as date) as last_day
from changed_user_viewing

-- name: dirty_days_from_bookings
select
    booking_date as first_day,
    booking_date as last_day
from changed_bookings
where booking_status = 'confirmed'

-- name: dirty_from_apartment_attributes
with moved as (
    -- Attributes that come or go count where they had a city. Any other change of them is none of a place. A week in which the
    -- listing counts has a row of the place that it had: without attributes, of the unknown one.
    select
        id,
        coalesce(max(case when _is_before then city_key || coalesce(', ' || state_key, '') end), '') as member_key
    from changed_apartment_attributes
    group by id
    having min(coalesce(city, '')) <> max(coalesce(city, ''))
        or min(coalesce(state, '')) <> max(coalesce(state, ''))
        or (count(*) = 1 and min(city) is not null)
)

select distinct conversion_weekly.period_start
from moved
inner join apartments_presentation.conversion_weekly on moved.member_key = conversion_weekly.member_key
where conversion_weekly.segment = 'city'

-- name: rows
with happened as (
    select
        cast(user_viewing.viewed_at as date) as happened_on,
        user_viewing.user_id,
        user_viewing.apartment_id,
        1 as is_viewing,
        case when user_viewing.is_wishlisted then 1 else 0 end as is_wish,
        case when user_viewing.call_to_action is not null then 1 else 0 end as is_call
    from apartments_curated.user_viewing
    where user_viewing.viewed_at >= cast(:first_day as date)
        and user_viewing.viewed_at < cast(:last_day as date) + 1
        -- Of an adopted marketplace: nobody known is no viewer.
        and user_viewing.user_id is not null
    union all
    select
        bookings.booking_date as happened_on,
        bookings.user_id,
        bookings.apartment_id,
        0 as is_viewing,
        0 as is_wish,
        0 as is_call
    from booking_made as bookings
    where bookings.booking_status = 'confirmed'
        and bookings.booking_date between cast(:first_day as date) and cast(:last_day as date)
),

placed as (
    select
        dirty_day.period_start,
        happened.user_id,
        coalesce(apartment_attributes.city_key || coalesce(', ' || apartment_attributes.state_key, ''), '') as city_key,
        coalesce(apartment_attributes.city || coalesce(', ' || apartment_attributes.state, ''), 'unknown') as city,
        happened.is_viewing,
        happened.is_wish,
        happened.is_call
    from dirty_day
    inner join happened on dirty_day.calendar_date = happened.happened_on
    left join current_attributes as apartment_attributes on happened.apartment_id = apartment_attributes.id
),

in_segment as (
    select
        placed.*,
        cast('all' as varchar(16)) as segment,
        cast('' as varchar(4200)) as member_key,
        cast('all' as varchar(2100)) as member
    from placed
    union all
    select
        placed.*,
        cast('city' as varchar(16)) as segment,
        cast(placed.city_key as varchar(4200)) as member_key,
        cast(placed.city as varchar(2100)) as member
    from placed
),

user_week as (
    select
        period_start,
        segment,
        member_key,
        user_id,
        min(in_segment.member) as member,
        max(is_viewing) as is_viewer,
        max(is_wish) as has_wished,
        max(is_call) as has_called,
        sum(1 - is_viewing) as bookings
    from in_segment
    group by period_start, segment, member_key, user_id
)

select
    period_start,
    segment,
    member_key,
    -- Of several spellings the first by its bytes.
    min(user_week.member) as member,
    sum(is_viewer) as viewers,
    sum(has_wished) as viewers_with_wishlist,
    sum(has_called) as viewers_with_call,
    sum(case when user_week.bookings > 0 then 1 else 0 end) as bookers,
    sum(user_week.bookings) as bookings,
    sum(case when user_week.bookings > 0 then is_viewer else 0 end) as viewers_who_booked,
    cast(sum(user_week.bookings) as double precision) / cast(nullif(sum(is_viewer), 0) as double precision)
        as bookings_per_viewer
from user_week
group by period_start, segment, member_key

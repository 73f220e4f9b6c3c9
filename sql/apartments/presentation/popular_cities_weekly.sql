-- Most frequently booked cities every week.
--
-- grain:      one row per week of booking, city_key and state_key with a confirmed booking
-- period:     week
-- unique_key: period_start, city_key, state_key
-- rank:       city_rank
-- reads:      dirty_day, booking_made, apartments_curated.bookings, current_attributes, changed_bookings,
--             changed_apartment_attributes
-- writes:     apartments_presentation.popular_cities_weekly
-- parameters: first_day, greatest_key, last_day, least_key
-- rerun:      replaces whole weeks; the same rows for the same curated rows
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- The week is that of booking_date, the city that of the listing's attributes today (or of its last ones). Bookings of listings
-- without a city are left out (the check bookings_without_city counts them). A state may be unknown.
-- A place is its city_key and state_key (lower case, single blanks): figures of several weeks are added up by them. It is shown
-- in the spelling that most of the week's bookings have, of equally frequent ones the first by its bytes: a week's rows depend on
-- that week's bookings only. Cities with equally many bookings share a rank.
--
-- The formula: bookings = confirmed bookings made in the week; city_rank = 1 + the number of cities with more of them.
-- Worked example: Austin has 5 bookings, Boston and Denver 3 each, Miami 1: ranks 1, 2, 2 and 4.
-- It cannot say: where most is earned (nights_monthly has revenue by city), nor how many listings a city has.

-- name: table
create table if not exists apartments_presentation.popular_cities_weekly (
    period_start date not null,
    city_key varchar(2048) not null,
    state_key varchar(2048),
    city varchar(1024) not null,
    state varchar(1024),
    bookings bigint not null,
    city_rank bigint not null
)
diststyle all
sortkey (period_start)

-- name: dirty_days_from_bookings
select
    booking_date as first_day,
    booking_date as last_day
from changed_bookings
where booking_status = 'confirmed'

-- name: dirty_days_from_apartment_attributes
with moved as (
    -- Attributes that come or go count where they had a city. Any other change of them is none of a place.
    select id
    from changed_apartment_attributes
    group by id
    having min(coalesce(city, '')) <> max(coalesce(city, ''))
        or min(coalesce(state, '')) <> max(coalesce(state, ''))
        or (count(*) = 1 and min(city) is not null)
)

select distinct
    bookings.booking_date as first_day,
    bookings.booking_date as last_day
from moved
inner join apartments_curated.bookings on moved.id = bookings.apartment_id
where bookings.booking_status = 'confirmed'
    and bookings.apartment_id between :least_key and :greatest_key

-- name: rows
with spelling_week as (
    select
        dirty_day.period_start,
        apartment_attributes.city_key,
        apartment_attributes.state_key,
        apartment_attributes.city,
        apartment_attributes.state,
        count(*) as bookings
    from dirty_day
    inner join booking_made as bookings on dirty_day.calendar_date = bookings.booking_date
    inner join current_attributes as apartment_attributes on bookings.apartment_id = apartment_attributes.id
    where bookings.booking_status = 'confirmed'
        and bookings.booking_date between cast(:first_day as date) and cast(:last_day as date)
        and apartment_attributes.city is not null
    group by
        dirty_day.period_start,
        apartment_attributes.city_key,
        apartment_attributes.state_key,
        apartment_attributes.city,
        apartment_attributes.state
),

ordered_spelling as (
    select
        spelling_week.*,
        row_number() over (partition by period_start, city_key, state_key order by bookings desc, city asc, state asc)
            as spelling_number
    from spelling_week
),

city_week as (
    select
        period_start,
        city_key,
        state_key,
        max(case when spelling_number = 1 then city end) as city,
        max(case when spelling_number = 1 then state end) as state,
        sum(bookings) as bookings
    from ordered_spelling
    group by period_start, city_key, state_key
)

select
    period_start,
    city_key,
    state_key,
    city,
    state,
    city_week.bookings,
    rank() over (partition by period_start order by city_week.bookings desc) as city_rank
from city_week

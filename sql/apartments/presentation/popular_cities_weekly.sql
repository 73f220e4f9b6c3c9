-- Most frequently booked cities every week.
--
-- grain:      one row per week of booking, city and state with a confirmed booking
-- period:     week
-- reads:      dirty_period, apartments_curated.bookings, apartments_curated.apartment_attributes, apartments_control.calendar,
--             changed_bookings, changed_apartment_attributes
-- writes:     apartments_presentation.popular_cities_weekly
-- parameters: none
-- rerun:      replaces whole weeks; the same rows for the same curated rows
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- The week is that of booking_date, the city that of the listing's attributes today. Bookings of listings without a city are left
-- out (the check bookings_without_city counts them). A state may be unknown. Cities with equally many bookings share a rank.

-- name: table
create table if not exists apartments_presentation.popular_cities_weekly (
    period_start date not null,
    city varchar(400) not null,
    state varchar(400),
    bookings bigint not null,
    city_rank bigint not null
)
diststyle all
sortkey (period_start)

-- name: dirty_from_bookings
select distinct calendar.week_start as period_start
from changed_bookings
inner join apartments_control.calendar on changed_bookings.booking_date = calendar.calendar_date
where changed_bookings.booking_status = 'confirmed'

-- name: dirty_from_apartment_attributes
select distinct calendar.week_start as period_start
from changed_apartment_attributes
inner join apartments_curated.bookings on changed_apartment_attributes.id = bookings.apartment_id
inner join apartments_control.calendar on bookings.booking_date = calendar.calendar_date
where bookings.booking_status = 'confirmed'

-- name: rows
with city_week as (
    select
        dirty_period.period_start,
        apartment_attributes.city,
        apartment_attributes.state,
        count(*) as bookings
    from dirty_period
    inner join apartments_control.calendar on dirty_period.period_start = calendar.week_start
    inner join apartments_curated.bookings on calendar.calendar_date = bookings.booking_date
    inner join apartments_curated.apartment_attributes on bookings.apartment_id = apartment_attributes.id
    where bookings.booking_status = 'confirmed'
        and apartment_attributes.city is not null
    group by dirty_period.period_start, apartment_attributes.city, apartment_attributes.state
)

select
    period_start,
    city,
    state,
    bookings,
    rank() over (partition by period_start order by bookings desc) as city_rank
from city_week

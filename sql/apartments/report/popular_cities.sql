-- Where guests book most.
--
-- place:      7
-- title:      Most booked cities
-- reading:    The ten cities with the most confirmed bookings in the newest twelve whole weeks, and their share of all of them.
-- chart:      ranking
-- columns:    city (text, City), bookings (count, Bookings), share (percent, Share of all bookings), until (day, Until)
-- drawn:      bookings
-- empty:      No whole week with a confirmed booking in a known city has passed yet.
-- reads:      apartments_presentation.popular_cities_weekly
-- parameters: as_of, first_day
-- lookback:   77 days
--
-- Bookings add up over weeks, so this is the weekly metric's own figures. Cities of one name in two states are two; a city that
-- is spelled in two ways is one, in the spelling of its busiest week.

-- name: query
with whole_week as (
    select
        period_start,
        city_key,
        state_key,
        city || coalesce(', ' || state, '') as place,
        bookings as booking_count
    from apartments_presentation.popular_cities_weekly
    where period_start + 7 <= cast(:as_of as date)
        and period_start >= cast(:first_day as date)
),

newest as (
    select max(period_start) as last_week
    from whole_week
),

recent_week as (
    select
        whole_week.*,
        newest.last_week + 6 as last_day,
        row_number() over (
            partition by whole_week.city_key, whole_week.state_key
            order by whole_week.booking_count desc, whole_week.period_start desc
        ) as week_number
    from whole_week
    inner join newest on whole_week.period_start > newest.last_week - 84
),

recent as (
    select
        city_key,
        state_key,
        max(case when week_number = 1 then place end) as place,
        sum(booking_count) as booking_count,
        max(last_day) as last_day
    from recent_week
    group by city_key, state_key
)

select
    recent.place as city,
    recent.booking_count as bookings,
    cast(recent.booking_count as double precision)
    / cast((select sum(every_city.booking_count) from recent as every_city) as double precision) as share,
    cast(recent.last_day as varchar(10)) as until
from recent
order by recent.booking_count desc, recent.place asc
limit 10

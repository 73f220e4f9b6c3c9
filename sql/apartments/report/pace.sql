-- Whether the next month fills sooner than it did before.
--
-- place:      3
-- title:      Nights booked for the next month
-- reading:    The last bar is the month that comes next: the nights that are booked for it by now. Each bar before it is an
--             earlier month, as much of it as was booked by the same day of the month before, and still stands. So the same
--             month of last year is the fair comparison (pace), but that some of the next month's may yet be canceled.
-- matters:    It shows a weak season while prices can still be changed.
-- chart:      columns
-- columns:    month (month, Month), nights_standing (count, Nights booked by then), known_on (day, Booked by),
--             nights (count, Nights on the books as known that day)
-- drawn:      nights_standing
-- empty:      No booking for a coming month has been made yet.
-- reads:      apartments_presentation.pace_daily
-- parameters: none
--
-- Two years, and the month that comes next.

-- name: query
with newest as (
    select max(known_on) as last_day
    from apartments_presentation.pace_daily
)

select
    cast(pace_daily.stay_month as varchar(10)) as month,
    pace_daily.nights_standing,
    cast(pace_daily.known_on as varchar(10)) as known_on,
    pace_daily.nights
from apartments_presentation.pace_daily
inner join newest
    on pace_daily.known_on
    = cast(dateadd(month, -datediff(month, pace_daily.known_on, newest.last_day), newest.last_day) as date)
    and datediff(month, pace_daily.known_on, newest.last_day) between 0 and 24
where datediff(month, pace_daily.known_on, pace_daily.stay_month) = 1
order by month

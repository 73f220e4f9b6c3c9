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
with dated as (
    select
        stay_month,
        nights_standing,
        known_on,
        nights,
        max(known_on) over () as last_day
    from apartments_presentation.pace_daily
)

select
    cast(stay_month as varchar(10)) as month,
    nights_standing,
    cast(known_on as varchar(10)) as known_on,
    nights
from dated
where known_on = cast(dateadd(month, -datediff(month, known_on, last_day), last_day) as date)
    and datediff(month, known_on, last_day) between 0 and 24
    and datediff(month, known_on, stay_month) = 1
order by month

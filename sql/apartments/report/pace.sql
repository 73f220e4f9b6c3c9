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
-- reads:      apartments_presentation.pace_monthly
-- parameters: none
--
-- Two years, and the month that comes next. The view pace_daily has the same for every day; of it one day a month is shown.

-- name: query
with change as (
    select
        period_start,
        change_day,
        nights as change_nights,
        nights_standing as change_standing,
        min(case when stays_learned > 0 then change_day end) over () as first_day,
        least(
            max(case when stays_learned > 0 then change_day end) over (),
            -- Of old data, the last day of the last month for which something was booked.
            max(case when nights > 0 or nights_standing > 0 then cast(dateadd(month, 1, period_start) as date) - 1 end) over ()
        ) as last_day
    from apartments_presentation.pace_monthly
),

dated as (
    select
        change.*,
        cast(dateadd(month, -datediff(month, period_start, last_day) - 1, last_day) as date) as booked_by
    from change
    where datediff(month, period_start, last_day) between -1 and 23
),

booked as (
    select
        period_start,
        booked_by,
        coalesce(sum(case when change_day <= booked_by then dated.change_standing end), 0) as standing,
        case
            when booked_by >= first_day then coalesce(sum(case when change_day <= booked_by then dated.change_nights end), 0)
        end as known
    from dated
    group by period_start, booked_by, first_day
)

select
    cast(period_start as varchar(10)) as month,
    cast(booked.standing as bigint) as nights_standing,
    cast(booked_by as varchar(10)) as known_on,
    cast(booked.known as bigint) as nights
from booked
where booked.standing > 0
    or booked.known > 0
order by month

-- How long guests stay.
--
-- place:      11
-- title:      Length of a stay
-- reading:    Each point is a whole week: the average nights of the confirmed stays that began in it.
-- matters:    Longer stays mean fewer changes of guests, and fewer gaps between them.
-- chart:      line
-- columns:    week (week, Week of), average_nights (nights, Average stay), stays (count, Stays), nights (count, Nights)
-- drawn:      average_nights
-- empty:      No whole week in which a confirmed stay began has passed yet.
-- reads:      apartments_presentation.average_booking_duration_weekly
-- parameters: as_of
--
-- The newest year of whole weeks that has figures; stays that are yet to begin are left out.

-- name: query
with whole_week as (
    select
        period_start,
        average_nights,
        stays,
        nights
    from apartments_presentation.average_booking_duration_weekly
    where period_start + 7 <= cast(:as_of as date)
)

select
    cast(whole_week.period_start as varchar(10)) as week,
    whole_week.average_nights,
    whole_week.stays,
    whole_week.nights
from whole_week
where whole_week.period_start >= (select max(newest.period_start) - 364 from whole_week as newest)
order by week

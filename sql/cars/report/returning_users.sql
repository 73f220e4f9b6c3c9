-- How many users come again, by the month in which they signed up.
--
-- place:      8
-- title:      Users who rent again
-- reading:    Each bar is a month in which users signed up, at least a year ago: of those who rented within a year since, the
--             share that did more than once.
-- matters:    A customer who comes again costs nothing to win.
-- matures:    395 days
-- chart:      columns
-- columns:    month (month, Signed up in), repeat_share (percent, Rented again), users (count, Users), renters (count, Rented),
--             median_days_to_first (number, Median days to the first rental)
-- drawn:      repeat_share
-- empty:      No user who signed up a year ago or earlier has rented.
-- reads:      cars_presentation.user_cohorts_monthly
-- parameters: as_of
--
-- The newest two years of sign-ups that have figures, and whose year is over on the day of the run.

-- name: query
with cohort as (
    select
        period_start,
        repeat_share,
        users,
        renters,
        median_days_to_first
    from cars_presentation.user_cohorts_monthly
    where renters > 0
        and dateadd(month, 1, period_start) <= cast(:as_of as date) - 364
)

select
    cast(period_start as varchar(10)) as month,
    repeat_share,
    users,
    renters,
    median_days_to_first
from cohort
where period_start > (select dateadd(month, -24, max(newest.period_start)) from cohort as newest)
order by month

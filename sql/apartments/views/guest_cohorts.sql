-- What becomes of the guests who book for the first time in a month: how many have come back, and what they have brought, by age.
--
-- grain:      one row per cohort (month of first booking) and later month, its own included, in which anybody booked
-- reads:      apartments_presentation.guests_monthly
-- writes:     apartments_presentation.guest_cohorts
-- parameters: none
-- rerun:      a view: dropped and made again where it or a table it reads has changed its definition
-- storage:    none
--
-- The formulas: back_rate = guests_back / cohort_guests, where guests_back have booked a second time by the end of the month;
-- lifetime_value = revenue_so_far / cohort_guests, in the reporting currency, of all bookings of the cohort's guests by the end of
-- the month. age_months is how many months the cohort's first is ago: 0 is the first month itself.
-- Worked example: of 2 guests of January one books again in January, for 1,500 in all, and once more in March for 500. January:
-- age 0, back_rate 50 %, lifetime_value 750. March: age 2, back_rate 50 %, lifetime_value 1,000.
-- It cannot say: profit, since costs are not known; the value of guests to come. The newest month is not over. Bookings without a
-- rate are not in revenue_so_far; bookings_without_rate counts them.

-- name: view
create view apartments_presentation.guest_cohorts as
with months as (
    select distinct period_start as month_start
    from apartments_presentation.guests_monthly
),

cohorts as (
    select
        cohort_month,
        guests as cohort_guests
    from apartments_presentation.guests_monthly
    where period_start = cohort_month
),

aged as (
    select
        cohorts.cohort_month,
        months.month_start,
        cohorts.cohort_guests,
        datediff(month, cohorts.cohort_month, months.month_start) as age_months,
        coalesce(monthly.guests, 0) as guests,
        coalesce(monthly.guests_back_first, 0) as guests_back_first,
        coalesce(monthly.bookings, 0) as bookings,
        coalesce(monthly.bookings_without_rate, 0) as bookings_without_rate,
        monthly.revenue
    from cohorts
    inner join months on cohorts.cohort_month <= months.month_start
    left join apartments_presentation.guests_monthly as monthly
        on cohorts.cohort_month = monthly.cohort_month
        and months.month_start = monthly.period_start
),

grown as (
    select
        aged.*,
        sum(guests_back_first) over (
            partition by cohort_month order by month_start rows between unbounded preceding and current row
        ) as guests_back,
        sum(revenue) over (
            partition by cohort_month order by month_start rows between unbounded preceding and current row
        ) as revenue_so_far
    from aged
)

select
    cohort_month,
    month_start,
    age_months,
    cohort_guests,
    guests,
    bookings,
    bookings_without_rate,
    cast(guests_back as bigint) as guests_back,
    cast(grown.guests_back as double precision) / cast(cohort_guests as double precision) as back_rate,
    cast(revenue_so_far as decimal(38, 2)) as revenue_so_far,
    cast(grown.revenue_so_far as double precision) / cast(cohort_guests as double precision) as lifetime_value
from grown

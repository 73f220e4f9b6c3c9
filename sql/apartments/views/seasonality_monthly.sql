-- Occupancy, ADR and RevPAR of every month beside the same month a year before, in all and by city, category and bedrooms.
--
-- grain:      one row per row of nights_monthly: month, segment and member
-- reads:      apartments_presentation.nights_monthly
-- writes:     apartments_presentation.seasonality_monthly
-- parameters: none
-- rerun:      a view: dropped and made again where it or a table it reads has changed its definition
-- storage:    none
--
-- The formula: figures of nights_monthly, and those that it has twelve months before for the same segment and member.
-- Worked example: occupancy of July 2026 was 80 %, of July 2025 60 %: the row of 2026-07-01 has occupancy_rate 0.8 and
-- occupancy_rate_year_before 0.6. Where there was no such month or member a year before, its figures are NULL.
-- What each figure means stands in nights_monthly. It cannot say: what Easter did, which moves between months.

-- name: view
create view apartments_presentation.seasonality_monthly as
select
    nights.period_start as month_start,
    nights.segment,
    nights.member_key,
    nights.member,
    nights.available_nights,
    nights.booked_nights,
    nights.occupancy_rate,
    nights.adr,
    nights.revpar,
    nights.revenue,
    year_before.available_nights as available_nights_year_before,
    year_before.booked_nights as booked_nights_year_before,
    year_before.occupancy_rate as occupancy_rate_year_before,
    year_before.adr as adr_year_before,
    year_before.revpar as revpar_year_before,
    year_before.revenue as revenue_year_before
from apartments_presentation.nights_monthly as nights
left join apartments_presentation.nights_monthly as year_before
    on nights.period_start = cast(dateadd(month, 12, year_before.period_start) as date)
    and nights.segment = year_before.segment
    and nights.member_key = year_before.member_key

-- Rentals, revenue and average value per day.
--
-- grain:      one row per day on which a rental starts
-- period:     day
-- unique_key: period_start
-- holds:      average_amount >= 0; average_amount <= cast(revenue as double precision) * 1.000000001
-- reads:      dirty_period, cars_curated.rental_transactions, changed_rental_transactions
-- writes:     cars_presentation.rentals_daily
-- parameters: first_day, last_day
-- rerun:      replaces whole days; the same rows for the same curated rows
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- All of a rental's money belongs to the day it starts on. Amounts are in the reporting currency.
--
-- The formula: average_amount = revenue / rentals. Units are rentals; the reporting currency.
-- For example, rentals for 30.00 and 50.00 start on Monday, the latter ends on Wednesday: Monday has 2 rentals, revenue 80.00,
-- average_amount 40.00; Wednesday has no row.
-- It cannot say what a day's use earned: that is fleet_use_daily.

-- name: table
create table if not exists cars_presentation.rentals_daily (
    period_start date not null,
    rentals bigint not null,
    revenue decimal(38, 2) not null,
    average_amount double precision not null
)
diststyle all
sortkey (period_start)

-- name: dirty_from_rental_transactions
select distinct rental_date as period_start
from changed_rental_transactions
where rental_date is not null

-- name: rows
select
    dirty_period.period_start,
    count(*) as rentals,
    cast(sum(rental_transactions.total_amount) as decimal(38, 2)) as revenue,
    cast(sum(rental_transactions.total_amount) as double precision) / cast(count(*) as double precision) as average_amount
from dirty_period
inner join cars_curated.rental_transactions on dirty_period.period_start = rental_transactions.rental_date
where rental_transactions.rental_date between cast(:first_day as date) and cast(:last_day as date)
group by dirty_period.period_start

-- What each user rented and spent in all.
--
-- grain:      one row per user with a rental
-- period:     all
-- unique_key: period_start, user_id
-- personal:   user_id
-- holds:      (average_amount is null) = (rentals = 0); min_amount >= 0; cast(min_amount as double precision) <= average_amount
--             * 1.000000001; average_amount <= cast(max_amount as double precision) * 1.000000001
-- reads:      dirty_period, cars_curated.rental_transactions, changed_rental_transactions
-- writes:     cars_presentation.user_rentals_total
-- parameters: none
-- rerun:      replaces the whole table; the same rows for the same curated rows
-- storage:    distkey user_id: joined to users on it; sortkey period_start: how it is replaced
--
-- Rental hours are exact to the second. Amounts are in the reporting currency. Every user with a rental is here, also one whom
-- the source has deleted since. The rank of a user is a column of views/user_revenue.sql: one more rental may move the ranks of all
-- users below, and a rank that is made when it is read costs no run anything.
--
-- The formula: average_amount = revenue / rentals.
-- Units are rentals; the reporting currency; hours.
-- For example, Ann rents for 30.00 and 50.00, for 3 hours and 4 hours and 30 minutes: rentals 2, revenue 80.00, average_amount
-- 40.00, rental_hours 7.5.
-- It cannot say what a customer will spend, nor that two accounts are one person.

-- name: table
create table if not exists cars_presentation.user_rentals_total (
    period_start date not null,
    user_id varchar(64) not null,
    rentals bigint not null,
    revenue decimal(38, 2) not null,
    average_amount double precision not null,
    max_amount decimal(18, 2) not null,
    min_amount decimal(18, 2) not null,
    rental_hours double precision not null
)
distkey (user_id)
sortkey (period_start)

-- name: dirty_from_rental_transactions
select distinct cast('2000-01-01' as date) as period_start
from changed_rental_transactions

-- name: rows
with user_total as (
    select
        user_id,
        count(*) as rentals,
        cast(sum(total_amount) as decimal(38, 2)) as revenue,
        max(total_amount) as max_amount,
        min(total_amount) as min_amount,
        sum(rental_seconds) as rental_seconds
    from cars_curated.rental_transactions
    -- Of an adopted marketplace: a rental that is not confirmed has no day, and counts nowhere.
    where rental_date is not null
    group by user_id
)

select
    dirty_period.period_start,
    user_total.user_id,
    user_total.rentals,
    user_total.revenue,
    cast(user_total.revenue as double precision) / cast(user_total.rentals as double precision) as average_amount,
    user_total.max_amount,
    user_total.min_amount,
    cast(user_total.rental_seconds as double precision) / cast(3600 as double precision) as rental_hours
from dirty_period
cross join user_total

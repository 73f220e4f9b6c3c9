-- How long rentals last: their distribution over six lengths, and what each length brings in.
--
-- grain:      one row per week and length of which a rental starts in it
-- period:     week
-- unique_key: period_start, hours_from
-- holds:      rentals > 0; share_of_rentals between 0 and 1.000000001; share_of_rentals > 0; revenue >= 0; rental_hours >=
--             hours_from * rentals; (revenue_per_day is null) = (rental_hours = 0)
-- reads:      dirty_day, cars_curated.rental_transactions, changed_rental_transactions
-- writes:     cars_presentation.rental_lengths_weekly
-- parameters: first_day, last_day
-- rerun:      replaces whole weeks; the same rows for the same curated rows
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- A rental belongs to the week (from Monday) and with all its money to the length that it has, exact to the second: from
-- hours_from to below hours_to hours (0, 4, 12, 24, 72, 168; hours_to is NULL of the longest). The formulas are
-- share_of_rentals = rentals / rentals of the week; revenue_per_day = revenue / (rental_hours / 24), by the clock.
-- Units are hours; a share of one; the reporting currency.
-- For example, three rentals of a week, of 3, 5 and 6 hours for 30.00, 50.00 and 60.00: from 0 hours 1 rental, share 0.333;
-- from 4 hours 2, share 0.667, 110.00 for 11 hours, which is 240.00 a day.
-- It cannot say for how long a car was booked, only for how long it was out; nor what was agreed for a car that is still out.

-- name: table
create table if not exists cars_presentation.rental_lengths_weekly (
    period_start date not null,
    hours_from bigint not null,
    hours_to bigint,
    rentals bigint not null,
    share_of_rentals double precision not null,
    revenue decimal(38, 2) not null,
    rental_hours double precision not null,
    revenue_per_day double precision
)
diststyle all
sortkey (period_start)

-- name: dirty_days_from_rental_transactions
select distinct
    rental_date as first_day,
    rental_date as last_day
from changed_rental_transactions

-- name: rows
with measured as (
    select
        dirty_day.period_start,
        rental_transactions.rental_seconds,
        rental_transactions.total_amount,
        case
            when rental_transactions.rental_seconds < 4 * 3600 then 0
            when rental_transactions.rental_seconds < 12 * 3600 then 4
            when rental_transactions.rental_seconds < 24 * 3600 then 12
            when rental_transactions.rental_seconds < 72 * 3600 then 24
            when rental_transactions.rental_seconds < 168 * 3600 then 72
            else 168
        end as hours_from
    from dirty_day
    inner join cars_curated.rental_transactions on dirty_day.calendar_date = rental_transactions.rental_date
    where rental_transactions.rental_date between cast(:first_day as date) and cast(:last_day as date)
),

by_length as (
    select
        period_start,
        hours_from,
        count(*) as rentals,
        sum(total_amount) as revenue,
        sum(rental_seconds) as rental_seconds
    from measured
    group by period_start, hours_from
)

select
    period_start,
    hours_from,
    case hours_from when 0 then 4 when 4 then 12 when 12 then 24 when 24 then 72 when 72 then 168 end as hours_to,
    rentals,
    cast(by_length.rentals as double precision)
    / cast(sum(by_length.rentals) over (partition by period_start) as double precision) as share_of_rentals,
    cast(by_length.revenue as decimal(38, 2)) as revenue,
    cast(rental_seconds as double precision) / cast(3600 as double precision) as rental_hours,
    86400 * (cast(by_length.revenue as double precision) / cast(nullif(rental_seconds, 0) as double precision)) as revenue_per_day
from by_length

-- Cohorts of users: how soon those who signed up in a month rent for the first time, and how many come again.
--
-- grain:      one row per month in which a user signed up
-- period:     month
-- unique_key: period_start
-- holds:      renters between renters_90_days and users; renters_90_days >= renters_30_days; renters_30_days >= renters_7_days;
--             repeat_renters between 0 and renters; (mean_days_to_first is null) = (renters = 0); (median_days_to_first is
--             null) = (renters = 0); (repeat_share is null) = (renters = 0); mean_days_to_first between 0 and 364;
--             median_days_to_first between 0 and 364; repeat_share between 0 and 1
-- reads:      dirty_day, cars_curated.users, cars_curated.rental_transactions, changed_users, changed_rental_transactions
-- writes:     cars_presentation.user_cohorts_monthly
-- parameters: first_day, last_day
-- rerun:      replaces whole months; the same rows for the same curated rows
-- storage:    diststyle all: small, joined to by reports; sortkey period_start: read by time
--
-- A user belongs to the month of created_on; without a date within the calendar, to none. Of each, the rentals of the first
-- year count, those that start on the day of the sign-up or within 364 days after it: so every cohort is looked at for as long,
-- once its year is over. renters had one, renters_7_days (30, 90) within so many days, repeat_renters two or more. A user who
-- was deleted stays in the cohort. The formulas are mean_days_to_first = days from sign-up to the first rental / renters;
-- median_days_to_first = the days within which half of the renters had theirs (the mean of the two in the middle);
-- repeat_share = repeat_renters / renters.
-- Units are users; days; a share of one.
-- For example, of 4 users of a month, one rents 2 and again 50 days after signing up, one 20 days after: renters is 2,
-- renters_7_days 1, renters_30_days 2, mean_days_to_first and median_days_to_first 11, repeat_renters 1, repeat_share 0.5.
-- It cannot say how a cohort will end whose year is not over. A rental before the sign-up (a check counts them) is not looked
-- at.

-- name: table
create table if not exists cars_presentation.user_cohorts_monthly (
    period_start date not null,
    users bigint not null,
    renters bigint not null,
    renters_7_days bigint not null,
    renters_30_days bigint not null,
    renters_90_days bigint not null,
    mean_days_to_first double precision,
    median_days_to_first double precision,
    repeat_renters bigint not null,
    repeat_share double precision
)
diststyle all
sortkey (period_start)

-- name: dirty_days_from_users
-- Only the day counts here: another address or a removal moves nobody.
select
    created_on as first_day,
    created_on as last_day
from changed_users
group by user_id, created_on
having count(*) = 1

-- name: dirty_days_from_rental_transactions
select distinct
    users.created_on as first_day,
    users.created_on as last_day
from changed_rental_transactions
inner join cars_curated.users on changed_rental_transactions.user_id = users.user_id
where changed_rental_transactions.rental_date between users.created_on and users.created_on + 364

-- name: rows
with member as (
    select
        dirty_day.period_start,
        users.user_id,
        users.created_on
    from dirty_day
    inner join cars_curated.users on dirty_day.calendar_date = users.created_on
    where users.created_on between cast(:first_day as date) and cast(:last_day as date)
),

first_year as (
    select
        member.period_start,
        member.user_id,
        count(rental_transactions.rental_id) as rentals,
        min(rental_transactions.rental_date) - member.created_on as days_to_first
    from member
    left join cars_curated.rental_transactions
        on member.user_id = rental_transactions.user_id
        and rental_transactions.rental_date between member.created_on and member.created_on + 364
        and rental_transactions.rental_date >= cast(:first_day as date)
        and rental_transactions.rental_date <= cast(:last_day as date) + 364
    group by member.period_start, member.user_id, member.created_on
)

select
    period_start,
    count(*) as users,
    count(days_to_first) as renters,
    sum(case when days_to_first < 7 then 1 else 0 end) as renters_7_days,
    sum(case when days_to_first < 30 then 1 else 0 end) as renters_30_days,
    sum(case when days_to_first < 90 then 1 else 0 end) as renters_90_days,
    cast(sum(days_to_first) as double precision)
    / cast(nullif(count(days_to_first), 0) as double precision) as mean_days_to_first,
    median(cast(days_to_first as double precision)) as median_days_to_first,
    sum(case when first_year.rentals >= 2 then 1 else 0 end) as repeat_renters,
    cast(sum(case when first_year.rentals >= 2 then 1 else 0 end) as double precision)
    / cast(nullif(count(days_to_first), 0) as double precision) as repeat_share
from first_year
group by period_start

-- The days a metric may have, with the first day of their week and month. The metrics take their periods from here only.
--
-- grain:      one row per day, 2000-01-01 to 2050-12-31
-- reads:      nothing
-- writes:     calendar, in the control schema (the batch sets search_path)
-- parameters: none
-- rerun:      adds only days that are missing
-- storage:    diststyle all: small, and joined to everything; sortkey calendar_date: joined and filtered by it

-- name: table
-- week_start is the Monday of the ISO week, so the first week begins in 1999.
create table if not exists calendar (
    calendar_date date not null,
    week_start date not null,
    month_start date not null
)
diststyle all
sortkey (calendar_date)

-- name: missing_days
insert into calendar (calendar_date, week_start, month_start)
-- Numbers by a cross join of digits: GENERATE_SERIES is for Redshift's leader node only.
with digit as (
    select 0 as n union all select 1 union all select 2 union all select 3 union all select 4
    union all select 5 union all select 6 union all select 7 union all select 8 union all select 9
),

day as (
    select
        cast('2000-01-01' as date)
        + (ones.n + 10 * tens.n + 100 * hundreds.n + 1000 * thousands.n + 10000 * ten_thousands.n) as calendar_date
    from digit as ones
    cross join digit as tens
    cross join digit as hundreds
    cross join digit as thousands
    cross join digit as ten_thousands
)

select
    day.calendar_date,
    cast(date_trunc('week', day.calendar_date) as date) as week_start,
    cast(date_trunc('month', day.calendar_date) as date) as month_start
from day
left join calendar on day.calendar_date = calendar.calendar_date
where day.calendar_date <= cast('2050-12-31' as date)
    and calendar.calendar_date is null

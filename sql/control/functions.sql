-- How texts of the source become values. None of these ever raises: what cannot be read is NULL, and the caller names the broken rule.
--
-- grain:      one scalar SQL function per section
-- reads:      nothing
-- writes:     the control schema (the batch sets search_path)
-- parameters: none
-- rerun:      create or replace
-- storage:    none
--
-- A scalar SQL function of Redshift is one SELECT without FROM (Database Developer Guide, "Scalar SQL UDFs"), and here none calls
-- another, so that a caller needs no search_path. REGEXP_SUBSTR gives an empty text where nothing matches; its pattern has to be one
-- literal ("POSIX operators"), however long. The patterns admit exactly the texts whose casts succeed, so no cast ever sees another.
-- They are declared VOLATILE although they are not: the optimizer then evaluates a call once for each row, where it stands, and
-- does not copy it to each place that uses its result (the rules of a curated table name each value many times).

-- name: clean_text
-- Trims, and takes as NULL the empty text and the words that exports write for it: null, None, NaN (in any case).
create or replace function clean_text(varchar(65535)) returns varchar(65535) volatile as $$
    select case when lower(trim($1)) not in ('', 'null', 'none', 'nan') then trim($1) end
$$ language sql

-- name: clean_value
-- As clean_text, for what is to be parsed: Redshift gives intermediate rows the room that their types ask for.
create or replace function clean_value(varchar(256)) returns varchar(256) volatile as $$
    select case when lower(trim($1)) not in ('', 'null', 'none', 'nan') then trim($1) end
$$ language sql

-- name: parse_date
-- The day of an ISO date (2024-05-16) or of one with the day first (16/05/2024, 16-05-2024), alone or with a time of the day after a
-- blank or a T: hours and minutes, or seconds too, or fractions of them too, with or without Z. Any other offset is NULL, as is a day
-- that its month does not have, or the hour 24. Years are 1000 to 9999, as in MySQL's DATE.
-- The expression, alternative by alternative: months of 31 days, of 30 days, February up to 28; 29 February of leap years; the time.
create or replace function parse_date(varchar(256)) returns date volatile as $$
    select cast(left(nullif(regexp_substr(
        case
            when trim($1) like '__/__/____%' or trim($1) like '__-__-____%'
                then substring(trim($1), 7, 4) || '-' || substring(trim($1), 4, 2) || '-' || left(trim($1), 2) || substring(trim($1), 11)
            else trim($1)
        end,
        '^([1-9][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|([1-9][0-9](0[48]|[2468][048]|[13579][26])|([2468][048]|[13579][26])00)-02-29)([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?Z?)?$'
    ), ''), 10) as date)
$$ language sql

-- name: parse_timestamp
-- The UTC timestamp of the texts that parse_date reads, midnight where they have no time. Microseconds; finer digits are cut.
create or replace function parse_timestamp(varchar(256)) returns timestamp volatile as $$
    select cast(replace(rtrim(left(nullif(regexp_substr(
        case
            when trim($1) like '__/__/____%' or trim($1) like '__-__-____%'
                then substring(trim($1), 7, 4) || '-' || substring(trim($1), 4, 2) || '-' || left(trim($1), 2) || substring(trim($1), 11)
            else trim($1)
        end,
        '^([1-9][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|([1-9][0-9](0[48]|[2468][048]|[13579][26])|([2468][048]|[13579][26])00)-02-29)([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?Z?)?$'
    ), ''), 26), 'Z'), 'T', ' ') as timestamp)
$$ language sql

-- name: parse_boolean
-- 1/0, t/f, true/false, y/n, yes/no in any case.
create or replace function parse_boolean(varchar(256)) returns boolean volatile as $$
    select case
        when lower(trim($1)) in ('1', 't', 'true', 'y', 'yes') then true
        when lower(trim($1)) in ('0', 'f', 'false', 'n', 'no') then false
    end
$$ language sql

-- name: parse_number
-- A plain decimal number of up to ten digits before the point; seven decimals are kept, as many as a coordinate has.
create or replace function parse_number(varchar(256)) returns decimal(18, 7) volatile as $$
    select cast(nullif(regexp_substr(trim($1), '^[-+]?[0-9]{1,10}([.][0-9]+)?$'), '') as decimal(18, 7))
$$ language sql

-- name: parse_currency
-- A currency code in capitals: three letters (ISO 4217).
create or replace function parse_currency(varchar(256)) returns varchar(3) volatile as $$
    select upper(left(nullif(regexp_substr(trim($1), '^[A-Za-z]{3}$'), ''), 3))
$$ language sql

-- name: tell_unreadable
-- A field that only informs, there but not readable, as `; column=value`, the value cut; an empty text where there is no value.
create or replace function tell_unreadable(varchar(64), varchar(65535)) returns varchar(330) immutable as $$
    select case when $2 is null then '' else '; ' || $1 || '=' || left($2, 64) end
$$ language sql

-- name: tell_broken
-- A rule that a row breaks, as `rule: column=`, and the value that breaks it, cut. Never NULL: a row whose value is NULL would else
-- break nothing, and be accepted.
create or replace function tell_broken(varchar(128), varchar(65535)) returns varchar(640) immutable as $$
    select coalesce($1, '') || left(coalesce($2, ''), 128)
$$ language sql

-- name: is_in_calendar
-- Whether a day is one of the calendar's (sql/control/calendar.sql), outside of which no metric has a period.
create or replace function is_in_calendar(date) returns boolean immutable as $$
    select $1 between cast('2000-01-01' as date) and cast('2050-12-31' as date)
$$ language sql

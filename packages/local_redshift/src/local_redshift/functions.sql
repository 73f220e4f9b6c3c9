-- What Redshift has and PostgreSQL lacks or computes otherwise. The schema stands before pg_catalog on the search path of every session,
-- so that these definitions win. Each is described by the page of the Amazon Redshift Database Developer Guide named beside it.

create schema if not exists redshift;

-- Refusals at run time ------------------------------------------------------------------------------------------------------------------

create or replace function redshift.refuse(reason text) returns text language plpgsql immutable as $$
begin
    raise exception using message = reason, errcode = '0A000';
end $$;

-- Numeric computation (r_numeric_computations201): the scale of a decimal quotient depends on the declared precisions, which values do not
-- carry here; the cast that makes it explicit also makes it the same on both engines.
create or replace function redshift.divide_decimals(a numeric, b numeric) returns numeric language plpgsql immutable as $$
begin
    raise exception using errcode = '0A000',
        message = 'the scale of a decimal quotient is Redshift''s own (r_numeric_computations201): cast one side to double precision';
end $$;
do $$ begin
    if not exists (select from pg_operator where oprname = '/' and oprnamespace = 'redshift'::regnamespace) then
        create operator redshift./ (function = redshift.divide_decimals, leftarg = numeric, rightarg = numeric);
    end if;
end $$;

-- AVG (r_AVG): of integers a truncated BIGINT, of DECIMAL(p,s) a DECIMAL(38,s).
create or replace function redshift.finish_integer_average(sum_and_count bigint[]) returns bigint language sql immutable as
$$ select case when sum_and_count[2] > 0 then sum_and_count[1] / sum_and_count[2] end $$;
create or replace function redshift.add_to_average(sum_and_count bigint[], value bigint) returns bigint[] language sql immutable as
$$ select case when value is null then sum_and_count else array[sum_and_count[1] + value, sum_and_count[2] + 1] end $$;
create or replace aggregate redshift.avg(bigint) (
    sfunc = redshift.add_to_average, stype = bigint[], initcond = '{0,0}', finalfunc = redshift.finish_integer_average);
create or replace function redshift.add_to_average(sum_and_count bigint[], value integer) returns bigint[] language sql immutable as
$$ select case when value is null then sum_and_count else array[sum_and_count[1] + value, sum_and_count[2] + 1] end $$;
create or replace aggregate redshift.avg(integer) (
    sfunc = redshift.add_to_average, stype = bigint[], initcond = '{0,0}', finalfunc = redshift.finish_integer_average);
create or replace function redshift.add_to_average(sum_and_count bigint[], value smallint) returns bigint[] language sql immutable as
$$ select case when value is null then sum_and_count else array[sum_and_count[1] + value, sum_and_count[2] + 1] end $$;
create or replace aggregate redshift.avg(smallint) (
    sfunc = redshift.add_to_average, stype = bigint[], initcond = '{0,0}', finalfunc = redshift.finish_integer_average);

create or replace function redshift.refuse_decimal_average(state numeric, value numeric) returns numeric language plpgsql immutable as $$
begin
    raise exception using errcode = '0A000',
        message = 'AVG of a decimal has the scale of its argument in Redshift (r_AVG): cast the argument to double precision';
end $$;
create or replace aggregate redshift.avg(numeric) (sfunc = redshift.refuse_decimal_average, stype = numeric);

-- Explicit casts: "results of explicit casts of values selected from tables are not rounded" (r_Numeric_types201), those of literals are
-- (r_CAST_function). A cast that would have to do one or the other is refused; ROUND or TRUNC says which is meant.
create or replace function redshift.refuse_lossy_cast(value text, target text) returns numeric language plpgsql immutable as $$
begin
    raise exception using errcode = '0A000',
        message = format('the cast of %s to %s loses digits, which Redshift rounds or cuts by context (r_Numeric_types201): use ROUND or TRUNC first',
                         value, target);
end $$;
create or replace function redshift.exact(value numeric, scale integer) returns numeric language plpgsql immutable strict as $$
begin
    if value = pg_catalog.trunc(value, scale) then
        return value;
    end if;
    return redshift.refuse_lossy_cast(value::text, format('a scale of %s', scale));
end $$;
create or replace function redshift.exact(value double precision, scale integer) returns numeric language sql immutable as
$$ select redshift.exact(value::numeric, scale) $$;
create or replace function redshift.exact(value real, scale integer) returns numeric language sql immutable as
$$ select redshift.exact(value::numeric, scale) $$;
create or replace function redshift.exact(value bigint, scale integer) returns bigint language sql immutable as $$ select value $$;
create or replace function redshift.exact(value integer, scale integer) returns integer language sql immutable as $$ select value $$;
create or replace function redshift.exact(value smallint, scale integer) returns smallint language sql immutable as $$ select value $$;
create or replace function redshift.exact(value boolean, scale integer) returns integer language sql immutable as $$ select value::integer $$;
create or replace function redshift.exact(value text, scale integer) returns text language sql immutable as $$ select value $$;

-- Booleans and texts are cast to each other neither way; literals are (r_Boolean_type; dbt-labs/dbt-utils#1016, dbcli/pgcli#588).
create or replace function redshift.to_text(value anyelement) returns text language sql immutable as $$ select value::text $$;
create or replace function redshift.to_text(value boolean) returns text language plpgsql immutable as $$
begin
    raise exception 'cannot cast type boolean to character varying' using errcode = '42846', detail = 'use CASE';
end $$;
create or replace function redshift.to_boolean(value anyelement) returns boolean language sql immutable as $$ select value::boolean $$;
create or replace function redshift.to_boolean(value text) returns boolean language plpgsql immutable as $$
begin
    raise exception 'cannot cast type character varying to boolean' using errcode = '42846', detail = 'use CASE';
end $$;

-- Dates and times -----------------------------------------------------------------------------------------------------------------------

create or replace function redshift.getdate() returns timestamp language sql stable as    -- r_GETDATE: UTC, whole seconds
$$ select date_trunc('second', clock_timestamp() at time zone 'UTC') $$;
create or replace function redshift.sysdate() returns timestamp language sql stable as    -- r_SYSDATE: start of the transaction, UTC
$$ select transaction_timestamp() at time zone 'UTC' $$;

create or replace function redshift.trunc(value timestamp) returns date language sql immutable strict as $$ select value::date $$;   -- r_TRUNC_date

-- r_DATE_TRUNC: a timestamp of a date too, where PostgreSQL gives one with a time zone
create or replace function redshift.date_trunc(part text, value timestamp) returns timestamp language sql immutable strict as
$$ select pg_catalog.date_trunc(part, value) $$;
create or replace function redshift.date_trunc(part text, value date) returns timestamp language sql immutable strict as
$$ select pg_catalog.date_trunc(part, value::timestamp) $$;
create or replace function redshift.date_trunc(part text, value timestamptz) returns timestamptz language sql stable strict as
$$ select pg_catalog.date_trunc(part, value) $$;

create or replace function redshift.month_number(value timestamp) returns bigint language sql immutable strict as
$$ select (extract(year from value) * 12 + extract(month from value) - 1)::bigint $$;

create or replace function redshift.datediff(part text, a timestamp, b timestamp) returns bigint language plpgsql immutable strict as $$
begin   -- r_DATEDIFF_function: the number of boundaries of the part between the two, not the time elapsed
    return case part
        when 'microsecond' then (extract(epoch from b) * 1000000)::bigint - (extract(epoch from a) * 1000000)::bigint
        when 'millisecond' then floor(extract(epoch from b) * 1000)::bigint - floor(extract(epoch from a) * 1000)::bigint
        when 'second' then floor(extract(epoch from b))::bigint - floor(extract(epoch from a))::bigint
        when 'minute' then floor(div(floor(extract(epoch from b)), 60))::bigint - floor(div(floor(extract(epoch from a)), 60))::bigint
        when 'hour' then (b::date - a::date)::bigint * 24 + extract(hour from b)::bigint - extract(hour from a)::bigint
        when 'day' then (b::date - a::date)::bigint
        when 'month' then redshift.month_number(b) - redshift.month_number(a)
        when 'quarter' then div(redshift.month_number(b), 3)::bigint - div(redshift.month_number(a), 3)::bigint
        when 'year' then (extract(year from b) - extract(year from a))::bigint
    end;
end $$;

create or replace function redshift.add_months(value timestamp, months bigint) returns timestamp language sql immutable strict as $$
    -- r_ADD_MONTHS: the last day of a month stays the last day
    select case
        when value::date = (date_trunc('month', value) + interval '1 month - 1 day')::date
        then date_trunc('month', value) + make_interval(months => months::int + 1) - interval '1 day' + value::time
        else value + make_interval(months => months::int)
    end
$$;

create or replace function redshift.dateadd(part text, amount bigint, value timestamp) returns timestamp language plpgsql immutable strict as $$
begin   -- r_DATEADD_function: a timestamp; unlike ADD_MONTHS a last day does not stay one; a leap day plus years is March 1st in other years
    return case part
        when 'microsecond' then value + amount * interval '1 microsecond'
        when 'millisecond' then value + amount * interval '1 millisecond'
        when 'second' then value + amount * interval '1 second'
        when 'minute' then value + amount * interval '1 minute'
        when 'hour' then value + amount * interval '1 hour'
        when 'day' then value + amount * interval '1 day'
        when 'week' then value + amount * interval '7 days'
        when 'month' then value + amount * interval '1 month'
        when 'quarter' then value + amount * interval '3 months'
        when 'year' then value + amount * interval '1 year'
            + case when to_char(value, 'MMDD') = '0229' and extract(day from value + amount * interval '1 year') = 28
                   then interval '1 day' else interval '0' end
    end;
end $$;

create or replace function redshift.convert_timezone(target text, value timestamp) returns timestamp language sql immutable strict as
$$ select (value at time zone 'UTC') at time zone target $$;
create or replace function redshift.convert_timezone(source text, target text, value timestamp) returns timestamp language sql immutable strict as
$$ select (value at time zone source) at time zone target $$;

create or replace function redshift.last_day(value timestamp) returns date language sql immutable strict as
$$ select (date_trunc('month', value) + interval '1 month - 1 day')::date $$;

create or replace function redshift.next_day(value timestamp, weekday text) returns date language sql immutable strict as $$
    select value::date + 1 + (array_position(array['su', 'mo', 'tu', 'we', 'th', 'fr', 'sa'], lower(left(weekday, 2)))
                              - 1 - extract(dow from value)::int + 6) % 7
$$;

create or replace function redshift.months_between(a timestamp, b timestamp) returns double precision language sql immutable strict as $$
    -- r_MONTHS_BETWEEN_function: whole where the days agree or both are the last of their month, else the rest by months of 31 days
    select (redshift.month_number(a) - redshift.month_number(b))::double precision
        + case when extract(day from a) = extract(day from b) or (redshift.last_day(a) = a::date and redshift.last_day(b) = b::date) then 0
               else (extract(epoch from (a - date_trunc('month', a))) - extract(epoch from (b - date_trunc('month', b))))::double precision
                    / (31 * 86400) end
$$;

create or replace function redshift.to_date(value text, format text, is_strict boolean) returns date language plpgsql immutable strict as $$
declare   -- r_TO_DATE_function: unless strict, a day past the end of its month runs on into the next
    day_at integer := strpos(upper(format), 'DD');
    overflow boolean := false;
begin
    begin
        return pg_catalog.to_date(value, format);
    exception when datetime_field_overflow then
        overflow := not is_strict and day_at > 0 and substr(value, day_at, 2) ~ '^(29|30|31)$';
        if not overflow then
            raise;
        end if;
    end;
    return pg_catalog.to_date(overlay(value placing '01' from day_at for 2), format) + substr(value, day_at, 2)::integer - 1;
end $$;
create or replace function redshift.to_date(value text, format text) returns date language sql immutable strict as
$$ select redshift.to_date(value, format, false) $$;

-- Text ----------------------------------------------------------------------------------------------------------------------------------

create or replace function redshift.len(value text) returns integer language sql immutable strict as $$ select char_length(value) $$;
create or replace function redshift.concat(a text, b text) returns text language sql immutable strict as $$ select a || b $$;   -- r_CONCAT: null if either is
create or replace function redshift.charindex(part text, value text) returns integer language sql immutable strict as $$ select strpos(value, part) $$;
create or replace function redshift.replicate(value text, times integer) returns text language sql immutable strict as $$ select repeat(value, times) $$;
create or replace function redshift.regexp_replace(value text, pattern text) returns text language sql immutable strict as
$$ select pg_catalog.regexp_replace(value, pattern, '', 'g') $$;
create or replace function redshift.regexp_replace(value text, pattern text, replacement text) returns text language sql immutable strict as
$$ select pg_catalog.regexp_replace(value, pattern, replacement, 'g') $$;   -- REGEXP_REPLACE: every occurrence
create or replace function redshift.regexp_substr(value text, pattern text) returns text language sql immutable strict as
$$ select coalesce(pg_catalog.regexp_substr(value, pattern), '') $$;        -- REGEXP_SUBSTR: an empty string where nothing matches

create or replace function redshift.strtol(digits text, base integer) returns bigint language plpgsql immutable strict as $$
declare   -- r_STRTOL: a number in a base of 2 to 36
    result numeric := 0;
    digit integer;
    position integer;
begin
    for position in 1 .. length(digits) loop
        digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', substr(lower(digits), position, 1)) - 1;
        if digit < 0 or digit >= base then
            raise exception 'The input % is not valid to be converted to base %', digits, base;
        end if;
        result := result * base + digit;
    end loop;
    return result::bigint;
end $$;

create or replace function redshift.cut_bytes(value text, bytes integer) returns text language plpgsql immutable strict as $$
begin   -- an explicit cast to VARCHAR(n) or CHAR(n) cuts at n bytes, never within a character
    if octet_length(value) <= bytes then
        return value;
    end if;
    value := left(value, bytes);
    while octet_length(value) > bytes loop
        value := left(value, -1);
    end loop;
    return value;
end $$;

-- Numbers -------------------------------------------------------------------------------------------------------------------------------

create or replace function redshift.round(value double precision, places integer) returns double precision language sql immutable strict as
$$ select pg_catalog.round(value::numeric, places)::double precision $$;
create or replace function redshift.trunc(value double precision, places integer) returns double precision language sql immutable strict as
$$ select pg_catalog.trunc(value::numeric, places)::double precision $$;

-- EXTRACT (r_EXTRACT_function): an integer, of the named part only; DATE_PART is PostgreSQL's, with its fractions
create or replace function redshift.extract_part(part text, value timestamp) returns bigint language sql immutable strict as $$
    select case part
        when 'epoch' then floor(extract(epoch from value))::bigint
        when 'second' then floor(extract(second from value))::bigint
        when 'millisecond' then (extract(milliseconds from value)::bigint) % 1000
        when 'microsecond' then (extract(microseconds from value)::bigint) % 1000000
        else date_part(part, value)::bigint
    end
$$;
create or replace function redshift.extract_part(part text, value timestamptz) returns double precision language sql stable strict as
$$ select date_part(part, value) $$;
create or replace function redshift.extract_part(part text, value interval) returns double precision language sql immutable strict as
$$ select date_part(part, value) $$;
create or replace function redshift.extract_part(part text, value time) returns bigint language sql immutable strict as
$$ select redshift.extract_part(part, date '2000-01-01' + value) $$;

-- ALTER TABLE ... ALTER COLUMN ... TYPE VARCHAR(n) (r_ALTER_TABLE): the size only, and never below what is stored
create or replace function redshift.resize_varchar(table_name text, column_name text, bytes integer) returns void language plpgsql as $$
declare
    old_check text;
    old_type text;
begin
    select format_type(atttypid, atttypmod) into old_type
    from pg_attribute where attrelid = table_name::regclass and attname = column_name and not attisdropped;
    if old_type is null then
        raise exception 'column "%" of relation % does not exist', column_name, table_name;
    elsif old_type not like 'character varying%' then
        raise exception 'ALTER COLUMN TYPE is only supported for VARCHAR columns, and % is %', column_name, old_type using errcode = '0A000';
    elsif exists (select from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
                  where d.adrelid = table_name::regclass and a.attname = column_name) then
        raise exception 'cannot alter the type of column "%", which has a default value', column_name using errcode = '0A000';
    end if;
    for old_check in select c.conname
                     from pg_constraint c
                     join pg_attribute a on a.attrelid = c.conrelid and c.conkey = array[a.attnum]
                     where c.conrelid = table_name::regclass and c.contype = 'c' and a.attname = column_name and c.conname ~ '_bytes_[0-9]+$' loop
        execute format('alter table %s drop constraint %I', table_name, old_check);
    end loop;
    execute format('alter table %s alter column %I type varchar(%s)', table_name, column_name, bytes);
    execute format('alter table %s add constraint %I check (octet_length(%I::text) <= %s)',
                   table_name, column_name || '_bytes_' || bytes, column_name, bytes);
end $$;

-- System views --------------------------------------------------------------------------------------------------------------------------

create or replace view redshift.svv_columns as   -- r_SVV_COLUMNS
select table_catalog::varchar, table_schema::varchar, table_name::varchar, column_name::varchar, ordinal_position::integer,
       column_default::varchar, is_nullable::varchar, data_type::varchar, character_maximum_length::integer, numeric_precision::integer,
       numeric_precision_radix::integer, numeric_scale::integer, datetime_precision::integer, null::varchar as remarks
from information_schema.columns
where table_schema not in ('redshift', 'pg_catalog', 'information_schema');

create or replace view redshift.svv_tables as   -- r_SVV_TABLES
select table_catalog::varchar, table_schema::varchar, table_name::varchar, table_type::varchar, null::varchar as remarks
from information_schema.tables
where table_schema not in ('redshift', 'pg_catalog', 'information_schema');

create or replace view redshift.pg_table_def as   -- r_PG_TABLE_DEF: of the schemas in the search path
select n.nspname::varchar as schemaname, c.relname::varchar as tablename, a.attname::varchar as "column",
       format_type(a.atttypid, a.atttypmod)::varchar as type, 'none'::varchar as encoding, false as distkey, 0 as sortkey, a.attnotnull as "notnull"
from pg_catalog.pg_attribute a
join pg_catalog.pg_class c on c.oid = a.attrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where a.attnum > 0 and not a.attisdropped and c.relkind = 'r' and pg_table_is_visible(c.oid)
    and n.nspname not in ('redshift', 'pg_catalog', 'information_schema');

grant usage on schema redshift to public;
grant select on all tables in schema redshift to public;

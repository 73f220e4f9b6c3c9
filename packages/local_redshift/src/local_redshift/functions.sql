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
    return redshift.refuse_lossy_cast(value::pg_catalog.text, format('a scale of %s', scale));
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
create or replace function redshift.to_text(value anyelement) returns text language sql immutable as $$ select value::pg_catalog.text $$;
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
-- PG_LAST_UNLOAD_COUNT: of the session's last UNLOAD; 0 where it has run none. sessions.py notes it.
create or replace function redshift.pg_last_unload_count() returns bigint language sql stable as
$$ select coalesce(nullif(current_setting('redshift.last_unload_count', true), ''), '0')::bigint $$;
create or replace function redshift.sysdate() returns timestamp language sql stable as    -- r_SYSDATE: start of the transaction, UTC
$$ select transaction_timestamp() at time zone 'UTC' $$;

create or replace function redshift.trunc(value timestamp) returns date language sql immutable strict as $$ select value::pg_catalog.date $$;   -- r_TRUNC_date

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
        when 'hour' then (b::pg_catalog.date - a::pg_catalog.date)::bigint * 24 + extract(hour from b)::bigint - extract(hour from a)::bigint
        when 'day' then (b::pg_catalog.date - a::pg_catalog.date)::bigint
        when 'month' then redshift.month_number(b) - redshift.month_number(a)
        when 'quarter' then div(redshift.month_number(b), 3)::bigint - div(redshift.month_number(a), 3)::bigint
        when 'year' then (extract(year from b) - extract(year from a))::bigint
    end;
end $$;

create or replace function redshift.add_months(value timestamp, months bigint) returns timestamp language sql immutable strict as $$
    -- r_ADD_MONTHS: the last day of a month stays the last day
    select case
        when value::pg_catalog.date = (date_trunc('month', value) + interval '1 month - 1 day')::pg_catalog.date
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
$$ select (date_trunc('month', value) + interval '1 month - 1 day')::pg_catalog.date $$;

create or replace function redshift.next_day(value timestamp, weekday text) returns date language sql immutable strict as $$
    select value::pg_catalog.date + 1 + (array_position(array['su', 'mo', 'tu', 'we', 'th', 'fr', 'sa'], lower(left(weekday, 2)))
                              - 1 - extract(dow from value)::int + 6) % 7
$$;

create or replace function redshift.months_between(a timestamp, b timestamp) returns double precision language sql immutable strict as $$
    -- r_MONTHS_BETWEEN_function: whole where the days agree or both are the last of their month, else the rest by months of 31 days
    select (redshift.month_number(a) - redshift.month_number(b))::double precision
        + case when extract(day from a) = extract(day from b) or (redshift.last_day(a) = a::pg_catalog.date and redshift.last_day(b) = b::pg_catalog.date) then 0
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

-- A position below 1 counts as 1, one past the end finds nothing; `c` and `i` are about case, `e` takes the first group (REGEXP_SUBSTR,
-- REGEXP_INSTR, REGEXP_COUNT, REGEXP_REPLACE)
create or replace function redshift.regexp_flags(parameters text) returns text language plpgsql immutable strict as $$
begin
    if parameters ~ 'p' then
        raise exception 'patterns of Perl''s dialect (parameter p) are not offered here (page REGEXP_SUBSTR)' using errcode = '0A000';
    elsif parameters ~ '[^cie]' then
        raise exception 'the parameters % are not c, i, e or p (page REGEXP_SUBSTR)', parameters using errcode = '22023';
    end if;
    return replace(parameters, 'e', '');
end $$;
create or replace function redshift.regexp_group(pattern text, parameters text) returns integer language sql immutable strict as
$$ select case when parameters ~ 'e' and pattern ~ '\((?!\?)' then 1 else 0 end $$;
create or replace function redshift.regexp_substr(value text, pattern text, place integer, occurrence integer default 1, parameters text default 'c')
returns text language sql immutable strict as $$
    select case
        when place > char_length(value) then ''
        when occurrence < 1 or occurrence > char_length(value) then null
        else coalesce(pg_catalog.regexp_substr(value, pattern, greatest(place, 1), occurrence, redshift.regexp_flags(parameters),
                                               redshift.regexp_group(pattern, parameters)), '')
    end
$$;
create or replace function redshift.regexp_instr(value text, pattern text, place integer, occurrence integer default 1, option integer default 0,
                                                 parameters text default 'c') returns integer language sql immutable strict as $$
    select case
        when place > char_length(value) or occurrence < 1 or occurrence > char_length(value) then 0
        else pg_catalog.regexp_instr(value, pattern, greatest(place, 1), occurrence, least(abs(option), 1), redshift.regexp_flags(parameters),
                                     redshift.regexp_group(pattern, parameters))
    end
$$;
create or replace function redshift.regexp_count(value text, pattern text, place integer, parameters text default 'c') returns integer
language sql immutable strict as $$
    select case when place > char_length(value) then 0
                else pg_catalog.regexp_count(value, pattern, greatest(place, 1), redshift.regexp_flags(parameters)) end
$$;
create or replace function redshift.regexp_replace(value text, pattern text, replacement text, place integer, parameters text default 'c') returns text
language sql immutable strict as $$
    select case when place > char_length(value) then value
                else pg_catalog.regexp_replace(value, pattern, replacement, greatest(place, 1), 0, redshift.regexp_flags(parameters)) end
$$;
create or replace function redshift.split_part(value text, delimiter text, part integer) returns text language plpgsql immutable strict as $$
begin   -- SPLIT_PART: the part is counted from 1
    if part < 1 then
        raise exception 'field position must be greater than zero (page SPLIT_PART)' using errcode = '22023';
    end if;
    return pg_catalog.split_part(value, delimiter, part);
end $$;

create or replace function redshift.strtol(digits text, base integer) returns bigint language plpgsql immutable strict as $$
declare   -- r_STRTOL: a number in a base of 2 to 36
    result numeric := 0;
    digit integer;
    position integer;
    given pg_catalog.text := digits;
begin
    if base not between 2 and 36 then
        raise exception 'The base % is not between 2 and 36 (page r_STRTOL)', base;
    end if;
    digits := ltrim(digits, '+-');
    if base = 16 then
        digits := regexp_replace(digits, '^0[xX]', '');
    end if;
    for position in 1 .. length(digits) loop
        digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', substr(lower(digits), position, 1)) - 1;
        if digit < 0 or digit >= base then
            raise exception 'The input % is not valid to be converted to base %', given, base;
        end if;
        result := result * base + digit;
    end loop;
    return (case when given like '-%' then -result else result end)::bigint;
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

-- r_TO_CHAR: a TIMESTAMP is in UTC where its zone is asked for
create or replace function redshift.to_char(value timestamp, format text) returns text language sql immutable strict as
$$ select case when format ~* 'tz' then pg_catalog.to_char(value at time zone 'UTC', format) else pg_catalog.to_char(value, format) end $$;
create or replace function redshift.to_timestamp(value text, format text) returns timestamptz language plpgsql stable strict as $$
begin
    return pg_catalog.to_timestamp(value, format);
exception when datetime_field_overflow then
    raise exception 'a time past its end runs on into the next day in Redshift, which is not offered here: % (page r_TO_TIMESTAMP)', value
        using errcode = '0A000';
end $$;

create or replace function redshift.version() returns text language sql immutable as   -- r_VERSION
$$ select 'PostgreSQL 8.0.2 (local-redshift on one machine), Redshift 1.0.0' $$;

-- r_CURRENT_SCHEMAS: those that exist of the search path, without what only this stand-in has
create or replace function redshift.current_schemas(is_implicit boolean) returns name[] language sql stable strict as $$
    select case when is_implicit then array['pg_catalog'::name] else '{}' end || coalesce(array_agg(name order by place), '{}')
    from unnest(pg_catalog.current_schemas(false)) with ordinality as path (name, place)
    where name not in ('redshift', 'pg_catalog')
$$;

-- DATE_PART (r_DATE_PART_function): with its fractions, except of parts of a second, of which two pages of the guide differ
create or replace function redshift.date_part(part text, value timestamp) returns double precision language plpgsql immutable strict as $$
begin
    if part in ('millisecond', 'microsecond') then
        raise exception 'DATE_PART of % is not offered here: r_DATE_PART_function leaves the seconds out, r_Dateparts_for_datetime_functions '
            'does not; use EXTRACT (page r_DATE_PART_function)', part || 's' using errcode = '0A000';
    end if;
    return pg_catalog.date_part(part, value);
end $$;
create or replace function redshift.date_part(part text, value pg_catalog.date) returns double precision language sql immutable strict as
$$ select redshift.date_part(part, value::timestamp) $$;

-- EXTRACT (r_EXTRACT_function): an integer, of the named part only
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
$$ select redshift.extract_part(part, pg_catalog.date '2000-01-01' + value) $$;

-- Storage -------------------------------------------------------------------------------------------------------------------------------
-- Keys, distribution, sorting and encodings have no effect here, and decide what may be done to a column later. Each stands in PostgreSQL's
-- catalogue as a check that is always true, `redshift_<role>_<number>`, a key's own name behind a colon: so it follows its columns through
-- renames, drops, copies and rollbacks.

create or replace function redshift.storage_of(relation regclass)
returns table (constraint_name text, role text, number integer, key_name text, columns smallint[]) language sql stable as $$
    select conname::pg_catalog.text, parts[1], parts[2]::integer, parts[4], conkey
    from pg_catalog.pg_constraint
    cross join lateral regexp_match(conname, '^redshift_([a-z0-9_]+)_([0-9]+)(:(.*))?$') as parts
    where conrelid = relation and contype = 'c' and parts is not null
$$;
create or replace function redshift.storage_roles(relation regclass, column_name text) returns text[] language sql stable as $$
    select coalesce(array_agg(s.role), '{}')
    from redshift.storage_of(relation) s
    join pg_catalog.pg_attribute a on a.attrelid = relation and a.attnum = any (s.columns)
    where a.attname = column_name
$$;
create or replace function redshift.require_table(name text, action text, page text) returns void language plpgsql stable as $$
declare
    kind "char";
begin
    if to_regclass(name) is null then
        raise exception 'relation % does not exist (page %)', name, page using errcode = '42P01';
    end if;
    select relkind into kind from pg_class where oid = name::regclass;
    if kind <> 'r' and kind <> 'p' then
        raise exception '% is a view: % takes tables only (page %)', name, action, page using errcode = '42809';
    end if;
end $$;
create or replace function redshift.require_columns(name text, column_names text[], page text) returns void language plpgsql stable as $$
declare
    missing pg_catalog.text;
begin
    if to_regclass(name) is null then
        raise exception 'relation % does not exist (page %)', name, page using errcode = '42P01';
    end if;
    select wanted into missing
    from unnest(column_names) as wanted
    where not exists (select from pg_attribute
                      where attrelid = name::regclass and attname = wanted and attnum > 0 and not attisdropped)
    limit 1;
    if missing is not null then
        raise exception 'column "%" of relation % does not exist (page %)', missing, name, page using errcode = '42703';
    end if;
end $$;
create or replace function redshift.require_no_row_value(names text[], column_name text) returns void language plpgsql stable as $$
begin
    if not exists (select from pg_attribute where attrelid in (select to_regclass(name) from unnest(names) as name)
                   and attname = column_name and attnum > 0 and not attisdropped) then
        raise exception 'column "%" does not exist: a table''s name as a value is a row value of PostgreSQL''s (page c_unsupported-postgresql-datatypes)',
            column_name using errcode = '42703';
    end if;
end $$;
create or replace function redshift.mark(name text, role text, key_name text, column_names text[]) returns void language plpgsql as $$
declare
    number integer;
begin
    perform redshift.require_columns(name, column_names, 'r_CREATE_TABLE_NEW');
    select coalesce(max(s.number), 0) + 1 into number from redshift.storage_of(name::regclass) s where s.role = mark.role;
    execute format('alter table %s add constraint %I check ((%s) or true)', name, 'redshift_' || role || '_' || number || coalesce(':' || key_name, ''),
                   (select string_agg(format('%I is null', c), ' and ') from unnest(column_names) as c));
end $$;
create or replace function redshift.forget(name text, roles text[]) returns void language plpgsql as $$
declare
    old pg_catalog.text;
begin
    for old in select constraint_name from redshift.storage_of(name::regclass) where role = any (roles) loop
        execute format('alter table %s drop constraint %I', name, old);
    end loop;
end $$;
create or replace function redshift.add_key(name text, role text, key_name text, column_names text[]) returns void language plpgsql as $$
begin
    perform redshift.require_columns(name, column_names, 'r_ALTER_TABLE');
    if role = 'primary' then
        if exists (select from redshift.storage_of(name::regclass) s where s.role = 'primary') then
            raise exception 'multiple primary keys for table % are not allowed (page r_CREATE_TABLE_NEW)', name using errcode = '42P16';
        elsif exists (select from pg_attribute where attrelid = name::regclass and attname = any (column_names) and not attnotnull) then
            raise exception 'a primary key cannot be added to a nullable column of % (page r_ALTER_TABLE)', name using errcode = '42P16';
        end if;
    end if;
    perform redshift.mark(name, role, key_name, column_names);
end $$;
create or replace function redshift.drop_key(name text, dropped text) returns void language plpgsql as $$
declare
    found_name pg_catalog.text;
begin
    select s.constraint_name into found_name
    from redshift.storage_of(name::regclass) s
    where s.role in ('primary', 'unique', 'foreign')
        and dropped = coalesce(s.key_name, case when s.role = 'primary' then (select relname || '_pkey' from pg_class where oid = name::regclass) end);
    if found_name is null then
        raise exception 'constraint "%" of relation % does not exist (page r_ALTER_TABLE)', dropped, name using errcode = '42704';
    end if;
    execute format('alter table %s drop constraint %I', name, found_name);
end $$;
create or replace function redshift.require_key(name text, column_names text[]) returns void language plpgsql stable as $$
begin   -- r_CREATE_TABLE_NEW: a foreign key refers to the columns of a primary key or unique constraint; to the primary key if it names none
    if to_regclass(name) is null then
        raise exception 'relation % does not exist (page r_CREATE_TABLE_NEW)', name using errcode = '42P01';
    end if;
    perform redshift.require_columns(name, column_names, 'r_CREATE_TABLE_NEW');
    if not exists (
        select from redshift.storage_of(name::regclass) s
        where (s.role = 'primary' or (s.role = 'unique' and column_names is not null))
            and (column_names is null
                 or (select array_agg(a.attname::pg_catalog.text order by a.attname) from pg_attribute a where a.attrelid = name::regclass and a.attnum = any (s.columns))
                    = (select array_agg(c order by c) from unnest(column_names) as c))) then
        raise exception 'there is no unique constraint matching given keys for referenced table % (page r_CREATE_TABLE_NEW)', name
            using errcode = '42830';
    end if;
end $$;
create or replace function redshift.check_drop(name text, dropped text, is_cascade boolean) returns void language plpgsql stable as $$
declare
    roles pg_catalog.text[];
begin
    perform redshift.require_columns(name, array[dropped], 'r_ALTER_TABLE');
    roles := redshift.storage_roles(name::regclass, dropped);
    if (select count(*) from pg_attribute where attrelid = name::regclass and attnum > 0 and not attisdropped) = 1 then
        raise exception 'cannot drop the last column of % (page r_ALTER_TABLE)', name using errcode = '0A000';
    elsif roles && array['distkey'] then
        raise exception 'cannot drop distkey column "%" of % (page r_ALTER_TABLE)', dropped, name using errcode = '0A000';
    elsif roles && array['sortkey', 'interleaved'] then
        raise exception 'cannot drop sortkey column "%" of % (page r_ALTER_TABLE)', dropped, name using errcode = '0A000';
    elsif not is_cascade and roles && array['primary', 'unique', 'foreign'] then
        raise exception 'cannot drop column "%" of % because a key depends on it: use CASCADE (page r_ALTER_TABLE)', dropped, name using errcode = '2BP01';
    end if;
end $$;
create or replace function redshift.alter_encoding(name text, column_name text, encoding text) returns void language plpgsql as $$
declare
    roles pg_catalog.text[];
    old pg_catalog.text;
begin
    perform redshift.require_columns(name, array[column_name], 'r_ALTER_TABLE');
    roles := redshift.storage_roles(name::regclass, column_name);
    if roles && array['encode_' || encoding] then
        raise exception 'the encoding of column "%" of % is % already (page r_ALTER_TABLE)', column_name, name, encoding using errcode = '0A000';
    elsif exists (select from redshift.storage_of(name::regclass) where role = 'interleaved') then
        raise exception 'the encoding of a table with an interleaved sort key cannot be altered (page r_ALTER_TABLE)' using errcode = '0A000';
    end if;
    perform redshift.require_encoding(format_type(atttypid, null), encoding)
    from pg_attribute where attrelid = name::regclass and attname = column_name;
    for old in select s.constraint_name from redshift.storage_of(name::regclass) s
               join pg_attribute a on a.attrelid = name::regclass and a.attnum = any (s.columns)
               where a.attname = column_name and s.role like 'encode\_%' loop
        execute format('alter table %s drop constraint %I', name, old);
    end loop;
    perform redshift.mark(name, 'encode_' || encoding, null, array[column_name]);
end $$;
create or replace function redshift.require_encoding(type text, encoding text) returns void language plpgsql immutable as $$
begin   -- c_Compression_encodings, its table of types
    if not (case
        when encoding in ('raw', 'runlength', 'zstd', 'auto') then true
        when encoding = 'az64' then type ~ '^(smallint|integer|bigint|numeric|date|time)'
        when encoding = 'bytedict' then type <> 'boolean'
        when encoding = 'delta' then type ~ '^(smallint|integer|bigint|numeric|date|time)'
        when encoding = 'delta32k' then type ~ '^(integer|bigint|numeric|date|time)'
        when encoding = 'lzo' then type !~ '^(boolean|real|double)'
        when encoding = 'mostly8' then type ~ '^(smallint|integer|bigint|numeric)'
        when encoding = 'mostly16' then type ~ '^(integer|bigint|numeric)'
        when encoding = 'mostly32' then type ~ '^(bigint|numeric)'
        when encoding in ('text255', 'text32k') then type ~ '^character varying'
    end) then
        raise exception 'the encoding % does not suit the type % (page c_Compression_encodings)', upper(encoding), type using errcode = '0A000';
    end if;
end $$;
create or replace function redshift.alter_sort_key(name text, column_names text[]) returns void language plpgsql as $$
declare
    key pg_catalog.text;
begin
    perform redshift.require_table(name, 'ALTER SORTKEY', 'r_ALTER_TABLE');
    perform redshift.require_columns(name, column_names, 'r_ALTER_TABLE');
    if (select relpersistence from pg_class where oid = name::regclass) = 't' then
        raise exception 'ALTER SORTKEY is not offered here for temporary tables (page r_ALTER_TABLE)' using errcode = '0A000';
    end if;
    perform redshift.forget(name, array['sortkey', 'interleaved']);
    foreach key in array coalesce(column_names, '{}') loop
        perform redshift.mark(name, 'sortkey', null, array[key]);
    end loop;
end $$;
create or replace function redshift.alter_distribution(name text, style text, key text) returns void language plpgsql as $$
begin
    perform redshift.require_table(name, 'ALTER DISTSTYLE', 'r_ALTER_TABLE');
    if exists (select from redshift.storage_of(name::regclass) where role = 'interleaved') then
        raise exception 'the distribution of a table with an interleaved sort key cannot be altered (page r_ALTER_TABLE)' using errcode = '0A000';
    elsif style in ('ALL', 'EVEN') and (select relpersistence from pg_class where oid = name::regclass) = 't' then
        raise exception 'the distribution of a temporary table cannot be altered (page r_ALTER_TABLE)' using errcode = '0A000';
    end if;
    if key is not null then
        perform redshift.require_columns(name, array[key], 'r_ALTER_TABLE');
    end if;
    perform redshift.forget(name, array['distkey']);
    if key is not null then
        perform redshift.mark(name, 'distkey', null, array[key]);
    end if;
end $$;

-- ALTER TABLE ... ALTER COLUMN ... TYPE VARCHAR(n) (r_ALTER_TABLE): the size only, and never below what is stored
create or replace function redshift.resize_varchar(table_name text, column_name text, bytes integer) returns void language plpgsql as $$
declare
    old_check pg_catalog.text;
    old_type pg_catalog.text;
begin
    select format_type(atttypid, atttypmod) into old_type
    from pg_attribute where attrelid = table_name::regclass and attname = column_name and not attisdropped;
    if old_type is null then
        raise exception 'column "%" of relation % does not exist', column_name, table_name;
    elsif old_type not like 'character varying%' then
        raise exception 'ALTER COLUMN TYPE is only supported for VARCHAR columns, and % is %', column_name, old_type using errcode = '0A000';
    elsif exists (select from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
                  where d.adrelid = table_name::regclass and a.attname = column_name) then
        raise exception 'cannot alter the type of column "%", which has a default value (page r_ALTER_TABLE)', column_name using errcode = '0A000';
    elsif redshift.storage_roles(table_name::regclass, column_name) && array['primary', 'unique', 'foreign'] then
        raise exception 'cannot alter the type of column "%", which is a UNIQUE, PRIMARY KEY or FOREIGN KEY column (page r_ALTER_TABLE)', column_name
            using errcode = '0A000';
    elsif redshift.storage_roles(table_name::regclass, column_name)
          && array['encode_bytedict', 'encode_runlength', 'encode_text255', 'encode_text32k'] then
        raise exception 'cannot alter the type of column "%", whose encoding is BYTEDICT, RUNLENGTH, TEXT255 or TEXT32K (page r_ALTER_TABLE)',
            column_name using errcode = '0A000';
    end if;
    for old_check in select c.conname
                     from pg_constraint c
                     join pg_attribute a on a.attrelid = c.conrelid and c.conkey = array[a.attnum]
                     where c.conrelid = table_name::regclass and c.contype = 'c' and a.attname = column_name and c.conname ~ '_bytes_[0-9]+$' loop
        execute format('alter table %s drop constraint %I', table_name, old_check);
    end loop;
    execute format('alter table %s alter column %I type varchar(%s)', table_name, column_name, bytes);
    execute format('alter table %s add constraint %I check (octet_length(%I::pg_catalog.text) <= %s)',
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
       format_type(a.atttypid, a.atttypmod)::varchar as type,
       coalesce((select case s.role when 'encode_raw' then 'none' else substr(s.role, 8) end
                 from redshift.storage_of(c.oid) s where a.attnum = any (s.columns) and s.role like 'encode\_%'),
                redshift.refuse('the encoding that Redshift itself chooses for ' || a.attname || ' is not told here (page r_PG_TABLE_DEF)'))::varchar as encoding,
       exists (select from redshift.storage_of(c.oid) s where a.attnum = any (s.columns) and s.role = 'distkey') as distkey,
       coalesce((select s.number from redshift.storage_of(c.oid) s where a.attnum = any (s.columns) and s.role in ('sortkey', 'interleaved')),
                0) as sortkey,
       a.attnotnull as "notnull"
from pg_catalog.pg_attribute a
join pg_catalog.pg_class c on c.oid = a.attrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where a.attnum > 0 and not a.attisdropped and c.relkind = 'r' and pg_table_is_visible(c.oid)
    and n.nspname not in ('redshift', 'pg_catalog', 'information_schema');

grant usage on schema redshift to public;
grant select on all tables in schema redshift to public;

-- Run by an administrator where the schemas belong to an earlier database user of the pipeline: the stack was deleted and made again without
-- WarehouseRoleName, or RedshiftSecretArn was changed. Run bootstrap.sql for the new user first, then this, filled in likewise:
--
--     sed -e 's/{marketplace}/apartments/g' -e 's/{warehouse_role}/NAME OF THE WAREHOUSE ROLE/g' sql/change_owner.sql
--
-- It changes nothing: its result is the statements that do. Run these, in any order. `make doctor` tells when nothing is left.

select 'alter schema ' || quote_ident(nspname) || ' owner to "IAMR:{warehouse_role}";' as statement
from pg_namespace
where
    nspname in (
        '{marketplace}_control',
        '{marketplace}_raw',
        '{marketplace}_curated',
        '{marketplace}_staging',
        '{marketplace}_presentation'
    )
union all
select 'alter table ' || quote_ident(schemaname) || '.' || quote_ident(made) || ' owner to "IAMR:{warehouse_role}";' as statement
from (
    select schemaname, tablename as made from pg_tables
    union all
    select schemaname, viewname as made from pg_views
) as relation
where
    schemaname in (
        '{marketplace}_control',
        '{marketplace}_raw',
        '{marketplace}_curated',
        '{marketplace}_staging',
        '{marketplace}_presentation'
    )
union all
select
    case when prokind = 'p' then 'alter procedure ' else 'alter function ' end
    || quote_ident(nspname) || '.' || quote_ident(proname) || '(' || oidvectortypes(proargtypes)
    || ') owner to "IAMR:{warehouse_role}";' as statement
from pg_proc_info
inner join pg_namespace on pg_proc_info.pronamespace = pg_namespace.oid
where
    nspname in (
        '{marketplace}_control',
        '{marketplace}_raw',
        '{marketplace}_curated',
        '{marketplace}_staging',
        '{marketplace}_presentation'
    );

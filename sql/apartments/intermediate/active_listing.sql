-- The versions of listings that are active, as far as they begin by the last of the days that are rebuilt.
--
-- grain:      one row per active version of a listing that begins on the last day of all periods that metrics of a run rebuild, or
--             before it
-- reads:      apartments_curated.apartment_versions, changed_apartment_versions
-- parameters: as_of, last_day
--
-- It is read once for all metrics that count listings, their prices or their nights. Each takes those of its own periods.

-- name: dirty_days_from_apartment_versions
with image as (
    select
        id,
        valid_from,
        is_assumed,
        coalesce(valid_to, cast('9999-12-31' as timestamp)) as ends_at
    from changed_apartment_versions
    where is_active
),

changed_interval as (
    -- Two images of one version that differ only in where it ends change the days between the two ends, not those before.
    select
        cast(case when count(*) = 1 then min(valid_from) else min(ends_at) end as date) as first_day,
        cast(max(ends_at) as date) as last_day
    from image
    group by id, valid_from, is_assumed
)

-- Few different ones remain, however many listings changed.
select distinct
    first_day,
    least(changed_interval.last_day, cast(:as_of as date)) as last_day
from changed_interval

-- name: rows
select apartment_versions.*
from apartments_curated.apartment_versions
where apartment_versions.is_active
    and apartment_versions.valid_from < cast(:last_day as date) + 1

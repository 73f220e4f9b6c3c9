-- The versions of listings that are active, as far as they begin by the last of the days that are rebuilt.
--
-- grain:      one row per active version of a listing that begins on the last day of all periods that metrics of a run rebuild, or
--             before it
-- reads:      apartments_curated.apartment_versions
-- parameters: last_day
--
-- It is read once for all metrics that count listings, their prices or their nights. Each takes those of its own periods.

-- name: rows
select apartment_versions.*
from apartments_curated.apartment_versions
where apartment_versions.is_active
    and apartment_versions.valid_from < cast(:last_day as date) + 1

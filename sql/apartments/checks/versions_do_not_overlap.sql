-- One version of a listing holds at a time: an overlap would make its nights available twice.
--
-- severity:   fail
-- touched:    apartment_versions
-- reads:      apartments_curated.apartment_versions
-- parameters: none

-- name: violations
with followed as (
    select
        id,
        valid_to,
        lead(valid_from) over (partition by id order by valid_from) as next_valid_from
    from apartments_curated.apartment_versions
)

select 'listing ' || cast(id as varchar(64)) || ' before ' || cast(next_valid_from as varchar(64)) as example
from followed
where next_valid_from is not null
    and (valid_to is null or valid_to > next_valid_from)

-- A listing's history ends in what it is today: the version that still holds has the price and activity of the accepted row.
--
-- severity:   fail
-- reads:      apartments_curated.apartments, apartments_curated.apartment_versions
-- parameters: none

-- name: violations
select 'listing ' || cast(apartments.id as varchar(64)) as example
from apartments_curated.apartments
left join apartments_curated.apartment_versions
    on apartments.id = apartment_versions.id
    and apartment_versions.valid_to is null
    and apartments.price = apartment_versions.price
    and apartments.currency = apartment_versions.currency
    and apartments.is_active = apartment_versions.is_active
where apartment_versions.id is null

-- Redshift enforces NOT NULL, but no keys: a key that comes twice in a curated table would count twice in every metric.
--
-- severity:   fail
-- reads:      apartments_curated.apartments, apartments_curated.apartment_attributes, apartments_curated.apartment_versions,
--             apartments_curated.bookings
-- parameters: none

-- name: violations
select 'apartments ' || cast(id as varchar(64)) as example
from apartments_curated.apartments
group by id
having count(*) > 1
union all
select 'apartment_attributes ' || cast(id as varchar(64)) as example
from apartments_curated.apartment_attributes
group by id
having count(*) > 1
union all
select 'apartment_versions ' || cast(id as varchar(64)) || ' from ' || cast(valid_from as varchar(64)) as example
from apartments_curated.apartment_versions
group by id, valid_from
having count(*) > 1
union all
select 'bookings ' || cast(booking_id as varchar(64)) as example
from apartments_curated.bookings
group by booking_id
having count(*) > 1

-- What listings are like today, or what they were like at last: where they are, what they have, what their price is for.
--
-- grain:      one row per listing with attributes
-- reads:      apartments_curated.apartment_attributes
-- parameters: none
--
-- It is read once for all metrics that place or divide listings.

-- name: rows
select
    apartment_attributes.id,
    apartment_attributes.category,
    apartment_attributes.bedrooms,
    apartment_attributes.price_unit,
    apartment_attributes.city,
    apartment_attributes.city_key,
    apartment_attributes.state,
    apartment_attributes.state_key
from apartments_curated.apartment_attributes

-- What each listing earned per week, with its title and place.
--
-- grain:      one row per week of booking and listing with a confirmed booking
-- reads:      apartments_presentation.top_listings_weekly, apartments_curated.apartments, apartments_curated.apartment_attributes
-- writes:     apartments_presentation.listing_revenue_weekly
-- parameters: none
-- rerun:      a view: dropped and made again where it or a table it reads has changed its definition
-- storage:    none
--
-- Weeks, bookings, revenue and rank are those of top_listings_weekly, as they were published; revenue is NULL, and has no rank,
-- where no booking has an exchange rate. Title, place and size are the listing's today, or its last ones (removed_at says since
-- when it is gone); while a run is on, they can be newer than the figures beside them.
--
-- The formula: the columns of top_listings_weekly, joined to what the listing is.
-- Worked example: listing 7, which earned 410.00 in the week of 1 June, has been in Boston since August: its row of June says
-- Boston.
-- It cannot say: how the listing was described when it was booked.

-- name: view
create view apartments_presentation.listing_revenue_weekly as
select
    top_listings_weekly.period_start as week_start,
    top_listings_weekly.apartment_id as listing_id,
    apartments.title,
    apartment_attributes.city,
    apartment_attributes.state,
    apartment_attributes.category,
    apartment_attributes.bedrooms,
    apartments.removed_at,
    top_listings_weekly.bookings,
    top_listings_weekly.bookings_without_rate,
    top_listings_weekly.revenue,
    top_listings_weekly.listing_rank as revenue_rank
from apartments_presentation.top_listings_weekly
left join apartments_curated.apartments on top_listings_weekly.apartment_id = apartments.id
left join apartments_curated.apartment_attributes on top_listings_weekly.apartment_id = apartment_attributes.id

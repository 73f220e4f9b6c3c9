-- What each listing earned per week, its rank among all listings, its title and place.
--
-- grain:      one row per week of booking and listing with a confirmed booking
-- reads:      apartments_presentation.top_listings_weekly, apartments_curated.apartments, apartments_curated.apartment_attributes
-- writes:     apartments_presentation.listing_revenue_weekly
-- parameters: none
-- rerun:      a view: dropped and made again where it or a table it reads has changed its definition
-- storage:    none
--
-- Weeks, bookings and revenue are those of top_listings_weekly, as they were published. Listings with equal revenue share a rank:
-- take revenue_rank <= 10 for a top ten. Where no booking has an exchange rate, revenue and rank are NULL: the unknown has no
-- place. Title, place and size are the listing's today, or its last ones (removed_at says since when it is gone); while a run is
-- on, they can be newer than the figures beside them.
--
-- The formula: revenue_rank = 1 + the number of listings with more revenue in that week; the columns of top_listings_weekly,
-- joined to what the listing is.
-- Worked example: listings 7 and 9 both earned 410.00 in the week of 1 June: both have rank 1, the next has 3. Listing 7 has been
-- in Boston since August: its row of June says Boston.
-- It cannot say: how the listing was described when it was booked.

-- name: view
create view apartments_presentation.listing_revenue_weekly as
select
    weekly.period_start as week_start,
    weekly.apartment_id as listing_id,
    apartments.title,
    apartment_attributes.city,
    apartment_attributes.state,
    apartment_attributes.category,
    apartment_attributes.bedrooms,
    apartments.removed_at,
    weekly.bookings,
    weekly.bookings_without_rate,
    weekly.revenue,
    case
        when weekly.revenue is not null
            then rank() over (partition by weekly.period_start order by weekly.revenue desc nulls last)
    end as revenue_rank
from apartments_presentation.top_listings_weekly as weekly
left join apartments_curated.apartments on weekly.apartment_id = apartments.id
left join apartments_curated.apartment_attributes on weekly.apartment_id = apartment_attributes.id

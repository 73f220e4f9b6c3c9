-- Each metric has one row per its grain, as its file's header states it.
--
-- severity:   fail
-- reads:      apartments_staging.average_booking_duration_monthly, apartments_staging.average_booking_duration_weekly,
--             apartments_staging.average_listing_price_weekly, apartments_staging.average_listing_price_weekly_by_currency,
--             apartments_staging.bookings_per_user_weekly, apartments_staging.occupancy_monthly,
--             apartments_staging.popular_cities_weekly, apartments_staging.repeat_customers_daily,
--             apartments_staging.top_listings_weekly
-- parameters: none

-- name: violations
with grain as (
    select cast('average_booking_duration_monthly' as varchar(64)) as metric, period_start, cast('' as varchar(64)) as detail
    from apartments_staging.average_booking_duration_monthly
    union all
    select cast('average_booking_duration_weekly' as varchar(64)) as metric, period_start, cast('' as varchar(64)) as detail
    from apartments_staging.average_booking_duration_weekly
    union all
    select cast('average_listing_price_weekly' as varchar(64)) as metric, period_start, price_unit as detail
    from apartments_staging.average_listing_price_weekly
    union all
    select
        cast('average_listing_price_weekly_by_currency' as varchar(64)) as metric,
        period_start,
        price_unit || ' ' || currency as detail
    from apartments_staging.average_listing_price_weekly_by_currency
    union all
    select cast('bookings_per_user_weekly' as varchar(64)) as metric, period_start, user_id as detail
    from apartments_staging.bookings_per_user_weekly
    union all
    select cast('occupancy_monthly' as varchar(64)) as metric, period_start, cast('' as varchar(64)) as detail
    from apartments_staging.occupancy_monthly
    union all
    select
        cast('popular_cities_weekly' as varchar(64)) as metric,
        period_start,
        city_key || ', ' || coalesce(state_key, '') as detail
    from apartments_staging.popular_cities_weekly
    union all
    select cast('repeat_customers_daily' as varchar(64)) as metric, period_start, cast('' as varchar(64)) as detail
    from apartments_staging.repeat_customers_daily
    union all
    select cast('top_listings_weekly' as varchar(64)) as metric, period_start, cast(apartment_id as varchar(64)) as detail
    from apartments_staging.top_listings_weekly
)

-- The detail may be a user's id, which belongs in no message.
select metric || ' ' || cast(period_start as varchar(64)) as example
from grain
group by metric, period_start, detail
having count(*) > 1

-- A share is between 0 and 1, and is there whenever it has something to be a share of.
--
-- severity:   fail
-- reads:      apartments_staging.occupancy_monthly, apartments_staging.repeat_customers_daily
-- parameters: none

-- name: violations
select 'occupancy of ' || cast(period_start as varchar(64)) as example
from apartments_staging.occupancy_monthly
where booked_nights < 0
    or booked_nights_unavailable < 0
    or available_nights_assumed < 0
    or available_nights_assumed > available_nights
    or booked_nights > available_nights
    or (available_nights > 0 and occupancy_rate is null)
    or occupancy_rate < 0
    or occupancy_rate > 1
union all
select 'repeat customers of ' || cast(period_start as varchar(64)) as example
from apartments_staging.repeat_customers_daily
where users_with_bookings < 1
    or repeat_users > users_with_bookings
    or repeat_rate < 0
    or repeat_rate > 1

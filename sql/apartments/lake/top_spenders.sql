-- Users by what they spent on confirmed bookings, the highest first.
--
-- question:   Which users spend the most?
-- reads:      curated_bookings, control_exchange_rate
-- parameters: none
--
-- Money is in the reporting currency, by the rate of each booking's day; bookings without a rate are counted beside it, and where
-- none has one, spent is NULL.
-- The language is what Athena and DuckDB share.

-- name: query
select
    booking.user_id,
    count(*) as bookings,
    sum(case when rate.currency is null then 1 else 0 end) as bookings_without_rate,
    cast(round(sum(booking.total_price * rate.rate), 2) as decimal(38, 2)) as spent
from curated_bookings as booking
left join control_exchange_rate as rate
    on booking.currency = rate.currency
    and booking.booking_date >= rate.valid_from
    and booking.booking_date < rate.valid_to
where booking.booking_status = 'confirmed'
group by booking.user_id
order by spent desc nulls last, booking.user_id asc
limit 10

-- Cities by the confirmed revenue of their listings, the highest first.
--
-- question:   Which city earns the most?
-- reads:      curated_bookings, curated_apartment_attributes, control_exchange_rate
-- parameters: none
--
-- Money is in US dollars, by the rate of each booking's day; bookings without a rate are counted beside it, and add nothing.
-- The language is what Athena and DuckDB share. The first row is the answer; cities of one name in two states are two.

-- name: query
select
    attributes.city,
    attributes.state,
    count(*) as bookings,
    sum(case when rate.currency is null then 1 else 0 end) as bookings_without_rate,
    cast(round(coalesce(sum(booking.total_price * rate.rate), 0), 2) as decimal(38, 2)) as revenue_usd
from curated_bookings as booking
inner join curated_apartment_attributes as attributes on booking.apartment_id = attributes.id
left join control_exchange_rate as rate
    on booking.currency = rate.currency
    and booking.booking_date >= rate.valid_from
    and booking.booking_date < rate.valid_to
where booking.booking_status = 'confirmed' and attributes.city is not null
group by attributes.city, attributes.state
order by revenue_usd desc, attributes.city asc, attributes.state asc
limit 10

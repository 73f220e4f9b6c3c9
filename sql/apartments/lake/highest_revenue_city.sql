-- Cities by the confirmed revenue of their listings, the highest first.
--
-- question:   Which city earns the most?
-- reads:      curated_bookings, curated_apartment_attributes, control_exchange_rate
-- parameters: none
--
-- Money is in the reporting currency, by the rate of each booking's day; bookings without a rate are counted beside it, and where
-- none has one, revenue is NULL. Cities of one name in two states are two; spellings that differ in case or blanks are one city,
-- shown in the commonest of them.
-- The language is what Athena and DuckDB share. The first row is the answer.

-- name: query
with spelling as (
    select
        attributes.city_key,
        attributes.state_key,
        attributes.city,
        attributes.state,
        count(*) as bookings,
        sum(case when rate.currency is null then 1 else 0 end) as bookings_without_rate,
        sum(booking.total_price * rate.rate) as revenue
    from curated_bookings as booking
    inner join curated_apartment_attributes as attributes on booking.apartment_id = attributes.id
    left join control_exchange_rate as rate
        on booking.currency = rate.currency
        and booking.booking_date >= rate.valid_from
        and booking.booking_date < rate.valid_to
    where booking.booking_status = 'confirmed' and attributes.city is not null
    group by attributes.city_key, attributes.state_key, attributes.city, attributes.state
),

ordered as (
    select
        spelling.*,
        row_number() over (partition by city_key, state_key order by bookings desc, city asc, state asc) as spelling_number
    from spelling
)

select
    max(case when ordered.spelling_number = 1 then ordered.city end) as city,
    max(case when ordered.spelling_number = 1 then ordered.state end) as state,
    sum(ordered.bookings) as bookings,
    sum(ordered.bookings_without_rate) as bookings_without_rate,
    cast(round(sum(ordered.revenue), 2) as decimal(38, 2)) as revenue
from ordered
group by ordered.city_key, ordered.state_key
order by revenue desc nulls last, ordered.city_key asc, ordered.state_key asc
limit 10

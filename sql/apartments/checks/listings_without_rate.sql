-- Active listings that are missing in the converted average price today. The way out is a line for the currency in
-- exchange_rates.csv.
--
-- severity:   warn
-- reads:      apartments_curated.apartments, apartments_control.exchange_rate
-- parameters: as_of

-- name: violations
select apartments.currency || ': ' || cast(count(*) as varchar(64)) || ' active listings' as example
from apartments_curated.apartments
left join apartments_control.exchange_rate
    on apartments.currency = exchange_rate.currency
    and exchange_rate.valid_from <= cast(:as_of as date)
    and exchange_rate.valid_to > cast(:as_of as date)
where apartments.is_active
    and apartments.removed_at is null
    and exchange_rate.currency is null
group by apartments.currency

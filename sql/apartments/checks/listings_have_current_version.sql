-- A listing's history ends in what it is: the version that still holds has the price and activity of the accepted row; one that
-- was removed, or breaks a rule, has none. So the rules of apartments.sql and apartment_versions.sql are held against each other.
-- Only a listing whose row could not be held (unreadable_row) may have one: its price can be readable all the same.
--
-- severity:   fail
-- touched:    apartments, apartment_versions
-- reads:      apartments_curated.apartments, apartments_curated.apartment_versions, apartments_curated.rejected_rows
-- parameters: none

-- name: violations
select 'listing ' || cast(apartments.id as varchar(64)) as example
from apartments_curated.apartments
left join apartments_curated.apartment_versions
    on apartments.id = apartment_versions.id
    and apartment_versions.valid_to is null
    and apartments.price = apartment_versions.price
    and apartments.currency = apartment_versions.currency
    and apartments.is_active = apartment_versions.is_active
where (apartment_versions.id is null) <> (apartments.removed_at is not null)
union all
select 'listing ' || cast(apartment_versions.id as varchar(64)) || ' breaks ' || rejected_rows.broken_rule as example
from apartments_curated.apartment_versions
inner join apartments_curated.rejected_rows on cast(apartment_versions.id as varchar(512)) = rejected_rows.row_key
where apartment_versions.valid_to is null
    and rejected_rows.table_name = 'apartments'
    and rejected_rows.broken_rule <> 'unreadable_row'

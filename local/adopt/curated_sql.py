"""The curated tables of an adopted marketplace, from its mapping: listings, versions, attributes, bookings, customers, views; of
what is rented by the hour, vehicles, versions, rentals, users and locations.

They have the names and columns that the metrics read (sql/apartments, with listing for apartment; sql/cars), and the same rules.
"""

from __future__ import annotations

from collections.abc import Mapping

from local.adopt.customer_sql import CustomerSql, ViewSql
from local.adopt.hourly_sql import LocationSql, RentalSql, UserSql, VehicleSql
from local.adopt.listing_sql import ListingSql
from local.adopt.mapping import MappingFile
from local.adopt.stay_sql import StaySql
from local.adopt.taken import TakenTable


def write_curated(marketplace: str, mapping: MappingFile, tables: Mapping[str, TakenTable]) -> dict[str, str]:
    """Return the text of each file of curated/, by its table."""
    if mapping.is_hourly:
        return _write_hourly(marketplace, mapping, tables)
    files = {}
    roles = mapping.roles
    if role := roles.get("listing"):
        listing = ListingSql(marketplace, mapping, tables, role)
        files = {
            "listings": listing.write_listings(),
            "listing_versions": listing.write_versions(),
            "listing_attributes": listing.write_attributes(),
        }
        if stay := roles.get("stay"):
            files["bookings"] = StaySql(marketplace, mapping, tables, stay, listing).write_bookings()
        if view := roles.get("view"):
            files["listing_views"] = ViewSql(marketplace, mapping, tables, view, listing).write_views()
    if customer := roles.get("customer"):
        files["customers"] = CustomerSql(marketplace, mapping, tables, customer).write_customers()
    return files


def _write_hourly(marketplace: str, mapping: MappingFile, tables: Mapping[str, TakenTable]) -> dict[str, str]:
    roles = mapping.roles
    vehicle = VehicleSql(marketplace, mapping, tables, roles["listing"])
    files = {
        "vehicles": vehicle.write_vehicles(),
        "vehicle_versions": vehicle.write_vehicle_versions(),
        "rental_transactions": RentalSql(marketplace, mapping, tables, roles["stay"], vehicle).write_rentals(),
    }
    if customer := roles.get("customer"):
        files["users"] = UserSql(marketplace, mapping, tables, customer).write_users()
    if place := roles.get("place"):
        files["locations"] = LocationSql(marketplace, mapping, tables, place).write_locations()
    return files

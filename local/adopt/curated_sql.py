"""The curated tables of an adopted marketplace, from its mapping: listings, versions, attributes, bookings, customers, views.

They have the names and columns that the metrics read (sql/apartments, with listing for apartment), and the same rules.
"""

from __future__ import annotations

from collections.abc import Mapping

from local.adopt.customer_sql import CustomerSql, ViewSql
from local.adopt.listing_sql import ListingSql
from local.adopt.mapping import MappingFile
from local.adopt.stay_sql import StaySql
from local.adopt.taken import TakenTable


def write_curated(marketplace: str, mapping: MappingFile, tables: Mapping[str, TakenTable]) -> dict[str, str]:
    """Return the text of each file of curated/, by its table."""
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

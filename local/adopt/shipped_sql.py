"""The metrics, charts, checks, views and questions of sql/apartments, for an adopted marketplace: one text for each, no copies.

An adopted marketplace's curated tables have the columns that these files read, so that they need other names and nothing else. A
file is left out where what it reads is not there, with what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.adopt.mapping import MappingFile
from rental_pipeline.definitions.sql_files import SqlFile, read_sql_folder

SHIPPED = "apartments"
_FOLDERS = ("intermediate", "presentation", "checks", "views", "report", "lake")
# The first knows the values of the shipped marketplace's own application; the others read the history of its bookings, a curated
# table with rules of its own (booking_versions), which no mapping gives yet.
_ALONE = (
    "checks/call_to_action_known",
    *("checks/bookings_have_current_version", "views/pace_daily", "views/cancellation_lead_weekly", "report/pace"),
)
# What a file needs of the mapping, beside the tables that it reads: the role and the field, in words of mapping.yaml.
_PRICE, _AMOUNT, _CITY = ("listing", "price"), ("stay", "amount"), ("listing", "city")
_CHECKIN, _CHECKOUT, _CUSTOMER = ("stay", "checkin"), ("stay", "checkout or nights"), ("stay", "customer")
_CREATED = ("listing", "created_at")
_NEEDS = {
    "intermediate/listing_price": (_PRICE,),
    "checks/listings_without_rate": (_PRICE,),
    "checks/listings_have_current_version": (_PRICE,),
    "presentation/popular_cities_weekly": (_CITY,),
    "checks/bookings_without_city": (_CITY,),
    "lake/highest_revenue_city": (_CITY, _AMOUNT),
    "presentation/top_listings_weekly": (_AMOUNT,),
    "checks/bookings_without_rate": (_AMOUNT,),
    "lake/top_spenders": (_AMOUNT, _CUSTOMER),
    "presentation/bookings_per_user_weekly": (_CUSTOMER,),
    "presentation/repeat_customers_daily": (_CUSTOMER,),
    "presentation/occupancy_monthly": (_CHECKIN, _CHECKOUT, _CREATED),
    "presentation/nights_monthly": (_CHECKIN, _CHECKOUT, _CREATED, _AMOUNT),
    "presentation/bookings_weekly": (_CHECKIN,),
    "presentation/guests_monthly": (_CUSTOMER,),
    "presentation/listings_weekly": (_CREATED,),
    "presentation/conversion_weekly": (_CUSTOMER, ("view", "customer")),
    "intermediate/stay_length": (_CHECKIN, _CHECKOUT),
    "lake/most_booked_listing": (_CHECKIN, _CHECKOUT),
}
_TABLES = {
    "apartments": "listing",
    "apartment_versions": "listing",
    "apartment_attributes": "listing",
    "bookings": "stay",
    "user_viewing": "view",
}
# What a file says of a field that the mapping may lack, and what it says then: that nothing is known of it, and not that it is 0.
_UNKNOWN = {
    ("presentation/conversion_weekly", "view", "wishlisted"): {
        "viewers_with_wishlist bigint not null": "viewers_with_wishlist bigint",
        "case when user_viewing.is_wishlisted then 1 else 0 end as is_wish": "cast(null as bigint) as is_wish",
        "0 as is_wish": "cast(null as bigint) as is_wish",
    },
    ("presentation/conversion_weekly", "view", "call_to_action"): {
        "viewers_with_call bigint not null": "viewers_with_call bigint",
        "case when user_viewing.call_to_action is not null then 1 else 0 end as is_call": "cast(null as bigint) as is_call",
        "0 as is_call": "cast(null as bigint) as is_call",
    },
}
# The names of tables and columns; `apartment` alone is a word of comments.
_RENAMED = (("user_viewing", "listing_views"), ("apartments", "listings"), ("apartment", "listing"))


@dataclass(frozen=True)
class ShippedFiles:
    """The files of an adopted marketplace that shipped ones are made into, by their path; and those left out, with why."""

    texts: Mapping[str, str]
    left_out: Mapping[str, str]


def write_shipped(sql_root: Path, marketplace: str, mapping: MappingFile, listing_type: str) -> ShippedFiles:
    """Return the files that the mapping gives all for.

    Args:
        sql_root: The folder sql/ with the shipped marketplace.
        listing_type: The type of a listing's id in the curated layer.
    """
    files = {
        f"{folder}/{name}": file for folder in _FOLDERS for name, file in read_sql_folder(sql_root / SHIPPED / folder).items()
    }
    for path in _ALONE:
        del files[path]
    missing = {path: why for path in files if (why := _find_missing(path, mapping))}
    while new := {
        path: why for path, file in files.items() if path not in missing and (why := _find_unread(file, missing, mapping))
    }:
        missing |= new
    texts = {
        f"{path}.sql": rename(_leave_unknown(path, file.text, mapping), marketplace, listing_type)
        for path, file in files.items()
        if path not in missing
    }
    return ShippedFiles(texts, missing)


def _leave_unknown(path: str, text: str, mapping: MappingFile) -> str:
    """Return a file's text in which that is NULL of which the mapping says nothing."""
    for (of_path, role, field), said in _UNKNOWN.items():
        if of_path == path and not _has(mapping, role, field):
            for before, after in said.items():
                text = text.replace(f" {before}", f" {after}")
    return text


def rename(text: str, marketplace: str, listing_type: str) -> str:
    """Return a shipped file's text with the names of another marketplace."""
    text = re.sub(rf"\b{SHIPPED}_(control|raw|curated|staging|presentation)\b", r"\0_\1".replace("\0", "\x00"), text)
    for before, after in _RENAMED:
        text = text.replace(before, after).replace(before.capitalize(), after.capitalize())
    text = re.sub(r"\blisting_id bigint\b", f"listing_id {listing_type}", text)
    if listing_type != "bigint":
        # Whole numbers bound no other key.
        text = re.sub(r"\n +and [\w.]+ between :least_key and :greatest_key", "", text)
        text = re.sub(r"\bwhere [\w.]+ between :least_key and :greatest_key", "where true", text)
        text = re.sub(r"(-- parameters:.*)", lambda line: _drop_parameters(line[1]), text)
    return text.replace("\x00", marketplace)


def _drop_parameters(line: str) -> str:
    """Return a header's line without the parameters that bound keys."""
    name, _, listed = line.partition(":")
    kept = [each for each in (part.strip() for part in listed.split(",")) if each not in ("least_key", "greatest_key")]
    return f"{name}: {', '.join(kept) or 'none'}"


def _find_missing(path: str, mapping: MappingFile) -> str:
    """Return what the mapping lacks for a file, empty where it lacks nothing."""
    lacking = [f"{role}: {field}" for role, field in _NEEDS.get(path, ()) if not _has(mapping, role, field)]
    return f"mapping.yaml has no {' and no '.join(lacking)}" if lacking else ""


def _has(mapping: MappingFile, role: str, field: str) -> bool:
    found = mapping.roles.get(role)
    if not found:
        return False
    if field in ("price", "amount"):
        return found.money is not None
    return any(name in found.columns for name in field.split(" or "))


def _find_unread(file: SqlFile, missing: Mapping[str, str], mapping: MappingFile) -> str:
    """Return which table that a file reads is not there, empty where all are."""
    for name in (part.strip() for part in file.header_line("reads").split(",")):
        schema, _, table = name.rpartition(".")
        table = re.sub(r"^(changed_|curated_|presentation_)", "", table)
        if (role := _TABLES.get(table)) and role not in mapping.roles and (not schema or schema.endswith("curated")):
            return f"mapping.yaml has no {role}"
        for folder in ("intermediate", "presentation"):
            if why := missing.get(f"{folder}/{table}"):
                return f"it reads {table}, which is left out ({why})"
    return ""

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
# Shipped tables of which an adopted marketplace has none.
_ALONE = ("user_viewing",)
# Shipped metrics that an adopted marketplace has not: some read columns that a mapping has no words for.
_METRICS_ALONE = ("nights_monthly", "bookings_weekly", "guests_monthly", "conversion_weekly", "listings_weekly")
# What a file needs of the mapping, beside the tables that it reads: the role and the field, in words of mapping.yaml.
_PRICE, _AMOUNT, _CITY = ("listing", "price"), ("stay", "amount"), ("listing", "city")
_CHECKIN, _CUSTOMER = ("stay", "checkin"), ("stay", "customer")
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
    "presentation/occupancy_monthly": (_CHECKIN, ("stay", "checkout or nights"), ("listing", "created_at")),
    "intermediate/stay_length": (_CHECKIN, ("stay", "checkout or nights")),
    "lake/most_booked_listing": (_CHECKIN, ("stay", "checkout or nights")),
}
_TABLES = {"apartments": "listing", "apartment_versions": "listing", "apartment_attributes": "listing", "bookings": "stay"}
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
    missing = {path: why for path in files if (why := _find_missing(path, mapping))}
    while new := {
        path: why for path, file in files.items() if path not in missing and (why := _find_unread(file, missing, mapping))
    }:
        missing |= new
    texts = {f"{path}.sql": rename(file.text, marketplace, listing_type) for path, file in files.items() if path not in missing}
    return ShippedFiles(texts, {path: why for path, why in missing.items() if why != _ALONE_REASON})


_ALONE_REASON = "of the shipped marketplace alone"


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
    if path.removeprefix("presentation/") in _METRICS_ALONE:
        return _ALONE_REASON
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
        if table in _ALONE:
            return _ALONE_REASON
        if (role := _TABLES.get(table)) and role not in mapping.roles and (not schema or schema.endswith("curated")):
            return f"mapping.yaml has no {role}"
        for folder in ("intermediate", "presentation"):
            why = missing.get(f"{folder}/{table}")
            if why == _ALONE_REASON:
                return _ALONE_REASON
            if why:
                return f"it reads {table}, which is left out ({why})"
    return ""

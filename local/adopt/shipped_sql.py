"""The metrics, charts, checks, views and questions of sql/apartments, or of sql/cars, for an adopted marketplace: one text for
each, no copies.

An adopted marketplace's curated tables have the columns that these files read, so that they need other names and nothing else. A
file is left out where what it reads is not there, with what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.adopt.hourly_sql import write_currency_check
from local.adopt.mapping import MappingFile
from local.adopt.role_sql import CODE_BYTES
from local.adopt.shipped_templates import BY_HOURS, BY_NIGHTS, Template
from local.adopt.taken import TakenTable, curated_type
from rental_pipeline.definitions.sql_files import SqlFile, read_sql_folder

_FOLDERS = ("intermediate", "presentation", "checks", "views", "report", "lake")


@dataclass(frozen=True)
class ShippedFiles:
    """The files of an adopted marketplace that shipped ones are made into, by their path; and those left out, with why."""

    texts: Mapping[str, str]
    left_out: Mapping[str, str]


def write_shipped(sql_root: Path, marketplace: str, mapping: MappingFile, tables: Mapping[str, TakenTable]) -> ShippedFiles:
    """Return the files that the mapping gives all for.

    Args:
        sql_root: The folder sql/ with the shipped marketplaces.
        tables: By their names in the contract.
    """
    template = BY_HOURS if mapping.is_hourly else BY_NIGHTS
    types = _find_types(mapping, tables)
    files = {
        f"{folder}/{name}": file
        for folder in _FOLDERS
        for name, file in read_sql_folder(sql_root / template.name / folder).items()
    }
    for path in template.alone:
        del files[path]
    missing = {path: why for path in files if (why := _find_missing(path, template, mapping))}
    while new := {
        path: why
        for path, file in files.items()
        if path not in missing and (why := _find_unread(file, missing, template, mapping))
    }:
        missing |= new
    texts = {
        f"{path}.sql": rename(_leave_unknown(path, file.text, template, mapping), template, marketplace, types)
        for path, file in files.items()
        if path not in missing
    }
    if mapping.is_hourly and mapping.currency:
        texts["checks/figures_in_one_currency.sql"] = write_currency_check(marketplace, mapping.currency)
    return ShippedFiles(texts, missing)


def _find_types(mapping: MappingFile, tables: Mapping[str, TakenTable]) -> dict[str, str]:
    """Return the types of the keys in the curated layer: of listings, places, and customers, where stays name them."""
    roles = mapping.roles
    types = {"category": f"varchar({CODE_BYTES})"}
    for name in ("listing", "place"):
        if name in roles:
            types[name] = curated_type(tables[roles[name].table].types[roles[name].columns["id"].name])
    if "stay" in roles and (customer := roles["stay"].columns.get("customer")):
        types["customer"] = curated_type(tables[customer.table or roles["stay"].table].types[customer.name])
    return types


def _leave_unknown(path: str, text: str, template: Template, mapping: MappingFile) -> str:
    """Return a file's text in which that is NULL of which the mapping says nothing."""
    for (of_path, role, field), said in template.unknown.items():
        if of_path == path and not _has(mapping, role, field):
            for before, after in said.items():
                text = text.replace(f" {before}", f" {after}")
    return text


def rename(text: str, template: Template, marketplace: str, types: Mapping[str, str]) -> str:
    """Return a shipped file's text with the names of another marketplace.

    Args:
        types: Of the keys, by role.
    """
    text = re.sub(rf"\b{template.name}_(control|raw|curated|staging|presentation)\b", r"\0_\1".replace("\0", "\x00"), text)
    for before, after in template.renamed:
        text = text.replace(before, after).replace(before.capitalize(), after.capitalize())
    for role, pattern in template.types:
        if role in types:
            text = re.sub(pattern, rf"\1 {types[role]}", text)
    if "place" in types:
        text = text.replace("cast(null as bigint) as location_id", f"cast(null as {types['place']}) as location_id")
    if types.get("listing", "bigint") != "bigint":
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


def _find_missing(path: str, template: Template, mapping: MappingFile) -> str:
    """Return what the mapping lacks for a file, empty where it lacks nothing."""
    lacking = [f"{role}: {field}" for role, field in template.needs.get(path, ()) if not _has(mapping, role, field)]
    return f"mapping.yaml has no {' and no '.join(lacking)}" if lacking else ""


def _has(mapping: MappingFile, role: str, field: str) -> bool:
    found = mapping.roles.get(role)
    if not found:
        return False
    if field in ("price", "amount"):
        return found.money is not None
    return any(name in found.columns for name in field.split(" or "))


def _find_unread(file: SqlFile, missing: Mapping[str, str], template: Template, mapping: MappingFile) -> str:
    """Return which table that a file reads is not there, empty where all are."""
    for name in (part.strip() for part in file.header_line("reads").split(",")):
        schema, _, table = name.rpartition(".")
        table = re.sub(r"^(changed_|curated_|presentation_)", "", table)
        if table in template.not_made:
            return f"it reads {table}: {template.not_made[table]}"
        role = template.tables.get(table)
        if role and role not in mapping.roles and (not schema or schema.endswith("curated")):
            return f"mapping.yaml has no {role}"
        for folder in ("intermediate", "presentation", "views"):
            if why := missing.get(f"{folder}/{table}"):
                return f"it reads {table}, which is left out ({why})"
    return ""

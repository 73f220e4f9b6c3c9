"""Which column of a table is a field, and which refers to another table: by names, types and foreign keys."""

from __future__ import annotations

from local.adopt import words
from local.adopt.guess_words import NAMES
from local.adopt.mapping import Column
from local.adopt.taken import TakenTable, key_kind
from rental_pipeline.model.column_types import can_be_cursor

_TIMES = ("made_at", "created_at", "viewed_at", "checkin", "checkout")
_TEXTS = ("category", "payment_status", "call_to_action", "brand")
_COUNTS = ("nights", "bedrooms")


def find_column(table: TakenTable, field_name: str) -> str | None:
    """Return the likeliest column of a field; of times and money only by columns that can be such."""
    found = {words.squeeze(column): column for column in table.types if _fits(table, column, field_name)}
    return next((found[name] for name in NAMES[field_name] if name in found), None)


def _fits(table: TakenTable, column: str, field_name: str) -> bool:
    source = table.source.columns[column]
    is_time = can_be_cursor(source)
    if field_name in _TIMES:
        return is_time or source.data_type in ("varchar", "char")
    if field_name in _TEXTS:
        return source.data_type in ("varchar", "char", "enum")
    if field_name == "model_year":
        return source.data_type == "year" or "int" in source.data_type
    is_text = bool(source.length) and source.data_type.endswith(("char", "text"))
    return not is_time and not (field_name in _COUNTS and is_text)


def find_reference(child: TakenTable, parent: TakenTable) -> str | None:
    """Return the column of a table that refers to another's key: by a foreign key, or where it has none, a name as listing_id."""
    return next(iter(list_references(child, parent)), None)


def list_references(child: TakenTable, parent: TakenTable) -> list[str]:
    """Return the columns of a table that refer to another's key, in the table's order."""
    if child is parent or not is_keyed(parent):
        return []
    key = parent.contract.key[0]
    named = _list_reference_names(parent)
    return [
        column
        for column in child.types
        if (child.source.parents[column] == (parent.source.name, key) if column in child.source.parents else column in named)
        and key_kind(child, Column(column)) == key_kind(parent, Column(key))
    ]


def _list_reference_names(table: TakenTable) -> set[str]:
    """Return how columns that refer to a table are called: listing_id, id_listing, or its own key where that says the table."""
    *parts, last = table.contract.name.split("_")
    single = "_".join([*parts, words.singular(last)])
    key = table.contract.key[0]
    return {f"{single}_id", f"id_{single}", f"{single}_uuid"} | ({key} - {"id", "uuid", "guid", "code"})


def list_words(table: TakenTable) -> set[str]:
    """Return the words of a table's names, in the singular."""
    return {words.singular(word) for name in (table.contract.name, table.source.name) for word in words.split_name(name)}


def is_keyed(table: TakenTable) -> bool:
    """Whether a table's key is one column, so that others can refer to it."""
    return len(table.contract.key) == 1

"""The SELECT of a slice, in MySQL's SQL.

The cut (slices.py) and the read (extract.py) share these conditions, so they cannot differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rental_pipeline.column_types import select_expression
from rental_pipeline.contract import APPEND
from rental_pipeline.table_plan import PlannedColumn, PlannedTable, Slice

# A condition and its arguments, with PyMySQL's %s marks.
Condition = tuple[str, list[Any]]

# What MySQL's manual calls the supported range begins here; below are the zero date and what was never meant as a date.
FIRST_DATE = "1000-01-01"
_FIRST_TIMESTAMP = "1970-01-01 00:00:01"

_BARE_INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint", "year")
_BINARIES = ("binary", "varbinary")


def compose_slice_query(table: PlannedTable, part: Slice) -> Condition:
    """Return the query that reads a slice, in the order of the planned columns, and its arguments."""
    # What is hashed is the value's text, whatever its type.
    selected = ", ".join(
        f"cast({select_text(column)} as char)" if column.is_hashed else select_text(column) for column in table.columns
    )
    condition, arguments = slice_condition(table, part)
    return f"select {selected} from {quote_name(table.source_name)} where {condition}", arguments


def slice_condition(table: PlannedTable, part: Slice) -> Condition:
    """Return what makes a row belong to a slice; every row of the window belongs to exactly one slice of the table."""
    if table.strategy == APPEND:
        cursor = [table.column(table.cursor)]
        inside = _all_of(cursor_in_window(table), at_least(cursor, part.start), below(cursor, part.end))
        # Events without a usable time belong to the first slice.
        return _any_of(inside, cursor_is_missing(table)) if part.start is None else inside
    key = [table.column(name) for name in table.key]
    return _all_of(at_least(key, part.start), below(key, part.end), window_condition(table))


def window_condition(table: PlannedTable) -> Condition:
    """Return what makes a row belong to the table's window; rows whose cursor is missing always do."""
    if table.lower is None and table.upper is None:
        return "true", []
    return _any_of(cursor_in_window(table), cursor_is_missing(table))


def cursor_in_window(table: PlannedTable) -> Condition:
    """Return the condition lower <= cursor < upper, of which either may be open."""
    cursor = [table.column(table.cursor)]
    lower, upper = ((bound.replace("T", " "),) if bound else None for bound in (table.lower, table.upper))
    return _all_of(at_least(cursor, lower), below(cursor, upper))


def cursor_is_missing(table: PlannedTable) -> Condition:
    """Return the condition that the cursor is NULL or a zero date (which is neither NULL nor above any date)."""
    cursor = table.column(table.cursor)
    first = _FIRST_TIMESTAMP if cursor.source_type == "timestamp" else FIRST_DATE
    name = quote_name(cursor.source_name)
    return f"({name} is null or {name} < %s)", [first]


def at_least(columns: Sequence[PlannedColumn], values: Sequence[str] | None) -> Condition:
    """Return (columns) >= (values) in the columns' own order; None is no bound."""
    return _compare(columns, values, ">", ">=")


def below(columns: Sequence[PlannedColumn], values: Sequence[str] | None) -> Condition:
    """Return (columns) < (values) in the columns' own order; None is no bound."""
    return _compare(columns, values, "<", "<")


def select_text(column: PlannedColumn) -> str:
    """Return the expression whose text is the column's exact value."""
    return select_expression(quote_name(column.source_name), column.source_type)


def quote_name(name: str) -> str:
    """Quote an identifier for MySQL, and for PyMySQL, to which % is a mark."""
    return "`" + name.replace("`", "``").replace("%", "%%") + "`"


def _compare(columns: Sequence[PlannedColumn], values: Sequence[str] | None, strictly: str, at_last: str) -> Condition:
    """Compare by the first column that differs.

    Written out, because MySQL uses no index range for (a, b) > (x, y) ("Row Constructor Expression Optimization"); the first
    column is compared by itself as well, for the range that both MySQL and MariaDB recognise.
    """
    if values is None:
        return "true", []
    column, value = columns[0], values[0]
    name, (mark, argument) = quote_name(column.source_name), _literal(column, value)
    if len(columns) == 1:
        return f"{name} {at_last} {mark}", [argument]
    rest, rest_arguments = _compare(columns[1:], values[1:], strictly, at_last)
    condition = f"({name} {strictly}= {mark} and ({name} {strictly} {mark} or {rest}))"
    return condition, [argument, argument, *rest_arguments]


def _literal(column: PlannedColumn, text: str) -> tuple[str, Any]:
    """Return mark and argument for a value, typed as its column: MySQL would compare a number with a text as floats."""
    if column.source_type in _BARE_INTEGERS:
        return "%s", int(text)
    if column.source_type == "decimal":
        return "%s", Decimal(text)
    if column.source_type in _BINARIES:
        return "unhex(%s)", text
    return "%s", text


def _all_of(*conditions: Condition) -> Condition:
    return _join(" and ", [condition for condition in conditions if condition[0] != "true"])


def _any_of(*conditions: Condition) -> Condition:
    if any(condition[0] == "true" for condition in conditions):
        return "true", []
    return _join(" or ", conditions)


def _join(operator: str, conditions: Sequence[Condition]) -> Condition:
    if not conditions:
        return "true", []
    joined = operator.join(condition for condition, _ in conditions)
    arguments = [argument for _, each in conditions for argument in each]
    return (joined if len(conditions) == 1 else f"({joined})"), arguments

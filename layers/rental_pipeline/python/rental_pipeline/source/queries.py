"""What is asked of a table in MySQL's SQL: the rows of a slice, and the fingerprints that tell whether they have to be read.

The cut (plan/slices.py), the comparison (plan/comparison.py) and the read (extract/rows.py) share these conditions, so they
cannot differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rental_pipeline.model.column_types import is_character, is_long, may_lose_bytes, select_expression, select_whole
from rental_pipeline.model.fingerprints import Point
from rental_pipeline.model.own_names import own
from rental_pipeline.model.raw_tables import FIRST_DATE
from rental_pipeline.model.strategies import Append
from rental_pipeline.model.table_plan import PlannedColumn, PlannedTable, Slice

# A condition (or another piece of a query) and its arguments, with PyMySQL's %s marks.
Condition = tuple[str, list[Any]]
_FIRST_TIMESTAMP = "1970-01-01 00:00:01"

# Changes when `hash_row` does: every table is then read again, for hashes that can be compared.
ROW_HASH_VERSION = "3"

_BARE_INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint", "year")
_BINARIES = ("binary", "varbinary")
# An index orders UUIDs otherwise than their texts; the server compares a text with such a column as a UUID.
_TEXTS = ("char", "varchar", "uuid", "inet4", "inet6")

# The source's table in every query: its columns are always qualified by it, so no name of the query's own can be taken for one.
_SOURCE = own("source")


def compose_slice_query(table: PlannedTable, part: Slice, salt: str) -> Condition:
    """Return the query that reads a slice, its columns as planned with the row's hash last, and the query's arguments.

    The rows come in the order by which slices are cut, so that reading can stop anywhere (extract/deadline_reader.py).
    """
    order = name_column(table.cursor_column) if isinstance(table.strategy, Append) else order_by_key(table, part.compared)
    return _select_rows(table, salt, slice_condition(table, part), f" order by {order}")


def compose_keys_query(table: PlannedTable, keys: Sequence[Point], salt: str) -> Condition:
    """Return the query that reads the rows of some keys, as `compose_slice_query` does those of a slice."""
    columns = [table.column(name) for name in table.key]
    if len(columns) == 1:
        marks, arguments = zip(*[_literal(columns[0], key[0]) for key in keys], strict=True)
        return _select_rows(table, salt, (f"{name_column(columns[0])} in ({', '.join(marks)})", list(arguments)))
    # Written out, because MariaDB uses no index range for (a, b) in ((x, y), …).
    return _select_rows(table, salt, _any_of(*(_all_of(*map(_equal, columns, key)) for key in keys)))


def compose_pairs_query(table: PlannedTable, part: Slice, salt: str, most: int) -> Condition:
    """Return the query that reads key and row hash of the first rows of a slice, in the order of keys."""
    keys = ", ".join(_select_exact(table.column(name)) for name in table.key)
    order = f" order by {order_by_key(table, part.compared)} limit {most}"
    return _select(f"{keys}, ", hash_row(table, salt), order, table, slice_condition(table, part))


def compose_blank_ends(table: PlannedTable, part: Slice, most: int) -> Condition:
    """Return the query for the first keys of a slice that end with a blank and are told by it from those that do not."""
    keys = [table.column(name) for name in table.key]
    # By its character alone: a collation may take others for a blank. With the mark of a query that is executed with arguments.
    blank_end = "convert({} using utf8mb4) collate utf8mb4_bin like '%% '"
    ends: list[Condition] = [(blank_end.format(name_column(column)), []) for column in keys if column.compares_blanks]
    *before, last = (select_text(column) for column in keys)
    condition = _all_of(slice_condition(table, part), _any_of(*ends))
    return _select("".join(f"{key}, " for key in before), (last, []), f" limit {most}", table, condition)


def compose_count(table: PlannedTable, part: Slice) -> Condition:
    """Return the query that counts the rows of a slice, and does nothing else with them."""
    return _select("", ("count(*)", []), "", table, slice_condition(table, part))


def compose_fingerprint(table: PlannedTable, part: Slice, salt: str) -> Condition:
    """Return the query that counts a slice's rows and sums their hashes."""
    row_hash, arguments = hash_row(table, salt)
    return _select("", (f"count(*), {_sum(row_hash)}", arguments), "", table, slice_condition(table, part))


def compose_range_fingerprints(
    table: PlannedTable, part: Slice, starts: Sequence[Point], first: int, last: int, salt: str
) -> Condition:
    """Return the query that counts and sums the rows of some ranges of keys, all in one scan.

    Args:
        part: What these ranges are together.
        starts: The first key of each of the table's ranges but the first, ascending in the order of bytes.
        first, last: The numbers of the ranges that are asked for.

    Returns:
        Rows as of `_fingerprint_groups`, labelled with the range's number; ranges without rows are absent.
    """
    number, arguments = _number_range([table.column(name) for name in table.key], starts, first, last)
    return _fingerprint_groups(f"cast({number} as char)", arguments, table, part, salt)


def compose_day_fingerprints(table: PlannedTable, part: Slice, salt: str) -> Condition:
    """Return the query that counts and sums the rows of each day of an append table's slice.

    Returns:
        Rows as of `_fingerprint_groups`, labelled with the day; events without a usable time are labelled with nothing.
    """
    missing, arguments = cursor_is_missing(table)
    day = f"case when {missing} then '' else cast(date({name_column(table.cursor_column)}) as char) end"
    return _fingerprint_groups(day, arguments, table, part, salt)


def hash_row(table: PlannedTable, salt: str) -> Condition:
    """Return the expression of a row's hash: 60 bits of SHA-256 over its columns, as a number.

    MySQL computes it, for the rows that are read as for the ranges that are compared, and raw keeps it beside the row: two
    engines would not write every value as the same text. QUOTE
    tells NULL from the text NULL, and lets no two columns run together. What is dropped as personal is not in it; where
    something is hashed as personal, the salt (`personal_data.HashKey`) keeps it from being guessed. MD5 would take as
    long, is gone from MySQL (9.6 Reference Manual, "Legacy Hashing Component") and NULL in its FIPS mode.

    Types that may be long are hashed each by itself first, whole, since a text that would be longer than max_allowed_packet is
    NULL ("String Functions and Operators"); if it is one all the same, the hash is NULL, and extract/rows.py refuses the row.
    Texts are taken in one character set, as those of several cannot be concatenated.
    """
    values = ", ".join(_hashed_text(column) for column in sorted(table.columns, key=lambda column: column.name))
    salted, arguments = ("%s, ", [salt]) if salt else ("", [])
    return f"cast(conv(left(sha2(concat({salted}{values}), 256), 15), 16, 10) as signed)", arguments


def slice_condition(table: PlannedTable, part: Slice) -> Condition:
    """Return what makes a row belong to a slice; every row of the window belongs to exactly one slice of the table."""
    if isinstance(table.strategy, Append):
        cursor = [table.cursor_column]
        inside = _all_of(cursor_in_window(table), at_least(cursor, part.start), below(cursor, part.end))
        # Events without a usable time belong to the first slice.
        return _any_of(inside, cursor_is_missing(table)) if part.start is None else inside
    key = [table.column(name) for name in table.key]
    bounds = at_least(key, part.start, part.compared), below(key, part.end, part.compared)
    return _all_of(*bounds, window_condition(table))


def window_condition(table: PlannedTable) -> Condition:
    """Return what makes a row belong to the table's window; rows whose cursor is missing always do."""
    if table.lower is None and table.upper is None:
        return "true", []
    return _any_of(cursor_in_window(table), cursor_is_missing(table))


def cursor_in_window(table: PlannedTable) -> Condition:
    """Return the condition lower <= cursor < upper, of which either may be open."""
    cursor = [table.cursor_column]
    lower, upper = ((bound.replace("T", " "),) if bound else None for bound in (table.lower, table.upper))
    return _all_of(at_least(cursor, lower), below(cursor, upper))


def cursor_is_missing(table: PlannedTable) -> Condition:
    """Return the condition that the cursor is NULL or a zero date (which is neither NULL nor above any date)."""
    cursor = table.cursor_column
    first = _FIRST_TIMESTAMP if cursor.source_type == "timestamp" else FIRST_DATE
    name = name_column(cursor)
    return f"({name} is null or {name} < %s)", [first]


def at_least(columns: Sequence[PlannedColumn], values: Point | None, bytewise: bool = False) -> Condition:
    """Return (columns) >= (values); None is no bound.

    Args:
        bytewise: Compare texts by their bytes, as the warehouse does, instead of by the column's collation, as its index does.
    """
    return _compare(columns, values, ">", ">=", bytewise)


def below(columns: Sequence[PlannedColumn], values: Point | None, bytewise: bool = False) -> Condition:
    """Return (columns) < (values), as `at_least`."""
    return _compare(columns, values, "<", "<", bytewise)


def order_by_key(table: PlannedTable, bytewise: bool) -> str:
    """Return the list of an ORDER BY in the order in which `at_least` compares keys."""
    return ", ".join(_operand(table.column(name), bytewise) for name in table.key)


def select_text(column: PlannedColumn) -> str:
    """Return the expression whose text is the column's exact value, as far as its bytes are characters."""
    return select_expression(name_column(column), column.source_type)


def name_column(column: PlannedColumn) -> str:
    """Return a column in a query over `from_table`, for execution with arguments."""
    return f"{_SOURCE}.{_spare_marks(quote_name(column.source_name))}"


def from_table(table: PlannedTable) -> str:
    """Return the FROM clause whose columns `name_column` names, for execution with arguments."""
    return f"from {_spare_marks(quote_name(table.source_name))} as {_SOURCE}"


def quote_name(name: str) -> str:
    """Quote an identifier for MySQL; for a statement that is executed without arguments."""
    return "`" + name.replace("`", "``") + "`"


def _spare_marks(text: str) -> str:
    """Double each %: PyMySQL takes every % for a placeholder where arguments are passed, even none (`execute(query, [])`)."""
    return text.replace("%", "%%")


def _select_exact(column: PlannedColumn) -> str:
    """Return the expression of what is written: bytes that are no character make a value that is no UTF-8, and is told as such.

    They would arrive as `?` or U+FFFD.
    """
    return _in_utf8(select_text(column), column, "unhex('ff')")


def _select_hashed(column: PlannedColumn) -> str:
    """Return the expression of a whole value; bytes that are no character stay what they are, for a hash of their own."""
    whole = select_whole(name_column(column), column.source_type)
    return _in_utf8(f"cast({whole} as char)", column, f"cast({whole} as binary)", whole)


def _in_utf8(expression: str, column: PlannedColumn, otherwise: str, text: str | None = None) -> str:
    """Return an expression as it is, or, where characters can be lost on the way to UTF-8, what stands for those values."""
    if not may_lose_bytes(column.charset):
        return expression
    text = text or expression
    converted = f"convert({text} using utf8mb4)"
    return (
        f"case when char_length(replace({text}, '?', '')) <> char_length(replace({converted}, '?', ''))"
        f" or locate(_utf8mb4 x'efbfbd', {converted}) > 0 then {otherwise} else cast({converted} as binary) end"
    )


def _hashed_text(column: PlannedColumn) -> str:
    name = name_column(column)
    if may_lose_bytes(column.charset) and is_character(column.source_type):
        return f"quote(hex({name}))"
    if is_long(column.source_type):
        return f"coalesce(sha2({name}, 256), 'NULL')"
    return f"quote(convert({name} using utf8mb4))" if is_character(column.source_type) else f"quote({select_text(column)})"


def _select_rows(table: PlannedTable, salt: str, condition: Condition, order: str = "") -> Condition:
    # What is hashed as personal is the value's text, whatever its type.
    selected = ", ".join(_select_hashed(column) if column.is_hashed else _select_exact(column) for column in table.columns)
    return _select(f"{selected}, ", hash_row(table, salt), order, table, condition)


def _fingerprint_groups(label: str, arguments: list[Any], table: PlannedTable, part: Slice, salt: str) -> Condition:
    """Return the query that counts and sums the rows of a slice by a label.

    Returns:
        Rows of (least label, greatest label, count, checksum): the labels of a group are one, or it is no group of that label.
    """
    row_hash, hash_arguments = hash_row(table, salt)
    selected = f"{label} as _rp_label, {row_hash} as _rp_hash", [*arguments, *hash_arguments]
    rows, row_arguments = _select("", selected, "", table, slice_condition(table, part))
    # The outer query knows no column of the source, so none can be taken for the label.
    query = (
        f"select min(_rp_label), max(_rp_label), count(*), {_sum('_rp_hash')} from ({rows}) as _rp_labelled group by _rp_label"
    )
    return query, row_arguments


def _sum(row_hash: str) -> str:
    return f"cast(coalesce(sum({row_hash}), 0) as char)"


def _select(before: str, last: Condition, after: str, table: PlannedTable, condition: Condition) -> Condition:
    query = f"select {before}{last[0]} {from_table(table)} where {condition[0]}{after}"
    return query, [*last[1], *condition[1]]


def _number_range(columns: Sequence[PlannedColumn], starts: Sequence[Point], first: int, last: int) -> Condition:
    """Return the expression that finds a key's range among first..last by halving: eight comparisons for 256 ranges."""
    if first == last:
        return str(first), []
    middle = (first + last + 1) // 2
    is_below, arguments = below(columns, starts[middle - 1], bytewise=True)
    lower, lower_arguments = _number_range(columns, starts, first, middle - 1)
    upper, upper_arguments = _number_range(columns, starts, middle, last)
    return f"case when {is_below} then {lower} else {upper} end", [*arguments, *lower_arguments, *upper_arguments]


def _compare(columns: Sequence[PlannedColumn], values: Point | None, strictly: str, at_last: str, bytewise: bool) -> Condition:
    """Compare by the first column that differs.

    Written out, because MySQL uses no index range for (a, b) > (x, y) ("Row Constructor Expression Optimization"); the first
    column is compared by itself as well, for the range that both MySQL and MariaDB recognise.
    """
    if values is None:
        return "true", []
    column, value = columns[0], values[0]
    operand, (mark, argument) = _operand(column, bytewise), _literal(column, value, bytewise)
    if len(columns) == 1:
        return f"{operand} {at_last} {mark}", [argument]
    rest, rest_arguments = _compare(columns[1:], values[1:], strictly, at_last, bytewise)
    condition = f"({operand} {strictly}= {mark} and ({operand} {strictly} {mark} or {rest}))"
    return condition, [argument, argument, *rest_arguments]


def _equal(column: PlannedColumn, text: str) -> Condition:
    mark, argument = _literal(column, text)
    return f"{name_column(column)} = {mark}", [argument]


def _operand(column: PlannedColumn, bytewise: bool) -> str:
    name = name_column(column)
    return f"cast(convert({name} using utf8mb4) as binary)" if bytewise and column.source_type in _TEXTS else name


def _literal(column: PlannedColumn, text: str, bytewise: bool = False) -> tuple[str, Any]:
    """Return mark and argument for a value, typed as its column: MySQL would compare a number with a text as floats."""
    if column.source_type in _BARE_INTEGERS:
        return "%s", int(text)
    if column.source_type == "decimal":
        return "%s", Decimal(text)
    if column.source_type in _BINARIES:
        return "unhex(%s)", text
    return ("cast(%s as binary)" if bytewise and column.source_type in _TEXTS else "%s"), text


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

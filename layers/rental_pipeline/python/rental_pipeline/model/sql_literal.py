"""Values as literals of SQL."""

from __future__ import annotations


def literal(value: str | int | float | None) -> str:
    """Write a value as an SQL literal.

    Redshift reads a backslash in a literal as an escape, standard SQL does not; doubling it is safe under both readings.
    """
    if value is None:
        return "null"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
    return str(value)

"""Queries that call the functions of functions.sql, which ask and change what stands in the database."""

from __future__ import annotations

from local_redshift.parameters import quote_text


def call(function: str, *arguments: str | bool | list[str] | None) -> str:
    """Return a query that calls a function of functions.sql; the names of a list are taken out of their quotes."""
    return f"select redshift.{function}({', '.join(_argument(argument) for argument in arguments)})"


def _argument(value: str | bool | list[str] | None) -> str:
    if isinstance(value, list):
        return "array[" + ", ".join(quote_text(bare(name)) for name in value) + "]::pg_catalog.text[]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return quote_text(value)


def bare(name: str) -> str:
    """Return a quoted name without its quotes."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name

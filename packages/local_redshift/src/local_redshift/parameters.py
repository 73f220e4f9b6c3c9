"""Named parameters (`:name`) of a statement: values only, of type text until the statement casts them."""

from __future__ import annotations

import re

# What may hold a colon without it being a parameter: text, quoted names, dollar-quoted bodies, comments, casts.
_OPAQUE = re.compile(
    r"""'(?:[^'\\]|''|\\.)*' | "(?:[^"]|"")*" | (\$\w*\$).*?\1 | --[^\n]* | /\*.*?\*/ | :: | := | :(?P<name>[A-Za-z_]\w*)""",
    re.DOTALL | re.VERBOSE,
)


def find_parameters(sql: str) -> list[str]:
    """Return the names a statement refers to, in order, repeats included."""
    return [match["name"] for match in _OPAQUE.finditer(sql) if match["name"]]


def quote_text(value: str) -> str:
    """Return a text literal of PostgreSQL."""
    return "'" + value.replace("'", "''") + "'"


def find_backslash(sql: str) -> str | None:
    r"""Return the first text literal with a backslash that is not `\\` or `\'`, or None.

    Redshift reads a backslash in a literal as an escape, PostgreSQL as itself: only the doubled one can be written for both.
    """
    for match in _OPAQUE.finditer(sql):
        if match[0].startswith("'") and re.search(r"(?<!\\)(?:\\\\)*\\(?![\\'])", match[0]):
            return match[0]
    return None

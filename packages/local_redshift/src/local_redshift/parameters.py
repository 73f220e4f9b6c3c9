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


def find_unended(sql: str) -> tuple[int, str] | None:
    """Return the line, from 1, of the first text, name, body or comment that has no end, and which of these it is; or None."""
    rest = _OPAQUE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), sql)
    begin = re.search(r"""'|"|\$\w*\$|/\*""", rest) or re.search(r"/\*", sql)  # a comment in a comment ends with both
    if begin is None:
        return None
    what = {"'": "text", '"': "name", "/*": "comment"}.get(begin[0], "body")
    return rest.count("\n", 0, begin.start()) + 1, what

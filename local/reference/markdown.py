"""Markdown of generated pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def write_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are text, with code in backticks. A bar would end a cell, and so would a line break."""
    cells = [[_escape(" ".join(cell.split())) for cell in row] for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in [list(titles), ["---"] * len(titles), *cells]]
    return "\n".join(re.sub(r"\|  (?=\|)", "| ", line) for line in lines)


def _escape(cell: str) -> str:
    """Return a cell whose marks are none of Markdown's or HTML's, outside of code."""
    parts = re.split(r"(`[^`]*`)", cell.replace("|", "\\|"))
    return "".join(part if part.startswith("`") else re.sub(r"([<*_\[])", r"\\\1", part) for part in parts)


def write_code(text: str) -> str:
    """Return a text in backticks; nothing for an empty one."""
    return f"`{text}`" if text else ""


def read_attributes(docstring: str) -> dict[str, str]:
    """Return the meaning of each attribute that a docstring lists under `Attributes:`; several names may share one."""
    _, _, listed = docstring.partition("Attributes:\n")
    found: dict[str, str] = {}
    names: list[str] = []
    for line in listed.splitlines():
        if match := re.match(r" {8}([a-z_]+(?:, [a-z_]+)*): (.*)", line):
            names = match[1].split(", ")
            found |= dict.fromkeys(names, match[2])
        elif line.startswith(" " * 12):
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return {name: meaning.replace("``", "`") for name, meaning in found.items()}

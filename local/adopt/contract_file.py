"""The text of source.yaml: a block for each table, every choice with its reason beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from textwrap import wrap

from local.adopt.personal import Policy
from local.adopt.tables import TableDecision
from rental_pipeline.model.contract import FREEZE

_WIDTH = 126
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
# What YAML 1.1 reads as something else than a text.
_NOT_TEXT = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))
_BLOCK = re.compile(r"^  (?=[a-z\"])", re.MULTILINE)
_KEPT = {Policy.DROP: "drop", Policy.HASH: "hash", Policy.UNDECIDED: "undecided"}


def write_head(name: str, left_out: Sequence[TableDecision]) -> str:
    """Return what stands before the blocks: how to read the file, and which tables are not taken."""
    lines = [
        f"# The contract with the source of the marketplace {name}, by `make adopt`: which of its tables are taken, and how.",
        "# The fields are explained in sql/apartments/source.yaml. What you change here stays when `make adopt` runs again.",
        "#",
        "# personal: drop is never read; hash is replaced by a keyed hash before anything is written, so equals stay equal;",
        "# undecided is not read until you decide: write drop or hash, or take the line out and name it under `requires`.",
        "# drift: freeze takes only the columns that are named here: one that is new stops a run until somebody decides on it.",
    ]
    if left_out:
        lines += ["#", "# Not taken:"]
        for table in left_out:
            lines += _comment(f"{table.source.name}: {table.left_out}", "#   ")
    return "\n".join([*lines, "tables:"]) + "\n"


def write_block(table: TableDecision, zone: str) -> str:
    """Return a table's block.

    Args:
        zone: The zone of the server's clock, which a DATETIME cursor may show.
    """
    personal = {name: each for name, each in table.columns.items() if each.policy is not Policy.TAKE}
    advice = list(table.advice)
    if table.zone_matters and zone not in ("UTC", "+00:00"):
        advice.append(
            f"{table.cursor} is a DATETIME on a server in {zone}: where the application does not write UTC, say cursor_time_zone"
        )
    lines = [f"  {quote(table.name)}:"]
    if table.source.name.lower() != table.name:
        lines.append(f"    source_table: {json.dumps(table.source.name, ensure_ascii=False)}")
    lines += _reason(f"    strategy: {table.strategy}", table.strategy_reason)
    lines += _reason(f"    key: {_list(table.key)}", table.key_reason)
    if table.cursor:
        lines.append(f"    cursor: {quote(table.cursor)}")
    for each in advice:
        lines += _comment(each, "    # ")
    lines += _reason(f"    drift: {table.drift}", table.drift_reason)
    if table.drift == FREEZE:
        named = (*table.key, table.cursor)
        taken = [name for name, each in table.columns.items() if each.policy is Policy.TAKE and name not in named]
        lines += _wrap_list("    requires: ", taken)
    if personal:
        lines.append("    personal:")
        for name, decision in personal.items():
            lines += _reason(f"      {quote(name)}: {_KEPT[decision.policy]}", decision.reason, indent=6)
    return "\n".join(lines) + "\n"


def split_blocks(text: str) -> tuple[str, dict[str, str]]:
    """Return what stands before a contract's blocks, and each block by its table, comments above it go with the one before."""
    head, _, tables = text.partition("\ntables:\n")
    head += "\ntables:\n"
    blocks = {}
    for block in _BLOCK.split(tables):
        if name := re.match(r'"?([a-z][a-z0-9_]*)"?:', block):
            blocks[name[1]] = f"  {block.rstrip()}\n"
        elif not blocks:
            head += block
    return head, blocks


def quote(name: str) -> str:
    """Return a name as YAML reads it as a text."""
    return name if _PLAIN.fullmatch(name) and name not in _NOT_TEXT else json.dumps(name, ensure_ascii=False)


def _list(names: Sequence[str]) -> str:
    return quote(names[0]) if len(names) == 1 else f"[{', '.join(map(quote, names))}]"


def _wrap_list(start: str, names: Sequence[str]) -> list[str]:
    """Return a list, over several lines where it is long; nothing where it has none."""
    if not names:
        return []
    listed = ", ".join(map(quote, names))
    indent = " " * (len(start) + 1)
    return wrap(f"{start}[{listed}]", _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _reason(field: str, reason: str, indent: int = 4) -> list[str]:
    """Return a field with its reason behind it, or above it where the line would be too long."""
    line = f"{field}  # {reason}"
    return [line] if len(line) <= _WIDTH else [*_comment(reason, " " * indent + "# "), field]


def _comment(text: str, start: str) -> list[str]:
    return wrap(text, _WIDTH, initial_indent=start, subsequent_indent=start, break_long_words=False, break_on_hyphens=False)

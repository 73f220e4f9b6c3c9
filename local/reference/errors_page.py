"""docs/reference/errors.md: the three errors, and every message that the code raises them with."""

from __future__ import annotations

import ast
from pathlib import Path

from local.reference.markdown import write_table
from rental_pipeline.base.errors import FixConfiguration, FixData, RetryLater

_ERRORS = (RetryLater, FixConfiguration, FixData)
_LONGEST = 300  # characters of a message
_OPENING = """\
# Errors

An error is named by how to react. Each message says what is wrong, where, and what to do;
[the runbook](../how-to/runbook.md#a-run-failed) says how to go on. The messages below are read from the code (`make reference`
writes this page); `…` stands for what a message names: a table, a column, a number.
"""


def write_page(root: Path) -> str:
    """Return the page."""
    package = root / "layers" / "rental_pipeline" / "python" / "rental_pipeline"
    found: dict[str, dict[str, set[str]]] = {error.__name__: {} for error in _ERRORS}
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in found and node.args:
                message = _write_message(node.args[0])
                if len(message.replace("…", "").strip()) > 12:  # else it is put together elsewhere
                    found[node.func.id].setdefault(message, set()).add(path.relative_to(package).with_suffix("").as_posix())
    parts = [_OPENING]
    for error in _ERRORS:
        rows = [[message, ", ".join(sorted(places))] for message, places in sorted(found[error.__name__].items(), key=_order)]
        parts.append(f"## {error.__name__}\n\n{error.__doc__}\n\n{write_table(['message', 'raised in'], rows)}\n")
    return "\n".join(parts)


def _order(entry: tuple[str, set[str]]) -> tuple[str, str]:
    return entry[0].lstrip("… '`\"").lower(), entry[0]


def _write_message(node: ast.expr) -> str:
    """Return a message as a reader sees it, shortened; what is filled in is `…`."""
    text = _join(node)
    while "……" in text or "… …" in text:
        text = text.replace("……", "…").replace("… …", "…")
    return text if len(text) <= _LONGEST else text[:_LONGEST].rsplit(" ", 1)[0] + " …"


def _join(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_join(value) for value in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _join(node.left) + _join(node.right)
    return "…"

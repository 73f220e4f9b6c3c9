"""docs/proofs.md names tests, and each of them is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROOFS = (ROOT / "docs" / "proofs.md").read_text(encoding="utf-8")
NODES = sorted(set(re.findall(r"`((?:tests|packages)/[\w/]+\.py::\w+)`", PROOFS)))
PATHS = sorted(set(re.findall(r"`(tests/[\w/*.]+)`", PROOFS)))


@cache
def list_tests(path: Path) -> frozenset[str]:
    """Return the test functions of a file, without importing it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


@pytest.mark.parametrize("node", NODES)
def test_a_test_that_is_named_exists(node: str) -> None:
    """By its file and its function."""
    path, _, name = node.partition("::")
    assert name in list_tests(ROOT / path)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_is_named_exists(path: str) -> None:
    """Be it a pattern."""
    assert list(ROOT.glob(path))


def test_every_input_of_a_stranger_has_a_test() -> None:
    """A line says what goes in, what comes out, and by which tests; a line in bold is a heading."""
    table = PROOFS.split("## Inputs of strangers")[1]
    lines = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")][2:]
    inputs = [line for line in lines if not line[0].startswith("**")]
    assert len(inputs) >= 23
    assert [line for line in inputs if len(line) != 3 or not all(line) or "::test_" not in line[2]] == []

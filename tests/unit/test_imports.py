"""Which package may import which: a row travels one way, and nothing below knows of what stands above."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIPELINE = ROOT / "layers" / "rental_pipeline" / "python" / "rental_pipeline"
BELOW = {
    "base": set(),
    "model": {"base"},
    "definitions": {"base", "model"},
    "source": {"base", "model"},
    "plan": {"base", "model", "definitions", "source"},
    "extract": {"base", "model", "source"},
    "warehouse": {"base", "model", "definitions"},
    "lake": {"base", "model"},
    "operate": {"base", "model", "definitions", "source", "plan", "extract", "warehouse", "lake"},
}
OURS = {"rental_pipeline", "mysql_arrow", "local_redshift", "local", "tests", "functions", "benchmarks", "examples"}


def find_imports(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each module of a folder with each module that it imports, wherever in it."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                assert not node.level, f"{path}: imports are absolute"
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                continue
            for name in names:
                yield str(path.relative_to(ROOT)), name


def test_every_package_has_its_rule():
    """A new package says what it may import."""
    assert {path.parent.name for path in PIPELINE.glob("*/__init__.py")} == set(BELOW)


@pytest.mark.parametrize("package", BELOW)
def test_a_package_imports_what_stands_below_it(package: str):
    """The table above is the architecture."""
    imported = {
        (path, name.split(".")[1]) for path, name in find_imports(PIPELINE / package) if name.startswith("rental_pipeline.")
    }
    assert [(path, name) for path, name in sorted(imported) if name not in BELOW[package] | {package}] == []


@pytest.mark.parametrize(
    ("folder", "allowed"),
    [
        ("packages/local_redshift/src/local_redshift", {"local_redshift"}),
        ("packages/mysql_arrow/src/mysql_arrow", {"mysql_arrow"}),
        ("layers/rental_pipeline/python", {"rental_pipeline", "mysql_arrow"}),
        ("functions", {"rental_pipeline"}),
    ],
)
def test_what_is_deployed_or_stands_alone_imports_nothing_else_of_ours(folder: str, allowed: set[str]):
    """What Lambda gets cannot import what only this machine has."""
    imported = {(path, name.split(".")[0]) for path, name in find_imports(ROOT / folder)}
    assert [(path, name) for path, name in sorted(imported) if name in OURS - allowed] == []


def test_local_stand_ins_know_no_command():
    """local/commands is above local/standins and the sample marketplaces."""
    for folder in ("local/standins", "local/marketplace"):
        assert [entry for entry in find_imports(ROOT / folder) if entry[1].startswith("local.commands")] == []

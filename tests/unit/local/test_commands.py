"""The commands: those that the README and docs/ name exist, and CI calls the same ones."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MAKEFILE = (ROOT / "Makefile").read_text()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
TARGETS = set(re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)[1].split())


def test_every_command_is_listed_by_make_help():
    """A target without its line of help is one that nobody finds."""
    listed = set(re.findall(r"^  make ([a-z-]+)", subprocess.check_output(["make", "help"], cwd=ROOT, text=True), re.MULTILINE))
    assert listed == TARGETS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_names_only_commands_that_exist(page: Path):
    """With only variables that the Makefile reads."""
    text = page.read_text(encoding="utf-8")
    commands = re.findall(r"`(make [a-z][^`]*)`", text) + re.findall(r"^ *(make [a-z].*?)(?: #.*)?$", text, re.MULTILINE)
    assert {re.match(r"make ([a-z-]+)", command)[1] for command in commands} <= TARGETS
    given = set(re.findall(r"\b([A-Z_]+)=", " ".join(commands)))
    assert given <= set(re.findall(r"\$[({]([A-Z_]+)[)}]", MAKEFILE)) | {"PYTHON", "EMAIL"}  # read by scripts


def test_ci_calls_make():
    """What CI checks can be run by hand, by the same words."""
    called = re.findall(r"^make ([a-z-]+)", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert called == ["setup-test", "lint", "test"]


def test_the_makefile_gives_options_that_the_program_knows():
    """`python -m local run` understands every option that make passes on."""
    given = set(re.findall(r"(--[a-z-]+)(?: \"?\$\(|\))", MAKEFILE.split("\nrun:")[1].split("\n\n")[0]))
    help_text = subprocess.check_output([sys.executable, "-m", "local", "run", "--help"], cwd=ROOT, text=True)
    assert given == {
        *("--data", "--days", "--scale", "--seed", "--csv", "--csv-delimiter", "--csv-encoding"),
        *("--json", "--marketplace", "--currency", "--verbose", "--source"),
    }
    assert all(option in help_text for option in given)

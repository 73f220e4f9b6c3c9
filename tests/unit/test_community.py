"""What GitHub shows to people who report or change something: valid, and true of this repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
FORMS = [GITHUB / "ISSUE_TEMPLATE" / name for name in ("bug.yml", "wish.yml")]
# docs.github.com, "Syntax for GitHub's form schema"
KINDS = {"markdown", "textarea", "input", "dropdown", "checkboxes"}


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_is_one_that_github_takes(path: Path) -> None:
    """Each field has an id of its own and a label; a list of options is a list of different texts."""
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert form.keys() == {"name", "description", "labels", "body"}
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert {field["type"] for field in form["body"]} <= KINDS
    assert len({field["id"] for field in fields}) == len(fields) > 2
    assert all(field["attributes"]["label"] for field in fields)
    for field in fields:
        options = field["attributes"].get("options", [])
        assert len(options) == len({str(option) for option in options})
        assert all(isinstance(option, str if field["type"] == "dropdown" else dict) for option in options)
    assert any(field.get("validations", {}).get("required") for field in fields)


@pytest.mark.parametrize("path", [*FORMS, GITHUB / "PULL_REQUEST_TEMPLATE.md"], ids=lambda path: path.stem)
def test_what_it_names_is_there(path: Path) -> None:
    """Files and commands."""
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r"\b(?:docs|tests)/[\w./-]*\w|\b[A-Z]+\.md\b", text):
        assert (ROOT / name).exists(), name
    targets = set(re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split())
    assert set(re.findall(r"\bmake ([a-z-]+)", text)) <= targets


def test_every_owner_s_path_is_there() -> None:
    """Those that are suggested, too: a path that nobody finds is owned by nobody."""
    lines = (GITHUB / "CODEOWNERS").read_text(encoding="utf-8").splitlines()
    paths = [word for line in lines for word in line.lstrip("# ").split() if word.startswith("/")]
    assert paths
    assert [path for path in paths if not (ROOT / path.strip("/")).exists()] == []


def test_the_changelog_is_in_order() -> None:
    """Keep a Changelog 1.1.0: what is unreleased first, then versions, newest first, each with its day and kinds of changes."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[?([\w.]+)\]?(?: - (\d{4}-\d{2}-\d{2}))?$", text, re.MULTILINE)
    assert versions[0] == ("Unreleased", "")
    released = [(tuple(map(int, version.split("."))), day) for version, day in versions[1:]]
    assert released == sorted(released, reverse=True) and all(day for _, day in released)
    assert set(re.findall(r"^### (\w+)$", text, re.MULTILINE)) <= {
        "Added",
        "Changed",
        "Deprecated",
        "Removed",
        "Fixed",
        "Security",
    }
    project = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert project and project[1] == versions[1][0]

"""The commands: those that the README and docs/ name exist, and CI calls the same ones."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from local.__main__ import main

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
    given = set(re.findall(r"(--[a-z-]+)(?:=\"?\$\(|\))", MAKEFILE.split("\nrun:")[1].split("\n\n")[0]))
    help_text = subprocess.check_output([sys.executable, "-m", "local", "run", "--help"], cwd=ROOT, text=True)
    assert given == {
        *("--data", "--days", "--scale", "--seed", "--csv", "--csv-delimiter", "--csv-encoding"),
        *("--json", "--marketplace", "--currency", "--verbose", "--source"),
    }
    assert all(option in help_text for option in given)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("run --marketplace=nope", "MARKETPLACE: 'nope' is not known; it is one of apartments, cars; `make adopt` makes another"),
        ("check --marketplace=nope", "MARKETPLACE: 'nope' is not known"),
        ("run --data=foo", "DATA: 'foo' is not known; it is one of market, lab."),
        ("run --days=x", "DAYS: 'x' is no number of days: write 1 or more, as DAYS=7."),
        ("run --days=-1", "DAYS: '-1' is no number of days"),
        ("run --days=0", "DAYS: '0' is no number of days"),
        ("run --scale=0", "SCALE: '0' is no size: write a number above 0"),
        ("run --scale=nan", "SCALE: 'nan' is no size"),
        ("run --seed=1.5", "SEED: '1.5' is no seed: write a whole number"),
        ("adopt --source=x", "this needs NAME."),
        ("run --dais=1", "unrecognized arguments: --dais=1."),
    ],
)
def test_a_word_that_is_wrong_is_refused_in_one_line(words, said, capsys, monkeypatch):
    """Without the usage: the line says what is wrong, in the words of the Makefile, and what to write."""
    monkeypatch.setattr(sys, "argv", ["local", *words.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert told.startswith(said) and told.endswith("`make help` lists what each command takes.\n") and told.count("\n") == 1


def test_a_report_that_has_no_place_is_refused_before_the_run(tmp_path, capsys, monkeypatch):
    path = tmp_path / "nowhere/report.json"
    monkeypatch.setattr(sys, "argv", ["local", "--state", str(tmp_path), "run", f"--json={path}"])
    assert main() == 1
    assert f"JSON={path}: there is no folder {path.parent}" in capsys.readouterr().err

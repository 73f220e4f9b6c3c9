"""What a person is told while `make run` runs."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
import yaml
from rich.console import Console

from local.commands import progress as progress_module
from local.commands.execution_stages import BEGINNINGS, ExecutionStages
from local.commands.progress import Progress
from local.started_execution import VisitedState

ROOT = Path(__file__).parents[3]
NOON = datetime(2026, 11, 27, 12)


def told_by(out: io.StringIO) -> list[str]:
    """Return the lines written, seconds left out."""
    return [re.sub(r" +\d+\.\d s", "", line) for line in out.getvalue().splitlines()]


def test_without_a_terminal_a_stage_is_a_line_when_it_is_over():
    """So a log of CI is readable; details are left out."""
    out = io.StringIO()
    with Progress(out=out) as progress, progress.stage("Read the source") as told:
        progress.show("half of it", 1, 2)
        progress.detail("a detail")
        assert out.getvalue() == ""
        told.append("12 rows")
    assert told_by(out) == ["  Read the source  12 rows"]


def test_details_are_told_to_who_asks():
    """By -v."""
    out = io.StringIO()
    Progress(is_verbose=True, out=out).detail("a detail")
    assert told_by(out) == ["a detail"]


def test_a_stage_that_breaks_off_is_not_told_as_done():
    """The error comes after it."""
    out = io.StringIO()
    with pytest.raises(RuntimeError), Progress(out=out) as progress, progress.stage("Read the source"):
        raise RuntimeError
    assert told_by(out) == ["  Read the source  not finished"]


def test_on_a_terminal_a_bar_moves(monkeypatch):
    """And stays, full, with the time and what came of it, in a line of 80 characters."""
    out = io.StringIO()
    monkeypatch.setattr(progress_module, "Console", lambda file: Console(file=file, force_terminal=True, width=80))
    with Progress(out=out) as progress, progress.stage("Check and publish") as told:
        progress.show("", 1, 2)
        told.append("10,245 accepted, 1,755 set aside")
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    last = [line for line in re.split(r"[\r\n]+", plain) if line.strip()][-1].rstrip()
    assert re.fullmatch(r"  Check and publish    ━{16} +0\.\d s 10,245 accepted, 1,755 set aside", last), last
    assert len(last) <= 80


def test_every_stage_begins_with_a_state_of_the_machine():
    """A state that was renamed would leave its stage out."""
    machine = yaml.safe_load((ROOT / "statemachine" / "run.asl.yaml").read_text(encoding="utf-8"))
    assert BEGINNINGS.keys() <= machine["States"].keys()


def visit(name: str, second: float, seconds: float | None, subject: str | None = None) -> VisitedState:
    return VisitedState(name, subject, NOON + timedelta(seconds=second), seconds)


class Warehouse:
    """Answers with one row; a query of the run finds run 7."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def execute(self, query, arguments):
        text = query.as_string(None)
        row = (7,) if "run_sequence from" in text else (3,) if "table_load" in text else (None, None)
        return SimpleNamespace(fetchone=lambda: row, fetchall=lambda: [row])


def refuse():
    raise psycopg.OperationalError("down")


@pytest.mark.parametrize(("connect", "told"), [(Warehouse, "  3 rows new or changed"), (refuse, "")])
def test_an_execution_is_told_by_stages(connect, told):
    """Each from its first state to the next one's, with its rows, even where several began since the last look; nothing where
    the warehouse cannot be asked, or knows nothing of it."""
    out = io.StringIO()
    stack = SimpleNamespace(marketplace="apartments", warehouse=SimpleNamespace(connect=connect))
    with Progress(is_verbose=True, out=out) as progress:
        stages = ExecutionStages(progress, stack, SimpleNamespace(arn="arn"))
        plan, load = visit("Detect changes", 0, 2), visit("Replay raw tables", 2, None)
        stages.follow([plan, replace(load, items=2, items_done=1)])
        states = [
            *(plan, visit("Replay a raw table", 2, 1.5, "bookings"), replace(load, seconds=2)),
            *(visit("Find what is pending", 4, 0.01), visit("Stage and check the metrics", 4.1, 1.0)),
        ]
        stages.follow(states)
        stages.end(states)
    assert out.getvalue().splitlines() == [
        "     2.0 s  Detect changes",
        "  Plan                   2.0 s",
        "     1.5 s  Replay a raw table: bookings",
        "     2.0 s  Replay raw tables",
        "     1.0 s  Stage and check the metrics",
        f"  Load raw               2.0 s{told}",
        "  Build curated          0.1 s",
        "  Make the metrics       1.0 s",
    ]

"""The figures of a benchmarked run: how steps are counted, and what is said to be kept or missed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.run import AGAIN, FIRST, INCREMENT, UNCHANGED, Figures, FunctionUse, Hop, State, _count_steps
from benchmarks.run_report import write_table
from local.commands.report import Hops

FIRST_LOAD = Figures(
    title=FIRST,
    seconds=9.5,
    states=[State("Load a raw table", "bookings", 2.0), State("Load raw tables", None, 2.1), State("Is it?", None, 0.0)],
    transitions={"run": 30, "SQL steps": 20, "slices": 8},
    submissions=40,
    statements=300,
    source_rows_examined=2000,
    hops={"read from the source": Hop(1000, 5_000_000)},
    tables=[Hops("bookings", 1000, 1000, 1000, 1000, 0, 900, 100)],
    written={"bookings": 900},
    functions={"ExtractSlice": FunctionUse(2, 1500, 2.6)},
)


def test_a_retry_is_a_step() -> None:
    """AWS bills states entered and retries; what stands between the two in a history is free."""
    history = ["TaskStateEntered", "TaskScheduled", "TaskFailed", "TaskScheduled", "TaskSucceeded", "TaskStateExited"]
    history += ["ChoiceStateEntered", "ChoiceStateExited", "MapStateEntered", "MapIterationStarted", "ExecutionSucceeded"]
    assert _count_steps([{"type": kind} for kind in history]) == 4


def test_the_table_judges_what_was_promised(tmp_path: Path) -> None:
    """An increment by its rows, an unchanged run by its seconds, transitions and submissions."""
    unchanged = replace(FIRST_LOAD, title=UNCHANGED, seconds=5.5, transitions={"run": 3, "SQL steps": 0, "slices": 0})
    increment = replace(FIRST_LOAD, title=INCREMENT, hops={"read from the source": Hop(60, 100)})
    runs = [FIRST_LOAD, unchanged, increment, replace(increment, title=AGAIN)]
    write_table(tmp_path / "run.md", runs, {"bookings": 1000}, {"new bookings": 10}, "MariaDB 1", 0.5)
    lines = (tmp_path / "run.md").read_text(encoding="utf-8").splitlines()
    assert "| 1 % changed, rows read from the source, of the first load's | <= 5% | 6.0% | **missed** |" in lines
    assert "| nothing changed, seconds | <= 5 | 5.5 | **missed** |" in lines
    assert "| nothing changed, state transitions | <= 12 | 3 | kept |" in lines
    assert f"| nothing changed, submissions | <= 0 | {FIRST_LOAD.submissions} | **missed** |" in lines
    assert lines.index("| Load raw tables | 2.1 | 2.1 | 2.1 | 2.1 |") + 1 == lines.index(
        "| … Load a raw table: bookings | 2.0 | 2.0 | 2.0 | 2.0 |"
    )
    assert "| read from the source | 1,000 (5.0 MB) | 1,000 (5.0 MB) | 60 (100 B) | 60 (100 B) |" in lines

"""The figures of a benchmarked run as a table in Markdown and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.machine import count_cores, describe_load, describe_machine

if TYPE_CHECKING:
    from benchmarks.run import Figures

_PACKAGES = ("PyMySQL", "pyarrow", "numpy", "pandas", "awswrangler", "boto3", "moto")
_NONE = "-"
_SHOWN_SECONDS = 0.05  # a state that only decides is not worth a line

# What the project promises of an increment that changes one row in a hundred, and of a run that finds nothing changed.
_MOST_OF_FIRST_LOAD, _MOST_SECONDS, _MOST_TRANSITIONS, _MOST_SUBMISSIONS = 0.05, 5, 12, 0


def write_table(
    path: Path, runs: list[Figures], sizes: dict[str, int], changes: dict[str, int], server: str, load_before: float
) -> None:
    """Write the figures, what was promised, and on which machine it was."""
    first, unchanged, increment, _ = runs
    lines = [
        "# Runs of the whole pipeline, on one machine",
        "",
        "Source: "
        + ", ".join(f"{rows:,} {table}" for table, rows in sizes.items())
        + ". Changed before the third run: "
        # (the parts of the sentence are one row of Markdown)
        + ", ".join(f"{rows:,} {what}" for what, rows in changes.items())
        + ". Made by `python -m benchmarks.run`.",
        "",
        *_table(runs, "", _sum_up(runs)),
        "",
        "## Against what was promised",
        "",
        "| | promised | measured | |",
        "|---|---:|---:|---|",
    ]
    for name in first.hops:
        share = increment.hops[name].rows / max(1, first.hops[name].rows)
        what = f"1 % changed, rows {name}, of the first load's"
        lines.append(_judge(what, f"{_MOST_OF_FIRST_LOAD:.0%}", f"{share:.1%}", share <= _MOST_OF_FIRST_LOAD))
    seconds, transitions = unchanged.seconds, sum(unchanged.transitions.values())
    lines.append(_judge("nothing changed, seconds", f"{_MOST_SECONDS}", f"{seconds:.1f}", seconds <= _MOST_SECONDS))
    lines.append(
        _judge("nothing changed, state transitions", f"{_MOST_TRANSITIONS}", f"{transitions}", transitions <= _MOST_TRANSITIONS)
    )
    submitted = unchanged.submissions
    lines.append(_judge("nothing changed, submissions", f"{_MOST_SUBMISSIONS}", f"{submitted}", submitted <= _MOST_SUBMISSIONS))
    lines += ["", "## Rows and bytes per hop", "", *_table(runs, "", _lay_hops(runs))]
    lines += ["", "## Rows read and added, per table", "", *_table(runs, "table", _lay_tables(runs))]
    lines += ["", "## Rows written, per curated table and metric", "", *_table(runs, "table", _lay_written(runs))]
    lines += ["", f"## Seconds per state (those of {_SHOWN_SECONDS} s and more)", "", *_table(runs, "state", _lay_states(runs))]
    lines += ["", "## Functions (invocations, GB-seconds)", "", *_table(runs, "function", _lay_functions(runs))]
    facts = (*describe_machine(_PACKAGES), server, f"{count_cores()} processors", describe_load(load_before))
    lines += ["", "## Machine", "", *(f"- {fact}" for fact in facts), ""]
    path.write_text("\n".join(lines), encoding="utf-8")


def draw_picture(path: Path, runs: list[Figures]) -> None:
    """Draw where each run's time went, and the rows that each hop moved."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "run"  # the same picture for the same numbers
    from matplotlib import pyplot

    figure, (times, rows) = pyplot.subplots(1, 2, figsize=(14, 3.6), layout="constrained")
    titles = [run.title for run in runs]
    stages = list(dict.fromkeys(state.name for run in runs for state in run.states if state.subject is None))
    stages = [name for name in stages if any(_stage_seconds(run, name) >= _SHOWN_SECONDS for run in runs)]
    colours = matplotlib.color_sequences["tab20"]
    reached = [0.0] * len(runs)
    for number, name in enumerate(stages):
        seconds = [_stage_seconds(run, name) for run in runs]
        times.barh(titles, seconds, left=reached, label=name, color=colours[number % len(colours)])
        reached = [before + more for before, more in zip(reached, seconds, strict=True)]
    for title, run in zip(titles, runs, strict=True):
        times.annotate(f" {run.seconds:.1f} s", (run.seconds, title), va="center")
    times.set_xlim(0, max(run.seconds for run in runs) * 1.15)
    times.invert_yaxis()
    times.set_xlabel("seconds")
    times.set_title("Where the time goes", fontsize=10)
    times.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1))

    names = list(runs[0].hops)
    height = 0.8 / len(runs)
    for number, run in enumerate(runs):
        places = [place + number * height for place in range(len(names))]
        bars = rows.barh(places, [max(run.hops[name].rows, 0.8) for name in names], height, label=run.title)
        rows.bar_label(bars, labels=[f"{run.hops[name].rows:,}" for name in names], padding=3, fontsize=7)
    rows.set_yticks([place + 0.4 - height / 2 for place in range(len(names))], names)
    rows.set_xscale("log")
    rows.set_xlim(0.8, max(hop.rows for hop in runs[0].hops.values()) * 20)
    rows.invert_yaxis()
    rows.set_xlabel("rows (logarithmic)")
    rows.set_title("Rows per hop", fontsize=10)
    rows.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1))
    for axes in (times, rows):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _list(counts: dict[str, int]) -> str:
    return ", ".join(f"{rows:,} {what}" for what, rows in counts.items())


def _table(runs: list[Figures], corner: str, rows: dict[str, list[str]]) -> list[str]:
    head = f"| {corner} | " + " | ".join(run.title for run in runs) + " |"
    return [head, "|---|" + "---:|" * len(runs), *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items())]


def _judge(what: str, promised: str, measured: str, is_kept: bool) -> str:
    return f"| {what} | <= {promised} | {measured} | {'kept' if is_kept else '**missed**'} |"


def _sum_up(runs: list[Figures]) -> dict[str, list[str]]:
    kinds = runs[0].transitions
    return {
        "seconds": [f"{run.seconds:.1f}" for run in runs],
        "state transitions": [f"{sum(run.transitions.values()):,}" for run in runs],
        **{f"… of the {kind}": [f"{run.transitions[kind]:,}" for run in runs] for kind in kinds},
        "Data API submissions": [f"{run.submissions:,}" for run in runs],
        "SQL statements in them": [f"{run.statements:,}" for run in runs],
        "Lambda GB-seconds": [f"{sum(use.gb_seconds for use in run.functions.values()):.1f}" for run in runs],
        "rows the source examined": [f"{run.source_rows_examined:,}" for run in runs],
    }


def _lay_hops(runs: list[Figures]) -> dict[str, list[str]]:
    return {name: [f"{run.hops[name].rows:,} ({_shorten(run.hops[name].bytes)})" for run in runs] for name in runs[0].hops}


def _lay_tables(runs: list[Figures]) -> dict[str, list[str]]:
    names = [table.table for table in runs[0].tables]
    found = [{table.table: table for table in run.tables} for run in runs]
    return {
        name: [f"{each[name].read:,} / {each[name].added + each[name].removed:,}" if name in each else _NONE for each in found]
        for name in names
    }


def _lay_written(runs: list[Figures]) -> dict[str, list[str]]:
    return {name: [f"{run.written[name]:,}" if name in run.written else _NONE for run in runs] for name in runs[0].written}


def _lay_states(runs: list[Figures]) -> dict[str, list[str]]:
    seconds = [{(state.name, state.subject): state.seconds for state in run.states} for run in runs]
    keys = list(dict.fromkeys((state.name, state.subject) for run in runs for state in run.states))
    return {
        f"… {name}: {subject}" if subject else name: [
            f"{each[name, subject]:.1f}" if (name, subject) in each else _NONE for each in seconds
        ]
        for name, subject in _outer_before_inner(keys)
        if any(each.get((name, subject), 0) >= _SHOWN_SECONDS for each in seconds)
    }


def _outer_before_inner(keys: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    """Return the states with those of a map behind it: they are left before it is."""
    ordered, inner = [], []
    for key in keys:
        if key[1]:
            inner.append(key)
        else:
            ordered += [key, *inner]
            inner = []
    return ordered


def _lay_functions(runs: list[Figures]) -> dict[str, list[str]]:
    names = sorted({name for run in runs for name in run.functions})
    return {
        name: [
            f"{run.functions[name].invocations}, {run.functions[name].gb_seconds:.2f}" if name in run.functions else _NONE
            for run in runs
        ]
        for name in names
    }


def _stage_seconds(run: Figures, name: str) -> float:
    return sum(state.seconds for state in run.states if state.name == name and state.subject is None)


def _shorten(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"

"""What changes cost the warehouse, as a table in Markdown and as a picture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.machine import count_cores, describe_load, describe_machine
from benchmarks.warehouse_cost import ASSUMPTIONS, RUNS_A_MONTH

if TYPE_CHECKING:
    from benchmarks.warehouse import Figures

Measured = Mapping[str, "list[Figures]"]

_PACKAGES = ("PyMySQL", "pyarrow", "sqlglot", "psycopg", "moto")
_FIRST = "first load"
# What the project wants to reach at the default size: what of which run, its limit, and how it is computed.
_GOALS: tuple[tuple[str, str, float, Callable[[Figures], float]], ...] = (
    ("nothing changed", "requests to the warehouse", 0, lambda run: run.submissions),
    ("nothing changed", "state transitions", 12, lambda run: run.transitions),
    ("one new booking", "rows visited, times rows stored", 0.3, lambda run: run.rows_visited / run.stored),
    ("0.1 % recent", "rows visited, times rows stored", 0.5, lambda run: run.rows_visited / run.stored),
    ("0.1 % at random keys", "rows visited, times rows stored", 3, lambda run: run.rows_visited / run.stored),
    ("a verdict flipped", "rows curated, times the listing's children", 2, lambda run: run.rows_curated / max(1, run.children)),
    ("a verdict flipped", "rows written, times the listing's children", 2, lambda run: run.rows_written / max(1, run.children)),
    ("a comment edited", "rows written", 0, lambda run: run.rows_written),
    ("0.1 % recent", "submissions", 30, lambda run: run.submissions),
    ("0.1 % recent", "writing transactions", 18, lambda run: run.writes),
    ("0.1 % recent", "state transitions", 80, lambda run: run.transitions),
    ("0.1 % recent", "wakes", 1, lambda run: run.warehouse.wakes),
)
_MOST_TIMES_OLDER = 1.3
_MOST_LINES = 12


def write_table(
    path: Path,
    measured: Measured,
    older: Sequence[Figures],
    sizes: str,
    block_rows: int,
    server: str,
    load_before: float,
    seconds: float,
) -> None:
    """Write the figures of each version that was measured, beside what is to be reached.

    Args:
        older: The runs of the last version over a longer history; none where it was not measured.
    """
    versions = list(measured)
    titles = [run.title for run in measured[versions[-1]]]
    runs = {title: {label: run for label in versions for run in measured[label] if run.title == title} for title in titles}
    lines = [
        "# What a change costs the warehouse",
        "",
        f"Source: {sizes}, of two years. Made by `python -m benchmarks.warehouse`, in {seconds / 60:.0f} minutes."
        + (f" Where two figures stand, they are {' → '.join(versions)}." if len(versions) > 1 else ""),
        "",
        f"*Rows visited*: of each table that a statement names, the blocks of {block_rows:,} rows that no literal predicate"
        " excludes ([how](../README.md#the-warehouse-make-bench-warehouse)). *Times stored*: of the rows of all tables.",
        "",
    ]
    shown: dict[str, Callable[[Figures], str]] = {
        "rows visited": lambda run: f"{run.rows_visited:,}",
        "times stored": lambda run: f"{run.rows_visited / max(1, run.stored):.2f}",
        "rows written": lambda run: f"{run.rows_written:,}",
        "submissions": lambda run: f"{run.submissions}",
        "statements": lambda run: f"{run.statements}",
        "writing transactions": lambda run: f"{run.writes}",
        "state transitions": lambda run: f"{run.transitions}",
        "seconds here": lambda run: f"{run.seconds:.1f}",
    }
    lines += [*_lay("run", shown), *(_line(title, runs[title], shown) for title in titles), ""]
    money: dict[str, Callable[[Figures], str]] = {
        "awake, s": lambda run: f"{run.warehouse.seconds:.0f}",
        "billed, s": lambda run: f"{run.warehouse.billed_seconds:.0f}",
        "$ a run": lambda run: f"{run.warehouse.dollars:.4f}",
        **{f"$ a month, {each}": _monthly(each) for each in RUNS_A_MONTH},
    }
    changes = [title for title in titles if title != _FIRST]
    lines += ["## In dollars", "", *(f"- {each}" for each in ASSUMPTIONS), ""]
    lines += [*_lay("every run like this one", money), *(_line(title, runs[title], money) for title in changes), ""]
    lines += ["## Against what is to be reached", "", "| | | at most | measured | |", "|---|---|---:|---:|---|"]
    for title, what, most, measure in _GOALS:
        if title in runs:
            values = [measure(run) for run in runs[title].values()]
            verdict = "reached" if values[-1] <= most else "**missed**"
            lines.append(f"| {title} | {what} | {most:g} | {' → '.join(f'{value:.4g}' for value in values)} | {verdict} |")
    lines += _compare_older(older, runs)
    lines += ["", "## Rows visited by step, times rows stored", ""]
    lines += _lay_shares(runs, changes, lambda run: {step: sum(each.values()) for step, each in run.visited.items()})
    lines += ["", "## Rows visited by table, times rows stored", ""]
    lines += _lay_shares(runs, changes, _add_tables)
    for title in changes:
        lines += ["", f"## {title}: rows visited where most are, and rows written", ""]
        run = list(runs[title].values())[-1]
        lines += [f"Before it: {run.change}.", ""] if run.change else []
        lines += _lay_places(run)
    unread = {each for each_runs in measured.values() for run in each_runs for each in run.not_understood}
    if unread:
        lines += ["", "## Statements that the measure could not read", "", "Their rows are missing above.", ""]
        lines += [f"- `{each}`" for each in sorted(unread)]
    facts = (*describe_machine(_PACKAGES), server, f"{count_cores()} processors", describe_load(load_before))
    lines += ["", "## Machine", "", *(f"- {fact}" for fact in facts), ""]
    path.write_text("\n".join(lines), encoding="utf-8")


def draw_picture(path: Path, measured: Measured) -> None:
    """Draw what each run visits, beside the rows stored, and what a month of such runs costs."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "warehouse"  # the same picture for the same numbers
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 2, figsize=(13, 4), layout="constrained")
    titles = [run.title for run in list(measured.values())[-1] if run.title != _FIRST]
    kinds: tuple[tuple[str, Callable[[Figures], float]], ...] = (
        ("rows visited, times rows stored", lambda run: run.rows_visited / max(1, run.stored)),
        ("Redshift Serverless, dollars a month of such hourly runs", lambda run: run.warehouse.monthly("hourly")),
    )
    height = 0.8 / len(measured)
    for axes, (what, measure) in zip(panels, kinds, strict=True):
        for number, (label, runs) in enumerate(measured.items()):
            values = {run.title: measure(run) for run in runs}
            places = [place + number * height for place in range(len(titles))]
            bars = axes.barh(places, [values.get(title, 0) for title in titles], height, label=label)
            axes.bar_label(bars, labels=[f"{values.get(title, 0):.2f}" for title in titles], padding=3, fontsize=7)
        axes.set_yticks([place + 0.4 - height / 2 for place in range(len(titles))], titles)
        axes.invert_yaxis()
        axes.set_title(what, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.12)
    if len(measured) > 1:
        panels[1].legend(fontsize=8)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _compare_older(older: Sequence[Figures], runs: Mapping[str, Mapping[str, Figures]]) -> list[str]:
    """Lay out what the same changes visit in a longer history."""
    changes = [run for run in older if run.title != _FIRST and run.title in runs]
    if not changes:
        return []
    lines = [
        *("", "## The same change in an older marketplace", ""),
        "As many listings, and as many bookings and viewings a day, for more years. At most"
        f" {_MOST_TIMES_OLDER} times the rows are to be visited.",
        *("", "| | rows stored | rows visited | times as many | |", "|---|---:|---:|---:|---|"),
    ]
    for run in changes:
        short = list(runs[run.title].values())[-1]
        times = run.rows_visited / max(1, short.rows_visited)
        lines.append(
            f"| {run.title} | {short.stored:,} → {run.stored:,} | {short.rows_visited:,} → {run.rows_visited:,} | {times:.2f}"
            f" | {'reached' if times <= _MOST_TIMES_OLDER else '**missed**'} |"
        )
    return lines


def _monthly(schedule: str) -> Callable[[Figures], str]:
    return lambda run: f"{run.warehouse.monthly(schedule):,.2f}"


def _lay(corner: str, shown: Mapping[str, Callable[[Figures], str]]) -> list[str]:
    return [f"| {corner} | {' | '.join(shown)} |", "|---|" + "---:|" * len(shown)]


def _line(title: str, by_version: Mapping[str, Figures], shown: Mapping[str, Callable[[Figures], str]]) -> str:
    cells = [" → ".join(show(run) for run in by_version.values()) for show in shown.values()]
    return f"| {title} | {' | '.join(cells)} |"


def _lay_shares(
    runs: Mapping[str, Mapping[str, Figures]], titles: list[str], add: Callable[[Figures], dict[str, int]]
) -> list[str]:
    """Lay out rows visited as shares of the rows stored; what is below a thousandth everywhere is left out."""
    names = list(dict.fromkeys(name for title in titles for run in runs[title].values() for name in add(run)))
    lines = [f"| | {' | '.join(titles)} |", "|---|" + "---:|" * len(titles)]
    for name in names:
        shares = [[add(run).get(name, 0) / max(1, run.stored) for run in runs[title].values()] for title in titles]
        if any(share >= 0.001 for each in shares for share in each):
            lines.append(f"| {name} | {' | '.join(' → '.join(f'{share:.3f}' for share in each) for each in shares)} |")
    return lines


def _add_tables(run: Figures) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for tables in run.visited.values():
        for table, rows in tables.items():
            sums[table] += rows
    return dict(sums)


def _lay_places(run: Figures) -> list[str]:
    """Lay out the steps and tables with the most rows visited, and the tables that were written."""
    places = sorted(((rows, step, table) for step, tables in run.visited.items() for table, rows in tables.items()), reverse=True)
    lines = []
    if places:
        lines += ["| step | table | rows visited |", "|---|---|---:|"]
        lines += [f"| {step} | {table} | {rows:,} |" for rows, step, table in places[:_MOST_LINES]]
    changed = [table for table in {**run.written, **run.deleted} if not table.startswith("control.")]
    said = ", ".join(f"{table} +{run.written.get(table, 0):,} -{run.deleted.get(table, 0):,}" for table in sorted(changed))
    return [*lines, "", f"Written and deleted: {said or 'nothing'}."]

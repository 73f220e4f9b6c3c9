"""The results of a benchmark as a table in Markdown and as a picture."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import count_cores, describe_load, describe_machine
from benchmarks.ways import describe

_LIMIT, _SLICE_LIMIT, _OURS = "receive_binary", "receive_slice", "decode_binary"
_LIMITS = {"decode_text": "receive_text", "decode_slice": _SLICE_LIMIT, "extract_slice": _SLICE_LIMIT}  # of the others, _LIMIT
_PACKAGES = ("PyMySQL", "pyarrow", "numpy", "pandas", "awswrangler", "connectorx", "dlt", "SQLAlchemy")

# What the project promises of this extractor: over which way, which number, at most (or at least) which ratio.
_PROMISES = (
    ("wall time, this extractor / receiving and dropping", _OURS, _LIMIT, "wall_seconds", "<=", 1.2),
    ("the same, on the query of a slice", "decode_slice", _SLICE_LIMIT, "wall_seconds", "<=", 1.2),
    ("wall time, awswrangler's reader / this extractor", "awswrangler_reader", _OURS, "wall_seconds", ">=", 10),
    ("wall time, dlt's fastest backend / this extractor", "dlt_connectorx", _OURS, "wall_seconds", ">=", 1.5),
    ("wall time, dlt's best exact backend / this extractor", "dlt_pyarrow", _OURS, "wall_seconds", ">=", 5),
    ("client CPU, this extractor / connectorx", _OURS, "connectorx_stream", "cpu_seconds", "<=", 1),
)
WIDE = "wide table"
_MOST_MEMORY_MB = 250
_MOST_GROWTH = 1.1  # of the time per row: ten times the rows take at most eleven times the time


@dataclass(frozen=True)
class Measurement:
    """What one way took; CPU and memory are the client's."""

    wall_seconds: float
    cpu_seconds: float
    peak_rss_mb: float
    rows: int


def write_table(
    path: Path,
    medians: dict[str, Measurement],
    grown: list[tuple[str, str, Measurement]],
    arguments: argparse.Namespace,
    server: str,
    load_before: float,
) -> None:
    """Write the measurements, what was promised, and on which machine it was."""
    stored = arguments.stored_rows or 0
    window = f", a window of changed_at among {stored:,} stored rows," if stored > arguments.rows else ""
    lines = [
        "# Reading a table from MySQL into Parquet",
        "",
        f"{arguments.rows:,} rows of bookings (12 columns){window} over loopback, medians of {arguments.repeat} rounds in"
        " which the ways take turns, each in a process of its own; CPU and memory are the client's."
        " Made by `python -m benchmarks.extraction`.",
        "",
        "| way | wall s | client CPU s | peak RSS MB | wall / limit |",
        "|---|---:|---:|---:|---:|",
    ]
    for way, each in sorted(medians.items(), key=lambda item: item[1].wall_seconds):
        limit = medians.get(way if way.startswith("receive_") else _LIMITS.get(way, _LIMIT))
        ratio = f"{each.wall_seconds / limit.wall_seconds:.2f}" if limit else ""
        shown = f"**{way}**" if way == _OURS else way
        lines.append(f"| {shown} | {each.wall_seconds:.2f} | {each.cpu_seconds:.2f} | {each.peak_rss_mb:.0f} | {ratio} |")
    lines += ["", *(f"- `{way}`: {describe(way)}" for way in medians)]
    lines += ["", "## Against what was promised", "", "| ratio | promised | measured | |", "|---|---:|---:|---|"]
    for what, upper, lower, number, comparison, promised in _PROMISES:
        if upper in medians and lower in medians:
            ratio = getattr(medians[upper], number) / getattr(medians[lower], number)
            is_kept = ratio <= promised if comparison == "<=" else ratio >= promised
            verdict = _judge(is_kept)
            if not is_kept and lower == _OURS and _LIMIT in medians:
                possible = getattr(medians[upper], number) / getattr(medians[_LIMIT], number)
                verdict += f" (receiving and dropping: {possible:.2f})"
            lines.append(f"| {what} | {comparison} {promised} | {ratio:.2f} | {verdict} |")
    if grown:
        lines += ["", "## Memory and time as the result grows", "", *_judge_growth(grown)]
        lines += ["", "The rows are made up by the server, so that its pace is not that of a table.", ""]
        lines += [
            "| way | what | rows | wall s | µs per row | client CPU s | peak RSS MB |",
            "|---|---|---:|---:|---:|---:|---:|",
        ]
        for way, what, each in grown:
            pace = each.wall_seconds / each.rows * 1e6
            numbers = f"{each.rows:,} | {each.wall_seconds:.2f} | {pace:.2f} | {each.cpu_seconds:.2f} | {each.peak_rss_mb:.0f}"
            lines.append(f"| {way} | {what} | {numbers} |")
    cores = f"{count_cores()} processors: the server on one, the clients on another" if count_cores() > 1 else "one processor"
    facts = (*describe_machine(_PACKAGES), server, cores, describe_load(load_before))
    lines += ["", "## Machine", "", *(f"- {fact}" for fact in facts), ""]
    path.write_text("\n".join(lines), encoding="utf-8")


def _judge_growth(grown: list[tuple[str, str, Measurement]]) -> list[str]:
    most = max(each.peak_rss_mb for _, _, each in grown)
    lines = [f"- Peak memory, at most {_MOST_MEMORY_MB} MB are promised: {most:.0f} ({_judge(most <= _MOST_MEMORY_MB)})"]
    sizes = sorted((each.rows, each.wall_seconds / each.rows) for way, what, each in grown if way == _OURS and what != WIDE)
    if len(sizes) > 1:
        (fewest, first_pace), (most_rows, last_pace) = sizes[0], sizes[-1]
        growth = last_pace / first_pace
        lines.append(
            f"- Time per row, {most_rows:,} rows / {fewest:,} rows, at most {_MOST_GROWTH} is promised: {growth:.2f}"
            f" ({_judge(growth <= _MOST_GROWTH)})"
        )
    return lines


def _judge(is_kept: bool) -> str:
    return "kept" if is_kept else "**missed**"


def draw_picture(path: Path, medians: dict[str, Measurement]) -> None:
    """Draw wall time and client CPU of each way, the fastest on top."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "extraction"  # the same picture for the same numbers
    from matplotlib import pyplot

    ways = sorted(medians, key=lambda way: -medians[way].wall_seconds)
    figure, axes = pyplot.subplots(figsize=(9, 0.5 * len(ways) + 1.4), layout="constrained")
    walls = [medians[way].wall_seconds for way in ways]
    colours = ["#1b7f5c" if way.startswith(("decode_", "extract_")) else "#b9c0c7" for way in ways]
    bars = axes.barh(ways, walls, color=colours, label="wall time")
    axes.barh(ways, [medians[way].cpu_seconds for way in ways], height=0.25, color="#333333", label="client CPU")
    labels = [f"{wall:.1f} s, {medians[way].peak_rss_mb:.0f} MB" for way, wall in zip(ways, walls, strict=True)]
    axes.bar_label(bars, labels=labels, padding=4)
    axes.set_xlim(0, max(walls) * 1.18)
    axes.set_xlabel("seconds")
    rows = medians[ways[0]].rows
    axes.set_title(f"{rows:,} bookings from MySQL to Parquet: wall time (bar), client CPU (line), peak memory", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)

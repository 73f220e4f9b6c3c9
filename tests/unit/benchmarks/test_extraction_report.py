"""What the extraction's benchmark says to be kept or missed."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from benchmarks.report import WIDE, Measurement, write_table

ARGUMENTS = Namespace(rows=1_000_000, stored_rows=None, repeat=3)


def measured(wall: float, cpu: float = 0.5, memory: float = 200, rows: int = 1_000_000) -> Measurement:
    """Return a measurement of which only some numbers matter."""
    return Measurement(wall, cpu, memory, rows)


def write(path: Path, medians: dict[str, Measurement], grown: list[tuple[str, str, Measurement]]) -> list[str]:
    """Return the lines of a table."""
    write_table(path / "extraction.md", medians, grown, ARGUMENTS, "MariaDB 1", 0.5)
    return (path / "extraction.md").read_text(encoding="utf-8").splitlines()


def test_each_way_is_held_to_the_limit_of_its_own_query(tmp_path: Path) -> None:
    """The query of a slice makes the server compute hashes; that must not make the extractor look fast on a bare table."""
    medians = {
        "receive_binary": measured(0.5),
        "decode_binary": measured(0.7, cpu=0.6),
        "receive_slice": measured(2.0),
        "decode_slice": measured(2.2),
        "connectorx_stream": measured(1.4, cpu=1.3),
    }
    lines = write(tmp_path, medians, [])
    assert "| **decode_binary** | 0.70 | 0.60 | 200 | 1.40 |" in lines
    assert "| decode_slice | 2.20 | 0.50 | 200 | 1.10 |" in lines
    assert "| wall time, this extractor / receiving and dropping | <= 1.2 | 1.40 | **missed** |" in lines
    assert "| the same, on the query of a slice | <= 1.2 | 1.10 | kept |" in lines
    assert "| client CPU, this extractor / connectorx | <= 1 | 0.46 | kept |" in lines


def test_a_missed_ratio_stands_beside_what_is_possible(tmp_path: Path) -> None:
    """Where the server is slow, all clients wait for it alike: nobody can be ten times as fast as a peer."""
    medians = {"receive_binary": measured(2.5), "decode_binary": measured(2.6), "awswrangler_reader": measured(15.0)}
    (line,) = [line for line in write(tmp_path, medians, []) if line.startswith("| wall time, awswrangler's reader")]
    assert line.endswith("| >= 10 | 5.77 | **missed** (receiving and dropping: 6.00) |")


def test_growth_is_judged_by_the_time_per_row_and_the_highest_peak(tmp_path: Path) -> None:
    """The wide table counts for memory, not for the pace, and so does the function."""
    grown = [
        ("decode_binary", "1,000,000 rows", measured(2.0)),
        ("decode_binary", "10,000,000 rows", measured(23.0, rows=10_000_000)),
        ("extract_slice", "1,000,000 rows", measured(9.0, memory=251)),
        ("decode_binary", WIDE, measured(4.0, rows=100_000)),
    ]
    lines = write(tmp_path, {"decode_binary": measured(1.0)}, grown)
    assert "- Peak memory, at most 250 MB are promised: 251 (**missed**)" in lines
    assert "- Time per row, 10,000,000 rows / 1,000,000 rows, at most 1.1 is promised: 1.15 (**missed**)" in lines

"""Whether the warehouse and the judge agree, cell by cell."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection
from datetime import date

import pandas as pd

from rental_pipeline.definitions.marketplace import Marketplace
from tests.metrics.engine import Engine


def assert_agreed(engine: Engine, as_of: date) -> None:
    """Compare accepted and rejected keys of every curated table, and all metrics, with the judge."""
    verdict = engine.subject.judge_rows(engine.tables, engine.history)
    rejected, unreadable = engine.read("curated.rejected_rows"), engine.read("curated.unreadable_values")
    for table, key in engine.subject.keys.items():
        accepted = engine.read(f"curated.{table}")
        rules = rejected[rejected.table_name == table]
        complaints = unreadable[unreadable.table_name == table]
        unread = [frozenset(re.findall(r"(?:^|; )(\w+)=", text)) for text in complaints.unreadable_value]
        if key:
            assert set(accepted[key]) == set(verdict.accepted[table]), table
            assert dict(zip(rules.row_key, rules.broken_rule, strict=True)) == {
                str(number): rule for number, rule in verdict.rejected[table].items()
            }, table
            assert dict(zip(complaints.row_key, unread, strict=True)) == {
                str(number): columns for number, columns in verdict.unreadable[table].items()
            }, table
        else:
            assert len(accepted) == len(verdict.accepted[table]), table
            assert Counter(rules.broken_rule) == Counter(verdict.rejected[table].values()), table
            assert Counter(unread) == Counter(map(frozenset, verdict.unreadable[table].values())), table
            assert rules.row_key.is_unique
    assert_metrics_agreed(engine, as_of)


def assert_metrics_agreed(engine: Engine, as_of: date) -> dict[str, pd.DataFrame]:
    """Compare all metrics with the judge's, and return those."""
    expected = engine.subject.judge(engine.tables, engine.history, engine.rates(), as_of)
    for metric, judged in find_judged(engine.files, expected).items():
        if judged:
            compare(engine.read(f"presentation.{metric}"), expected[judged], metric)
    return expected


def find_judged(files: Marketplace, judged: Collection[str]) -> dict[str, str | None]:
    """Return by whose figures each metric is judged: its own; those of the metric of which its file is a copy; None.

    A view that the judge has figures of is a metric, too.

    Raises:
        AssertionError: the judge has figures of a metric that has no file.
    """
    views = [view for view in files.views if view.name in judged]
    metrics = {table.name: table.file.text for table in (*files.metrics, *views)}
    assert set(judged) <= set(metrics)
    return {
        name: next((other for other in judged if name == other or text == metrics[other].replace(other, name)), None)
        for name, text in metrics.items()
    }


def read_all(engine: Engine) -> dict[str, Counter]:
    """Return every row of the curated and presentation layers."""
    tables = [f"curated.{table.name}" for table in engine.files.curated] + ["curated.rejected_rows"]
    tables += [f"presentation.{metric.name}" for metric in engine.files.metrics]
    return {table: Counter(map(repr, engine.read(table).itertuples(index=False, name=None))) for table in tables}


def compare(actual: pd.DataFrame, expected: pd.DataFrame, title: str) -> None:
    """Compare two tables as sets of rows, cell by cell: floats within 1e-9 of their size, everything else exactly.

    Raises:
        AssertionError: with the rows that only one side has, or whose floats differ.
    """
    assert list(actual.columns) == list(expected.columns), title
    left, right = _divide(actual), _divide(expected)
    only_left, only_right = left.keys() - right.keys(), right.keys() - left.keys()
    assert not only_left and not only_right, (
        f"{title}: {len(only_left)} of {len(actual)} rows only in the warehouse, such as {sorted(only_left, key=repr)[:3]};"
        f" {len(only_right)} of {len(expected)} only expected, such as {sorted(only_right, key=repr)[:3]}"
    )
    for row, floats in left.items():
        near = len(floats) == len(right[row]) and all(
            math.isclose(one, other, rel_tol=1e-9) for one, other in zip(floats, right[row], strict=True)
        )
        assert near, f"{title}: {row} has {floats}, expected {right[row]}"


def _divide(frame: pd.DataFrame) -> dict[tuple, list[float]]:
    """Divide each row into its exact cells (with a number where equal rows repeat) and its floats."""
    divided: dict[tuple, list[float]] = {}
    repeats: Counter = Counter()
    for row in frame.itertuples(index=False):
        cells = [None if value is None or value != value else value for value in row]
        exact = tuple("float" if isinstance(cell, float) else cell for cell in cells)
        repeats[exact] += 1
        divided[*exact, repeats[exact]] = [cell for cell in cells if isinstance(cell, float)]
    return divided

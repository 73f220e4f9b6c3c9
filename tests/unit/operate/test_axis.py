"""An axis has few, round and different labels, whatever is drawn on it."""

from __future__ import annotations

import random

import pytest

from rental_pipeline.definitions.units import PERIODS, TEXT, UNITS
from rental_pipeline.operate.report.axis import choose_ticks, write_ticks

NUMBERS = [unit for unit in UNITS if unit not in (*PERIODS, TEXT, "amount")]


def label(values: list[float], unit: str = "money", currency: str = "USD", from_zero: bool = False) -> list[str]:
    return write_ticks(choose_ticks(values, unit, currency, from_zero), unit, currency)


@pytest.mark.parametrize(
    ("values", "unit", "currency", "from_zero", "labels"),
    [
        # A constant price, but for the last digits: noise is no movement.
        (
            [117.0942857, 117.0942858],
            "money",
            "USD",
            False,
            ["$115.50", "$116.00", "$116.50", "$117.00", "$117.50", "$118.00", "$118.50"],
        ),
        ([117.1], "money", "JPY", False, ["¥115", "¥116", "¥117", "¥118", "¥119"]),
        ([0, 0, 0], "money", "USD", False, ["$0", "$0.01", "$0.02"]),
        ([0], "percent", "USD", True, ["0%", "0.1%", "0.2%"]),
        ([0.3, 0.9], "percent", "USD", True, ["0%", "20%", "40%", "60%", "80%", "100%"]),
        ([1], "count", "USD", True, ["0", "1", "2"]),
        ([-3, 4], "money", "USD", False, ["-$4", "-$2", "$0", "$2", "$4"]),
        ([9000, 15000], "money", "USD", True, ["$0", "$5k", "$10k", "$15k"]),
        ([12345678901.25, 12345678901.26], "money", "EUR", True, ["€0", "€5B", "€10B", "€15B"]),
        ([3.1, 3.4], "nights", "USD", False, ["3.1", "3.2", "3.3", "3.4"]),
    ],
)
def test_labels_are_round(values, unit, currency, from_zero, labels):
    """Bars begin at zero; a line where its values are."""
    assert label(values, unit, currency, from_zero) == labels


@pytest.mark.parametrize("unit", NUMBERS)
@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD"])
def test_labels_differ_and_enclose_what_is_drawn(unit, currency):
    """Of one value, of many, next to each other or far apart, tiny, huge, below zero."""
    dice = random.Random(7)
    for _ in range(300):
        middle = dice.choice([-1, 1]) * 10 ** dice.uniform(-8, 15)
        spread = abs(middle) * 10 ** dice.uniform(-9, 1)
        values = [dice.choice([0.0, middle, middle + dice.uniform(-spread, spread)]) for _ in range(dice.choice([1, 2, 50]))]
        for from_zero in (True, False):
            ticks = choose_ticks(values, unit, currency, from_zero)
            labels = write_ticks(ticks, unit, currency)
            assert len(set(labels)) == len(labels), (values, labels)
            assert 3 <= len(labels) <= 8, (values, labels)
            assert ticks[0] <= min(values) and max(values) <= ticks[-1], (values, ticks)
            assert min(values) < 0 or ticks[0] >= 0, (values, ticks)
            assert not from_zero or ticks[0] <= 0 <= ticks[-1]

"""The values at which an axis has a label, and those labels: few, round, and each another."""

from __future__ import annotations

from decimal import Decimal

from rental_pipeline.definitions.units import MONEY, PERCENT
from rental_pipeline.operate.report.currencies import decimals_of, symbol_of
from rental_pipeline.operate.report.values import smallest_written

# The most labels of an axis; there are at least half as many.
_MOST = 6
# What is drawn spans at least this share of its largest value: noise in the last digits is no movement.
_LEAST_SPAN = Decimal("0.02")
_ROUND = (1, 2, 5, 10)
# From which value on an axis is in thousands, millions, billions, trillions: room is scarce on a phone.
_SCALES = tuple(
    (Decimal(10) ** least, Decimal(10) ** power, suffix)
    for least, power, suffix in ((12, 12, "T"), (9, 9, "B"), (6, 6, "M"), (4, 3, "k"))
)


def choose_ticks(values: list[float], unit: str, currency: str, from_zero: bool) -> list[Decimal]:
    """Return the values to label, in order; they enclose what is drawn.

    Args:
        values: What is drawn; at least one.
        unit: Its unit: no two labels are closer than the smallest difference that is written of it.
        currency: Of amounts of money.
        from_zero: Whether the axis begins at zero, as that of bars does.
    """
    least, most = (Decimal(repr(edge)) for edge in (min(values), max(values)))
    if from_zero:
        least, most = min(least, Decimal(0)), max(most, Decimal(0))
    smallest = smallest_written(unit, currency)
    span = max(most - least, _LEAST_SPAN * max(abs(least), abs(most)), 2 * smallest)
    if not from_zero:
        middle = (least + most) / 2
        bottom = middle - span / 2
        # Nothing but values below zero leads the axis there.
        least = max(bottom, Decimal(0)) if least >= 0 else bottom
    step = _find_step(max(span / (_MOST - 1), smallest))
    first = least // step - (1 if least % step < 0 else 0)
    ticks = [first * step]
    while ticks[-1] < max(most, least + span if not from_zero else most) or len(ticks) < 3:
        ticks.append(ticks[-1] + step)
    return ticks


def write_ticks(ticks: list[Decimal], unit: str, currency: str) -> list[str]:
    """Write the values of an axis: short, without words, and with as many decimals as the distance between them needs."""
    before, after, scale = "", "", Decimal(1)
    if unit == PERCENT:
        after, scale = "%", Decimal("0.01")
    else:
        largest = max(map(abs, ticks))
        scale, after = next(((scale, suffix) for least, scale, suffix in _SCALES if largest >= least), (scale, after))
        before = symbol_of(currency) if unit == MONEY else ""
    decimals = max(_count_decimals(tick / scale) for tick in ticks)
    if unit == MONEY and scale == 1 and decimals:
        decimals = decimals_of(currency)
    written = [f"{'-' if tick < 0 else ''}{before}{abs(tick / scale):,.{decimals}f}{after}" for tick in ticks]
    zero = f"{before}0{after if unit == PERCENT else ''}"
    return [text if tick else zero for tick, text in zip(ticks, written, strict=True)]


def _find_step(least: Decimal) -> Decimal:
    """Return the smallest round step that is not below a value."""
    power = Decimal(1).scaleb(least.adjusted())
    return next(power * factor for factor in _ROUND if power * factor >= least)


def _count_decimals(value: Decimal) -> int:
    """Return how many digits after the point a value has, without zeros at its end."""
    return max(0, -int(value.normalize().as_tuple().exponent))

"""How values are written for people: by their unit, the same in tables, tiles and on axes."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

from rental_pipeline.definitions.units import AMOUNT, DAY, MONEY, MONTH, NUMBERS, PERCENT, PERIODS, TEXT, WEEK
from rental_pipeline.operate.report.currencies import decimals_of, symbol_of

# Cents of a thousand are noise.
_WHOLE_FROM = 1000
# Of any number that Redshift holds.
_CONTEXT = Context(prec=60)
UNKNOWN = "\N{EN DASH}"


def write_value(value: Any, unit: str, currency: str) -> str:
    """Write a value of a column for a reader; NULL as a dash. What is not zero is not written as zero.

    Args:
        value: A number, or its text; an ISO date; a text; None.
        unit: One of UNITS.
        currency: Of amounts of money, by its ISO 4217 code.
    """
    if value is None:
        return UNKNOWN
    if unit == TEXT:
        return str(value)
    if unit in PERIODS:
        return write_period(date.fromisoformat(value), unit)
    number = Decimal(str(value))
    if unit == AMOUNT:
        return f"{number:,.4g}"
    before, after = symbol_of(currency) if unit == MONEY else "", "" if unit == MONEY else NUMBERS[unit][1]
    smallest = smallest_written(unit, currency)
    if unit == MONEY and abs(number) >= _WHOLE_FROM:
        smallest = Decimal(1)
    less = ""
    if 0 < abs(number) < smallest / 2:
        number, less = smallest.copy_sign(number), "<"
    if unit == PERCENT:
        number, smallest = number * 100, Decimal("0.1")
    written = f"{abs(number).quantize(smallest, context=_CONTEXT):,f}"
    return f"{less}{'-' if number < 0 else ''}{before}{written}{after}"


def smallest_written(unit: str, currency: str) -> Decimal:
    """Return the smallest difference that is written of a unit's values: of US dollars a cent."""
    if unit == PERCENT:
        return Decimal("0.001")
    return Decimal(1).scaleb(-(decimals_of(currency) if unit == MONEY else NUMBERS[unit][0]))


def write_period(day: date, unit: str) -> str:
    """Write the period that begins on a day: `9 Nov 2026`, or of a month `Nov 2026`."""
    return f"{day:%b %Y}" if unit == MONTH else f"{day.day} {day:%b %Y}"


def name_period(day: date, unit: str) -> str:
    """Name a period within a sentence."""
    return {DAY: "on", WEEK: "week of", MONTH: "in"}[unit] + " " + write_period(day, unit)


def write_until(day: date, unit: str) -> str:
    """Write the last day of the period that begins on a day; of a month the month."""
    return write_period(day, MONTH) if unit == MONTH else write_period(next_period(day, unit) - timedelta(days=1), DAY)


def write_moment(text: str | None) -> str:
    """Write a timestamp of the warehouse (UTC), to the minute."""
    if text is None:
        return UNKNOWN
    moment = datetime.fromisoformat(text)
    return f"{write_period(moment.date(), DAY)}, {moment:%H:%M} UTC"


def next_period(day: date, unit: str) -> date:
    """Return the first day of the period after the one that begins on a day."""
    if unit == MONTH:
        return (day + timedelta(days=31)).replace(day=1)
    return day + timedelta(days=7 if unit == WEEK else 1)

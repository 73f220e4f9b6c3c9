"""How values are written for people: by their unit, the same in tables, tiles and on axes."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from rental_pipeline.report.currencies import decimals_of, symbol_of

DAY, WEEK, MONTH, TEXT = "day", "week", "month", "text"
PERIODS = (DAY, WEEK, MONTH)
MONEY = "money"  # in the reporting currency
# A number's format, and what is written after it. A percent is a share of one.
_NUMBERS = {
    "count": (",.0f", ""),
    "number": (",.2f", ""),
    "amount": (",.4g", ""),
    "percent": (".1%", ""),
    "nights": (",.1f", " nights"),
    "hours": (",.1f", " hours"),
}
UNITS = (*PERIODS, TEXT, MONEY, *_NUMBERS)
# Cents of a thousand dollars are noise, and a fraction of an axis is too long.
_WHOLE_FROM = 1000
NOTHING = "-"


def write_value(value: Any, unit: str, currency: str) -> str:
    """Write a value of a column for a reader; NULL as a dash. `currency` is that of amounts of money."""
    if value is None:
        return NOTHING
    if unit == TEXT:
        return str(value)
    if unit in PERIODS:
        return write_period(date.fromisoformat(value), unit)
    number = float(value)
    if unit == MONEY:
        decimals = 0 if abs(number) >= _WHOLE_FROM else decimals_of(currency)
        form, before, after = f",.{decimals}f", symbol_of(currency), ""
    else:
        (form, after), before = _NUMBERS[unit], ""
    sign = "-" if number < 0 else ""
    return f"{sign}{before}{abs(number):{form}}{after}"


def write_tick(value: float, unit: str, currency: str) -> str:
    """Write a value of an axis: short, without words."""
    if unit == "percent":
        return f"{value * 100:.3g}%"
    before = symbol_of(currency) if unit == MONEY else ""
    if abs(value) >= 1_000_000:
        return f"{before}{value / 1_000_000:.4g}M"
    if abs(value) >= 10_000:
        return f"{before}{value / 1_000:.4g}k"
    return f"{before}{value:,.4g}"


def write_period(day: date, unit: str) -> str:
    """Write the period that begins on a day: `9 Nov 2026`, or of a month `Nov 2026`."""
    return f"{day:%b %Y}" if unit == MONTH else f"{day.day} {day:%b %Y}"


def name_period(day: date, unit: str) -> str:
    """Name a period within a sentence."""
    return {DAY: "on", WEEK: "week of", MONTH: "in"}[unit] + " " + write_period(day, unit)


def write_moment(text: str | None) -> str:
    """Write a timestamp of the warehouse (UTC), to the minute."""
    if text is None:
        return NOTHING
    moment = datetime.fromisoformat(text)
    return f"{write_period(moment.date(), DAY)}, {moment:%H:%M} UTC"


def next_period(day: date, unit: str) -> date:
    """Return the first day of the period after the one that begins on a day."""
    if unit == MONTH:
        return (day + timedelta(days=31)).replace(day=1)
    return day + timedelta(days=7 if unit == WEEK else 1)

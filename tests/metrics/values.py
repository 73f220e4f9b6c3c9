"""How a text of the source becomes a value: written for the judges, and sharing nothing with the SQL."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

DAY = timedelta(days=1)
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2050, 12, 31)


def say(value: Any) -> str | None:
    """Return a value of the source as text; None for the many ways of saying nothing."""
    if value is None:
        return None
    text = value.isoformat() if isinstance(value, date) else str(value).strip(" ")
    return None if text.lower() in ("", "null", "none", "nan") else text


def read_time(text: str | None) -> datetime | None:
    """Read a date, or a date and time, in ISO form or with the day first; None where it is none."""
    if text is None:
        return None
    text, point, fraction = text.removesuffix("Z").partition(".") if len(text) > 11 else (text, "", "")
    if point and not (fraction.isascii() and fraction.isdigit() and text.count(":") == 2):
        return None
    for day_form in ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y"):
        for time_form in ("", " %H:%M", "T%H:%M", " %H:%M:%S", "T%H:%M:%S"):
            try:
                moment = datetime.strptime(text, day_form + time_form)
            except ValueError:
                continue
            # strptime also takes numbers without their leading zeros; a date is written in full here.
            # MySQL's dates begin with the year 1000.
            if moment.strftime(day_form + time_form) == text and moment.year >= 1000:
                return moment.replace(microsecond=int(fraction[:6].ljust(6, "0") or 0))
    return None


def read_number(text: str | None) -> Decimal | None:
    if text is None or not set(text) <= set("0123456789+-.") or text.endswith("."):
        return None
    digits = text.lstrip("+-")
    if len(text) - len(digits) > 1 or digits.startswith(".") or len(digits.partition(".")[0]) > 10:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def to_cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def read_flag(value: Any) -> bool | None:
    text = (say(value) or "").lower()
    return True if text in ("1", "t", "true", "y", "yes") else False if text in ("0", "f", "false", "n", "no") else None


def list_days(start: date, end: date) -> Iterable[date]:
    """Yield the days from start until before end."""
    while start < end:
        yield start
        start += DAY


def monday(day: date) -> date:
    return day - day.weekday() * DAY

"""exchange_rates.csv (US dollars per unit), and the rates into the reporting currency that follow from it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

from rental_pipeline.base.errors import FixConfiguration

FILE = "exchange_rates.csv"
COLUMNS = ("rate_date", "currency", "usd_per_unit")
US_DOLLAR = "USD"
# What the control table's rate holds: decimal(18, 10).
PRECISION, SCALE = 18, 10
END_OF_TIME = date(9999, 12, 31)
# From here on the reporting currency has its rate: before every day of the calendar (sql/control/calendar.sql), whose first week
# begins in 1999.
BEGIN_OF_TIME = date(1900, 1, 1)

_SMALLEST, _TOO_LARGE = Decimal(1).scaleb(-SCALE), Decimal(10) ** (PRECISION - SCALE)
# Enough for a quotient of two rates of any plausible length, to be rounded once, at the end.
_CONTEXT = Context(prec=50, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, order=True)
class Rate:
    """What one unit of a currency is worth in the reporting currency, from a day until before another.

    Attributes:
        currency: ISO 4217 code.
        valid_from, valid_to: Half-open.
        rate: Units of the reporting currency for one unit; above 0, at most 10 decimals.
    """

    currency: str
    valid_from: date
    valid_to: date
    rate: Decimal


def make_rates(text: str, reporting_currency: str) -> list[Rate]:
    """Return the rates of a file's text into the reporting currency, by currency and day.

    A rate holds until the next of its currency. Rates into another currency than the US dollar are quotients, at every day on
    which one of the two changes, from the first on which both are known. The reporting currency itself has one rate, 1, for
    all days, whether the file names it or not; the US dollar is 1 US dollar.

    Raises:
        FixConfiguration: a line is no rate, contradicts another or what a currency is, or gives a rate that does not fit.
    """
    dollars = read_dollars(text)
    target = sorted(dollars.pop(reporting_currency, {}).items())
    if reporting_currency == US_DOLLAR:
        target = [(BEGIN_OF_TIME, Decimal(1))]
    rates = [Rate(reporting_currency, BEGIN_OF_TIME, END_OF_TIME, Decimal(1))]
    for currency, by_day in dollars.items():
        days, values = [], []
        for day, rate, divisor in _align(sorted(by_day.items()), target):
            days.append(day)
            values.append(_divide(rate, divisor, currency, reporting_currency, day))
        rates += map(Rate, [currency] * len(days), days, [*days[1:], END_OF_TIME], values)
    return sorted(rates)


def read_dollars(text: str) -> dict[str, dict[date, Decimal]]:
    """Read a file's text: US dollars for one unit, by currency and first day. Lines that begin with # are comments.

    Raises:
        FixConfiguration: naming the line and what is wrong with it.
    """
    rates: dict[str, dict[date, Decimal]] = {US_DOLLAR: {BEGIN_OF_TIME: Decimal(1)}}
    lines = _read_lines(text)
    _, header = next(lines, (0, list(COLUMNS)))
    if tuple(header) != COLUMNS:
        raise FixConfiguration(f"{FILE}: its first line is {','.join(header)!r}; write {','.join(COLUMNS)}")
    for number, fields in lines:
        try:
            day_text, currency, rate_text = fields
            day, rate = date.fromisoformat(day_text), Decimal(rate_text)
        except (ValueError, InvalidOperation) as error:
            raise FixConfiguration(
                f"{FILE} line {number}: {','.join(fields)!r} is no rate; write {','.join(COLUMNS)} as 2026-01-01,EUR,1.08"
            ) from error
        if not (len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()):
            raise FixConfiguration(f"{FILE} line {number}: {currency!r} is no currency; it has three capitals (ISO 4217)")
        if not (rate.is_finite() and rate > 0) or not BEGIN_OF_TIME <= day < END_OF_TIME:
            raise FixConfiguration(
                f"{FILE} line {number}: {currency} {rate_text} on {day_text}: a rate is above 0,"
                f" and its day from {BEGIN_OF_TIME} to before {END_OF_TIME}"
            )
        if currency == US_DOLLAR:
            if rate != 1:
                raise FixConfiguration(f"{FILE} line {number}: a US dollar is 1 US dollar, not {rate_text}")
            continue
        by_day = rates.setdefault(currency, {})
        if day in by_day:
            raise FixConfiguration(f"{FILE} line {number}: {currency} has two rates on {day}")
        by_day[day] = rate
    return rates


def _read_lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the fields of each line with its number, without comments and empty lines."""
    reader = csv.reader(line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    numbers = (n for n, line in enumerate(text.splitlines(), start=1) if line.strip() and not line.lstrip().startswith("#"))
    for number, fields in zip(numbers, reader, strict=True):
        yield number, [field.strip() for field in fields]


def _align(rates: list[tuple[date, Decimal]], others: list[tuple[date, Decimal]]) -> Iterator[tuple[date, Decimal, Decimal]]:
    """Yield the days on which one of two changes, with both as they are from then on; from the first on which both are known."""
    changes = sorted([(day, 0, rate) for day, rate in rates] + [(day, 1, rate) for day, rate in others])
    known: list[Decimal | None] = [None, None]
    for position, (day, which, rate) in enumerate(changes):
        known[which] = rate
        is_last_of_day = position + 1 == len(changes) or changes[position + 1][0] > day
        if is_last_of_day and known[0] is not None and known[1] is not None:
            yield day, known[0], known[1]


def _divide(rate: Decimal, divisor: Decimal, currency: str, reporting_currency: str, day: date) -> Decimal:
    quotient = _CONTEXT.divide(rate, divisor)
    if not _SMALLEST <= quotient < _TOO_LARGE:
        raise FixConfiguration(
            f"{FILE}: on {day} one {currency} is {quotient:.6g} {reporting_currency}; rates hold"
            f" {PRECISION - SCALE} digits before the point and {SCALE} after it: choose another ReportingCurrency"
        )
    return quotient.quantize(_SMALLEST, context=_CONTEXT)

"""Whether all money of the source's bookings is somewhere: published or set aside, currency by currency, to the cent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from tests.metrics.apartments.judge import read_currency
from tests.metrics.engine import Engine
from tests.metrics.values import read_number, say, to_cents


def assert_money_is_kept(engine: Engine) -> None:
    """Compare curated.bookings and rejected_rows with the source's own rows; an amount that nobody can read is none."""
    rejected, published = engine.read("curated.rejected_rows"), engine.read("curated.bookings")
    set_aside = rejected[rejected.table_name == "bookings"]
    kept = [*zip(set_aside.amount, set_aside.currency, strict=True)]
    kept += zip(published.total_price, published.currency, strict=True)
    amounts = [(read_number(say(row["total_price"])), read_currency(row["currency"])) for row in engine.tables["bookings"]]
    source = [(None if amount is None else to_cents(amount), currency) for amount, currency in amounts]
    assert add_up(kept) == add_up(source)


def add_up(amounts: Iterable[tuple[Decimal | None, str | None]]) -> dict[str | None, Decimal]:
    """Return the sum of each currency; of amounts in none that can be read, under None."""
    sums: dict[str | None, Decimal] = defaultdict(Decimal)
    for amount, currency in amounts:
        if amount is not None:
            sums[currency] += amount
    return sums

"""The doctor reads the exchange rates as a run would, before one does."""

from __future__ import annotations

from pathlib import Path

import pytest

from rental_pipeline.base.settings import WarehouseSettings
from rental_pipeline.operate.doctor.report import Report
from rental_pipeline.operate.doctor.warehouse_checks import _check_rates

HEADER = "rate_date,currency,usd_per_unit\n"


def look(root: Path, text: str, currency: str) -> list[dict[str, str]]:
    (root / "control").mkdir()
    (root / "shop").mkdir()
    (root / "control" / "exchange_rates.csv").write_text(text)
    settings = WarehouseSettings("shop", "bucket", "dev", "role", "workgroup", sql_root=root, reporting_currency=currency)
    report = Report()
    with report.looking_at("exchange rates"):
        _check_rates(report, settings)
    return report.to_json()


@pytest.mark.parametrize(
    ("text", "currency", "says"),
    [
        (HEADER, "EUR", "figures are in EUR; converted into it: nothing else"),
        (
            HEADER + "2026-01-01,EUR,1.1\n2026-02-01,EUR,1.2\n2026-01-15,JPY,0.006\n",
            "EUR",
            "figures are in EUR; converted into it: JPY (the newest of 2026-02-01), USD (the newest of 2026-02-01)",
        ),
    ],
)
def test_what_is_converted_is_said(tmp_path, text, currency, says):
    """With the day from which the last rate holds: an old one goes on for ever."""
    assert look(tmp_path, text, currency) == [{"status": "ok", "check": "exchange rates", "says": says}]


def test_a_line_that_is_no_rate_fails(tmp_path):
    """By its number."""
    (finding,) = look(tmp_path, HEADER + "2026-01-01,USD,0.9\n", "USD")
    assert finding["status"] == "fail"
    assert "exchange_rates.csv line 2: a US dollar is 1 US dollar, not 0.9" in finding["says"]

"""What `make run` is told, and remembers."""

from __future__ import annotations

import pytest

from local.commands.run import Journal, RunFailed, read_parameters, run_pipeline, tell


def test_a_currency_is_remembered(tmp_path):
    """The next run of the same state is in it, too; without one, it is the template's default."""
    assert read_parameters(tmp_path) == {}
    Journal(tmp_path).note(currency="EUR")
    assert read_parameters(tmp_path) == {"ReportingCurrency": "EUR"}


@pytest.mark.parametrize("currency", ["eur", "EURO", "€"])
def test_what_is_no_currency_is_refused_at_once(tmp_path, currency):
    """And not remembered."""
    with pytest.raises(RunFailed, match="is no currency: give its ISO 4217 code"):
        run_pipeline(tmp_path, "apartments", None, None, None, None, currency)
    assert list(tmp_path.iterdir()) == []


REPORT = {
    "executions": [{"table": "…", "message": "warning one\nwarning two\nCost: …"}],
    "metric_tables": ["…"],
    "standing": [{"table": "bookings", "curated": 7, "rejected": 1}],
    "headlines": [{"title": "Most booked", "shown": "A listing with a name of many words", "note": "Bookings: 3"}],
    "currency": "EUR",
    "seconds": 61.4,
    "page": None,
}


def test_the_end_is_one_screen(capsys, tmp_path):
    """What is loaded, the figures, what to do next; texts that a page of JSON has no use for are taken out."""
    report = {name: value.copy() if hasattr(value, "copy") else value for name, value in REPORT.items()}
    report["executions"] = [dict(REPORT["executions"][0])]
    tell(report, tmp_path / "cars" / "generated", None)
    printed = capsys.readouterr().out
    assert "  Most booked  A listing with a …  Bookings: 3" in printed.splitlines()
    assert "Took 61 s; nothing is left running. 2 warnings are in the report. Next:" in printed.splitlines()
    assert "make run MARKETPLACE=cars" in printed
    assert "metric_tables" not in report and "table" not in report["executions"][0]

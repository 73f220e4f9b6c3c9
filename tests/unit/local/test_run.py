"""What `make run` is told, and remembers."""

from __future__ import annotations

from datetime import date

import pytest

from local.commands import samples
from local.commands.run import CsvFormat, read_parameters, run_pipeline, tell
from local.commands.samples import LAB, MARKET, Journal, RunFailed, Sample, find_next_day
from local.marketplace.csv_format import InputRefused
from rental_pipeline.source.connection import SourceAddress


def test_a_currency_is_remembered(tmp_path):
    """The next run of the same state is in it, too; without one, it is the template's default."""
    assert read_parameters(tmp_path) == {}
    Journal(tmp_path).note(currency="EUR")
    assert read_parameters(tmp_path) == {"ReportingCurrency": "EUR"}


@pytest.mark.parametrize("currency", ["eur", "EURO", "€"])
def test_what_is_no_currency_is_refused_at_once(tmp_path, currency):
    """And not remembered."""
    with pytest.raises(RunFailed, match="is no currency: give its ISO 4217 code"):
        run_pipeline(tmp_path, "apartments", Sample(), None, None, currency)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sample", [Sample(LAB), Sample(days=3), Sample(seed=2), Sample(scale=0.5)])
def test_what_shapes_a_sample_is_refused_where_there_is_none(tmp_path, sample):
    """Rather than ignored: CSV files and a database that exists bring their own rows and days."""
    address = SourceAddress("", "db.example.com", 3306, "shop", "reader", None)
    with pytest.raises(RunFailed, match="leave out"):
        run_pipeline(tmp_path, "apartments", sample, tmp_path, None)
    with pytest.raises(RunFailed, match="leave out"):
        run_pipeline(tmp_path, "apartments", sample, None, None, source=address)


@pytest.mark.parametrize("written", [CsvFormat(";"), CsvFormat(encoding="cp1252")])
def test_how_files_are_written_is_refused_where_there_are_none(tmp_path, written):
    """Rather than ignored."""
    with pytest.raises(RunFailed, match="name their folder, too, as CSV=folder"):
        run_pipeline(tmp_path, "apartments", Sample(), None, None, csv_format=written)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("written", [CsvFormat("xx"), CsvFormat(encoding="utf-9"), CsvFormat(encoding="hex")])
def test_a_wrong_way_of_writing_is_refused_at_once(tmp_path, written):
    with pytest.raises(InputRefused, match="CSV_"):
        run_pipeline(tmp_path, "apartments", Sample(), tmp_path, None, csv_format=written)
    assert list(tmp_path.iterdir()) == []


def test_days_go_on_from_the_last_one(tmp_path, monkeypatch):
    """At first today, then tomorrow, however soon; after a pause all that went by; the laboratory's days have numbers only."""
    journal = Journal(tmp_path)
    journal.note(founded="2026-11-27", days_played=0)
    days = []
    for today in (date(2026, 11, 27), date(2026, 11, 27), date(2026, 12, 3)):
        monkeypatch.setattr(samples, "_today", lambda today=today: today)
        day = find_next_day(journal, MARKET)
        days.append((day.number, day.first.day, day.last.day, day.title))
        journal.note(days_played=day.number, lived_until=day.last.isoformat())
    assert days == [(1, 27, 27, "27 Nov 2026"), (2, 28, 28, "28 Nov 2026"), (3, 29, 3, "3 Dec 2026")]
    assert find_next_day(journal, LAB).title == "day 4"


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
    tell(report, tmp_path / "cars" / "market", None)
    printed = capsys.readouterr().out
    assert "  Most booked  A listing with a …  Bookings: 3" in printed.splitlines()
    assert "Took 61 s; nothing is left running. 2 warnings are in the report. Next:" in printed.splitlines()
    assert "make run MARKETPLACE=cars" in printed
    assert "metric_tables" not in report and "table" not in report["executions"][0]

"""What may be asked of a run, and how a wrong question is answered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.model.run_request import LAYERS, RunInput, Window, read_run_input

TABLES = ("apartments", "bookings")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (None, RunInput()),
        ({}, RunInput()),
        ({"tables": ["bookings", "bookings"]}, RunInput(tables=("bookings",))),
        ({"rebuild": True, "as_of": "2026-11-21"}, RunInput(rebuild=LAYERS, as_of=date(2026, 11, 21))),
        ({"rebuild": ["presentation", "curated"]}, RunInput(rebuild=LAYERS)),
        ({"rebuild": "curated", "tables": ["bookings"]}, RunInput(rebuild=("curated",), tables=("bookings",))),
        ({"rebuild": False}, RunInput()),
        ({"dry_run": True, "force_deletes": False}, RunInput(dry_run=True)),
        (
            {"window": {"from": "2026-11-01", "to": "2026-11-01T12:00:00+02:00"}},
            RunInput(window=Window(datetime(2026, 11, 1), datetime(2026, 11, 1, 10))),
        ),
        (
            {"window": {"from": "2026-11-01T00:00:00Z", "to": "2026-11-01T00:00:00.000001Z"}},
            RunInput(window=Window(datetime(2026, 11, 1), datetime(2026, 11, 1, 0, 0, 0, 1))),
        ),
    ],
)
def test_an_input_is_read(document: Any, expected: RunInput) -> None:
    """Nothing is an incremental run; times are UTC."""
    assert read_run_input(document, TABLES) == expected


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "must be an object, such as {}"),
        ("bookings", "must be an object"),
        ({"table": ["bookings"]}, r"unknown key 'table' \(did you mean 'tables'\?\)"),
        ({"noisy": True}, "unknown key 'noisy' .known: tables, window"),
        ({"tables": ["users"]}, "unknown table 'users'; the contract's tables are: apartments, bookings"),
        ({"tables": "bookings"}, 'tables is malformed: "bookings"; the right form is {"tables": .*}'),
        ({"tables": []}, "tables is malformed"),
        ({"window": {"from": "2026-11-01"}}, "window is malformed"),
        (
            {"window": {"from": "01/11/2026", "to": "02/11/2026"}},
            'window is malformed.*the right form is {"window": {"from": "2026',
        ),
        ({"after_restore": True, "tables": ["bookings"]}, "after_restore compares all tables and makes all layers whole"),
        ({"window": {"from": "2026-11-02", "to": "2026-11-02"}}, "from must be before to"),
        ({"window": {"from": "2026-11-02", "to": "2026-11-01"}}, "from must be before to"),
        ({"window": "2026-11"}, "window is malformed"),
        ({"window": {"from": 20261101, "to": 20261102}}, "window is malformed"),
        ({"as_of": "21.11.2026"}, "as_of is malformed"),
        ({"as_of": "2026-02-30"}, "as_of is malformed"),
        ({"rebuild": "raw"}, 'rebuild is malformed: "raw"; the right form is {"rebuild": true}, {"rebuild": "curated"} or'),
        ({"rebuild": []}, "rebuild is malformed"),
        ({"rebuild": 1}, "rebuild is malformed"),
        ({"rebuild": [["curated"]]}, "rebuild is malformed"),
        ({"dry_run": 1}, "dry_run is malformed"),
        ({"erase": "bookings"}, "erase is malformed"),
        ({"erase": ["nothing"]}, "unknown table 'nothing'"),
        ({"erase": ["bookings"], "tables": ["bookings"]}, "erase reloads its tables in full.* give it alone"),
        ({"started_by": ""}, "started_by is malformed"),
        ({"rebuild": True, "window": {"from": "2026-11-01", "to": "2026-11-02"}}, "rebuild reads nothing .* leave out window"),
    ],
)
def test_a_wrong_input_is_answered_with_the_right_form(document: Any, message: str) -> None:
    """The message can be acted upon in the console."""
    with pytest.raises(FixConfiguration, match=message):
        read_run_input(document, TABLES)


def test_a_run_is_of_one_kind() -> None:
    """As plan.json names it."""
    assert RunInput().kind == "incremental"
    assert RunInput(rebuild=("curated",)).kind == "rebuild"
    assert RunInput(window=Window(datetime(2026, 1, 1), datetime(2026, 1, 2))).kind == "window"

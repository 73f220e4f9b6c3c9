"""The CSV files of both generations on the whole way: loaded into the source, run, and found in the curated layer or rejected."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from local.marketplace.csv_folder import load_folder
from tests.fixtures.mariadb import SourceDatabase

CSV = Path(__file__).parent / "csv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of generation 2's files, to be corrected."""
    return Path(shutil.copytree(CSV / "generation_2", tmp_path / "generation_2"))


def load(source: SourceDatabase, folder: Path, tmp_path: Path) -> None:
    with closing(source.connect()) as connection:
        assert load_folder(connection, folder, "apartments", tmp_path / "refused").refused == 0


def read_bookings(warehouse) -> list[tuple]:
    return warehouse.query(
        "select booking_id, checkin_date, checkout_date, total_price, currency, booking_status, guests"
        " from apartments_curated.bookings"
    )


def read_rejected(warehouse) -> list[tuple]:
    return warehouse.query(
        "select table_name, case when table_name <> 'user_viewing' then row_key end, broken_rule, broken_value"
        " from apartments_curated.rejected_rows order by 1, 2"
    )


@pytest.mark.slow
def test_both_generations_become_one_and_a_corrected_file_brings_its_rows_back(
    pipeline, source_database, fresh_warehouse, folder: Path, tmp_path: Path
):
    """Each file's rows are typed alike or rejected by name; a corrected file, loaded again, mends exactly what it corrects."""
    load(source_database, CSV / "generation_1", tmp_path)
    load(source_database, folder, tmp_path)
    result = pipeline.run()
    assert result["status"] == "succeeded", result["message"]

    assert fresh_warehouse.query(
        "select id, title, price, currency, listing_created_at, is_active, last_modified_at"
        " from apartments_curated.apartments order by 1"
    ) == [
        (1, "Johnson, Fowler and Johnson", "4020.95", "EUR", "2024-03-27 00:00:00", True, "2021-12-27 00:00:00"),
        (
            5668600001,
            "Studio apartment 2nd St NE, Uhland Terrace NE, Washington, DC 20002",
            "790.00",
            "USD",
            "2024-05-16 06:56:13",
            True,
            "2024-05-16 06:56:13",
        ),
        (
            5668600002,
            'The "best" loft\nwith a view â??',
            "1560.00",
            "USD",
            "2024-05-18 01:28:13",
            False,
            "2024-05-18 22:17:54",
        ),
    ]
    assert fresh_warehouse.query(
        "select id, bathrooms, fee, has_photo, are_cats_allowed, are_dogs_allowed, price_display, city, state"
        " from apartments_curated.apartment_attributes order by 1"
    ) == [
        (1, "1.00", "168.84", True, None, None, "$1588.42", "New York", "California"),
        (5668600001, None, "0.00", True, False, False, "$790", "Washington", "DC"),
        (5668600002, "2.50", "0.00", True, True, True, "$1,560 Weekly", None, None),
    ]
    assert fresh_warehouse.query(
        "select user_id, apartment_id, viewed_at, is_wishlisted, call_to_action from apartments_curated.user_viewing order by 1"
    ) == [
        ("2947", 5668600001, "2024-05-19 22:53:46", True, "contact_agent"),
        ("338", 5668600002, "2024-05-22 05:16:28", False, "shortlisted"),
        ("5353", 1, "2023-01-23 00:00:00", False, "reported"),
    ]
    # Its listing exists, if with a date that no calendar has.
    accepted_bookings = [(2, "2024-07-07", "2024-09-06", "4645.29", "GBP", "canceled", None)]
    assert read_bookings(fresh_warehouse) == accepted_bookings
    assert read_rejected(fresh_warehouse) == [
        ("apartments", "2", "unparseable_date", "listing_created_on=31/02/2024"),
        ("bookings", "1", "checkout_before_checkin", "checkin_date=07/09/2024, checkout_date=30/06/2023"),
        ("user_viewing", None, "missing_user", "user_id="),
    ]

    listings = folder / "apartments.csv"
    listings.write_text(listings.read_text().replace("31/02/2024", "29/02/2024"))
    load(source_database, folder, tmp_path)
    assert pipeline.run()["status"] == "succeeded"

    assert read_bookings(fresh_warehouse) == accepted_bookings
    assert fresh_warehouse.query("select count(*) from apartments_curated.apartments where id = 2") == [(1,)]
    assert [row[:3] for row in read_rejected(fresh_warehouse)] == [
        ("bookings", "1", "checkout_before_checkin"),
        ("user_viewing", None, "missing_user"),
    ]
    assert fresh_warehouse.query("select count(*) from apartments_raw.apartments where _run_sequence = 2") == [(1,)]

    load(source_database, folder, tmp_path)
    assert pipeline.run()["status"] == "unchanged"

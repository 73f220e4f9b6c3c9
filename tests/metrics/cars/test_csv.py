"""CSV files of the cars marketplace on the whole way, with figures counted by hand; and S3 has no word of who the users are."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from local.marketplace.csv_folder import load_folder
from rental_pipeline.base.settings import read_settings
from tests.fixtures.few_metrics import SQL_ROOT
from tests.fixtures.pipeline import Stopped
from tests.metrics.cars.personal import assert_no_personal_data

CSV = Path(__file__).parent / "csv"


@pytest.mark.slow
def test_files_become_the_figures_that_were_counted_by_hand(pipeline, source_database, fresh_warehouse, tmp_path):
    """Keys that look like numbers stay texts, a rental's money counts once by its pickup, bad rows are kept with their rule."""
    with closing(source_database.connect()) as connection:
        assert load_folder(connection, CSV, "cars", tmp_path / "refused").refused == 0
    result = pipeline.run()
    assert result["status"] == "succeeded", result["message"]
    read = fresh_warehouse.query
    assert read("select rentals, revenue from cars_presentation.rentals_daily order by period_start") == [
        (1, "100.00"),
        (2, "240.00"),
        (1, "150.00"),
    ]
    assert read(
        "select location_rank, location_id, location_name, rentals, revenue, unique_vehicles, dropoffs"
        " from cars_presentation.location_rentals_total order by location_rank, location_id"
    ) == [
        # By pickups and dropoffs added up, Dock would be first with 450 dollars.
        (1, 1001, "Bean, Sons and Co", 2, "250.00", 2, 1),
        (2, 1002, "Yard", 2, "240.00", 1, 0),
        (3, 1003, "Dock", 0, "0.00", 0, 3),
    ]
    assert read(
        "select vehicle_type, rentals, revenue, rental_hours, occupied_hours, utilisation * 32 * 24, vehicle_type_rank"
        " from cars_presentation.vehicle_type_rentals_total order by vehicle_type"
    ) == [
        ("basic", 1, "100.00", 10.0, 10.0, 10.0, 2),
        ("high_end", 1, "150.00", 3.0, 3.0, 3.0, 2),
        ("premium", 2, "240.00", 12.0, 11.0, pytest.approx(11.0), 1),  # an hour of its two rentals is the same
    ]
    assert read(
        "select user_id, rentals, revenue, rental_hours, revenue_rank from cars_presentation.user_revenue order by 5"
    ) == [
        ("1234567890", 2, "250.00", 13.0, 1),
        ("26d08ab733", 2, "240.00", 12.0, 2),
    ]
    assert read("select table_name, row_key, broken_rule from cars_curated.rejected_rows order by row_key") == [
        ("rental_transactions", "7afd60f6d3", "end_before_start"),
        ("rental_transactions", "8f31b734a6", "orphan_reference"),
    ]
    assert read("select zip_code from cars_curated.locations order by 1")[0] == ("01234",)
    hashes = read("select email_hash from cars_curated.users")
    assert len(set(hashes)) == 2
    assert all(len(email_hash) == 64 for (email_hash,) in hashes)
    assert_no_personal_data(pipeline.s3, pipeline.bucket, source_database.query("select * from users"))


@pytest.mark.parametrize("column", ["first_name", "email", "driver_license_number"])
def test_the_search_finds_what_a_contract_lets_through(column, pipeline, source_database, tmp_path):
    """With a contract that forgets a column, the search for personal data says where it is."""
    root = tmp_path / "sql"
    shutil.copytree(SQL_ROOT, root)
    contract = root / "cars" / "source.yaml"
    policy = {"email": "hash"}.get(column, "drop")
    text = contract.read_text().replace(f"      {column}: {policy}\n", "")
    contract.write_text(text.replace("requires: [email,", f"requires: [{column}, email,").replace("[email, email,", "[email,"))
    pipeline.patch.setenv("SQL_ROOT", str(root))
    read_settings.cache_clear()
    with closing(source_database.connect()) as connection:
        load_folder(connection, CSV, "cars", tmp_path / "refused")
    with pytest.raises(Stopped):
        pipeline.run(stop_before="write_manifests")
    with pytest.raises(AssertionError, match="raw/users"):
        assert_no_personal_data(pipeline.s3, pipeline.bucket, source_database.query("select * from users"))

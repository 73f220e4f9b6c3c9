"""The analysts' views through the life of their tables: left alone, made again, taken away, and never lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.fixtures.few_metrics import SQL_ROOT
from tests.fixtures.pipeline import Stopped
from tests.fixtures.snapshot import Snapshot, load_first

VIEW = "listing_revenue_weekly"


@pytest.fixture(scope="module")
def sql_root() -> Path:
    """All metrics."""
    return SQL_ROOT


@pytest.fixture(scope="module")
def snapshot(take_snapshot, sql_root) -> Snapshot:
    """A small marketplace after its first load."""
    return take_snapshot(load_first, sql_root=sql_root)


@pytest.fixture
def sql(pipeline, tmp_path) -> Path:
    """The marketplace's SQL, to be edited as a deployment would, after the snapshot's run."""
    folder = Path(shutil.copytree(SQL_ROOT, tmp_path / "sql"))
    pipeline.set_environment(SQL_ROOT=str(folder))
    return folder / "apartments"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def find_views(warehouse) -> dict[str, int]:
    """Return the views of the presentation schema and an id that no other view ever has."""
    with warehouse.connect() as connection:
        return dict(
            connection.execute(
                "select relname, oid::bigint from pg_class where relkind = 'v'"
                " and relnamespace = 'apartments_presentation'::regnamespace"
            ).fetchall()
        )


def read_view(warehouse) -> list[tuple]:
    return warehouse.query(f"select * from apartments_presentation.{VIEW} order by week_start, listing_id")


@pytest.mark.slow
def test_runs_leave_a_view_alone(pipeline, sql, source_database, fresh_warehouse):
    """It shows what the next run publishes without being made again: nobody who reads it is held up."""
    views = find_views(fresh_warehouse)
    assert views.keys() == {path.stem for path in (sql / "views").glob("*.sql")}
    assert pipeline.run()["status"] == "unchanged"
    before = read_view(fresh_warehouse)
    assert before
    source_database.execute("update bookings set booking_status = 'canceled' where booking_status = 'confirmed'")
    assert pipeline.run()["status"] == "succeeded"
    assert find_views(fresh_warehouse) == views
    assert len(read_view(fresh_warehouse)) < len(before)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("curated/apartments.sql", "title varchar(16384)", "title varchar(20000)"),
        ("presentation/top_listings_weekly.sql", "bookings bigint not null", "bookings bigint"),
    ],
)
def test_a_view_follows_a_table_that_is_made_anew(pipeline, sql, fresh_warehouse, file, old, new):
    """Whichever layer it is in; views over other tables stay."""
    before, rows = find_views(fresh_warehouse), read_view(fresh_warehouse)
    edit(sql / file, old, new)
    assert pipeline.run()["status"] == "succeeded"
    after = find_views(fresh_warehouse)
    assert after[VIEW] != before[VIEW] and after.keys() == before.keys()
    assert read_view(fresh_warehouse) == rows
    assert pipeline.run()["status"] == "unchanged"


def test_an_edited_view_is_made_anew_and_a_removed_one_goes(pipeline, sql, fresh_warehouse):
    """Over an unchanged source, too."""
    edit(sql / "views" / f"{VIEW}.sql", "as revenue_rank", "as place_in_the_week")
    (sql / "views" / "weekly_overview.sql").unlink()
    assert pipeline.run()["status"] == "succeeded"
    assert find_views(fresh_warehouse).keys() == {path.stem for path in (sql / "views").glob("*.sql")} >= {VIEW}
    assert fresh_warehouse.query(f"select min(place_in_the_week) from apartments_presentation.{VIEW}") == [(1,)]
    assert pipeline.run()["status"] == "unchanged"


@pytest.mark.slow
@pytest.mark.parametrize("is_rolled_back", [False, True])
def test_a_view_that_a_stopped_run_dropped_comes_back(pipeline, sql, fresh_warehouse, is_rolled_back):
    """With the next run that publishes, of the files that stopped or of those before them."""
    rows = read_view(fresh_warehouse)
    edit(sql / "curated" / "apartments.sql", "title varchar(16384)", "title varchar(20000)")
    with pytest.raises(Stopped):
        pipeline.run(stop_before="pending")
    assert VIEW not in find_views(fresh_warehouse)
    if is_rolled_back:
        edit(sql / "curated" / "apartments.sql", "title varchar(20000)", "title varchar(16384)")

    assert pipeline.run()["status"] == "succeeded"
    assert read_view(fresh_warehouse) == rows

"""The headers of sql/<marketplace>/report: what they declare is drawn, and what is wrong in one is refused by its name."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlglot

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.definitions.charts import RANKING, read_charts

SQL_ROOT = Path(__file__).parents[3] / "sql"
MARKETPLACES = sorted(path.parent.name for path in SQL_ROOT.glob("*/source.yaml"))
SEVEN_METRICS = (
    "average_listing_price_weekly",
    "occupancy_monthly",
    "popular_cities_weekly",
    "top_listings_weekly",
    "bookings_per_user_weekly",
    "average_booking_duration_weekly",
    "repeat_customers_daily",
)
FILE = """-- A chart.
--
-- place:      2
-- title:      Prices
-- reading:    Each point
--             is a week.
-- chart:      line
-- columns:    week (week, Week of), price (money, Average price),
--             listings (count, Listings)
-- drawn:      price

-- name: query
select week, price, listings from prices
"""


def write(folder: Path, text: str, name: str = "prices") -> Path:
    (folder / f"{name}.sql").write_text(text)
    return folder


def test_a_file_is_a_chart(tmp_path):
    """Its header says how its rows are drawn and read."""
    (chart,) = read_charts(write(tmp_path, FILE))
    assert (chart.name, chart.title, chart.reading, chart.kind) == ("prices", "Prices", "Each point is a week.", "line")
    assert [(column.name, column.unit, column.label) for column in chart.columns] == [
        ("week", "week", "Week of"),
        ("price", "money", "Average price"),
        ("listings", "count", "Listings"),
    ]
    assert chart.drawn == "price"
    assert (chart.empty, chart.unknown) == ("There are no figures yet.", "it is not known")


def test_a_chart_says_why_there_may_be_nothing(tmp_path):
    """No rows at all, or nothing to draw in them."""
    text = FILE.replace("-- drawn:", "-- empty:      No listing yet.\n-- unknown:    no rate\n-- drawn:")
    (chart,) = read_charts(write(tmp_path, text))
    assert (chart.empty, chart.unknown) == ("No listing yet.", "no rate")


def test_charts_stand_in_the_order_of_their_places(tmp_path):
    """Whatever their files are called."""
    write(tmp_path, FILE, "a")
    write(tmp_path, FILE.replace("place:      2", "place:      10"), "b")
    write(tmp_path, FILE.replace("place:      2", "place:      1"), "c")
    assert [chart.name for chart in read_charts(tmp_path)] == ["c", "a", "b"]


def test_a_marketplace_without_charts_has_a_report_all_the_same(tmp_path):
    """Of its run and its data."""
    assert read_charts(tmp_path / "report") == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("-- title:      Prices\n", "", "has no `-- title"),
        ("place:      2", "place:      first", "place is 'first'"),
        ("chart:      line", "chart:      pie", "chart is 'pie'; it is one of line, columns, ranking"),
        ("chart:      line", "chart:      ranking", "first column of a ranking chart is a text, not a week"),
        ("week (week, Week of)", "week (text, Week of)", "first column of a line chart is a day or week or month, not a text"),
        ("price (money, Average price)", "price (roubles, Average price)", "column price has the unit 'roubles'"),
        ("price (money, Average price)", "price [money]", "columns is"),
        ("drawn:      price", "drawn:      week", "drawn is 'week', which is no column of numbers"),
        ("drawn:      price", "drawn:      cost", "drawn is 'cost'"),
        ("-- name: query", "-- name: rows", "no section `-- name: query`"),
    ],
)
def test_a_wrong_header_is_refused(tmp_path, old, new, message):
    """With the file's name, and what would be right."""
    assert old in FILE
    with pytest.raises(FixConfiguration, match=r"prices\.sql") as error:
        read_charts(write(tmp_path, FILE.replace(old, new)))
    assert message in str(error.value)


def test_a_query_of_other_columns_is_refused(tmp_path):
    """The table under the chart would else show them under wrong names."""
    (chart,) = read_charts(write(tmp_path, FILE))
    with pytest.raises(FixConfiguration, match="selects week, listings; its header has the columns week, price, listings"):
        chart.draw([{"week": "2026-11-16", "listings": 2}])


@pytest.mark.parametrize("marketplace", MARKETPLACES)
def test_the_charts_that_ship_select_what_they_declare(marketplace):
    """Column by column, in order; time goes forward; a ranking has an end."""
    charts = read_charts(SQL_ROOT / marketplace / "report")
    assert charts
    for chart in charts:
        (tree,) = sqlglot.parse(chart.query, read="redshift")
        assert tree.named_selects == [column.name for column in chart.columns], chart.name
        assert tree.args.get("order"), chart.name
        if chart.kind != RANKING:
            assert tree.args["order"].expressions[0].this.name == chart.columns[0].name, chart.name
    assert len({chart.place for chart in charts}) == len(charts)


@pytest.mark.parametrize("metric", SEVEN_METRICS)
def test_each_of_the_seven_metrics_is_in_the_report(metric):
    """Of the apartments. Another metric needs no chart: the report tells its periods and rows in any case.

    One that has a row per customer is drawn from the metric that counts them: nobody reads a year of rows to count them.
    """
    read = {path.stem: _name_metrics(path) for path in (SQL_ROOT / "apartments" / "report").glob("*.sql")}
    if metric == "bookings_per_user_weekly":
        assert read["bookings_per_user"] == {"bookings_weekly"}
        assert "customers as user_count" in (SQL_ROOT / "apartments" / "report" / "bookings_per_user.sql").read_text()
    else:
        assert metric in set().union(*read.values())


def _name_metrics(path: Path) -> set[str]:
    (tree,) = sqlglot.parse(path.read_text().partition("-- name: query")[2], read="redshift")
    return {table.name for table in tree.find_all(sqlglot.exp.Table) if table.db == "apartments_presentation"}


BOUNDED = FILE.replace(
    "-- drawn:", "-- lookback:   364 days\n-- reads:      shop_presentation.prices, shop_curated.flats\n-- drawn:"
).replace("from prices", "from prices where week >= cast(:first_day as date)")


@pytest.mark.parametrize(
    ("newest", "first_day"),
    [
        ({"prices": "2026-11-16", "other": "2020-01-06"}, "2025-11-17"),
        ({}, "1999-12-01"),
        ({"other": "2026-11-16"}, "1999-12-01"),
    ],
)
def test_a_chart_reads_from_its_metrics_newest_period_back(tmp_path, newest, first_day):
    """Whichever that is; where it is not known, all of it."""
    (chart,) = read_charts(write(tmp_path, BOUNDED))
    assert chart.bound("shop_presentation", newest) == (
        f"select week, price, listings from prices where week >= cast('{first_day}' as date)"
    )


def test_a_chart_of_two_metrics_reads_from_the_older_one_back(tmp_path):
    (chart,) = read_charts(write(tmp_path, BOUNDED.replace("shop_curated.flats", "shop_presentation.weeks")))
    assert "'2025-11-10'" in chart.bound("shop_presentation", {"prices": "2026-11-16", "weeks": "2026-11-09"})
    assert "'1999-12-01'" in chart.bound("shop_presentation", {"prices": "2026-11-16"})


@pytest.mark.parametrize(
    "text", [BOUNDED.replace("-- lookback:   364 days\n", ""), FILE.replace("-- drawn:", "-- lookback: 9 days\n-- drawn:")]
)
def test_a_lookback_stands_where_the_query_has_its_day_and_nowhere_else(tmp_path, text):
    with pytest.raises(FixConfiguration, match="lookback: 364 days"):
        read_charts(write(tmp_path, text))


def test_a_lookback_is_a_number_of_days(tmp_path):
    with pytest.raises(FixConfiguration, match="a year"):
        read_charts(write(tmp_path, BOUNDED.replace("364 days", "a year")))

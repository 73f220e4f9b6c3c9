"""The notebooks, executed: their sentences hold the judges' figures, and their plots say what they show."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, timedelta

import nbformat
import pytest

from local.commands.notebooks import FOLDER, execute, find_notebooks
from tests.fixtures.notebooks import PATHS, each_notebook, environment, read_notebook, read_outputs

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
# The others answer one question each.
OVERVIEWS = {"rental_performance", "user_engagement", "cars_performance"}

# Looks at each figure before it is shown and closed: what it says of itself, and how many points and bars are drawn in it.
LOOK_AT_PLOTS = """
def look_at_plots():
    import json
    for ax in [ax for number in plt.get_fignums() for ax in plt.figure(number).axes]:
        drawn = sum(len(line.get_xdata()) for line in ax.lines) + len(ax.patches)
        print("PLOT", json.dumps([ax.get_title(loc="left"), ax.get_xlabel(), ax.get_ylabel(), drawn]))

get_ipython().events.callbacks["post_execute"].insert(0, look_at_plots)
"""


@pytest.fixture(scope="module")
def executed(published) -> Callable:
    """A function that executes a notebook over what was published, once for the module."""
    done = {}

    def run(name: str) -> nbformat.NotebookNode:
        if name not in done:
            notebook = read_notebook(FOLDER / f"{name}.ipynb")
            connect = next(number for number, cell in enumerate(notebook.cells) if cell.cell_type == "code")
            notebook.cells.insert(connect + 1, nbformat.v4.new_code_cell(LOOK_AT_PLOTS))
            done[name] = execute(notebook, environment(published.warehouse.endpoint_url))
        return done[name]

    return run


# Before they run


@each_notebook
def test_a_notebook_is_kept_without_outputs(path):
    """So that a change shows what was changed, and no figure of anybody's data is in the repository."""
    for cell in read_notebook(path).cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None


def test_all_notebooks_connect_by_the_same_lines():
    """One cell, the same everywhere; it holds no name of a warehouse and no secret."""
    cells = [next(cell.source for cell in read_notebook(path).cells if cell.cell_type == "code") for path in PATHS]
    assert len(PATHS) == 7 and len(set(cells)) == 1
    assert "wr.data_api.redshift.connect(" in cells[0] and "except" not in cells[0]


def test_every_marketplace_has_notebooks():
    """Those that `make notebooks` executes after its run."""
    assert {name: len(find_notebooks(name)) for name in ("apartments", "cars")} == {"apartments": 5, "cars": 2}


@each_notebook
def test_a_notebook_reads_the_presentation_layer_only(path):
    """Nothing that is not published: analysts may read no other schema."""
    code = "\n".join(cell.source for cell in read_notebook(path).cells if cell.cell_type == "code")
    schemas = {name for name in ("raw", "curated", "staging", "control", "presentation") if f"_{name}." in code}
    assert schemas == {"presentation"}


# What they show


@pytest.mark.slow
@each_notebook
def test_every_plot_says_what_it_shows(executed, path):
    """A title, both axes named, and something drawn; a sentence of reading with each, and no warning between them."""
    notebook = executed(path.stem)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    number = len(read_outputs(notebook, "image/png"))
    assert number == (4 if path.stem in OVERVIEWS else 1)
    assert len(read_outputs(notebook, "text/markdown")) == 1 + number, "of the day, and of each plot"
    printed = "".join(output.text for output in outputs if "text" in output)
    plots = {tuple(json.loads(line.removeprefix("PLOT "))) for line in printed.splitlines() if line.startswith("PLOT ")}
    assert len(plots) == number
    for title, x_label, y_label, drawn in plots:
        assert len(title) > 15 and x_label and y_label and drawn > 1, title


@pytest.mark.slow
def test_rental_performance_tells_the_judges_figures(executed, published):
    """Prices, occupancy, cities and listings, computed from the source's rows by the judge."""
    _, price, occupancy, city, listing = read_outputs(executed("rental_performance"), "text/markdown")
    weeks = [row for row in rows(published, "average_listing_price_weekly") if row["average_price"] is not None]
    weeks = [row for row in weeks if row["period_start"] > weeks[-1]["period_start"] - 53 * WEEK]
    units = Counter()
    for row in weeks:
        units[row["price_unit"]] += row["listings"]
    unit = max(sorted(units), key=units.__getitem__)
    newest = [row for row in weeks if row["price_unit"] == unit][-1]
    assert f"{newest['listings']:,} active listings asked **{newest['average_price']:,.2f}** ({unit})" in price

    month = [row for row in rows(published, "occupancy_monthly") if next_month(row["period_start"]) <= published.as_of][-1]
    nights = f"{month['booked_nights']:,} of {month['available_nights']:,} available nights"
    assert f"In {month['period_start']:%B %Y}, {nights} were booked: **{100 * month['occupancy_rate']:.2f} %**" in occupancy

    bookings, names = Counter(), defaultdict(set)
    for row in last_weeks(published, "popular_cities_weekly", 12):
        bookings[row["city_key"], row["state_key"]] += row["bookings"]
        names[row["city_key"], row["state_key"]].add(", ".join(filter(None, (row["city"], row["state"]))))
    by_name = {max(names[place], key=str.encode): count for place, count in bookings.items()}
    top, most = min(by_name.items(), key=lambda item: (-item[1], item[0].encode()))
    assert f"**{top}** was booked most: {most:,} of {bookings.total():,} confirmed bookings" in city

    revenue = Counter()
    for row in last_weeks(published, "top_listings_weekly", 12):
        if row["revenue"] is not None:
            revenue[row["apartment_id"]] += row["revenue"]
    top, most = min(revenue.items(), key=lambda item: (-item[1], item[0]))
    assert f" ({top})** earned most: {most:,.2f}" in listing
    assert f"of the {revenue.total():,.2f} of all {len(revenue):,}." in listing


@pytest.mark.slow
def test_user_engagement_tells_the_judges_figures(executed, published):
    """Bookings per user, how often, how long, and who comes back, computed from the source's rows by the judge."""
    _, weekly, frequency, stay, repeat = read_outputs(executed("user_engagement"), "text/markdown")
    whole = last_weeks(published, "bookings_per_user_weekly", 52)
    week = [row["bookings"] for row in whole if row["period_start"] == whole[-1]["period_start"]]
    assert f"In the week of {whole[-1]['period_start']:%d %B %Y}, " in weekly
    assert f"{len(week):,} users made {sum(week):,} bookings, **{sum(week) / len(week):.2f}** each" in weekly

    users = Counter()
    for row in last_weeks(published, "bookings_per_user_weekly", 12):
        users[row["user_id"]] += row["bookings"]
    once = sum(bookings == 1 for bookings in users.values())
    assert f"Of {len(users):,} users who booked" in frequency and f"**{once / len(users):.0%}** did so once" in frequency

    month = [row for row in rows(published, "average_booking_duration_monthly") if row["period_start"] <= published.as_of][-1]
    assert f"The {month['stays']:,} stays with a checkin in {month['period_start']:%B %Y}" in stay
    assert f"last **{month['average_nights']:.1f} nights**" in stay

    today = last_row(published, "repeat_customers_daily")
    users_said = f"{today['repeat_users']:,} of the {today['users_with_bookings']:,} users"
    assert users_said in repeat and f"**{100 * today['repeat_rate']:.1f} %**" in repeat


@pytest.mark.slow
def test_cars_performance_tells_the_judges_figures(executed, published):
    """Revenue, locations, utilisation and spenders, computed from the source's rows by the judge."""
    _, revenue, location, use, spenders = read_outputs(executed("cars_performance"), "text/markdown")
    days = [row for row in rows(published, "rentals_daily") if row["period_start"] <= published.as_of]
    newest = days[-1]["period_start"]
    last_week = max(monday(row["period_start"]) for row in days if row["period_start"] < monday(newest))
    week = [row for row in days if monday(row["period_start"]) == last_week]
    total = sum(row["revenue"] for row in week)
    rentals = sum(row["rentals"] for row in week)
    assert f"The {rentals:,} rentals that started in the week of {last_week:%d %B %Y} brought **{total:,.2f}**" in revenue

    top = min(rows(published, "location_rentals_total"), key=lambda row: (row["location_rank"], row["location_id"]))
    name = ", ".join(str(part) for part in (top["location_name"], top["city"], top["location_id"]) if part)
    assert f"**{name}** earned most: {top['revenue']:,.2f} with {top['rentals']:,} rentals" in location
    assert f"of {top['unique_vehicles']:,} different vehicles" in location

    use_of_days = [row for row in rows(published, "vehicle_type_rentals_daily") if row["fleet_hours"]]
    in_whole_months = [row for row in use_of_days if next_month(row["period_start"]) <= newest]
    month = in_whole_months[-1]["period_start"].replace(day=1)
    assert f"In {month:%B %Y}, " in use
    of_type = defaultdict(list)
    for row in in_whole_months:
        if row["period_start"] >= month:
            of_type[row["vehicle_type"]].append(row)
    for vehicle_type, kept in of_type.items():
        rate = sum(row["rented_fleet_hours"] for row in kept) / sum(row["fleet_hours"] for row in kept)
        assert f"{vehicle_type.replace('_', ' ')} cars were rented **{100 * rate:.2f} %**" in use

    spent = sorted((row["revenue"] for row in rows(published, "user_rentals_total")), reverse=True)
    tenth = sum(spent[: -(-len(spent) // 10)])
    assert f"bring **{100 * tenth / sum(spent):.0f} %** of the revenue" in spenders
    assert f"({spent[0]:,.2f})" in spenders


@pytest.mark.slow
def test_the_quiet_months_are_the_judges(executed, published):
    """Months of the year more than five points below the occupancy of all nights."""
    _, advice = read_outputs(executed("when_should_we_lower_prices"), "text/markdown")
    months = [row for row in rows(published, "occupancy_monthly") if row["available_nights"]]
    whole = [row for row in months if next_month(row["period_start"]) <= published.as_of]
    newest = whole[-1]["period_start"]
    whole = [row for row in whole if row["period_start"] > newest.replace(year=newest.year - 2)]
    booked, available = Counter(), Counter()
    for row in whole:
        booked[row["period_start"].month] += row["booked_nights"]
        available[row["period_start"].month] += row["available_nights"]
    usual = 100 * booked.total() / available.total()
    assert f"the usual **{usual:.1f} %**" in advice
    rates = {month: 100 * booked[month] / available[month] for month in available}
    assert f"{date(2000, min(rates, key=lambda month: (rates[month], month)), 1):%B} with {min(rates.values()):.1f} %" in advice
    for month, rate in rates.items():
        assert (f"{date(2000, month, 1):%B}" in advice.split("**:")[0] and "**:" in advice) == (rate < usual - 5)


@pytest.mark.slow
def test_the_guests_who_come_back_are_the_judges(executed, published):
    """By the month of their first booking, of the cohorts that are known for longest, up to a year."""
    _, told = read_outputs(executed("do_guests_come_back"), "text/markdown")
    day = last_row(published, "repeat_customers_daily")["period_start"]
    monthly = [row for row in rows(published, "guests_monthly") if next_month(row["period_start"]) <= day.replace(day=1)]
    seen = {row["period_start"] for row in monthly}
    ages = {
        row["cohort_month"]: sorted(age for month in seen if 0 <= (age := count_months(row["cohort_month"], month)) <= 12)
        for row in monthly
        if row["period_start"] == row["cohort_month"]
    }
    reached = max(found[-1] for found in ages.values())
    known = {month: found for month, found in ages.items() if found[-1] == reached}
    guests = {row["cohort_month"]: row["guests"] for row in monthly if row["period_start"] == row["cohort_month"]}
    back = Counter({(row["cohort_month"], row["period_start"]): row["guests_back_first"] for row in monthly})
    shares = []
    for age in range(13):
        old = [month for month, found in known.items() if age in found]
        returned = sum(
            number for (cohort, month), number in back.items() if cohort in old and 0 <= count_months(cohort, month) <= age
        )
        shares += [100 * returned / sum(guests[month] for month in old)] if old else []
    text = f"Of {sum(guests[month] for month in known):,} guests **{max(shares):.1f} %** book again within {reached} months"
    assert text in told


@pytest.mark.slow
def test_the_city_whose_nights_earn_most_is_the_judges(executed, published):
    """Of the ten with the highest revenue in the newest twelve whole months, by what a night that could be booked earned."""
    _, told = read_outputs(executed("which_cities_earn_most"), "text/markdown")
    day = last_row(published, "repeat_customers_daily")["period_start"]
    nights = [row for row in rows(published, "nights_monthly") if row["segment"] == "city" and row["available_nights"]]
    nights = [row for row in nights if next_month(row["period_start"]) <= day]
    newest = nights[-1]["period_start"]
    sums: dict[str, list] = defaultdict(lambda: [0, 0])
    shown = {}
    for row in nights:
        if row["period_start"] > newest.replace(year=newest.year - 1):
            shown[row["member_key"]] = row["member"]
            sums[row["member_key"]][0] += row["revenue"] or 0
            sums[row["member_key"]][1] += row["available_nights"] - row["booked_nights_without_rate"]
    earning = sorted((key for key in sums if sums[key][1]), key=lambda key: -sums[key][0])[:10]
    best = max(earning, key=lambda key: sums[key][0] / sums[key][1])
    assert f"earns most in **{shown[best]}**: **{sums[best][0] / sums[best][1]:,.2f}**" in told


@pytest.mark.slow
def test_the_cars_that_stand_are_the_judges(executed, published):
    """By the hours of the newest twelve whole months."""
    _, told = read_outputs(executed("which_cars_stand_still"), "text/markdown")
    day = last_row(published, "rentals_daily")["period_start"]
    busy = max(
        row["period_start"] for row in rows(published, "vehicle_type_rentals_daily") if row["rentals"] or row["occupied_hours"]
    )
    days = [row for row in rows(published, "vehicle_type_rentals_daily") if row["fleet_hours"] and row["period_start"] <= busy]
    days = [row for row in days if next_month(row["period_start"]) <= day]
    newest = days[-1]["period_start"].replace(day=1)
    rented, fleet = Counter(), Counter()
    for row in days:
        if row["period_start"].replace(day=1) > newest.replace(year=newest.year - 1):
            rented[row["vehicle_type"]] += row["rented_fleet_hours"]
            fleet[row["vehicle_type"]] += row["fleet_hours"]
    use = {kind: 100 * rented[kind] / fleet[kind] for kind in fleet}
    assert f"they were out **{min(use.values()):.1f} %** of their hours" in told
    assert f"**{min(use, key=use.__getitem__).replace('_', ' ')}** stand most" in told


# The judges' rows


def rows(published, metric: str) -> list[dict]:
    """A metric's rows, oldest period first."""
    return sorted(published.metrics[metric].to_dict("records"), key=lambda row: row["period_start"])


def last_row(published, metric: str) -> dict:
    return rows(published, metric)[-1]


def last_weeks(published, metric: str, weeks: int) -> list[dict]:
    """The rows of the last whole weeks before the day of the run."""
    end = monday(published.as_of)
    return [row for row in rows(published, metric) if end - weeks * WEEK <= row["period_start"] < end]


def monday(day: date) -> date:
    return day - day.weekday() * DAY


def count_months(first: date, last: date) -> int:
    return 12 * (last.year - first.year) + last.month - first.month


def next_month(day: date) -> date:
    return (day.replace(day=1) + 31 * DAY).replace(day=1)

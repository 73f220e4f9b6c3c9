"""A publication is one transaction, whatever has changed."""

from dataclasses import replace
from pathlib import Path

import pytest

from rental_pipeline.base.settings import WarehouseSettings
from rental_pipeline.definitions.read_marketplace import read_marketplace
from rental_pipeline.model.arrivals import PeriodRange
from rental_pipeline.model.ledger import Ledger, Position
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.model.strategies import Merge
from rental_pipeline.model.table_plan import PlannedTable
from rental_pipeline.warehouse.steps.publish import compose_publish
from rental_pipeline.warehouse.steps.step import StepRequest
from tests.unit.warehouse.example_runs import plan_a_run

SQL_ROOT = Path(__file__).parents[3] / "sql"


def position(layer: str, name: str) -> Position:
    """A table's place in the ledger, made from other files than those that are deployed."""
    return Position(layer, name, 1, input_hash="old", definition_hash="old")


def make_request(marketplace: str) -> StepRequest:
    """A publication after which everything has another shape."""
    warehouse = read_marketplace(SQL_ROOT, marketplace)
    settings = WarehouseSettings(marketplace, "bucket", "dev", "arn:aws:iam::123456789012:role/copy", "workgroup")
    request = StepRequest(settings, warehouse, "publish", run_sequence=2)
    positions = (
        *(position("curated", table.name) for table in warehouse.curated),
        *(position("presentation", metric.name) for metric in warehouse.metrics),
        *(position("view", view.name) for view in warehouse.views),
    )
    tables = tuple(PlannedTable(table.source, table.source, Merge(("id",), "at"), ()) for table in warehouse.curated)
    request.__dict__["ledger"] = Ledger(2, "arn", warehouse.files_hash, positions)
    request.__dict__["plan"] = plan_a_run(2, tables)
    return request


@pytest.mark.parametrize("marketplace", ["apartments", "cars"])
def test_everything_may_change_its_shape_at_once(marketplace):
    """All metrics and views that are there."""
    request = make_request(marketplace)
    warehouse = request.marketplace
    *parts, publication = compose_publish(request).submissions
    # What one request does not hold stands in procedures, which the publication calls in their order.
    statements = "\n".join([*(sql for part in parts for sql in part.statements), *publication.statements])
    for made in (*warehouse.metrics, *warehouse.views):
        assert f"{marketplace}_presentation.{made.name}" in statements.split("drop view", 1)[1]
    assert statements.index("drop view") < statements.index("drop table") < statements.index("create view")


def test_a_row_that_is_as_it_was_is_not_written():
    """Replaced are rows that differ, told by the metric's key; a part of it that may be NULL is the same as NULL."""
    request = make_request("apartments")
    shapes = {each.name: request.marketplace.definition_hash(each.file) for each in request.marketplace.metrics}
    positions = [
        replace(each, definition_hash=shapes.get(each.name, each.definition_hash)) if each.layer == "presentation" else each
        for each in request.ledger.positions
    ]
    request.__dict__["ledger"] = replace(request.ledger, positions=tuple(positions))
    statements = "\n".join(sql for each in compose_publish(request).submissions for sql in each.statements)
    (deleted,) = [line for line in statements.splitlines() if line.startswith("delete from apartments_presentation.popular_cit")]
    differing = deleted.split()[4]
    assert f" where {differing}._rp_is_staged = 0 and " in deleted
    assert f"popular_cities_weekly.city_key = {differing}.city_key and" in deleted
    assert f"(popular_cities_weekly.state_key is null and {differing}.state_key is null)" in deleted
    (added,) = [line for line in statements.splitlines() if line.startswith("insert into apartments_presentation.popular_cit")]
    assert added.endswith(f" from {differing} where _rp_is_staged = 1")
    assert "drop table apartments_presentation" not in statements


def test_the_newest_period_is_looked_for_from_the_one_that_was_known_on():
    """Of one metric; where none is known, in all of it. Charts read from there."""
    request = make_request("apartments")
    known = replace(position("presentation", "top_listings_weekly"), watermark="2026-11-16T00:00:00.000000")
    others = (each for each in request.ledger.positions if each.name != known.name)
    request.__dict__["ledger"] = replace(request.ledger, positions=(*others, known))
    statements = "\n".join(sql for each in compose_publish(request).submissions for sql in each.statements)
    noted = statements[statements.index("set watermark = newest_period.newest") :]
    of = "from apartments_presentation.{} where cast(dateadd(week, 1, period_start) as date) <= '{}'"
    day = request.plan.as_of
    assert f"{of.format('top_listings_weekly', day)} and period_start >= '2026-11-16'" in noted
    assert f"{of.format('bookings_per_user_weekly', day)} union all" in noted


@pytest.mark.parametrize(
    ("known", "staged", "is_asked"),
    [
        ("2026-11-16", "2026-11-23", False),
        ("2026-11-16", "2026-11-16", True),
        ("2026-11-09", "2026-11-23", True),
        (None, "2026-11-23", True),
    ],
    ids=["only the week of as_of is staged", "the newest week is staged", "another week has ended since", "none is known"],
)
def test_a_newest_period_that_must_be_the_known_one_is_not_looked_for(known, staged, is_asked):
    """On Friday the 27th: the published table is not read for it."""
    request = make_request("apartments")
    metric = request.marketplace.metric("top_listings_weekly")
    published = Position(
        "presentation",
        metric.name,
        1,
        watermark=known and f"{known}T00:00:00.000000",
        as_of="2026-11-27",
        input_hash=request.marketplace.metric_hash(metric),
        definition_hash=request.marketplace.definition_hash(metric.file),
    )
    others = (each for each in request.ledger.positions if each.name != metric.name)
    request.__dict__["ledger"] = replace(request.ledger, positions=(*others, published))
    request.__dict__["plan"] = replace(request.plan, as_of="2026-11-27")
    request.__dict__["dirty"] = {metric.name: PeriodRange(staged, "2026-11-23")}
    statements = "\n".join(sql for each in compose_publish(request).submissions for sql in each.statements)
    noted = statements[statements.index("set watermark = newest_period.newest") :]
    assert (f"from apartments_presentation.{metric.name} " in noted) == is_asked
    assert f"('presentation', '{metric.name}', 2, {literal(known)}, " in statements


def test_a_publication_forgets_what_was_staged():
    """No later run has to look at the periods of a first load."""
    statements = "\n".join(sql for each in compose_publish(make_request("cars")).submissions for sql in each.statements)
    assert "delete from cars_control.staged_period" in statements

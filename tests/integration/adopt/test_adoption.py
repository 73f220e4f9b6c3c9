"""Two schemas of other people's are adopted: what is personal is found, the guess is right, the SQL is whole, edits stay."""

from __future__ import annotations

from types import ModuleType

import pytest

from local.adopt.adopt import NameRefused, judge_name
from local.commands.adopt import write_report
from local.commands.check import find_mistakes
from rental_pipeline.definitions.read_marketplace import read_marketplace
from rental_pipeline.model.contract import read_contract
from tests.integration.adopt import bikes, hotel, rails
from tests.integration.adopt.conftest import NAME, Adopted

FOUND = 0.95


def count_found(adopted: Adopted, world: ModuleType) -> tuple[int, list[str]]:
    """Return how many personal columns were planted, and those that are neither dropped nor hashed."""
    decisions = {table.source.name: table for table in adopted.adoption.decisions}
    planted = [(table, name) for table, names in world.PERSONAL.items() for name in names.split()]
    missed = [
        f"{table}.{name}"
        for table, name in planted
        if not decisions[table].left_out and decisions[table].columns[name].policy.value not in ("drop", "hash")
    ]
    return len(planted), missed


@pytest.mark.parametrize(
    ("world", "tables", "size"),
    [
        (rails, 42, {"listings": 6, "stays": 20}),
        pytest.param(hotel, 41, {"rooms": 5, "stays": 20}, marks=pytest.mark.slow),
        pytest.param(bikes, 7, {"bikes": 4, "rides": 30}, marks=pytest.mark.slow),
    ],
    ids=["rails", "hotel", "bikes"],
)
def test_a_foreign_schema_is_adopted(make_adopted, world, tables, size):
    """Every table is decided on; nearly all that was planted is found; every metric follows from what was guessed, or it is
    said why not."""
    adopted = make_adopted(world, **size)
    adoption = adopted.adoption
    assert len(adoption.decisions) >= tables and adoption.refused == "" and len(adoption.metrics) == world.METRICS
    planted, missed = count_found(adopted, world)
    assert len(missed) <= planted * (1 - FOUND), missed
    assert set(adoption.states) <= {"confirmed", "pending", "canceled", "ignored"}
    shipped = {path.stem for path in (adopted.sql_root / world.TEMPLATE / "presentation").glob("*.sql")}
    missing = {path.removeprefix("presentation/") for path in adoption.left_out if path.startswith("presentation/")}
    assert {*adoption.metrics} | missing == shipped and not {*adoption.metrics} & missing
    marketplace = read_marketplace(adopted.sql_root, NAME)
    assert {table.name for table in marketplace.curated} >= world.CURATED
    assert find_mistakes(NAME, adopted.sql_root) == []
    for path in sorted((adopted.sql_root / NAME).glob("[!l]*/*.sql")):
        text = path.read_text(encoding="utf-8")
        assert "apartment" not in text.replace("rules of sql/apartments", ""), path
        assert "cars_presentation" not in text and "cars_curated" not in text, path
    report = "\n".join(write_report(adoption, "mysql://u@h/d", "GRANT"))
    assert "Rows per state" in report and "make run SOURCE=" in report and "@example" not in report


def test_what_a_person_edited_stays(make_adopted):
    """Adopted again after the schema, the contract and the mapping changed: the edits are there, and what is new is, too."""
    adopted = make_adopted(rails, listings=3, stays=3)
    folder = adopted.sql_root / NAME
    adopted.edit("source.yaml", "      title: undecided", "      title: drop")
    adopted.edit("mapping.yaml", "ignored: [initiated]", "ignored: [later]")
    adopted.edit("curated/customers.sql", "-- The customers:", "-- Our customers:")
    adopted.source.execute("create table new_things (id int primary key, owner_email varchar(80), size int)")
    adopted.source.execute("alter table categories add column shade varchar(20)")
    again = adopted.adopt()
    contract = read_contract(folder / "source.yaml")
    assert contract["listings"].personal["title"] == "drop" and "title" not in contract["listings"].undecided
    assert contract["new_things"].personal == {"owner_email": "hash"}
    assert "shade" in contract["categories"].undecided
    assert (folder / "curated/customers.sql").read_text(encoding="utf-8").startswith("-- Our customers:")
    assert {"source.yaml: listings", "mapping.yaml", "curated/customers.sql"} <= set(again.written.kept)
    assert "+      title: undecided" in again.written.kept["source.yaml: listings"]
    assert "in ('later')" in (folder / "curated/bookings.sql").read_text(encoding="utf-8")
    before = {path: path.read_text(encoding="utf-8") for path in folder.rglob("*.*") if path.is_file()}
    adopted.adopt()
    assert before == {path: path.read_text(encoding="utf-8") for path in folder.rglob("*.*") if path.is_file()}


@pytest.mark.slow
def test_a_mapping_that_cannot_be_followed_is_refused_line_by_line(make_adopted):
    """And no SQL is written over what is there; what is mended works."""
    adopted = make_adopted(rails, listings=3, stays=3)
    adopted.edit("mapping.yaml", "  customer: starter_id", "  customer: starter\n  guests: 4")
    assert "stay, guests: there is no such field" in adopted.adopt().refused
    adopted.edit("mapping.yaml", "\n  guests: 4", "")
    assert "has no column starter (did you mean 'starter_id'?)" in adopted.adopt().refused
    adopted.edit("mapping.yaml", "  customer: starter\n", "")
    adopted.edit("mapping.yaml", "  # title: title", "  title: title")
    assert "listings.title is not read (undecided in source.yaml" in adopted.adopt().refused
    adopted.edit("mapping.yaml", "  title: title", "  # title")
    again = adopted.adopt()
    assert again.refused == "" and "bookings_per_user_weekly" not in again.metrics
    assert again.left_out["presentation/bookings_per_user_weekly"] == "mapping.yaml has no stay: customer"
    assert not (adopted.sql_root / NAME / "presentation/bookings_per_user_weekly.sql").exists()


@pytest.mark.parametrize("name", ["Shop", "my-shop", "control", "apartments", "9lives", ""])
def test_a_name_that_cannot_be_one_is_refused(name):
    """A shipped marketplace is not written over."""
    from tests.fixtures.few_metrics import SQL_ROOT

    with pytest.raises(NameRefused):
        judge_name(name, SQL_ROOT)

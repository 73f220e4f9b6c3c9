"""source.yaml: what it may say, and how a mistake in it is answered."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.definitions.sql_files import read_sql_file
from rental_pipeline.model.contract import TableContract, read_contract, suggest
from rental_pipeline.model.strategies import Merge

APARTMENTS = Path(__file__).parents[3] / "sql" / "apartments" / "source.yaml"


def read(folder: Path, text: str) -> dict[str, TableContract]:
    path = folder / "source.yaml"
    path.write_text(text)
    return read_contract(path)


def test_the_apartments_contract_has_all_three_strategies() -> None:
    """The sample marketplace: two tables with a modification time, one without, one without a key."""
    contract = read_contract(APARTMENTS)
    assert {name: (table.strategy.name, table.key, table.cursor) for name, table in contract.items()} == {
        "apartments": ("merge", ("id",), "changed_at"),
        "apartment_attributes": ("snapshot", ("id",), None),
        "bookings": ("merge", ("booking_id",), "changed_at"),
        "user_viewing": ("append", (), "recorded_at"),
    }


@pytest.mark.parametrize("path", sorted((APARTMENTS.parent / "curated").glob("*.sql")), ids=lambda path: path.stem)
def test_the_contract_requires_what_the_curated_sql_reads(path: Path) -> None:
    """A column that is missing in the source is named before reading, and not by Redshift after it."""
    file = read_sql_file(path)
    table = file.header["source"]
    schema = (APARTMENTS.parent / "source" / f"{table}.sql").read_text()
    columns = re.findall(r"^    (?!primary|key)(\w+) ", schema, re.MULTILINE)
    reading = file.sections.get("judged", file.sections["accepted"])
    words = set(re.findall(r"\w+", re.sub(r"--.*|'[^']*'", "", reading)))
    assert len(columns) > 4
    assert words & set(columns) <= set(read_contract(APARTMENTS)[table].requires)


def test_what_is_left_out_has_a_safe_value(tmp_path: Path) -> None:
    """Four lines are a table."""
    (table,) = read(tmp_path, "tables:\n  t:\n    strategy: merge\n    key: id\n    cursor: changed_at\n").values()
    assert table == TableContract(
        name="t", strategy=Merge(("id",), "changed_at"), cursor_time_zone="UTC", overlap=timedelta(minutes=10),
        drift="evolve", personal={}, requires=("id", "changed_at"), max_delete_fraction=0.5,
    )  # fmt: skip
    assert read(tmp_path, "tables: {t: {strategy: append, cursor: at}}")["t"].overlap == timedelta(days=3)


def test_every_field_can_be_said(tmp_path: Path) -> None:
    """Names are taken in any case of letters, as MySQL does."""
    text = """
tables:
  t:
    strategy: merge
    key: [Listing_Id, day]
    cursor: Changed_At
    cursor_time_zone: Europe/Berlin
    overlap: 2 hours
    drift: freeze
    personal: {Email: hash, phone: drop}
    requires: [price, day]
    max_delete_fraction: 0.1
"""
    assert read(tmp_path, text)["t"] == TableContract(
        name="t", strategy=Merge(("listing_id", "day"), "changed_at"), cursor_time_zone="Europe/Berlin",
        overlap=timedelta(hours=2), drift="freeze", personal={"email": "hash", "phone": "drop"},
        requires=("listing_id", "day", "changed_at", "price"), max_delete_fraction=0.1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("{strategy: upsert, key: id}", "field strategy: must be one of merge, append, snapshot; found 'upsert'"),
        ("{key: id}", "field strategy: must be one of"),
        ("{strategy: merge, cursor: c}", "field key: is required by strategy merge"),
        ("{strategy: snapshot}", "field key: is required by strategy snapshot"),
        ("{strategy: append, cursor: c, key: id}", "field key: append tables have no key"),
        ("{strategy: merge, key: id}", "field cursor: is required by strategy merge: .*choose snapshot"),
        ("{strategy: append}", "field cursor: is required by strategy append"),
        ("{strategy: snapshot, key: id, cursor: c}", "field cursor: snapshot tables are read whole"),
        ("{strategy: merge, key: id, cursor: [a, b]}", "field cursor: must be a single column"),
        (
            "{strategy: merge, key: id, cursor: c, overlp: 3 days}",
            r"field overlp: there is no such field \(did you mean 'overlap'\?\)",
        ),
        ("{strategy: merge, key: id, cursor: c, overlap: 3}", "field overlap: expected a number and a unit, such as 10 minutes"),
        ("{strategy: merge, key: id, cursor: c, overlap: three days}", "field overlap"),
        ("{strategy: merge, key: id, cursor: c, cursor_time_zone: Berlin}", "field cursor_time_zone: 'Berlin' is no time zone"),
        ("{strategy: snapshot, key: id, drift: ignore}", "field drift: must be evolve or freeze"),
        ("{strategy: snapshot, key: id, personal: [email]}", "field personal: expected `column: drop`"),
        ("{strategy: snapshot, key: id, personal: {email: mask}}", "field personal: email must be drop, hash or undecided"),
        ("{strategy: snapshot, key: id, personal: {ID: drop}}", "field personal: id is of the key.*write hash"),
        ("{strategy: merge, key: id, cursor: at, personal: {at: hash}}", "field personal: at is the cursor"),
        ("{strategy: snapshot, key: id, personal: {a: drop}, requires: [a]}", "field requires: a is dropped"),
        ("{strategy: snapshot, key: [id, ID]}", "field key: names a column twice"),
        ("{strategy: snapshot, key: yes}", "field key: True is no column name .*quotes"),
        ("{strategy: snapshot, key: id, max_delete_fraction: 50}", "field max_delete_fraction: must be a number from 0 to 1"),
        ("[merge]", "expected fields such as `strategy: merge`"),
    ],
)
def test_a_mistake_is_named_by_file_table_and_field(tmp_path: Path, fields: str, message: str) -> None:
    """With what is right instead."""
    with pytest.raises(FixConfiguration, match=rf"source\.yaml: table bookings(, |: ){message}"):
        read(tmp_path, f"tables:\n  bookings: {fields}\n")


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """One line each."""
    with pytest.raises(FixConfiguration) as caught:
        read(tmp_path, "tables:\n  a: {strategy: merge}\n  b: {strategy: snapshot, key: id, drift: no}\n")
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tables: [", "is no valid YAML"),
        ("tables:\n  a: {strategy: snapshot, key: id}\n  a: {strategy: append, cursor: c}\n", "'a' is given twice"),
        ("tables:\n  [a, b]: {strategy: append, cursor: c}\n", "unhashable key"),
        ("", "must hold one field `tables:`"),
        ("tables:\n", "must hold one field `tables:`"),
        ("tables: {}\n", "no table is named"),
        ("table: {}\n", "must hold one field `tables:`"),
        ("tables:\n  Bookings: {strategy: snapshot, key: id}\n", "table Bookings: a table's name in the warehouse is"),
        ("tables:\n  no: {strategy: snapshot, key: id}\n", "table False: a table's name .*quoted"),
    ],
)
def test_a_file_that_is_no_contract_is_explained(tmp_path: Path, text: str, message: str) -> None:
    """Also YAML that PyYAML would take without a word."""
    with pytest.raises(FixConfiguration, match=message):
        read(tmp_path, text)


def test_a_name_is_suggested_or_the_known_ones_are_listed() -> None:
    """Not hundreds of them."""
    assert suggest("bokings", ["apartments", "bookings"]) == " (did you mean 'bookings'?)"
    assert suggest("x", ["apartments", "bookings"]) == " (known: apartments, bookings)"
    assert suggest("x", [f"table_{number}" for number in range(300)]).endswith(", table_19 and 280 more)")


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    """A marketplace without a contract."""
    with pytest.raises(FixConfiguration, match=r"nowhere/source\.yaml does not exist"):
        read_contract(tmp_path / "nowhere" / "source.yaml")


def test_an_undecided_column_is_not_read_and_is_known(tmp_path):
    """Until somebody decides, it is as good as dropped; the doctor lists it."""
    path = tmp_path / "source.yaml"
    path.write_text("tables:\n  t: {strategy: snapshot, key: id, personal: {a: undecided, b: hash}}\n", encoding="utf-8")
    table = read_contract(path)["t"]
    assert (table.personal, table.undecided) == ({"a": "drop", "b": "hash"}, ("a",))


def test_an_undecided_column_cannot_be_required(tmp_path):
    """Somebody who reads it has to decide."""
    path = tmp_path / "source.yaml"
    path.write_text("tables:\n  t: {strategy: snapshot, key: id, requires: a, personal: {a: undecided}}\n", encoding="utf-8")
    with pytest.raises(FixConfiguration, match="a is undecided, and so not read"):
        read_contract(path)

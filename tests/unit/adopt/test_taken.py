"""What a mapping may name: columns that arrive in the warehouse, and references that can equal what they refer to."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.adopt.mapping import MappingRefused, read_mapping
from local.adopt.taken import match_tables, refuse_unknown
from rental_pipeline.model.contract import read_contract
from tests.unit.adopt.test_sql import CONTRACT, TABLES, WHOLE, make_table

HASHED = "guests: {strategy: snapshot, key: id, personal: {id: hash}}"
PLAIN = "guests: {strategy: snapshot, key: id}"


def judge(folder: Path, contract: str = CONTRACT, mapping: str = WHOLE) -> list[str]:
    """Return what is wrong with a mapping, a line each."""
    path = folder / "source.yaml"
    path.write_text(contract)
    tables = match_tables(read_contract(path), {name: make_table(name, columns) for name, columns in TABLES.items()})
    try:
        refuse_unknown(read_mapping(mapping), tables)
    except MappingRefused as error:
        return str(error).splitlines()
    return []


def test_a_mapping_of_what_arrives_is_taken(tmp_path):
    """Also where both ends of a reference are hashed: equal values are equal then, too."""
    assert judge(tmp_path) == []
    stays = "stays: {strategy: snapshot, key: id, personal: {guest: hash}}"
    looks = "looks: {strategy: append, cursor: at, personal: {guest: hash}}"
    both = CONTRACT.replace(PLAIN, HASHED).replace("stays: {strategy: snapshot, key: id}", stays)
    assert judge(tmp_path, both.replace("looks: {strategy: append, cursor: at}", looks)) == []


@pytest.mark.parametrize(
    ("contract", "mapping", "says"),
    [
        ((PLAIN, HASHED), ("", ""), "stay, customer: guest and the customer's id never are equal"),
        (("key: id, cursor: changed_at}", "key: id, cursor: changed_at, personal: {town_id: hash}}"), ("", ""), "listing, joins"),
        (("", ""), ("listing: house_id\n  customer: guest\n  made_at", "listing: guest\n  made_at"), "number and text"),
        (("", ""), ("[town_id -> towns.id]", "[currency -> towns.id]"), "currency and towns.id are not of one type"),
        (("", ""), ("city: towns.name", "city: towns.nmae"), "towns has no column nmae (did you mean 'name'?)"),
    ],
    ids=["a hashed key", "a hashed join", "a text for a number", "a join of a text", "a column that is not there"],
)
def test_what_could_never_be_equal_is_refused(tmp_path, contract, mapping, says):
    """Such a reference would find nothing, and the figures be wrong without a word."""
    assert any(says in line for line in judge(tmp_path, CONTRACT.replace(*contract), WHOLE.replace(*mapping)))

"""The ways out that a refused column is offered: none of them may be refused in its turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.model.column_types import SourceColumn
from rental_pipeline.model.contract import TableContract
from rental_pipeline.model.strategies import Append, Merge, Snapshot
from rental_pipeline.source.columns import plan_columns
from rental_pipeline.source.connection import SourceTable

ID = SourceColumn("id", "int", nullable=False)
AT = SourceColumn("at", "datetime")


def refuse(contract: TableContract, *columns: SourceColumn) -> str:
    source = SourceTable("t", columns, frozenset({frozenset({"id"})}), frozenset({"id"}))
    with pytest.raises(FixConfiguration) as caught:
        plan_columns(source, contract, Path("source.yaml"))
    return str(caught.value)


@pytest.mark.parametrize("kind", ["geometry", "vector", "enum", "bit", "time", "text", "float", "set", "blob"])
def test_a_key_of_a_type_that_cannot_be_a_key_is_not_to_be_left_out(kind):
    """The contract lets no key be dropped: that advice would go in a circle."""
    contract = TableContract("t", Snapshot(("id",)), requires=("id",))
    says = refuse(contract, SourceColumn("id", kind, length=5, precision=5, scale=0, nullable=False))
    assert f"key column id is of type {kind}, which cannot bound a slice exactly" in says
    assert "change its type (tinyint" in says
    assert "by strategy append, without a key" in says
    assert "drop" not in says
    assert len(says.splitlines()) == 1


def test_a_key_of_too_many_digits_is_not_to_be_left_out():
    """Its type could be a key, but Redshift cannot hold it."""
    contract = TableContract("t", Snapshot(("id",)), requires=("id",))
    says = refuse(contract, SourceColumn("id", "decimal", precision=65, scale=0, nullable=False))
    assert (
        "column id has the type decimal(65,0), which no Redshift type holds exactly: it is the table's key: choose another"
        in says
    )
    assert "drop" not in says


def test_a_cursor_of_an_unknown_type_is_not_to_be_left_out():
    """It is said once, with what a cursor must be."""
    contract = TableContract("t", Append("at"), requires=("at",))
    says = refuse(contract, SourceColumn("at", "geometry"))
    assert "cursor at is of type geometry; only DATE, DATETIME and TIMESTAMP" in says
    assert "drop" not in says


def test_a_required_column_is_taken_out_of_requires_first():
    """Else `requires` would refuse the other half of the advice."""
    contract = TableContract("t", Merge(("id",), "at"), requires=("id", "at", "place"))
    says = refuse(contract, ID, AT, SourceColumn("place", "point"))
    assert "take it out of `requires`, and leave it out with `personal: {place: drop}`" in says


def test_another_column_is_left_out():
    """The plain case."""
    contract = TableContract("t", Merge(("id",), "at"), requires=("id", "at"))
    says = refuse(contract, ID, AT, SourceColumn("place", "point"))
    assert (
        "column place has the type point, which no Redshift type holds exactly: leave it out with `personal: {place: drop}`"
        in says
    )

"""The table of types: each MySQL type has one Redshift type and one Parquet type, or is refused by name."""

from __future__ import annotations

import pyarrow
import pytest

from local.commands.types_page import PAGE, write_page
from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.model.column_types import (
    TYPES,
    CatalogueColumn,
    SourceColumn,
    arrow_type,
    can_be_cursor,
    can_be_key,
    catalogue_type,
    redshift_type,
)
from rental_pipeline.model.raw_tables import quote_identifier

CASES = [
    (SourceColumn("c", "tinyint"), "smallint", pyarrow.int16()),
    (SourceColumn("c", "smallint", unsigned=True), "integer", pyarrow.int32()),
    (SourceColumn("c", "int", unsigned=True), "bigint", pyarrow.int64()),
    (SourceColumn("c", "bigint", unsigned=True), "decimal(20,0)", pyarrow.decimal128(20, 0)),
    (SourceColumn("c", "decimal", precision=38, scale=30), "decimal(38,30)", pyarrow.decimal128(38, 30)),
    (SourceColumn("c", "bit", precision=63), "bigint", pyarrow.int64()),
    (SourceColumn("c", "bit", precision=64), "decimal(20,0)", pyarrow.decimal128(20, 0)),
    (SourceColumn("c", "float"), "real", pyarrow.float32()),
    (SourceColumn("c", "double"), "double precision", pyarrow.float64()),
    (SourceColumn("c", "date"), "date", pyarrow.date32()),
    (SourceColumn("c", "datetime", fraction=6), "timestamp", pyarrow.timestamp("us")),
    (SourceColumn("c", "time"), "varchar(17)", pyarrow.string()),
    (SourceColumn("c", "varchar", length=255), "varchar(1020)", pyarrow.string()),
    (SourceColumn("c", "varchar", length=16383), "varchar(65532)", pyarrow.string()),
    (SourceColumn("c", "varchar", length=20000), "varchar(65535)", pyarrow.string()),
    (SourceColumn("c", "char", length=0), "varchar(1)", pyarrow.string()),
    (SourceColumn("c", "longtext", length=2**32 - 1), "varchar(65535)", pyarrow.string()),
    (SourceColumn("c", "json"), "varchar(65535)", pyarrow.string()),
    (SourceColumn("c", "binary", length=16), "varchar(32)", pyarrow.string()),
    (SourceColumn("c", "longblob", length=2**32 - 1), "varchar(65535)", pyarrow.string()),
]


@pytest.mark.parametrize(("column", "redshift", "arrow"), CASES, ids=[f"{case[0].data_type}-{case[1]}" for case in CASES])
def test_a_type_has_one_home(column: SourceColumn, redshift: str, arrow: pyarrow.DataType) -> None:
    """Width, precision and sign decide."""
    assert redshift_type(column) == redshift
    assert arrow_type(redshift) == arrow


@pytest.mark.parametrize("name", TYPES)
def test_every_rule_of_the_table_is_followed(name: str) -> None:
    """No other rule stands before it, and its Redshift type has a Parquet type."""
    rule = TYPES[name]
    kind, _, sign = name.partition(" ")
    column = SourceColumn(
        "c", kind.removesuffix("(64)"), sign == "unsigned", length=7, precision=64 if "64" in name else 7, scale=2
    )
    found = redshift_type(column)
    assert found == rule.redshift.replace("p,s", "7,2").replace("4n", "28").replace("2n", "14")
    assert (can_be_key(column), can_be_cursor(column)) == (rule.is_key, rule.is_cursor)
    arrow_type(found)


def test_the_page_of_the_documentation_is_the_table() -> None:
    """If this fails: `python -m local.commands.types_page`."""
    assert PAGE.read_text(encoding="utf-8") == write_page()


@pytest.mark.parametrize("kind", ["geometry", "point", "vector", "xmltype", "decimal"])
def test_a_type_without_an_exact_home_is_refused(kind: str) -> None:
    """By column and type; the way out depends on what the contract needs of it (source/columns.py)."""
    with pytest.raises(FixConfiguration, match=rf"column c has the type {kind}.* which no Redshift type holds exactly"):
        redshift_type(SourceColumn("c", kind, precision=39, scale=2))


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"type": "character varying", "length": 80, "precision": None, "scale": None}, "varchar(80)"),
        ({"type": "numeric", "length": None, "precision": 20, "scale": 0}, "decimal(20,0)"),
        ({"type": "timestamp without time zone", "length": None, "precision": None, "scale": None}, "timestamp"),
        ({"type": "character", "length": 32, "precision": None, "scale": None}, "char(32)"),
        ({"type": "double precision", "length": None, "precision": None, "scale": None}, "double precision"),
    ],
)
def test_the_catalogue_s_spelling_is_understood(entry: dict, expected: str) -> None:
    """As information_schema of Redshift and PostgreSQL has it."""
    assert catalogue_type(CatalogueColumn("s", "t", "c", **entry)) == expected


def test_any_text_can_be_an_identifier() -> None:
    """Reserved words, spaces and quotes."""
    assert [quote_identifier(name) for name in ("user", "a b", 'a"b')] == ['"user"', '"a b"', '"a""b"']

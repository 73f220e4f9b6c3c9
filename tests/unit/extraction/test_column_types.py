"""The table of types: each MySQL type has one Redshift type and one Parquet type, or is refused by name."""

from __future__ import annotations

import pyarrow
import pytest

from rental_pipeline.column_types import SourceColumn, arrow_type, catalogue_type, redshift_type
from rental_pipeline.errors import FixConfiguration
from rental_pipeline.raw_tables import quote_identifier

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


@pytest.mark.parametrize("kind", ["geometry", "point", "vector", "inet6", "decimal"])
def test_a_type_without_an_exact_home_is_refused(kind: str) -> None:
    """By column and type, with the way out."""
    with pytest.raises(FixConfiguration, match=rf"column c has the type {kind}.*personal: {{c: drop}}"):
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
    assert catalogue_type(entry) == expected


def test_any_text_can_be_an_identifier() -> None:
    """Reserved words, spaces and quotes."""
    assert [quote_identifier(name) for name in ("user", "a b", 'a"b')] == ['"user"', '"a b"', '"a""b"']

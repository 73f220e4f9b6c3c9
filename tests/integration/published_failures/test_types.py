"""Values that other tools have changed or choked on, through the whole path into raw. A test's name begins with the report.

One table holds all of them, in slices of one row, so that each row is a file of its own: what is guessed per file would differ.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.fixtures.aws import REGION
from tests.fixtures.market import open_market

# Column: its type, and its value in each of three rows.
COLUMNS = {
    "zero_date": ("date", ("0000-00-00", "2024-02-29", None)),
    "zero_time": ("datetime(6)", ("0000-00-00 00:00:00", "9999-12-31 23:59:59.999999", "1000-01-01 00:00:00")),
    "tiny": ("tinyint(1)", (2, 127, -128)),
    "huge": ("bigint unsigned", (2**64 - 1, 2**53 + 1, 0)),
    "far": ("date", ("9999-12-31", "1000-01-01", None)),
    "price": ("decimal(20, 4)", ("0.0001", "-9999999999999999.9999", "1")),
    "micro": ("datetime(6)", ("2024-01-01 00:00:00.000001", "2262-04-12 00:00:00", "1677-01-01 00:00:00")),
    "sparse": ("varchar(20)", (None, None, "at last")),
    "scales": ("decimal(9, 3)", ("1.000", "2.500", "3.125")),
}


@pytest.fixture(scope="module")
def loaded(aws, mariadb, market_source, warehouse, tmp_path_factory) -> dict[str, list[Any]]:
    """Raw's values by column, in the order of the rows, after one run."""
    bucket = f"types-{uuid.uuid4().hex[:12]}"
    aws.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    with open_market(aws, bucket, mariadb, market_source, warehouse, tmp_path_factory.mktemp("types")) as market:
        market.configure(SLICE_ROWS=1)
        definitions = ", ".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
        market.execute(f"create table oddities (id int primary key, {definitions})")
        market.edit("source.yaml", "  labels:", "  oddities:\n    strategy: snapshot\n    key: id\n  labels:")
        with market.source.connect(sql_mode="") as connection, connection.cursor() as cursor:
            for row in range(3):
                values = [row, *(values[row] for _, values in COLUMNS.values())]
                cursor.execute(f"insert into oddities values ({', '.join(['%s'] * len(values))})", values)
        market.run_well()
        names = ", ".join(COLUMNS)
        rows = market.query(f"select {names} from market_raw.oddities order by id")
        zero_dates = market.query("select zero_dates, parts from table_load where table_name = 'oddities'")
    return {"counts": zero_dates, **dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))}


def test_airbyte_3931_a_zero_date_is_null_and_counted(loaded):
    """Also #65082 and #81630: neither a failed run nor a date that nobody wrote."""
    assert loaded["zero_date"] == [None, date(2024, 2, 29), None]
    assert loaded["zero_time"] == [None, datetime(9999, 12, 31, 23, 59, 59, 999999), datetime(1000, 1, 1)]
    assert loaded["counts"] == [(2, 3)]


def test_airbyte_76180_a_tinyint_1_is_a_number(loaded):
    """Read as a boolean, 2 to 127 would all be true."""
    assert loaded["tiny"] == [2, 127, -128]


def test_connectorx_890_unsigned_bigints_keep_every_digit(loaded):
    """Beyond 2^63, and beyond what a float can tell apart; awswrangler refuses uint64 for Redshift."""
    assert loaded["huge"] == [2**64 - 1, 2**53 + 1, 0]


def test_aws_sdk_pandas_427_the_end_of_time_is_a_date(loaded):
    """9999-12-31 lies beyond what nanoseconds can count."""
    assert loaded["far"] == [date(9999, 12, 31), date(1000, 1, 1), None]


def test_parquetsharp_252_decimals_have_the_width_of_their_column(loaded):
    """A file whose width differs from the table's is refused by COPY; a shifted point would be worse."""
    assert loaded["price"] == [Decimal("0.0001"), Decimal("-9999999999999999.9999"), Decimal("1.0000")]


def test_arrow_38000_times_are_microseconds(loaded):
    """Nanoseconds read as microseconds are the year 161065."""
    assert loaded["micro"] == [datetime(2024, 1, 1, 0, 0, 0, 1), datetime(2262, 4, 12), datetime(1677, 1, 1)]


def test_awswrangler_types_do_not_depend_on_what_a_slice_holds(loaded):
    """A column of nothing but NULL, and decimals that look shorter: inferred per slice, each file would have its own type."""
    assert loaded["sparse"] == [None, None, "at last"]
    assert loaded["scales"] == [Decimal("1.000"), Decimal("2.500"), Decimal("3.125")]

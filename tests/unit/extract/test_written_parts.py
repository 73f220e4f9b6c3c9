"""What stands on S3 after a Parquet file was written is looked at: it must be what was to be written."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import asdict

import pyarrow
import pyarrow.parquet
import pytest

from rental_pipeline.base.errors import FixConfiguration, FixData
from rental_pipeline.extract import extract_slice
from rental_pipeline.extract.extract_slice import _write_part
from rental_pipeline.extract.parquet import find_key_ends
from tests.fixtures.composed_steps import MemoryBucket

CONTENT = pyarrow.table({"id": pyarrow.array([1, 2, 3], pyarrow.int64()), "price": pyarrow.array(["1", None, "3"])})


@pytest.fixture
def write(monkeypatch) -> Callable[..., dict]:
    """Return a function that writes a part, of which something else arrives on S3."""

    def write_part(arrives: pyarrow.Table, refusal: str | None = None) -> dict:
        file = io.BytesIO()
        pyarrow.parquet.write_table(arrives, file)
        bucket = MemoryBucket({"k": file.getvalue()}, refusal)
        monkeypatch.setattr(extract_slice, "s3", lambda: bucket)
        monkeypatch.setattr(extract_slice.awswrangler.s3, "to_parquet", lambda *arguments, **options: None)
        return {**asdict(_write_part("b", "k", CONTENT, 1, 3)), "size": len(file.getvalue())}

    return write_part


def test_a_part_is_told_as_it_stands_on_s3(write):
    """Its size and its rows come from the object, not from what was meant."""
    written = write(CONTENT)
    assert (written["key"], written["rows"], written["bytes"]) == ("k", 3, written["size"])
    assert (written["least_key"], written["greatest_key"]) == (1, 3)
    assert write(CONTENT.slice(1))["rows"] == 2


@pytest.mark.parametrize(
    "arrives",
    [
        CONTENT.select(["price", "id"]),
        CONTENT.rename_columns(["id", "cost"]),
        CONTENT.set_column(0, "id", CONTENT["id"].cast(pyarrow.int32())),
        CONTENT.append_column("more", CONTENT["id"]),
        CONTENT.select(["id"]),
    ],
    ids=["order", "name", "type", "one more", "one less"],
)
def test_a_part_of_another_schema_is_refused(write, arrives):
    """COPY takes Parquet by position: another order would bring values into the wrong columns without a word."""
    with pytest.raises(FixData, match=r"(?s)s3://b/k has the schema .*, but the load expects"):
        write(arrives)


def test_a_part_that_cannot_be_looked_at_is_no_part(write):
    """The error names the object."""
    with pytest.raises(FixConfiguration, match="s3://b/k is denied"):
        write(CONTENT, "AccessDenied")


@pytest.mark.parametrize(
    ("key", "content", "ends"),
    [
        (("id",), CONTENT, (1, 3)),
        (("id", "price"), CONTENT, (1, 3)),
        (("price",), CONTENT, (None, None)),  # a text, which databases may sort otherwise
        ((), CONTENT, (None, None)),
        (("id",), CONTENT.slice(3), (None, None)),
        (("id",), pyarrow.table({"id": pyarrow.array([2**64 - 1, 5], pyarrow.uint64())}), (5, 2**64 - 1)),
    ],
)
def test_the_ends_of_the_keys_are_known_where_they_are_whole_numbers(key, content, ends):
    """Of the first column: the load reads raw between them."""
    assert find_key_ends(content, key) == ends

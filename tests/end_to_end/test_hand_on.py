"""A function that runs out of time, through the state machine: the map's child calls it again until nothing is left."""

from __future__ import annotations

import json
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from local.marketplace.generator import fill
from local.marketplace.schema import create_sample_schema
from local.stack import Stack
from tests.end_to_end.conftest import change_source, query_source, query_warehouse, run


def list_pieces(stack: Stack, run_sequence: int) -> list[dict[str, Any]]:
    """Return the results of the pieces of slice 0 of apartment_attributes."""
    prefix = f"apartments/runs/{run_sequence:06d}/results/apartment_attributes/00000"
    found = stack.s3.list_objects_v2(Bucket=stack.bucket, Prefix=prefix)["Contents"]
    bodies = [stack.s3.get_object(Bucket=stack.bucket, Key=item["Key"])["Body"].read() for item in found]
    return sorted(map(json.loads, bodies), key=lambda result: result["piece"])


@pytest.mark.slow
def test_a_slice_is_read_by_several_invocations() -> None:
    """With no time to spare each reads some two megabytes, or a thousand rows by their keys; raw has the rows of the source."""
    with (
        tempfile.TemporaryDirectory(prefix="stack-", ignore_cleanup_errors=True) as folder,
        Stack(Path(folder), parameters={"ReserveSeconds": "100000"}) as stack,
    ):
        with closing(stack.source.connect()) as connection:
            create_sample_schema(connection, "apartments")
            fill(connection, scale=0.0001, seed=3)
        change_source(stack, "update apartment_attributes set body = repeat('a', 60000) where body is not null")
        change_source(
            stack,
            "insert into apartment_attributes (id, body) select 800000000 + seq, repeat(char(97 + mod(seq, 26)), 60000)"
            " from seq_1_to_150",
        )
        run(stack)
        pieces = list_pieces(stack, 1)
        assert len(pieces) > 4
        assert pieces[-1]["rest"] is None
        rows = "select id, length(body) from {}apartment_attributes order by id"
        assert query_warehouse(stack, rows.format("apartments_raw.")) == query_source(stack, rows.format(""))
        # Compared with raw, the table has more rows that differ than one invocation reads, and some that are gone among them.
        change_source(
            stack,
            "insert into apartment_attributes (id, body) select 900000000 + seq, 'new' from seq_1_to_1500",
        )
        change_source(stack, "update apartment_attributes set body = 'changed' where id <= 800000100")
        change_source(stack, "delete from apartment_attributes where id between 800000101 and 800000120")
        # So many rows without an apartment are not published; raw has them all the same.
        assert "set_aside_beyond_limit" in stack.start_execution({}).wait().cause
        pieces = list_pieces(stack, 2)
        assert len(pieces) == 2 and pieces[0]["deleted"]["rows"] == 20 and pieces[1]["deleted"] is None
        assert sum(piece["rows_read"] for piece in pieces) > 1500
        newest = (
            "select id, length(body) from (select *, row_number() over (partition by id order by _run_sequence desc) as place"
            " from apartments_raw.apartment_attributes) as ranked where place = 1 and _operation = 'U' order by id"
        )
        assert query_warehouse(stack, newest) == query_source(stack, rows.format(""))

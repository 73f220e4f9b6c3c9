"""A function that runs out of time, through the state machine: the map's child calls it again until nothing is left."""

from __future__ import annotations

import json
import tempfile
from contextlib import closing
from pathlib import Path

from local.marketplace.generator import fill
from local.marketplace.schema import create_sample_schema
from local.stack import Stack
from tests.end_to_end.conftest import change_source, query_source, query_warehouse, run


def test_a_slice_is_read_by_several_invocations() -> None:
    """With no time to spare each reads one batch, of some two megabytes; the rows in raw are the source's."""
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
        keys = [item["Key"] for item in stack.s3.list_objects_v2(Bucket=stack.bucket, Prefix="apartments/runs/")["Contents"]]
        pieces = sorted(key for key in keys if "/results/apartment_attributes/00000-" in key)
        assert len(pieces) > 3
        last = json.loads(stack.s3.get_object(Bucket=stack.bucket, Key=pieces[-1])["Body"].read())
        assert last["rest"] is None
        rows = "select id, length(body) from {}apartment_attributes order by id"
        assert query_warehouse(stack, rows.format("apartments_raw.")) == query_source(stack, rows.format(""))

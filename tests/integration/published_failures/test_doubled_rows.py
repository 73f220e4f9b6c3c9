"""Rows that other tools have doubled after a partial failure. A test's name begins with the report."""

import json

import pytest

from rental_pipeline.base.errors import FixData


def test_dlt_4052_rows_and_watermark_are_one_transaction(market):
    """The rows stand in raw when the last statement of the load refuses: with it they are gone again, and nothing is twice."""
    market.insert_parent()
    run = market.start().stop_before("load parents")
    loads = {"Bucket": market.pipeline.bucket, "Key": "market/runs/000001/loads.json"}
    totals = json.loads(market.pipeline.s3.get_object(**loads)["Body"].read())
    totals["parents"]["rows_in_parquet"] = 2
    market.pipeline.s3.put_object(**loads, Body=json.dumps(totals))
    with pytest.raises(FixData, match="ROWS LOST"):
        run.finish()
    assert market.query("select count(*) from market_raw.parents") == [(0,)]
    assert market.query("select count(*) from layer_position where layer = 'raw' and name = 'parents'") == [(0,)]
    market.run_well()
    assert market.read_versions("parents", "id") == [(1, "U")]


def test_airbyte_15158_what_is_delivered_again_is_not_added_again(market):
    """Windows overlap and a backfill reads everything once more: each row and each event is there once."""
    market.insert_parent()
    market.execute("insert into events values (now(6), 'a'), (now(6), 'a')")
    day = {"window": {"from": f"{market.first_day}T00:00:00", "to": f"{market.day(1)}T00:00:00"}}
    for run_input in ({}, {}, day, day):
        market.run_well(run_input)
    assert market.read_versions("parents", "id") == [(1, "U")]
    assert market.query("select what from events") == [("a",), ("a",)]


@pytest.mark.slow
def test_training_pipelines_a_copy_that_is_done_again_adds_nothing(market):
    """Someone runs the same step of the same run again, hours later: COPY itself would append its rows a second time."""
    market.insert_parent()
    run = market.start().stop_before("load children", "pending")
    market.pipeline.step("load", 1, "parents")
    run.finish()
    assert market.read_versions("parents", "id") == [(1, "U")]
    assert market.query("select rows_copied from table_load where table_name = 'parents'") == [(1,)]


@pytest.mark.slow
def test_awswrangler_overwrite_per_slice_keeps_the_other_slices(market):
    """A writer that overwrites the folder of the table leaves the last slice only."""
    market.configure(SLICE_ROWS=1)
    for number in range(1, 5):
        market.insert_parent(number)
    market.run_well()
    assert market.query("select id from parents order by 1") == [(1,), (2,), (3,), (4,)]


@pytest.mark.slow
def test_paging_by_limit_and_offset_skips_no_row_that_moves(market):
    """Rows leave the pages that were read: by OFFSET the next page begins too late. Slices are ranges of keys."""
    market.configure(SLICE_ROWS=2)
    for number in range(1, 9):
        market.insert_parent(number)
    run = market.start().stop_before("extract_slice 1")
    market.execute("delete from parents where id in (1, 2)")
    market.insert_parent(0)
    run.finish()
    assert market.query("select id from parents where id > 2 order by 1") == [(number,) for number in range(3, 9)]

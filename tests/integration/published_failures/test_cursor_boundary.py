"""Rows that other tools have lost at the boundary of two runs. A test's name begins with the report: repository and number."""

from datetime import timedelta

import pytest

from rental_pipeline.base.errors import RetryLater


def test_airbyte_85918_rows_at_the_greatest_cursor_are_read_by_the_next_run(market):
    """The safe watermark was taken, then rows with that very cursor appeared while the slices were read."""
    market.insert_parent(1)
    run = market.start().stop_before("extract_slice 0")
    market.insert_parent(2)
    run.stop_before("write_manifests")
    market.insert_parent(3)
    run.finish()
    market.run_well()
    assert market.query("select id from parents order by 1") == [(1,), (2,), (3,)]
    market.assert_raw_mirrors_source()


@pytest.mark.slow
def test_airbyte_80152_rows_created_at_the_moment_the_run_starts_arrive(market):
    """Two rows, a microsecond before and after the clock that the run took its safe watermark from."""
    moment = market.clock
    run = market.start().stop_before("write_manifests")
    for number, delta in ((1, -1), (2, 0), (3, 1)):
        market.execute(
            "insert into parents values (%s, 'ok', %s, %s)", number, market.first_day, moment + timedelta(microseconds=delta)
        )
    run.finish()
    market.pass_time(hours=1)
    market.run_well()
    assert market.query("select id from parents order by 1") == [(1,), (2,), (3,)]


@pytest.mark.slow
def test_airbyte_15427_a_failure_within_rows_of_one_cursor_value_loses_none(market):
    """Nine rows of one cursor, read in slices of two; the third slice fails for good. No checkpoint lies within them."""
    market.configure(SLICE_ROWS=2)
    market.insert_parent(0)
    market.run_well()
    market.pass_time(hours=1)
    rows = ", ".join(f"({number}, 'ok', '{market.first_day}', '{market.clock}')" for number in range(1, 10))
    market.execute(f"insert into parents values {rows}")
    run = market.start().stop_before("extract_slice 2")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rental_pipeline.extract.extract_slice.connect_to_writer", _refuse)
        with pytest.raises(RetryLater):
            run.finish()
    market.pass_time(hours=1)
    market.run_well()
    market.assert_raw_mirrors_source()


@pytest.mark.slow
def test_airbyte_12821_a_failed_attempt_has_not_moved_the_cursor(market):
    """Everything was read and written when the run failed; the next one reads the same window."""
    market.insert_parent(1)
    market.run_well()
    watermark = market.query("select watermark from layer_position where layer = 'raw' and name = 'parents'")
    market.pass_time(hours=1)
    market.insert_parent(2)
    market.start().stop_before("load parents")
    assert market.query("select watermark from layer_position where layer = 'raw' and name = 'parents'") == watermark
    market.pass_time(hours=1)
    market.run_well()
    assert market.query("select id from parents order by 1") == [(1,), (2,)]


@pytest.mark.slow
def test_airbyte_84400_a_watermark_is_never_rounded_up(market):
    """The clock stands at a fraction of a second, and a row follows within the same second."""
    market.pass_time(microseconds=600_000)
    market.insert_parent(1)
    market.run_well()
    ((watermark,),) = market.query("select watermark from layer_position where layer = 'raw' and name = 'parents'")
    assert market.clock - timedelta(seconds=1, microseconds=1) < watermark <= market.clock - timedelta(seconds=1)
    market.pass_time(microseconds=100_000)
    market.insert_parent(2)
    market.pass_time(hours=1)
    market.run_well()
    assert market.query("select id from parents order by 1") == [(1,), (2,)]


def _refuse(*arguments, **options):
    raise RetryLater("the source cannot be reached")

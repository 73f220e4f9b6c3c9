"""Schedules about raw: which versions there are, which is newest, and that none is lost or doubled (I1, I3, I4, I12)."""

import pytest

from rental_pipeline.base.errors import FixConfiguration, RetryLater

STATES = "id, state"


@pytest.mark.slow
def test_02_history_is_in_raw_and_a_rebuild_reads_nothing_else(market):
    """The source knows the last value only. A whole read adds nothing to what is known; a rebuild does without the source."""
    market.insert_parent(state="first")
    market.run_well()
    market.pass_time(hours=1)
    market.execute("update parents set state = 'second'")
    market.execute("alter table parents add column extra int")
    market.run_well()
    layers = market.read_layers()
    market.execute("drop table parents")
    market.execute("drop table children")
    market.run_well({"rebuild": True})
    assert market.read_versions("parents", STATES) == [(1, "first", "U"), (1, "second", "U")]
    assert market.read_layers() == layers


@pytest.mark.slow
def test_03_a_value_that_comes_back_is_a_version_of_its_own(market):
    """A, B, A gives three versions, though the third equals the first."""
    for state in ("a", "b", "a"):
        market.execute("replace into parents (id, state, since) values (1, %s, %s)", state, market.first_day)
        market.run_well()
        market.pass_time(hours=1)
    assert market.read_versions("parents", STATES) == [(1, "a", "U"), (1, "b", "U"), (1, "a", "U")]
    market.assert_whole()


def test_03_a_row_that_is_restored_after_its_tombstone_is_a_version_of_its_own(market):
    """A, gone, A: the last one equals the newest row, and the tombstone lies between them."""
    market.execute("insert into labels values ('x', 'a', null), ('y', 'kept', null)")
    market.run_well()
    market.execute("delete from labels where code = 'x'")
    market.run_well()
    market.execute("insert into labels values ('x', 'a', null)")
    market.run_well()
    versions = [(text, operation) for code, text, operation in market.read_versions("labels", "code, text") if code == "x"]
    assert versions == [("a", "U"), (None, "D"), ("a", "U")]
    market.assert_raw_mirrors_source()


@pytest.mark.slow
def test_04_a_later_run_decides_and_not_a_greater_cursor(market):
    """The clock of the source steps back: the newer value has the older cursor, and a backfill reads it."""
    market.insert_parent(state="early")
    market.pass_time(hours=2)
    market.execute("update parents set state = 'late'")
    market.run_well()
    market.pass_time(hours=-1)
    market.execute("update parents set state = 'back'")
    market.run_well({"window": {"from": market.clock.isoformat(), "to": (market.clock.replace(minute=30)).isoformat()}})
    assert market.read_versions("parents", STATES) == [(1, "late", "U"), (1, "back", "U")]
    market.assert_raw_mirrors_source()
    market.assert_equals_rebuild()


@pytest.mark.slow
def test_04_a_run_that_was_overtaken_does_not_load_what_it_read_before(market):
    """The first reads A; A becomes B; the second reads and commits B; the first would commit A, and is refused."""
    market.insert_parent(state="a")
    first = market.start().stop_before("load parents")
    market.execute("update parents set state = 'b'")
    market.run_well()
    with pytest.raises(FixConfiguration, match="OVERTAKEN"):
        first.finish()
    assert market.read_versions("parents", STATES) == [(1, "b", "U")]
    market.assert_whole()


def test_05_a_rerun_takes_nothing_back_that_was_committed(market):
    """Run 1 reads a row past its safe watermark; run 2 knows it already; run 3 reads run 1's window again: it stays."""
    market.insert_parent(1)
    window = {"from": market.clock.isoformat(), "to": (market.clock.replace(minute=5)).isoformat()}
    run = market.start().stop_before("extract_slice 0")
    market.pass_time(minutes=10)
    market.insert_parent(2)
    run.finish()
    assert market.query("select id from parents order by 1") == [(1,), (2,)]
    market.pass_time(hours=1)
    market.run_well()
    market.run_well({"window": window})
    assert market.read_versions("parents", "id") == [(1, "U"), (2, "U")]
    market.assert_whole()


LOOK_ALIKES = {  # code: the two texts before, and after
    "null moves": ((None, "x"), ("x", None)),
    "null or empty": (("", None), (None, "")),
    "word null": (("null", None), (None, None)),
    "boundary": (("a", "b"), ("ab", "")),
    "all empty": ((None, None), ("", "")),
    "80 kB": (("x" * 40_000, "y" * 40_000), ("x" * 40_000, "y" * 39_999 + "z")),
}


def test_19_rows_that_look_alike_are_told_apart(market):
    """NULL, the empty text and the word; values that run together; texts longer together than any VARCHAR."""
    market.execute(
        "alter table labels modify code varchar(20), modify text varchar(40000) character set latin1, modify other mediumtext"
    )
    for code, (before, _) in LOOK_ALIKES.items():
        market.execute("insert into labels values (%s, %s, %s)", code, *before)
    market.run_well()
    for code, (_, after) in LOOK_ALIKES.items():
        market.execute("update labels set text = %s, other = %s where code = %s", *after, code)
    market.run_well()
    for code, versions in LOOK_ALIKES.items():
        found = market.query(f"select text, other from market_raw.labels where code = '{code}' order by _run_sequence")
        assert found == list(versions), code


def test_22_only_the_files_of_the_attempt_that_won_are_loaded(market):
    """The first attempt wrote five rows and died before its result; the second wrote four: the files of both are there."""
    for number in range(1, 6):
        market.insert_parent(number)
    run = market.start().stop_before("extract_slice 0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rental_pipeline.extract.extract_slice.write_json", _die)
        with pytest.raises(RetryLater):
            market.pipeline.invoke("extract_slice", market.pipeline.read("market/runs/000001/slices.json")[0])
    market.execute("delete from parents where id = 5")
    run.finish()
    files = market.pipeline.s3.list_objects_v2(Bucket=market.pipeline.bucket, Prefix="market/raw/parents/")["Contents"]
    assert len(files) == 2
    assert market.query("select id from parents order by 1") == [(1,), (2,), (3,), (4,)]
    market.assert_raw_mirrors_source()


def _die(*arguments):
    raise RetryLater("the function was ended")


def test_21_a_replay_makes_the_same_raw(market):
    """From the files of its loads alone: tombstones, versions and events are as before, whatever was damaged by hand."""
    market.insert_parent(state="first")
    market.execute("insert into labels values ('x', 'a', null), ('y', 'kept', null)")
    market.run_well()
    market.pass_time(hours=1)
    market.execute("update parents set state = 'second'")
    market.execute("delete from labels where code = 'x'")
    market.run_well()
    tables = ("parents", "labels")
    raw = {table: sorted(market.query(f"select * from market_raw.{table}"), key=repr) for table in tables}
    layers = market.read_layers()
    market.query("delete from market_raw.labels where _operation = 'D' returning 1")
    market.query("update market_raw.parents set state = 'damaged' returning 1")
    market.run_well({"replay": True})
    assert {table: sorted(market.query(f"select * from market_raw.{table}"), key=repr) for table in tables} == raw
    assert market.read_layers() == layers

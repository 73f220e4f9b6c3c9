"""A slice that would outlast its function is read in pieces, by one invocation after the other: each row once, none missing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pyarrow
import pytest

from mysql_arrow.packets import RowPackets
from rental_pipeline.base.errors import FixConfiguration, FixData, RetryLater
from rental_pipeline.base.object_store import LOADS, SLICES, read_json, result_key, write_json
from rental_pipeline.base.settings import DECODERS
from rental_pipeline.extract import extract_slice as extract
from rental_pipeline.extract.extract_slice import extract_slice
from rental_pipeline.extract.manifests import write_manifests
from rental_pipeline.source import decode
from tests.fixtures.slow import first_of
from tests.integration.extraction.conftest import MARKETPLACE, Extraction

TABLES = {
    "number": ("id int primary key", "seq", "snapshot, key: id"),
    "text": (
        "id varchar(40) primary key",
        "concat(char(97 + mod(seq, 26)), if(mod(seq, 2), 'Ä ', 'z'), seq)",
        "snapshot, key: id",
    ),
    "bytes": ("id binary(2) primary key", "unhex(lpad(hex(seq * 7 + 1), 4, '0'))", "snapshot, key: id"),
    "two columns": (
        "a varchar(10), b datetime(6), primary key (a, b)",
        "elt(1 + mod(seq, 3), 'x', 'Y', 'ß'), '2024-01-01' + interval seq * 999999 microsecond",
        "snapshot, key: [a, b]",
    ),
}  # fmt: skip
ROWS = 3000


@pytest.fixture(params=first_of(DECODERS))
def small_batches(request: pytest.FixtureRequest, set_environment: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each decoder, with batches of a few hundred rows, in slices of all rows."""
    set_environment(DECODER=request.param, SLICE_ROWS=1_000_000)
    monkeypatch.setitem(RowPackets.__init__.__kwdefaults__, "block_bytes", 100_000)
    monkeypatch.setattr(decode, "BATCH_ROWS", 400)


def no_time() -> float:
    """So few milliseconds of the function's time are left that the rest is handed on; a piece reads one batch all the same."""
    return 30_000


def read_in_pieces(event: dict[str, Any]) -> list[dict[str, Any]]:
    """Extract a slice as the state machine does; return the event of each piece."""
    events = []
    while event:
        events.append(json.loads(json.dumps(event)))
        event = extract_slice(event, no_time)["rest"]
    return events


def read_all(extraction: Extraction, *, in_pieces: bool) -> pyarrow.Table:
    """Read the only table's slices in a new run."""
    extraction.plan()
    for event in extraction.read(SLICES):
        if in_pieces:
            assert len(read_in_pieces(event)) > 3
        else:
            assert extract_slice(event) == {"rest": None}
    write_manifests({"run_sequence": extraction.run_sequence})
    loads = extraction.read(LOADS)["t"]
    assert loads["rows_read"] == loads["rows_in_parquet"]
    assert loads["slices"] == len(extraction.read(SLICES))
    return extraction.parquet("t")


@pytest.mark.parametrize("kind", TABLES)
def test_pieces_are_together_what_one_reading_gives(extraction: Extraction, small_batches: None, kind: str) -> None:
    """The same rows in the same order, for every kind of key."""
    key, values, strategy = TABLES[kind]
    extraction.source.execute(f"create table t ({key}, filler varchar(200)) charset utf8mb4")
    extraction.source.execute(f"insert into t select {values}, repeat('x', 200) from seq_1_to_{ROWS}")
    extraction.write_contract(f"  t: {{strategy: {strategy}}}\n")
    whole = read_all(extraction, in_pieces=False)
    assert whole.num_rows == ROWS
    assert read_all(extraction, in_pieces=True) == whole


@pytest.mark.parametrize("cursor", ["datetime(6)", "date"])
def test_events_of_one_time_stay_together(extraction: Extraction, small_batches: None, cursor: str) -> None:
    """Equal times across batches, equal rows, events without a time: each is read as often as it is there."""
    extraction.source.execute(f"create table t (happened_at {cursor}, n int, filler varchar(200))")
    extraction.source.execute(
        "insert into t select if(mod(seq, 50) = 0, null, '2024-05-01' + interval floor(seq / 170) day), floor(seq / 2),"
        f" repeat('x', 200) from seq_1_to_{ROWS}"
    )
    extraction.source.execute("insert into t values ('0000-00-00', -1, ''), ('0000-00-00', -1, '')")
    extraction.write_contract("  t: {strategy: append, cursor: happened_at}\n")
    whole, pieces = (Counter(read_rows(read_all(extraction, in_pieces=each))) for each in (False, True))
    assert whole.total() == ROWS + 2
    assert pieces == whole
    ends = [event["from"] for event in extraction_events(extraction)]
    assert all(before < after for before, after in pairwise(ends))


def test_events_that_all_have_one_time_cannot_be_divided(extraction: Extraction, small_batches: None) -> None:
    """Too little time is no reason to lose or to double any: they are read while there is any, then the run says what to do."""
    extraction.source.execute("create table t (happened_at datetime, n int, filler varchar(200))")
    extraction.source.execute(f"insert into t select '2024-05-01', seq, repeat('x', 200) from seq_1_to_{ROWS}")
    extraction.write_contract("  t: {strategy: append, cursor: happened_at}\n")
    extraction.plan()
    (event,) = extraction.read(SLICES)
    with pytest.raises(
        FixConfiguration, match=r"slice 0: more events have one time than a function can read.*give the table a key"
    ):
        extract_slice(event, lambda: 4_000)
    assert len(read_in_pieces(event)) == 1
    write_manifests({"run_sequence": 1})
    assert sorted(extraction.parquet("t")["n"].to_pylist()) == list(range(1, ROWS + 1))


def test_each_impossible_date_is_counted_once(extraction: Extraction, small_batches: None) -> None:
    """Also of the rows that were received, but handed on."""
    extraction.source.execute("create table t (id int primary key, d date, filler varchar(200))")
    extraction.source.execute(f"insert into t select seq, '0000-00-00', repeat('x', 200) from seq_1_to_{ROWS}")
    extraction.write_contract("  t: {strategy: snapshot, key: id}\n")
    read_all(extraction, in_pieces=True)
    assert extraction.read(LOADS)["t"]["zero_dates"] == ROWS


@pytest.fixture
def numbers(extraction: Extraction, small_batches: None) -> Extraction:
    """A planned run over one slice."""
    extraction.source.execute("create table t (id int primary key, filler varchar(200))")
    extraction.source.execute(f"insert into t select seq, repeat('x', 200) from seq_1_to_{ROWS}")
    extraction.write_contract("  t: {strategy: snapshot, key: id}\n")
    extraction.plan()
    return extraction


def test_a_piece_that_dies_or_is_called_again_changes_nothing(numbers: Extraction, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before its result, a piece is read again; with its result, it answers as before."""
    (event,) = numbers.read(SLICES)
    rest = extract_slice(event, no_time)["rest"]
    assert extract_slice(event)["rest"] == rest  # though there would have been time for all

    def die(*_arguments: Any) -> None:
        raise RetryLater("the function was ended")

    with monkeypatch.context() as patched, pytest.raises(RetryLater):
        patched.setattr(extract, "write_json", die)
        extract_slice(rest, no_time)
    read_in_pieces(rest)
    write_manifests({"run_sequence": 1})
    assert numbers.parquet("t")["id"].to_pylist() == list(range(1, ROWS + 1))


def test_a_missing_piece_is_refused(numbers: Extraction) -> None:
    """The results lead from piece to piece, to the slice's end."""
    (event,) = numbers.read(SLICES)
    extract_slice(event, no_time)
    with pytest.raises(FixData, match="slice 0 of t, from its piece 1 on, has no result"):
        write_manifests({"run_sequence": 1})


def test_a_piece_that_begins_elsewhere_is_refused(numbers: Extraction) -> None:
    """As when an attempt that was thought dead writes its own result later, and has stopped at another row."""
    (event,) = numbers.read(SLICES)
    assert len(read_in_pieces(event)) > 2
    key = result_key(MARKETPLACE, 1, "t", 0)
    result = read_json(numbers.bucket, key)
    result["rest"]["from"] = ["17"]
    write_json(numbers.bucket, key, result)
    with pytest.raises(FixData, match="slice 0 of t, from its piece 1 on, has no result"):
        write_manifests({"run_sequence": 1})


def read_rows(table: pyarrow.Table) -> list[tuple]:
    return [tuple(row.values()) for row in table.to_pylist()]


def extraction_events(extraction: Extraction) -> list[dict[str, Any]]:
    """Return the rests that the results of the run lead to."""
    result, rests = extraction.result("t", 0), []
    while result["rest"]:
        rests.append(result["rest"])
        result = read_json(extraction.bucket, result_key(MARKETPLACE, extraction.run_sequence, "t", 0, len(rests)))
    return rests

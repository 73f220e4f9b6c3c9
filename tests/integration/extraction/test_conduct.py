"""Retries, broken connections and lost objects: nothing incomplete ever looks complete."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from typing import Any

import pytest

from local.standins.mysql.mariadb import MariaDB
from rental_pipeline.base.errors import FixConfiguration, FixData, RetryLater
from rental_pipeline.base.object_store import LOADS, PLAN, SLICES, read_json, result_key, run_key, write_json
from rental_pipeline.base.settings import DECODERS
from rental_pipeline.extract import extract_slice as extract
from rental_pipeline.extract.extract_slice import extract_slice
from rental_pipeline.extract.manifests import write_manifests
from tests.fixtures.slow import first_of
from tests.integration.extraction.conftest import MARKETPLACE, Extraction, catalogue_column

SNAPSHOT = "  t: {strategy: snapshot, key: id}\n"


@pytest.fixture
def planned(extraction: Extraction) -> Extraction:
    """A planned run over a table of five rows in two slices."""
    extraction.source.execute("create table t (id int primary key, name varchar(10))")
    extraction.source.execute("insert into t select seq, 'a' from seq_1_to_5")
    extraction.write_contract(SNAPSHOT)
    extraction.plan()
    return extraction


def keys_below(extraction: Extraction, prefix: str) -> list[str]:
    listing = extraction.aws.client("s3").list_objects_v2(Bucket=extraction.bucket, Prefix=prefix)
    return [entry["Key"] for entry in listing.get("Contents", [])]


def fail_once(monkeypatch: pytest.MonkeyPatch, name: str, before: Callable[[], None]) -> None:
    """Have a function of `extract` do something at its first call, before its own work."""
    original = getattr(extract, name)
    state = {"calls": 0}

    def replaced(*arguments: Any) -> Any:
        state["calls"] += 1
        if state["calls"] == 1:
            before()
        return original(*arguments)

    monkeypatch.setattr(extract, name, replaced)


def test_22_a_repeated_slice_does_the_same_and_leaves_no_row_twice(planned: Extraction, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first attempt wrote its file and died before its result; the second writes another, and only that one counts."""

    def die() -> None:
        raise RetryLater("the function was ended")

    first, second = planned.read(SLICES)
    fail_once(monkeypatch, "write_json", die)
    with pytest.raises(RetryLater):
        extract_slice(first)
    for part in (first, second, first):
        extract_slice(part)
    write_manifests({"run_sequence": 1})
    assert len(keys_below(planned, f"{MARKETPLACE}/raw/t/run=000001/slice=00000/")) == 2
    assert planned.parquet("t")["id"].to_pylist() == [1, 2, 3, 4, 5]


def test_what_an_earlier_run_of_the_same_number_left_behind_does_not_count(planned: Extraction) -> None:
    """Run numbers begin again where the control schema was made again, and the bucket still has the old run's objects."""
    for part in planned.read(SLICES):
        extract_slice(part)
    planned.source.execute("update t set name = 'new'")
    planned.run_sequence = 0
    planned.plan()
    first, second = planned.read(SLICES)
    extract_slice(first)
    with pytest.raises(FixData, match="slice 1 of t has no result of this plan of run 1"):
        write_manifests({"run_sequence": 1})
    extract_slice(second)
    write_manifests({"run_sequence": 1})
    assert planned.parquet("t")["name"].to_pylist() == ["new"] * 5


def test_04_a_key_is_read_once_in_a_run_though_its_row_changes_meanwhile(extraction: Extraction) -> None:
    """Rows of both slices are updated after the first was read: cut by cursor, they would come a second time."""
    extraction.source.execute(
        "create table t (id int primary key, changed_at datetime(6) default now(6) on update now(6), name varchar(10))"
    )
    extraction.source.execute("insert into t (id) values (1), (2), (3), (4), (5), (6)")
    extraction.write_contract("  t: {strategy: merge, key: id, cursor: changed_at}\n")
    extraction.positions = [
        {"layer": "raw", "name": "t", "watermark": "2026-01-01T00:00:00", "definition_hash": None, "as_of": None}
    ]
    extraction.columns = [
        catalogue_column("t", *each) for each in (("id", "integer"), ("changed_at", "timestamp"), ("name", "varchar(40)"))
    ]
    plan = extraction.plan()
    first, second = extraction.read(SLICES)
    assert not plan["tables"][0]["complete"]
    extract_slice(first)
    extraction.source.execute("update t set name = 'later' where id in (2, 5)")
    extract_slice(second)
    write_manifests({"run_sequence": 1})
    rows = extraction.parquet("t")
    assert rows["id"].to_pylist() == [1, 2, 3, 4, 5, 6]
    assert rows["name"].to_pylist() == [None, None, None, None, "later", None]
    assert max(rows["changed_at"].to_pylist()) >= datetime.fromisoformat(plan["tables"][0]["new_watermark"])


def test_a_manifest_names_each_file_as_copy_wants_it(planned: Extraction) -> None:
    """Mandatory, with the file's true length; the totals are what the files hold."""
    for part in planned.read(SLICES):
        extract_slice(part)
    assert write_manifests({"run_sequence": 1}) == {"run_sequence": 1, "rows_read": 5}
    loads = planned.read(LOADS)["t"]
    entries = read_json(planned.bucket, loads["manifest"].removeprefix(f"s3://{planned.bucket}/"))["entries"]
    client = planned.aws.client("s3")
    for entry in entries:
        key = entry["url"].removeprefix(f"s3://{planned.bucket}/")
        length = client.head_object(Bucket=planned.bucket, Key=key)["ContentLength"]
        assert (entry["mandatory"], entry["meta"]) == (True, {"content_length": length})
    assert loads == {
        "manifest": loads["manifest"], "deleted_manifest": None, "rows_deleted": 0,
        "rows_read": 5, "rows_in_parquet": 5, "parts": 2, "slices": 2, "pieces": 2,
        "zero_dates": 0, "rows_set_aside": 0, "seconds": loads["seconds"],
        "bytes": sum(entry["meta"]["content_length"] for entry in entries), "rows_apart": 0,
        "expected": [{"from": None, "to": None, "rows": 5, "checksum": loads["expected"][0]["checksum"]}],
        "ahead": {"rows": 5, "checksum": loads["expected"][0]["checksum"]},
        "least_key": 1, "greatest_key": 5,
    }  # fmt: skip


@pytest.mark.parametrize("decoder", first_of(DECODERS))
@pytest.mark.parametrize("how", ["kill", "kill query"])
def test_a_connection_that_is_cut_leaves_no_result(
    extraction: Extraction,
    mariadb: MariaDB,
    monkeypatch: pytest.MonkeyPatch,
    set_environment: Callable[..., None],
    how: str,
    decoder: str,
) -> None:
    """The rows up to there were delivered in good order; the slice fails, and done again is whole."""
    extraction.source.execute("create table t (id int primary key, body varchar(200))")
    extraction.source.execute("insert into t select seq, repeat('x', 200) from seq_1_to_200000")
    extraction.write_contract(SNAPSHOT)
    set_environment(SLICE_ROWS=1_000_000, PART_ROWS=1, DECODER=decoder)
    extraction.plan()

    def kill() -> None:
        with closing(mariadb.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(
                "select id from information_schema.processlist where db = %s and user = 'extraction'",
                (extraction.source.database,),
            )
            ((thread,),) = cursor.fetchall()
            cursor.execute(f"{how} {thread}")

    fail_once(monkeypatch, "_write_part", kill)
    with pytest.raises(RetryLater, match="broke off"):
        extract_slice(extraction.read(SLICES)[0])
    assert extraction.result("t", 0) is None
    set_environment(PART_ROWS=1_000_000)
    extract_slice(extraction.read(SLICES)[0])
    assert extraction.result("t", 0)["rows_in_parquet"] == 200_000


def test_a_slice_without_result_stops_the_run(planned: Extraction) -> None:
    """A map that loses a child must not end in a load of the others."""
    extract_slice(planned.read(SLICES)[0])
    with pytest.raises(FixData, match="slice 1 of t has no result of this plan of run 1"):
        write_manifests({"run_sequence": 1})


@pytest.mark.parametrize("fields", [("rows_read",), ("rows_in_parquet",), ("rows_read", "rows_in_parquet")], ids=" and ".join)
def test_rows_lost_between_source_and_file_stop_the_run(planned: Extraction, fields: tuple[str, ...]) -> None:
    """Read, counted and in the files: three equal numbers for each slice."""
    for part in planned.read(SLICES):
        extract_slice(part)
    key = result_key(MARKETPLACE, 1, "t", 0)
    result = read_json(planned.bucket, key)
    write_json(planned.bucket, key, {**result, **{field: result[field] + 1 for field in fields}})
    with pytest.raises(FixData, match=r"slice 0 of t read \d rows, but its Parquet files hold 3"):
        write_manifests({"run_sequence": 1})


def test_a_file_that_is_gone_or_cut_stops_the_run(planned: Extraction) -> None:
    """By its address, before COPY would pass over it."""
    for part in planned.read(SLICES):
        extract_slice(part)
    client = planned.aws.client("s3")
    key = planned.result("t", 1)["parts"][0]["key"]
    body = client.get_object(Bucket=planned.bucket, Key=key)["Body"].read()
    client.put_object(Bucket=planned.bucket, Key=key, Body=body[:-1])
    with pytest.raises(FixData, match=f"{key} is {len(body) - 1} bytes long, was written with {len(body)}"):
        write_manifests({"run_sequence": 1})
    client.delete_object(Bucket=planned.bucket, Key=key)
    with pytest.raises(FixData, match=f"{key} does not exist"):
        write_manifests({"run_sequence": 1})


def test_a_schema_that_changes_under_the_run_is_explained(planned: Extraction) -> None:
    """The plan names a column that the source no longer has."""
    planned.source.execute("alter table t drop column name")
    with pytest.raises(FixConfiguration, match=r"tables changed while the run read them .*name.*start a new execution"):
        extract_slice(planned.read(SLICES)[0])


def test_an_event_for_a_table_that_the_run_does_not_read_is_refused(planned: Extraction) -> None:
    """As a hand-written test event may be."""
    event = {"run_sequence": 1, "table": "other", "slice": 0, "from": None, "to": None}
    with pytest.raises(FixConfiguration, match="run 1 does not read the table 'other'"):
        extract_slice(event)


def test_no_value_of_the_source_and_no_secret_is_in_plan_or_slices(extraction: Extraction, capsys: pytest.CaptureFixture) -> None:
    """Keys are, as ranges; personal columns cannot be keys. Logs carry neither."""
    extraction.source.execute("create table t (id int primary key, email varchar(50))")
    extraction.source.execute("insert into t values (1, 'ann@example.com')")
    extraction.write_contract("  t: {strategy: snapshot, key: id, personal: {email: drop}}\n")
    extraction.run()
    written = [
        extraction.aws.client("s3").get_object(Bucket=extraction.bucket, Key=key)["Body"].read().decode("utf-8", "replace")
        for key in keys_below(extraction, f"{MARKETPLACE}/")
    ]
    everything = "".join(written) + "".join(capsys.readouterr())
    assert "ann@" not in everything and extraction.source.password not in everything
    assert json.loads(written[keys_below(extraction, f"{MARKETPLACE}/").index(run_key(MARKETPLACE, 1, PLAN))])

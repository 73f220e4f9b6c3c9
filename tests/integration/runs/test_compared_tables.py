"""Tables of any key, compared range by range: what differs is found and read, whole or in pieces, and nothing else."""

import json
import shutil
from contextlib import closing
from datetime import UTC, datetime

import pytest

from local.marketplace.generator import fill
from rental_pipeline.base.errors import FixData
from rental_pipeline.model.document import read_as
from tests.fixtures.few_metrics import SQL_ROOT
from tests.fixtures.layers import assert_mirrored, read_loads
from tests.fixtures.slow import first_of

TODAY = datetime.now(UTC).date()


@pytest.fixture
def generated(source_database):
    """A small generated marketplace: both generations, all their dirt."""
    with closing(source_database.connect()) as connection:
        fill(connection, scale=0.0002, seed=11, anchor=TODAY)
    return source_database


@pytest.fixture
def write_contract(pipeline, tmp_path):
    """Give the pipeline a contract of the test's own, without curated tables or metrics."""
    shutil.copytree(SQL_ROOT / "control", tmp_path / "control")
    (tmp_path / "apartments").mkdir()
    pipeline.set_environment(SQL_ROOT=str(tmp_path))

    def write(tables: str) -> None:
        (tmp_path / "apartments" / "source.yaml").write_text(f"tables:\n{tables}")

    return write


@pytest.fixture
def no_time_to_spare(pipeline, monkeypatch):
    """Each invocation reads the rows of three keys, and hands the rest on."""
    pipeline.set_environment(RESERVE_SECONDS="100000")
    monkeypatch.setattr("rental_pipeline.extract.deadline_reader._KEYS_PER_QUERY", 3)


def read_pieces(pipeline, run: int) -> list[dict]:
    """Return the results of slice 0 of the table t, piece by piece."""
    results, part = [], f"apartments/runs/{run:06d}/results/t/00000"
    while not results or results[-1]["rest"]:
        results.append(pipeline.read(f"{part}-{len(results):05d}.json" if results else f"{part}.json"))
    return results


def test_what_a_comparison_found_is_read_piece_by_piece(
    pipeline, source_database, fresh_warehouse, write_contract, no_time_to_spare
):
    """Keys that are gone lie among those that changed, before and behind them: each is found by the piece that has its range."""
    write_contract("  t: {strategy: snapshot, key: k, max_delete_fraction: 1}\n")
    source_database.execute("create table t (k int primary key, v int)")
    source_database.execute("insert into t select seq, 1 from seq_1_to_100")
    pipeline.run()
    source_database.execute("update t set v = 2 where mod(k, 5) = 0")
    source_database.execute("delete from t where mod(k, 5) = 2 or k = 1 or k >= 99")
    source_database.execute("insert into t select 1000 + seq, 3 from seq_1_to_7")
    pipeline.run()
    pieces = read_pieces(pipeline, 2)
    assert len(pieces) == 9
    assert [piece["rows_read"] for piece in pieces] == [3] * 8 + [2]
    assert [piece["deleted"] and piece["deleted"]["rows"] for piece in pieces].count(None) < 3
    assert read_loads(fresh_warehouse, 2)["t"] == (26, 26, 23)
    assert_mirrored(source_database, fresh_warehouse, {"t": "k"})
    versions = fresh_warehouse.query(
        "select k, count(*) from apartments_raw.t where _run_sequence = 2 group by k having count(*) > 1"
    )
    assert versions == []
    assert pipeline.run()["status"] == "unchanged"


@pytest.mark.parametrize("hands_on", [False, True], ids=["whole", "in pieces"])
@pytest.mark.parametrize(
    ("columns", "key", "rows", "more"),
    first_of(
        [
            ("k varchar(20) primary key", "k", ["'b0'", "'A1'", "'ä'", "'z'", "'%s'", "'a''\\\\'"], ["'B'", "'Z0'", "'c'"]),
            ("k binary(2) primary key", "k", ["unhex('00ff')", "unhex('ff00')", "unhex('7f41')"], ["unhex('0041')"]),
            ("k decimal(20,4) primary key", "k", ["-1.5", "0", "99999999999.0001"], ["3.25"]),
            ("k datetime(6) primary key", "k", ["'2024-01-01'", "'2024-01-01 00:00:00.000001'"], ["'1999-12-31 23:59:59.9'"]),
            ("k bigint unsigned primary key", "k", ["1", "18446744073709551615", "9223372036854775808"], ["7"]),
            ("k varchar(9), n int, primary key (k, n)", "k, n", ["'b', 1", "'b', 2", "'A', 9"], ["'a', 10", "'b', 0"]),
        ]
    ),
    ids=["text", "binary", "decimal", "datetime", "unsigned", "composite"],
)
def test_keys_of_every_kind_are_compared_as_the_warehouse_orders_them(
    pipeline, source_database, fresh_warehouse, write_contract, columns, key, rows, more, hands_on, request, monkeypatch
):
    """A case-insensitive collation sorts texts otherwise than the warehouse: no false tombstone, and nothing is missed.

    Neither where each invocation has the time for one key only.
    """
    if hands_on:
        request.getfixturevalue("no_time_to_spare")
        monkeypatch.setattr("rental_pipeline.extract.deadline_reader._KEYS_PER_QUERY", 1)
    write_contract(f"  t: {{strategy: snapshot, key: [{key}], max_delete_fraction: 1}}\n")
    source_database.execute(
        f"create table t ({columns.replace('primary', 'v int, primary', 1)})"
        if "," in key
        else f"create table t ({columns}, v int)"
    )
    for number, row in enumerate(rows):
        source_database.execute(f"insert into t ({key}, v) values ({row}, {number})")
    pipeline.run()
    for number, row in enumerate(more, start=50):
        source_database.execute(f"insert into t ({key}, v) values ({row}, {number})")
    source_database.execute("update t set v = 100 where v = 1")
    source_database.execute("delete from t where v = 0 limit 1")
    pipeline.run()
    read, added, removed = read_loads(fresh_warehouse, 2)["t"]
    assert (read, added, removed) == (len(more) + 1, len(more) + 1, 1)
    assert len(read_pieces(pipeline, 2)) == (read if hands_on else 1)
    values = fresh_warehouse.query(
        "select v from (select v, _operation,"
        f" row_number() over (partition by {key} order by _run_sequence desc) as place from apartments_raw.t) as ranked"
        " where place = 1 and _operation = 'U' order by v"
    )
    assert values == source_database.query("select v from t order by v")
    assert pipeline.run()["status"] == "unchanged"


@pytest.mark.slow
def test_ranges_larger_than_a_slice_are_cut(pipeline, source_database, fresh_warehouse, write_contract):
    """New keys all come behind the last one known: that range is cut into slices of the budget."""
    write_contract("  t: {strategy: snapshot, key: k}\n")
    source_database.execute("create table t (k int primary key, v int)")
    source_database.execute("insert into t select seq, 1 from seq_1_to_10")
    pipeline.run()
    source_database.execute("insert into t select seq, 2 from seq_1000_to_1099")
    pipeline.set_environment(SLICE_ROWS="30")
    pipeline.run()
    slices = pipeline.read("apartments/runs/000002/slices.json")
    assert len(slices) >= 3
    assert read_loads(fresh_warehouse, 2)["t"] == (100, 100, 0)


def test_a_list_of_known_keys_that_is_not_whole_is_not_believed(pipeline, source_database, fresh_warehouse, write_contract):
    """A key missing from the list would be taken for new, one missing from the source for gone: the row that counts tells."""
    from rental_pipeline.extract.differences import read_known
    from rental_pipeline.model.table_plan import Slice

    write_contract("  t: {strategy: snapshot, key: k}\n")
    source_database.execute("create table t (k int primary key, v int)")
    source_database.execute("insert into t select seq, 1 from seq_1_to_10")
    pipeline.run()
    source_database.execute("update t set v = 2 where k = 3")
    pipeline.run()
    prefix = "apartments/known/000002/t/00000/"
    part = read_as(Slice, pipeline.read("apartments/runs/000002/slices.json")[0])
    assert read_known(pipeline.bucket, "apartments", part).num_rows >= 1
    manifest = pipeline.read(prefix + "manifest")
    manifest["entries"] *= 2
    pipeline.s3.put_object(Bucket=pipeline.bucket, Key=prefix + "manifest", Body=json.dumps(manifest))
    with pytest.raises(FixData, match="known rows were unloaded"):
        read_known(pipeline.bucket, "apartments", part)


@pytest.mark.slow
def test_a_reconcile_run_moves_no_watermark_and_skips_what_was_never_loaded(pipeline, generated, fresh_warehouse):
    """Only an incremental run moves a watermark; a new table waits for one."""
    pipeline.run({"tables": ["apartments"]})
    before = fresh_warehouse.query(
        "select watermark from apartments_control.layer_position where layer = 'raw' and name = 'apartments'"
    )
    pipeline.run({"reconcile": True, "tables": ["apartments", "bookings"]})
    assert (
        fresh_warehouse.query(
            "select watermark from apartments_control.layer_position where layer = 'raw' and name = 'apartments'"
        )
        == before
    )
    assert fresh_warehouse.query("select count(*) from apartments_raw.bookings") == [(0,)]
    pipeline.run()
    assert_mirrored(generated, fresh_warehouse)


def test_an_increment_reads_of_an_append_table_only_the_days_that_differ(pipeline, generated, fresh_warehouse):
    """Of the overlap, the unchanged days are not read again; a day that lost its events is emptied."""
    generated.execute("delete from user_viewing")
    insert = "insert into user_viewing (user_id, apartment_id, viewed_at, recorded_at) values (1, 1, %s, %s)"
    today = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    yesterday, before = (today.replace(day=1) if days > 27 else today.fromordinal(today.toordinal() - days) for days in (1, 2))
    for moment in [yesterday, yesterday, before]:
        generated.execute(insert, (moment, moment))
    pipeline.run()
    generated.execute(insert, (before, before))
    pipeline.run()
    assert read_loads(fresh_warehouse, 2)["user_viewing"][0] == 2
    assert_mirrored(generated, fresh_warehouse)
    generated.execute("delete from user_viewing where recorded_at = %s", (yesterday,))
    pipeline.run()
    assert read_loads(fresh_warehouse, 3)["user_viewing"] == (0, 0, 2)
    assert_mirrored(generated, fresh_warehouse)

"""Whatever breaks between the source and raw, a run that compared or read whole fails, and says which table and range."""

import json
import re
import shutil
import tempfile
from pathlib import Path

import pyarrow
import pytest

from mysql_arrow.packets import RowPackets
from rental_pipeline.base.errors import FixData, RetryLater
from rental_pipeline.extract import extract_slice as extract
from rental_pipeline.extract.rows import SliceRows
from rental_pipeline.plan import comparison
from rental_pipeline.warehouse.steps.load import Load
from tests.fixtures.few_metrics import SQL_ROOT
from tests.fixtures.layers import read_raw_newest, read_source
from tests.fixtures.mariadb import SourceDatabase
from tests.fixtures.pipeline import Pipeline
from tests.fixtures.snapshot import Snapshot

ROWS = 60
RECONCILE = {"reconcile": True}


@pytest.fixture
def contract(pipeline, tmp_path) -> Path:
    """A contract of the test's own, without curated tables or metrics."""
    return write_contract(pipeline, tmp_path)


def write_contract(pipeline: Pipeline, sql_root: Path) -> Path:
    """Have the pipeline read a contract of a keyed and an append table alone."""
    shutil.copytree(SQL_ROOT / "control", sql_root / "control")
    (sql_root / "apartments").mkdir()
    pipeline.set_environment(SQL_ROOT=str(sql_root))
    path = sql_root / "apartments" / "source.yaml"
    path.write_text(
        "tables:\n"
        "  repairs: {strategy: append, cursor: done_at, overlap: 3 days}\n"
        "  rooms: {strategy: merge, key: number, cursor: changed_at, max_delete_fraction: 1}\n"
    )
    return path


@pytest.fixture(scope="module")
def snapshot(take_snapshot) -> Snapshot:
    """A keyed and an append table that were loaded; three rows of each were changed unseen."""
    return take_snapshot(load_rooms)


def load_rooms(pipeline: Pipeline, source: SourceDatabase) -> None:
    """Make the tables, and run once."""
    source.execute("create table repairs (done_at datetime not null, part varchar(20))")
    source.execute(f"insert into repairs select '2024-01-01' + interval seq day, 'brake' from seq_1_to_{ROWS}")
    source.execute("create table rooms (number int primary key, name varchar(20), changed_at datetime not null)")
    source.execute(f"insert into rooms select seq, 'x', '2024-01-01' from seq_1_to_{ROWS}")
    with tempfile.TemporaryDirectory() as folder:
        write_contract(pipeline, Path(folder))
        pipeline.run()
    source.execute("update repairs set part = 'chain' where done_at between '2024-01-06' and '2024-01-08'")
    source.execute("update rooms set name = 'y' where number in (10, 11, 12)")


@pytest.fixture
def market(source_database, contract) -> SourceDatabase:
    """The snapshot's source."""
    return source_database


def read_reconciled(warehouse, run: int) -> dict[str, tuple]:
    """Ranges that differed, rows on both sides before and after, by table."""
    rows = warehouse.query(
        "select table_name, ranges_different, source_rows, raw_rows, source_rows_after, raw_rows_after"
        f" from apartments_control.reconciliation where run_sequence = {run}"
    )
    return {table: tuple(values) for table, *values in rows}


def read_raw(warehouse) -> list:
    return [
        warehouse.query(f"select * from apartments_raw.{table} order by 1, 2, _run_sequence") for table in ("rooms", "repairs")
    ]


def test_what_a_reconcile_run_ends_with_is_in_the_ledger_and_in_its_message(pipeline, market, fresh_warehouse):
    """Both sides are counted after the repair; the message says so."""
    market.execute("delete from rooms where number = 20")
    market.execute("insert into repairs values ('2024-01-09', 'bell')")
    result = pipeline.run(RECONCILE)
    assert read_reconciled(fresh_warehouse, 2) == {
        "rooms": (4, ROWS - 1, ROWS, ROWS - 1, ROWS - 1),
        "repairs": (4, ROWS + 1, ROWS, ROWS + 1, ROWS + 1),
    }
    assert (
        f"rooms: 4 of {ROWS} ranges differed from raw; now {ROWS - 1} rows in the source, {ROWS - 1} in raw" in result["message"]
    )
    assert read_raw_newest(fresh_warehouse, "rooms", "number") == read_source(market, "rooms")
    assert read_raw_newest(fresh_warehouse, "repairs", None) == read_source(market, "repairs")
    hops = fresh_warehouse.query(
        "select name, status, rows_in, rows_out from apartments_control.run_ledger"
        " where run_sequence = 2 and hop = 'compare' order by name"
    )
    assert hops == [("repairs", "equal", ROWS + 1, ROWS), ("rooms", "equal", ROWS - 1, ROWS)]
    pipeline.run(RECONCILE)
    assert {values[0] for values in read_reconciled(fresh_warehouse, 3).values()} == {0}


@pytest.mark.slow
def test_a_table_one_row_a_day_with_part_for_a_column_is_loaded_day_by_day(pipeline, market, fresh_warehouse):
    """The column's name was once taken for the comparison's own: every day but one was taken for equal."""
    for day in range(4):
        market.execute(f"insert into repairs values (now() - interval {day} day, 'brake')")
        pipeline.run()
    assert fresh_warehouse.query("select count(*) from apartments_raw.repairs") == [(ROWS + 4,)]


def edit_statements(monkeypatch, method: str, old: str, new: str) -> None:
    """Have the load compose other SQL than it should."""
    compose = getattr(Load, method)

    def edit(self):
        statements = compose(self)
        edited = [re.sub(old, new, sql) for sql in statements]
        assert edited != statements, f"{old!r} matches no statement"
        return edited

    monkeypatch.setattr(Load, method, edit)


def test_a_load_that_adds_no_new_versions_fails_by_its_keys(pipeline, market, fresh_warehouse, monkeypatch):
    """As many rows, but of other contents; what the transaction did is taken back."""
    before = read_raw(fresh_warehouse)
    edit_statements(monkeypatch, "add_versions", r"_row_hash <> ", "_row_hash < 0 and 0 <> ")
    with pytest.raises(FixData, match=r"STILL DIFFERENT: table rooms, keys from 10 to before 13: 3 rows in the source, 3 in raw"):
        pipeline.run({**RECONCILE, "tables": ["rooms"]})
    assert read_raw(fresh_warehouse) == before


def test_a_load_that_leaves_a_deleted_key_fails_by_its_keys(pipeline, market, monkeypatch):
    """The tombstone is missing: one row more in raw."""
    market.execute("delete from rooms where number = 20")
    edit_statements(monkeypatch, "add_versions", r"_operation = 'U'\n", "_operation = 'X'\n")
    with pytest.raises(FixData, match=r"table rooms, keys from 10 to before 21: 10 rows in the source, 11 in raw"):
        pipeline.run({**RECONCILE, "tables": ["rooms"]})


def test_a_load_that_skips_a_day_fails_by_its_days(pipeline, market, monkeypatch):
    """Of three days that are replaced one is deleted and not inserted again."""
    from_all, but_one = r"from (\w*arrived_by_day)\n", r"from (select * from \1 where _event_day <> '2024-01-07') as \1\n"
    edit_statements(monkeypatch, "replace_days", from_all, but_one)
    with pytest.raises(
        FixData, match=r"table repairs, days from 2024-01-06 to before 2024-01-09: 3 rows in the source, 2 in raw"
    ):
        pipeline.run({**RECONCILE, "tables": ["repairs"]})


def test_a_first_load_that_loses_a_row_fails(pipeline, market, contract, monkeypatch):
    """What was read whole is compared whole."""
    edit_statements(
        monkeypatch, "add_versions", r"from (\w*arrived)\n", r"from (select * from \1 where mod(number, 7) <> 0) as \1\n"
    )
    market.execute("create table beds (number int primary key)")
    market.execute("insert into beds select seq from seq_1_to_20")
    contract.write_text(contract.read_text() + "  beds: {strategy: snapshot, key: number}\n")
    with pytest.raises(FixData, match=r"STILL DIFFERENT: table beds, all keys: 20 rows in the source, 18 in raw"):
        pipeline.run({"tables": ["beds"]})


def test_what_happens_to_rows_that_were_equal_is_found_by_their_keys(pipeline, market, fresh_warehouse):
    """A range that is not read is counted and summed, too."""
    states = pipeline.states({**RECONCILE, "tables": ["rooms"]})
    with pytest.raises(FixData, match=r"table rooms, keys from 13 on: 48 rows in the source, 47 in raw"):
        for state in states:
            if state == "load rooms":
                fresh_warehouse.execute("delete from apartments_raw.rooms where number = 40")


@pytest.mark.parametrize("table", ["rooms", "repairs"])
def test_a_slice_that_drops_rows_is_not_believed(pipeline, market, monkeypatch, table):
    """The source counts and sums the slice in the same snapshot: rows that the decoder lost are missed."""
    decode = SliceRows._decode

    def drop(self, *arguments):
        for batch in decode(self, *arguments):
            yield batch.slice(1)

    monkeypatch.setattr(SliceRows, "_decode", drop)
    with pytest.raises(RetryLater, match=rf"table {table}, slice 0: the source has 3 (keys|events) from .* 2 were read"):
        pipeline.run({**RECONCILE, "tables": [table]})


def test_a_row_that_is_read_otherwise_than_it_was_compared_is_not_believed(pipeline, market, monkeypatch):
    """Rows of the keys that differ must be those whose hashes were compared."""
    read_keys = SliceRows.read_keys

    def change(self, connection, keys):
        for batch in read_keys(self, connection, keys):
            hashes = pyarrow.array([1] * batch.num_rows, pyarrow.int64())
            yield pyarrow.record_batch([*batch.columns[:3], hashes, *batch.columns[4:]], schema=batch.schema)

    monkeypatch.setattr(SliceRows, "read_keys", change)
    with pytest.raises(RetryLater, match=r"the source has 3 rows that differ from raw's from 10 to 13, 3 were read, of other"):
        pipeline.run({**RECONCILE, "tables": ["rooms"]})


def test_a_file_that_misses_rows_is_not_believed(pipeline, market, monkeypatch):
    """What was read is counted before it is gathered into files."""
    gather = extract.gather_parts

    def drop(batches, rows, size):
        return (part.slice(1) for part in gather(batches, rows, size))

    monkeypatch.setattr(extract, "gather_parts", drop)
    with pytest.raises(FixData, match=r"slice 0 of rooms read 3 rows, but its Parquet files hold 2"):
        pipeline.run({**RECONCILE, "tables": ["rooms"]})


@pytest.mark.parametrize("table", ["rooms", "repairs"])
@pytest.mark.parametrize(
    ("group", "error"),
    [("group by part_of_it", r"sums .* as one range"), ("group by _rp_label, _rp_hash", "sums one range in several parts")],
    ids=["rows of several ranges together", "one range in parts"],
)
def test_sums_of_a_wrong_grouping_are_not_believed(pipeline, market, monkeypatch, table, group, error):
    """Each sum brings its least and greatest label, and the parts make up the whole."""
    name = "compose_range_fingerprints" if table == "rooms" else "compose_day_fingerprints"
    compose = getattr(comparison, name)

    def regroup(*arguments):
        query, given = compose(*arguments)
        return query.replace("group by _rp_label", group.replace("part_of_it", "mod(_rp_hash, 2)")), given

    market.execute("insert into rooms select 100 + seq, 'x', '2024-01-01' from seq_1_to_20")
    market.execute("insert into repairs select '2024-01-10' + interval seq second, seq from seq_1_to_20")
    monkeypatch.setattr(comparison, name, regroup)
    with pytest.raises(FixData, match=rf"STILL DIFFERENT: table {table}: the source {error}"):
        pipeline.run({**RECONCILE, "tables": [table]})


def test_sums_that_leave_rows_out_are_not_believed(pipeline, market, monkeypatch):
    """The table is counted by itself, in the same snapshot."""
    compose = comparison.compose_range_fingerprints

    def leave_out(*arguments):
        query, given = compose(*arguments)
        return query.replace(") as _rp_labelled", " and mod(number, 50) <> 0) as _rp_labelled"), given

    monkeypatch.setattr(comparison, "compose_range_fingerprints", leave_out)
    with pytest.raises(RetryLater, match=rf"table rooms: its ranges have {ROWS - 1} rows together, the table has {ROWS}"):
        pipeline.run({**RECONCILE, "tables": ["rooms"]})


def test_rows_of_one_hash_are_told_apart_by_their_number(pipeline, market, contract, monkeypatch, fresh_warehouse):
    """Where all hashes collide, a sum says nothing of contents; rows that are missing or too many are found all the same."""
    monkeypatch.setattr("rental_pipeline.source.queries.hash_row", lambda *_: ("cast(0 as signed)", []))
    market.execute("create table beds (number int primary key)")
    market.execute("insert into beds select seq from seq_1_to_20")
    contract.write_text(contract.read_text() + "  beds: {strategy: snapshot, key: number}\n")
    pipeline.run({"tables": ["beds"]})
    market.execute("delete from beds where number = 3")
    market.execute("insert into beds values (30)")
    pipeline.run({"tables": ["beds"]})
    assert read_raw_newest(fresh_warehouse, "beds", "number") == read_source(market, "beds")


@pytest.mark.parametrize("fixture", ["in one piece", "in pieces"])
def test_pieces_of_slices_are_compared_as_their_slices_are(pipeline, market, monkeypatch, fixture, fresh_warehouse):
    """Handed on after each batch and each key: every piece has its own range, none is left out."""
    if fixture == "in pieces":
        pipeline.set_environment(RESERVE_SECONDS="100000")
        monkeypatch.setattr("rental_pipeline.extract.deadline_reader._KEYS_PER_QUERY", 2)
        monkeypatch.setattr("rental_pipeline.extract.deadline_reader._PAIRS_PER_QUERY", 7)
        monkeypatch.setitem(RowPackets.__init__.__kwdefaults__, "block_bytes", 64)
    market.execute("delete from rooms where mod(number, 9) = 0")
    market.execute("insert into rooms select 100 + seq, 'z', '2024-01-01' from seq_1_to_9")
    pipeline.run(RECONCILE)
    assert read_raw_newest(fresh_warehouse, "rooms", "number") == read_source(market, "rooms")
    assert read_raw_newest(fresh_warehouse, "repairs", None) == read_source(market, "repairs")
    pieces = pipeline.s3.list_objects_v2(Bucket=pipeline.bucket, Prefix="apartments/runs/000002/results/")["Contents"]
    assert (len(pieces) > 12) == (fixture == "in pieces")
    counts = {values[-2:] for values in read_reconciled(fresh_warehouse, 2).values()}
    assert counts == {(ROWS - 6 + 9, ROWS - 6 + 9), (ROWS, ROWS)}


def test_a_load_that_is_tried_again_compares_again(pipeline, market, fresh_warehouse):
    """Redelivered steps are no-ops, and the ledger keeps what the first one found."""
    for state in pipeline.states(RECONCILE):
        if state == "pending":
            for table in ("rooms", "repairs"):
                pipeline.step("load", 2, table)
    assert {values[-2:] for values in read_reconciled(fresh_warehouse, 2).values()} == {(ROWS, ROWS)}


@pytest.fixture
def no_time_to_plan(monkeypatch):
    """Each call of the planner asks one query of at most 20 rows, and leaves the rest to the next."""
    monkeypatch.setattr("rental_pipeline.plan.plan_run._RESERVE_SECONDS", 100_000)
    monkeypatch.setattr(comparison, "_QUERY_ROWS", 20)


def read_plan(pipeline, run: int) -> dict:
    """The objects of a plan, without its clock."""
    found = {name: pipeline.read(f"apartments/runs/{run:06d}/{name}.json") for name in ("plan", "slices", "compared")}
    text = json.dumps({**found, "plan": {**found["plan"], "run_sequence": 0, "source_time": ""}})
    return json.loads(text.replace(f'"run_sequence": {run}', '"run_sequence": 0'))


def test_a_plan_that_is_made_in_many_calls_is_the_plan_of_one(pipeline, market, request, fresh_warehouse):
    """A dry run plans at once what the next run plans in pieces: the same ranges, slices and spans."""
    market.execute("delete from rooms where number = 33")
    pipeline.run({**RECONCILE, "dry_run": True})
    request.getfixturevalue("no_time_to_plan")
    pipeline.run(RECONCILE)
    whole, in_pieces = read_plan(pipeline, 2), read_plan(pipeline, 3)
    for plan in (whole, in_pieces):
        for name in ("kind", "dry_run"):
            del plan["plan"][name]
    assert in_pieces == whole
    assert len(pipeline.s3.list_objects_v2(Bucket=pipeline.bucket, Prefix="apartments/runs/000003/planning/")["Contents"]) >= 5
    assert read_raw_newest(fresh_warehouse, "rooms", "number") == read_source(market, "rooms")


def test_a_plan_that_goes_on_keeps_its_bounds(pipeline, market, no_time_to_plan):
    """The source's clock is read once, before anything else; a call that is repeated finds the same."""
    run = pipeline.step("open", execution={"id": "e:x", "name": "x", "started_at": "2026-01-01T00:00:00Z"}, input=RECONCILE)
    run = run["run_sequence"]
    pipeline.step("fingerprint", run, input=RECONCILE)
    event, bounds = {"run_sequence": run, "input": RECONCILE, "continuation": 0}, set()
    while number := pipeline.invoke("plan_run", event)["continuation"]:
        assert pipeline.invoke("plan_run", event)["continuation"] == number or number == 1
        bounds.add(pipeline.read(f"apartments/runs/{run:06d}/planning/{number:05d}.json")["safe_watermark"]["source_time"])
        event["continuation"] = number
    assert len(bounds) == 1
    assert pipeline.read(f"apartments/runs/{run:06d}/plan.json")["source_time"] in {f"{text[:26]:0<26}" for text in bounds}


def test_a_range_that_has_grown_beyond_a_query_is_not_summed_but_read(pipeline, market, monkeypatch, fresh_warehouse):
    """That it has another number of rows than raw is enough to know that it differs."""
    monkeypatch.setattr(comparison, "_MOST_ROWS", 50)
    pipeline.set_environment(SLICE_ROWS="40")
    market.execute("insert into rooms select 100 + seq, 'z', '2024-01-01' from seq_1_to_200")
    pipeline.run(RECONCILE)
    spans = pipeline.read("apartments/runs/000002/slices.json")
    assert sum(part["table"] == "rooms" for part in spans) > 4
    assert read_raw_newest(fresh_warehouse, "rooms", "number") == read_source(market, "rooms")


def test_days_with_too_many_gaps_between_them_are_read_with_their_gaps(pipeline, market, monkeypatch, fresh_warehouse):
    """The load names each range of days: with thousands, its statement would be longer than a request may be."""
    monkeypatch.setattr(comparison, "_MOST_GROUPS", 3)
    market.execute("update repairs set part = 'bell' where mod(dayofmonth(done_at), 2) = 0 and done_at < '2024-02-01'")
    pipeline.run({**RECONCILE, "tables": ["repairs"]})
    tables = {table["name"]: table for table in pipeline.read("apartments/runs/000002/plan.json")["tables"]}
    assert tables["repairs"]["days"] == [["2024-01-02", "2024-01-31"]]
    assert read_raw_newest(fresh_warehouse, "repairs", None) == read_source(market, "repairs")

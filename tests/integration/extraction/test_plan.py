"""Planning: windows, watermarks, drift, and everything that is refused before a row is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rental_pipeline.base.errors import FixConfiguration, FixData, RetryLater
from rental_pipeline.base.object_store import PLAN, SLICES, run_key
from rental_pipeline.plan.plan_run import plan_run
from tests.fixtures.aws import Aws
from tests.integration.extraction.conftest import Extraction, catalogue_column, write_source_secret

MERGE = "  t: {strategy: merge, key: id, cursor: changed_at}\n"
APPEND = "  t: {strategy: append, cursor: at}\n"


@pytest.fixture
def merge(extraction: Extraction) -> Extraction:
    """A merge table `t` of five rows."""
    extraction.source.execute("create table t (id int primary key, name varchar(10), changed_at datetime(3), key (changed_at))")
    extraction.source.execute("insert into t select seq, 'a', '2026-01-01 12:00:00.500' from seq_1_to_5")
    extraction.write_contract(MERGE)
    return extraction


@pytest.fixture
def append(extraction: Extraction) -> Extraction:
    """An append table `t` of events on three days, and one without a time."""
    extraction.source.execute("create table t (user_id int, at datetime, key (at))")
    extraction.source.execute("insert into t values (1, '2026-01-01 10:00'), (1, '2026-01-01 10:00'), (2, '2026-01-02 23:59:59')")
    extraction.source.execute("insert into t values (3, '2026-01-03'), (4, null)")
    extraction.write_contract(APPEND)
    return extraction


def position(watermark: str, **more: Any) -> list[dict[str, Any]]:
    return [{"layer": "raw", "name": "t", "watermark": watermark, "definition_hash": None, "as_of": None, **more}]


def table_of(plan: dict[str, Any]) -> dict[str, Any]:
    (table,) = plan["tables"]
    return table


def test_the_first_load_reads_all_and_leaves_a_watermark_behind_the_source_s_clock(merge: Extraction) -> None:
    """Nothing was open, so the watermark is the source's clock less the margin of a second, not rounded up."""
    before = datetime.now(UTC).replace(tzinfo=None)
    plan = merge.run()
    table = table_of(plan)
    source_time = datetime.fromisoformat(plan["source_time"])
    assert abs(source_time - before) < timedelta(seconds=30)
    assert (table["complete"], table["lower"], table["upper"], table["planned_watermark"]) == (True, None, None, None)
    assert datetime.fromisoformat(table["new_watermark"]) == source_time - timedelta(seconds=1)
    assert table["slice_count"] == 2
    assert merge.read(SLICES) == [
        {"run_sequence": 1, "table": "t", "slice": 0, "from": None, "to": ["4"], "compared": False, "piece": 0, "known": 0},
        {"run_sequence": 1, "table": "t", "slice": 1, "from": ["4"], "to": None, "compared": False, "piece": 0, "known": 0},
    ]
    assert plan["kind"] == "incremental" and plan["as_of"] == plan["source_time"][:10]
    assert merge.parquet("t")["id"].to_pylist() == [1, 2, 3, 4, 5]


def test_an_increment_reads_from_the_watermark_less_overlap_floored_to_the_cursor(merge: Extraction) -> None:
    """Equal cursors at the watermark, NULL and zero are read; what is older is not; milliseconds are the cursor's precision."""
    merge.commit(merge.plan())
    merge.positions = position("2026-01-01T12:10:00.500999")
    merge.source.execute("update t set changed_at = null where id = 2")
    merge.source.execute("update t set changed_at = '2026-01-01 12:00:00.499' where id = 3")
    with merge.source.connect(sql_mode="") as connection, connection.cursor() as cursor:
        cursor.execute("update t set changed_at = '0000-00-00' where id = 4")
    table = table_of(merge.run())
    assert table["lower"] == "2026-01-01T12:00:00.500000"
    assert (table["complete"], table["planned_watermark"]) == (False, "2026-01-01T12:10:00.500999")
    assert merge.parquet("t")["id"].to_pylist() == [1, 2, 4, 5]


def test_a_whole_day_cursor_is_floored_to_its_day(extraction: Extraction) -> None:
    """A change at 15:00 carries 00:00 of the day whose 14:00 is the watermark."""
    extraction.source.execute("create table t (id int primary key, changed_at date)")
    extraction.source.execute("insert into t values (1, '2025-12-31'), (2, '2026-01-01')")
    extraction.write_contract(MERGE)
    extraction.commit(extraction.plan())
    extraction.positions = position("2026-01-01T14:00:00.000000")
    assert table_of(extraction.run())["lower"] == "2026-01-01T00:00:00.000000"
    assert extraction.parquet("t")["id"].to_pylist() == [2]


def test_25_a_cursor_in_local_time_is_read_by_its_own_clock(extraction: Extraction) -> None:
    """The watermark of a cursor that shows Berlin's time is Berlin's time, at its earliest."""
    extraction.source.execute("create table t (id int primary key, changed_at datetime)")
    extraction.write_contract("  t: {strategy: merge, key: id, cursor: changed_at, cursor_time_zone: Asia/Tokyo}\n")
    plan = extraction.plan()
    behind = datetime.fromisoformat(table_of(plan)["new_watermark"]) - datetime.fromisoformat(plan["source_time"])
    assert behind == timedelta(hours=9, seconds=-1)
    extraction.source.execute("alter table t modify changed_at timestamp")
    with pytest.raises(FixConfiguration, match=r"TIMESTAMP.*leave out cursor_time_zone"):
        extraction.plan()


def test_a_watermark_never_goes_back(merge: Extraction) -> None:
    """Even if the source's clock, or an old transaction, would say so."""
    merge.commit(merge.plan())
    merge.positions = position("2099-01-01T00:00:00.000000")
    table = table_of(merge.plan())
    assert table["new_watermark"] == table["planned_watermark"] == "2099-01-01T00:00:00.000000"
    assert table["slice_count"] == 0


def test_an_append_table_is_read_again_by_whole_days(append: Extraction) -> None:
    """Three days of overlap, floored to the day; days are not divided; events without a time come along."""
    append.commit(append.run())
    assert append.parquet("t").num_rows == 5
    append.positions = position("2026-01-05T11:00:00.000000")
    table = table_of(append.run())
    assert table["lower"] == "2026-01-02T00:00:00.000000"
    assert sorted(append.parquet("t")["user_id"].to_pylist()) == [2, 3, 4]


def test_events_are_cut_between_days_and_keep_their_number(append: Extraction, set_environment: Callable[..., None]) -> None:
    """Two equal events stay two; a day above the budget stays whole."""
    set_environment(SLICE_ROWS=1)
    append.run()
    assert [(part["from"], part["to"]) for part in append.read(SLICES)] == [
        (None, ["2026-01-02"]), (["2026-01-02"], ["2026-01-03"]), (["2026-01-03"], None)
    ]  # fmt: skip
    assert sorted(append.parquet("t")["user_id"].to_pylist()) == [1, 1, 2, 3, 4]


def test_an_impossible_event_time_stops_the_slice(append: Extraction) -> None:
    """It would be NULL in raw, where a later window would delete it and not read it again."""
    with append.source.connect(sql_mode="") as connection, connection.cursor() as cursor:
        cursor.execute("insert into t values (9, '2026-01-00')")
    with pytest.raises(FixData, match="event time at holds an impossible date, 2026-01-00"):
        append.run()


def test_a_window_is_read_again_and_moves_nothing(merge: Extraction) -> None:
    """Half-open, in UTC, with or without offset; snapshot tables have no part in it."""
    merge.source.execute("drop table t")
    merge.source.execute("create table t (id int primary key, changed_at datetime)")
    merge.source.execute("insert into t values (1, '2026-01-01'), (2, '2026-01-02'), (3, '2026-01-03')")
    merge.source.execute("create table s (id int primary key)")
    merge.write_contract(MERGE + "  s: {strategy: snapshot, key: id}\n")
    plan = merge.run({"window": {"from": "2026-01-01T01:00:00+01:00", "to": "2026-01-03"}})
    table, snapshot = plan["tables"]
    assert plan["kind"] == "window" and not snapshot["read"]
    assert (table["lower"], table["upper"]) == ("2026-01-01T00:00:00.000000", "2026-01-03T00:00:00.000000")
    assert table["new_watermark"] is table["planned_watermark"] is table["definition_hash"] is None
    assert not table["complete"]
    assert merge.parquet("t")["id"].to_pylist() == [1, 2]
    with pytest.raises(FixConfiguration, match="a window needs a cursor, and s has none"):
        merge.plan({"tables": ["s"], "window": {"from": "2026-01-01", "to": "2026-01-03"}})


def test_a_window_of_events_covers_whole_days(append: Extraction) -> None:
    """Days are replaced as a whole, so a bound within a day takes the day."""
    table = table_of(append.run({"window": {"from": "2026-01-01T11:00", "to": "2026-01-02T00:00:01"}}))
    assert (table["lower"], table["upper"]) == ("2026-01-01T00:00:00.000000", "2026-01-03T00:00:00.000000")
    assert sorted(append.parquet("t")["user_id"].to_pylist()) == [1, 1, 2, 4]


def test_tables_that_are_not_asked_for_are_listed_but_not_read(merge: Extraction) -> None:
    """A table without its raw table is still made; one that has it may be anything in the source."""
    merge.source.execute("create table other (id int primary key)")
    merge.write_contract(MERGE + "  other: {strategy: snapshot, key: id}\n")
    plan = merge.plan({"tables": ["t"]})
    assert [(table["name"], table["read"]) for table in plan["tables"]] == [("t", True), ("other", False)]
    made = [statement.split("(")[0] for statement in plan["raw_changes"]["batch"] if statement.startswith("create")]
    assert made == ['create table if not exists "market_raw"."t" ', 'create table if not exists "market_raw"."other" ']
    merge.commit(plan)
    merge.columns += [
        catalogue_column("other", name, kind) for name, kind in (("id", "integer"), ("_bad_columns", "varchar(65535)"))
    ]
    merge.source.execute("drop table other")
    plan = merge.plan({"tables": ["t"]})
    assert plan["raw_changes"] == {"batch": [], "single": []}
    assert plan["tables"][1]["columns"][0]["type"] == "integer"


def test_a_rebuild_reads_nothing(merge: Extraction) -> None:
    """It takes the source's clock, and may go back to an earlier date."""
    merge.positions = [{"layer": "presentation", "name": "m", "watermark": None, "definition_hash": None, "as_of": "2026-03-01"}]
    with pytest.raises(FixConfiguration, match=r'as_of 2026-02-01 lies before 2026-03-01.*"rebuild": true'):
        merge.plan({"as_of": "2026-02-01"})
    plan = merge.plan({"rebuild": True, "as_of": "2026-02-01"})
    assert (plan["kind"], plan["as_of"], table_of(plan)["read"], merge.read(SLICES)) == ("rebuild", "2026-02-01", False, [])
    assert plan["source_time"]


def test_an_as_of_is_never_before_what_was_published(merge: Extraction) -> None:
    """A source whose clock is behind does not take periods back by itself."""
    merge.positions = [{"layer": "presentation", "name": "m", "watermark": None, "definition_hash": None, "as_of": "2099-03-01"}]
    assert merge.plan()["as_of"] == "2099-03-01"


def test_the_summary_names_what_the_state_machine_needs(merge: Extraction) -> None:
    """As docs/architecture.md lists it; a dry run writes the plan as well."""
    merge.plan()
    summary = plan_run({"run_sequence": 1, "input": {"dry_run": True}})
    assert summary == {
        "run_sequence": 1, "continuation": 0, "dry_run": True, "slice_count": 2,
        "slices_key": run_key("market", 1, SLICES), "tables": ["t"], "replays": [],
    }  # fmt: skip
    assert merge.read(PLAN)["dry_run"] is True


# --- drift


def test_a_new_column_is_added_and_the_table_read_whole(merge: Extraction) -> None:
    """Its default does not move the cursor of the rows that were there."""
    merge.commit(merge.run())
    merge.positions = position("2026-02-01T00:00:00.000000")
    merge.source.execute("alter table t add column extra int default 7")
    plan = merge.run()
    table = table_of(plan)
    assert plan["raw_changes"]["batch"] == ['alter table "market_raw"."t" add column "extra" integer']
    assert table["complete"] and table["planned_watermark"] == "2026-02-01T00:00:00.000000"
    assert merge.parquet("t")["extra"].to_pylist() == [7] * 5


def test_a_table_is_read_whole_until_a_run_with_the_new_column_was_loaded(merge: Extraction) -> None:
    """The column was added, then the run failed: the catalogue has it, but the last load was of the old definition."""
    merge.commit(merge.run())
    merge.source.execute("alter table t add column extra int default 7")
    merge.columns.append(catalogue_column("t", "extra", "integer"))
    plan = merge.plan()
    assert table_of(plan)["complete"] and plan["raw_changes"]["batch"] == []
    merge.commit(plan)
    assert not table_of(merge.plan())["complete"]


def test_a_table_is_read_whole_when_what_is_hashed_or_its_key_changes(
    merge: Extraction, aws: Aws, set_environment: Callable[..., None]
) -> None:
    """Otherwise one person would stand under two hashes; the plan holds neither key nor what tells it."""
    secrets, name = aws.client("secretsmanager"), f"hash-{merge.bucket}"
    secrets.create_secret(Name=name, SecretString="first key")
    set_environment(HASH_SECRET_ARN=name)
    merge.source.execute("alter table t modify name varchar(20)")
    merge.write_contract("  t: {strategy: merge, key: id, cursor: changed_at, personal: {name: hash}}\n")
    complete = []
    for key in ("first key", "first key", "second key", "second key"):
        secrets.put_secret_value(SecretId=name, SecretString=key)
        plan = merge.plan()
        merge.commit(plan)
        complete.append(table_of(plan)["complete"])
        assert key not in json.dumps(plan)
    assert complete == [True, False, True, False]


def test_a_new_column_of_events_is_read_for_the_days_that_the_source_still_has(append: Extraction) -> None:
    """Older days, which the source has removed, stay as they are."""
    append.commit(append.run())
    append.positions = position("2026-01-08T00:00:00.000000")
    append.source.execute("delete from t where at < '2026-01-02'")
    append.source.execute("alter table t add column extra int default 7")
    table = table_of(append.plan())
    assert (table["complete"], table["lower"]) == (False, "2026-01-02T00:00:00.000000")


def test_a_window_leaves_a_new_column_to_the_next_incremental_run(merge: Extraction) -> None:
    """Only a run that may read the table whole may add it."""
    merge.commit(merge.run())
    merge.source.execute("alter table t add column extra int default 7")
    plan = merge.plan({"window": {"from": "2026-01-01", "to": "2026-02-01"}})
    assert plan["raw_changes"]["batch"] == []
    assert [column["name"] for column in table_of(plan)["columns"]] == ["id", "name", "changed_at"]


def test_a_wider_text_is_widened_and_a_narrower_one_keeps_its_width(merge: Extraction) -> None:
    """ALTER COLUMN TYPE stands alone: Redshift does not allow it in a transaction. Nothing is read again for it."""
    merge.commit(merge.run())
    merge.source.execute("alter table t modify name varchar(20)")
    plan = merge.plan()
    assert plan["raw_changes"] == {"batch": [], "single": ['alter table "market_raw"."t" alter column "name" type varchar(80)']}
    assert not table_of(plan)["complete"]
    merge.commit(plan)
    merge.source.execute("alter table t modify name varchar(5)")
    plan = merge.plan()
    assert plan["raw_changes"] == {"batch": [], "single": []}
    assert table_of(plan)["columns"][1]["type"] == "varchar(80)"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("drop column name, add column other int", "dropped in the source: name.*new in the source.*other"),
        ("modify name int", r"retyped in the source: name \(was varchar\(40\), is integer\)"),
        ("add column other int", "drift: freeze: other"),
    ],
)
def test_other_drift_is_refused_by_name_before_reading(merge: Extraction, change: str, message: str) -> None:
    """Dropped and retyped always, new where the contract says freeze; the message says what can be done."""
    merge.commit(merge.run())
    merge.write_contract("  t: {strategy: merge, key: id, cursor: changed_at, drift: freeze}\n")
    merge.source.execute("update t set name = null")
    merge.source.execute(f"alter table t {change}")
    with pytest.raises(FixConfiguration, match=f"(?s)table t differs from market_raw.t.*{message}.*Nothing was read"):
        merge.plan()


def test_another_strategy_needs_another_raw_table(append: Extraction) -> None:
    """Keyed rows and events have different raw tables; renaming the old one reads everything again."""
    append.commit(append.run())
    append.source.execute("alter table t add column id int auto_increment primary key")
    append.write_contract("  t: {strategy: merge, key: id, cursor: at}\n")
    with pytest.raises(FixConfiguration, match=r"was made for append rows, and source.yaml now says merge: rename"):
        append.plan()
    append.columns = []
    assert table_of(append.plan())["complete"]


# --- refused before reading


@pytest.mark.parametrize(
    ("contract", "message"),
    [
        ("  tt: {strategy: snapshot, key: id}\n", r"source.yaml: the source has no table tt \(did you mean 't'\?\)"),
        ("  t: {strategy: snapshot, key: idd}\n", r"table t: the source has no column idd \(did you mean 'id'\?\)"),
        ("  t: {strategy: snapshot, key: id, requires: [namee]}\n", r"no column namee \(did you mean 'name'\?\)"),
        ("  t: {strategy: snapshot, key: id, personal: {nam: drop}}\n", r"no column nam \(did you mean 'name'\?\)"),
        ("  t: {strategy: merge, key: id, cursor: name}\n", "cursor name is of type varchar; only DATE, DATETIME and TIMESTAMP"),
        ("  t: {strategy: merge, key: id, cursor: id}\n", "cursor id is of type int"),
        ("  t: {strategy: snapshot, key: name}\n", r"the key \(name\) is not unique in the source"),
    ],
)
def test_a_contract_that_the_source_does_not_meet_is_refused(merge: Extraction, contract: str, message: str) -> None:
    """By table and column, with what is meant."""
    merge.write_contract(contract)
    with pytest.raises(FixConfiguration, match=message):
        merge.plan()


def test_a_column_named_as_raw_names_its_own_is_refused(merge: Extraction) -> None:
    """And can be left out."""
    merge.source.execute("alter table t add column _row_hash int")
    with pytest.raises(
        FixConfiguration, match=r"column _row_hash is a name that the pipeline uses.*personal: \{_row_hash: drop\}"
    ):
        merge.plan()


def test_a_key_that_may_be_null_is_no_key(extraction: Extraction) -> None:
    """A unique index allows many NULLs, and a range of keys holds none of them."""
    extraction.source.execute("create table t (id int unique, other int primary key)")
    extraction.write_contract("  t: {strategy: snapshot, key: id}\n")
    with pytest.raises(FixConfiguration, match=r"the key \(id\) is not unique"):
        extraction.plan()


def test_names_are_matched_in_any_case_of_letters(extraction: Extraction) -> None:
    """The source may spell them otherwise; the warehouse has them in lower case."""
    extraction.source.execute("create table Listings (Id int primary key, `Order` int)")
    extraction.source.execute("insert into Listings values (1, 2)")
    extraction.write_contract("  listings: {strategy: snapshot, key: ID}\n")
    plan = extraction.run()
    assert extraction.parquet("listings").to_pylist() == [{"id": 1, "order": 2}]
    assert 'create table if not exists "market_raw"."listings" ("id" integer, "order" integer,' in plan["raw_changes"]["batch"][0]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"password": "wrong-pass"},
            FixConfiguration,
            "refuses the user 'extraction': check username and password in the secret",
        ),
        ({"dbname": "nowhere"}, FixConfiguration, "nowhere"),
        ({"port": 1}, RetryLater, "127.0.0.1:1/.* cannot be reached.*Connection refused.*security group"),
        ({"host": "no-such-host.invalid"}, FixConfiguration, "the host of the source is unknown: 'no-such-host.invalid'"),
        ({"tls": "encrypt"}, FixConfiguration, 'no encrypted connection.*set "tls"'),
        ({"tls": "perhaps"}, FixConfiguration, "tls must be one of verify, encrypt, off"),
        ({"tls": "verify", "tls_ca": "/no/such.pem"}, FixConfiguration, "tls_ca .* is no readable PEM"),
        ({"username": ""}, FixConfiguration, "lacks username"),
        ({"port": "high"}, FixConfiguration, "port must be a number"),
    ],
)
def test_a_source_that_cannot_be_used_is_explained_without_its_password(
    merge: Extraction, aws: Aws, set_environment: Callable[..., None], changes: dict[str, Any], error: type, message: str
) -> None:
    """Cause and remedy; the password is in no message."""
    set_environment(SOURCE_SECRET_ARN=write_source_secret(aws, merge.source, **changes))
    with pytest.raises(error, match=message) as caught:
        merge.plan()
    assert merge.source.password not in str(caught.value) and "wrong-pass" not in str(caught.value)


@pytest.mark.parametrize(("text", "message"), [("no json", "is no JSON object"), ("[1]", "is no JSON object")])
def test_a_secret_of_another_form_is_explained(
    merge: Extraction, aws: Aws, set_environment: Callable[..., None], text: str, message: str
) -> None:
    """Its content is not in the message."""
    name = f"odd-{merge.bucket}"
    aws.client("secretsmanager").create_secret(Name=name, SecretString=text)
    set_environment(SOURCE_SECRET_ARN=name)
    with pytest.raises(FixConfiguration, match=f"{name} {message}; it must hold host, username, password, dbname"):
        merge.plan()
    set_environment(SOURCE_SECRET_ARN="absent")
    with pytest.raises(FixConfiguration, match="the secret absent does not exist"):
        merge.plan()


def test_a_table_without_privilege_is_explained(
    merge: Extraction, aws: Aws, set_environment: Callable[..., None], mariadb
) -> None:
    """MySQL hides it; whoever may read the whole database is told by it that there is no such table (see test_privileges.py)."""
    mariadb.create_database("empty_one")
    mariadb.create_extraction_user("stranger", "pw", "empty_one")
    changes = {"username": "stranger", "password": "pw", "dbname": "empty_one"}
    set_environment(SOURCE_SECRET_ARN=write_source_secret(aws, merge.source, **changes))
    with pytest.raises(FixConfiguration, match=r"no table t.*correct the name"):
        merge.plan()
    changes["dbname"] = merge.source.database
    set_environment(SOURCE_SECRET_ARN=write_source_secret(aws, merge.source, **changes, tls_ca=None))
    with pytest.raises(FixConfiguration, match=r"'stranger'.* lacks a privilege on the source"):
        merge.plan()


@pytest.mark.parametrize("run_input", [{"tables": ["nope"]}, {"window": {"from": "yesterday", "to": "today"}}, {"speed": 1}])
def test_bad_input_is_refused_before_the_source_is_asked(
    merge: Extraction, set_environment: Callable[..., None], run_input: dict[str, Any]
) -> None:
    """Even if the source is unreachable, the input is what the message is about."""
    set_environment(SOURCE_SECRET_ARN="absent")
    with pytest.raises(FixConfiguration, match="the input"):
        merge.plan(run_input)


def test_a_missing_ledger_or_bucket_is_explained(merge: Extraction, set_environment: Callable[..., None]) -> None:
    """By address, with the way out."""
    with pytest.raises(FixData, match=r"s3://.*/market/runs/000077/ledger.json does not exist.*start a new execution"):
        plan_run({"run_sequence": 77, "input": {}})
    set_environment(BUCKET="no-such-bucket-anywhere")
    with pytest.raises(FixConfiguration, match="the bucket no-such-bucket-anywhere does not exist: check the variable BUCKET"):
        plan_run({"run_sequence": 1, "input": {}})


def test_adding_a_table_is_four_lines_of_yaml(merge: Extraction) -> None:
    """Nothing else is needed for a new table to be read."""
    before = merge.contract_path.read_text()
    merge.source.execute("create table reviews (review_id int primary key, stars int, changed_at timestamp)")
    merge.source.execute("insert into reviews values (1, 5, '2026-01-01')")
    four_lines = "  reviews:\n    strategy: merge\n    key: review_id\n    cursor: changed_at\n"
    merge.contract_path.write_text(before + four_lines)
    merge.run()
    assert merge.parquet("reviews")["stars"].to_pylist() == [5]
    assert json.dumps(merge.read(PLAN))

"""No personal value in the clear leaves the source: every object, log line, event, ledger row and statement is searched."""

from __future__ import annotations

import hmac
import io
import json
import logging
import shutil
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pyarrow.parquet
import pytest

from local.marketplace.generator import fill
from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.base.settings import read_settings
from rental_pipeline.base.telemetry import logger
from tests.fixtures.layers import assert_same_layers, read_layers

# In each value, and nowhere else.
SIGN = "Zz9clear"
PERSONAL = {  # table: column: (type in the source, policy)
    "apartments": {"host_email": ("varchar(80)", "hash"), "host_phone": ("bigint", "drop")},  # merge
    "apartment_attributes": {"owner_name": ("text", "hash"), "owner_notes": ("json", "drop")},  # snapshot
    "user_viewing": {"viewer_name": ("char(40)", "hash"), "viewer_address": ("varchar(40)", "drop")},  # append
}
HASHED = {(table, column) for table, columns in PERSONAL.items() for column, (_, policy) in columns.items() if policy == "hash"}


def is_clear(text: str) -> bool:
    return SIGN.lower() in text.lower() or "998877665" in text


@pytest.fixture
def people(source_database):
    """A small generated marketplace whose tables hold personal columns; some values are NULL, one recurs in two tables."""
    with closing(source_database.connect()) as connection:
        fill(connection, scale=0.0001, seed=7, anchor=datetime.now(UTC).date())
        for table, columns in PERSONAL.items():
            for column, (kind, _) in columns.items():
                with connection.cursor() as cursor:
                    cursor.execute(f"alter table {table} add column {column} {kind}")
                    cursor.execute(f"update {table} set {column} = {random_value(kind)} where rand(3) < 0.85")
    return source_database


def random_value(kind: str) -> str:
    """Return the SQL of a clear value, another one in each row (but some alike)."""
    number = "floor(rand(5) * 100)"
    if kind == "bigint":
        return f"99887766500 + {number}"
    if kind == "json":
        return f"""concat('{{"said": "{SIGN}', {number}, '"}}')"""
    return f"concat('{SIGN}', {number}, '@example.org')"


@pytest.fixture
def hash_secret(aws, pipeline) -> Iterator[str]:
    """The name of the secret that keys the hash."""
    name = f"hash-{uuid.uuid4().hex}"
    aws.client("secretsmanager").create_secret(Name=name, SecretString=f"{SIGN} the key itself")
    pipeline.patch.setenv("HASH_SECRET_ARN", name)
    read_settings.cache_clear()
    return name


@pytest.fixture
def private(contract, people, hash_secret):
    """The contract, naming the personal columns."""
    for table, columns in PERSONAL.items():
        contract.set(table, personal={column: policy for column, (_, policy) in columns.items()})
    return contract


@pytest.fixture
def said(pipeline, capsys) -> Iterator[list[str]]:
    """What the functions logged, printed, were told and answered, line by line."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    kept = Keep(logging.INFO)
    kept.setFormatter(logger.handlers[0].formatter)
    others = Keep(logging.INFO)
    logger.addHandler(kept)
    logging.getLogger().addHandler(others)
    invoke = pipeline.invoke

    def invoke_and_keep(function, event):
        lines.append(json.dumps(event))
        try:
            answer = invoke(function, event)
        except Exception as error:
            lines.append(f"{type(error).__name__}: {error}")
            raise
        lines.append(json.dumps(answer))
        return answer

    pipeline.invoke = invoke_and_keep
    yield lines
    lines.append("".join(capsys.readouterr()))
    logger.removeHandler(kept)
    logging.getLogger().removeHandler(others)


def read_objects(pipeline) -> dict[str, str]:
    """Return the text of every object of the bucket: as it stands, and decoded where it is Parquet."""
    texts = {}
    for page in pipeline.s3.get_paginator("list_objects_v2").paginate(Bucket=pipeline.bucket):
        for entry in page.get("Contents", []):
            body = pipeline.s3.get_object(Bucket=pipeline.bucket, Key=entry["Key"])["Body"].read()
            text = body.decode("latin-1")
            if entry["Key"].endswith(".parquet"):
                text += json.dumps(pyarrow.parquet.read_table(io.BytesIO(body)).to_pydict(), default=str)
                text += str(pyarrow.parquet.read_metadata(io.BytesIO(body)).metadata)
            texts[entry["Key"]] = text
    return texts


def read_warehouse_rows(warehouse) -> dict[str, str]:
    """Return every row of every table of every schema as text, the control schema's too."""
    with warehouse.connect() as connection:
        tables = connection.execute(
            "select table_schema, table_name from information_schema.tables where table_schema like 'apartments%'"
        ).fetchall()
        return {
            f"{schema}.{table}": repr(connection.execute(f'select * from "{schema}"."{table}"').fetchall())
            for schema, table in tables
        }


def read_statements(warehouse) -> dict[str, str]:
    """Return text, parameters and error of every statement that was ever submitted."""
    client = warehouse.client()
    pages = client.get_paginator("list_statements").paginate(Status="ALL")
    summaries = [summary for page in pages for summary in page["Statements"]]
    return {
        summary["StatementName"] or summary["Id"]: repr(summary) + repr(client.describe_statement(Id=summary["Id"]))
        for summary in summaries
        if (summary.get("StatementName") or "").startswith("apartments/")
    }


def assert_nowhere_clear(pipeline, warehouse, said) -> None:
    objects, rows, statements = read_objects(pipeline), read_warehouse_rows(warehouse), read_statements(warehouse)
    assert any(key.endswith(".parquet") for key in objects) and "apartments_raw.user_viewing" in rows and statements and said
    for kind, texts in (("object", objects), ("table", rows), ("statement", statements), ("line", dict(enumerate(said)))):
        assert not [name for name, text in texts.items() if is_clear(text)], f"clear values in these: {kind}"


def hashes(secret_text: str, source, table: str, column: str) -> set[str | None]:
    """Return what the column's values are hashed to."""
    values = [value for (value,) in source.query(f"select cast({column} as char) from {table}")]
    return {value and hmac.new(secret_text.encode(), value.encode(), "sha256").hexdigest() for value in values}


def current(warehouse, table: str, column: str) -> set[str | None]:
    """Return the column's values in raw's current rows."""
    by_key = "partition by id" if table != "user_viewing" else "partition by _run_sequence, _row_hash"
    rows = warehouse.query(
        f"select {column} from (select {column}, _operation, row_number() over ({by_key} order by _run_sequence desc) as place"
        f" from apartments_raw.{table}) as ranked where place = 1 and _operation = 'U'"
    )
    return {value for (value,) in rows}


def test_clear_values_are_nowhere(pipeline, people, private, fresh_warehouse, said):
    """First load, increment, backfill of a window, and a run that fails: nothing of the bucket, the warehouse, the logs, the
    events or the statements holds a clear value; hashed ones are there, equal for equal values, dropped columns are not."""
    assert pipeline.run()["status"] == "succeeded"
    people.execute("update apartments set host_email = concat('new-', host_email), host_phone = host_phone + 1 limit 5")
    people.execute("update apartment_attributes set owner_name = concat(owner_name, '!') limit 3")
    people.execute(
        "insert into user_viewing (user_id, apartment_id, recorded_at, viewer_name) values (1, 1, now(), %s)",
        (f"{SIGN}@example.org",),
    )
    assert pipeline.run()["status"] == "succeeded"
    assert pipeline.run({"window": {"from": "2020-01-01", "to": "2040-01-01"}})["status"] in ("succeeded", "unchanged")
    people.execute("alter table apartments drop column title")
    with pytest.raises(Exception, match="title"):
        pipeline.run()
    assert_nowhere_clear(pipeline, fresh_warehouse, said)
    for table, columns in PERSONAL.items():
        present = {
            name
            for (name,) in fresh_warehouse.query(
                f"select column_name from svv_columns where table_schema = 'apartments_raw' and table_name = '{table}'"
            )
        }
        assert {column for column in columns if column in present} == {column for name, column in HASHED if name == table}
    for table, column in HASHED:
        found = {value for (value,) in fresh_warehouse.query(f"select {column} from apartments_raw.{table}")}
        assert found >= hashes(f"{SIGN} the key itself", people, table, column) and len(found) > 5


@pytest.fixture
def guests(people, private):
    """Two tables that tell guests by their email address: one has it as its key, the other refers to it."""
    people.execute("create table guests (email varchar(80) not null primary key, stars int)")
    people.execute(
        "create table stays (id int, guest_email varchar(80), at timestamp(6) not null default now(6),"
        " primary key (id, guest_email))"
    )
    people.execute(
        f"insert into guests with recursive n as (select 1 as i union all select i + 1 from n where i < 40)"
        f" select concat('{SIGN}', i, '@example.org'), i from n"
    )
    people.execute("insert into stays (id, guest_email) select stars, email from guests")
    private.edit(
        lambda tables: tables.update(
            guests={"strategy": "snapshot", "key": "email", "personal": {"email": "hash"}},
            stays={"strategy": "merge", "key": ["id", "guest_email"], "cursor": "at", "personal": {"guest_email": "hash"}},
        )
    )
    return people


def test_a_personal_key_is_hashed_and_references_stay_equal(pipeline, guests, fresh_warehouse, said):
    """First load, an increment with a change, a new key and one that is gone, and a comparison: raw has the source's rows under
    other keys, and no clear value is anywhere, the plan's bounds of slices included, were there several."""
    pipeline.set_environment(SLICE_ROWS="10")
    pipeline.run()
    guests.execute(f"update guests set stars = 100 where email like '{SIGN}7@%%'")
    guests.execute(f"delete from guests where email like '{SIGN}8@%%'")
    guests.execute(f"insert into guests values ('{SIGN}new@example.org', 101)")
    guests.execute(f"insert into stays (id, guest_email) values (101, '{SIGN}new@example.org')")
    pipeline.run()
    guests.execute(f"delete from stays where guest_email like '{SIGN}9@%%'")
    assert pipeline.run({"reconcile": True})["status"] == "succeeded"
    for table, key, value in (("guests", "email", "stars"), ("stays", "guest_email", "id")):
        rows = fresh_warehouse.query(
            f"select {key}, {value} from (select *, row_number() over (partition by {key} order by _run_sequence desc) as place"
            f" from apartments_raw.{table}) as ranked where place = 1 and _operation = 'U'"
        )
        expected = [
            (hmac.new(f"{SIGN} the key itself".encode(), email.encode(), "sha256").hexdigest(), number)
            for email, number in guests.query(f"select {key}, {value} from {table}")
        ]
        assert sorted(map(tuple, rows)) == sorted(expected), table
    assert_nowhere_clear(pipeline, fresh_warehouse, said)


@pytest.mark.slow
def test_the_search_would_notice(pipeline, people, contract, fresh_warehouse, said):
    """Without the contract's `personal` the same search finds the values: it looks where they would be."""
    pipeline.run()
    with pytest.raises(AssertionError, match="clear values in these: object"):
        assert_nowhere_clear(pipeline, fresh_warehouse, said)
    assert is_clear(read_warehouse_rows(fresh_warehouse)["apartments_raw.apartments"])


@pytest.mark.slow
def test_a_rotated_secret_splits_nobody(pipeline, people, private, hash_secret, aws, fresh_warehouse):
    """Every table that hashes is read again whole: its current rows carry hashes of the new key only, and the layers equal a
    rebuild."""
    pipeline.run()
    aws.client("secretsmanager").put_secret_value(SecretId=hash_secret, SecretString="another key")
    read_settings.cache_clear()
    assert pipeline.run()["status"] == "succeeded"
    for table, column in HASHED:
        assert current(fresh_warehouse, table, column) == hashes("another key", people, table, column), table
    assert pipeline.run()["status"] == "unchanged"
    incremental = read_layers(fresh_warehouse)
    pipeline.run({"rebuild": True})
    assert_same_layers(incremental, read_layers(fresh_warehouse))


def rows_in_the_clear(warehouse) -> list[str]:
    return [table for table, text in read_warehouse_rows(warehouse).items() if is_clear(text)]


def objects_in_the_clear(pipeline) -> list[str]:
    return [key for key, text in read_objects(pipeline).items() if is_clear(text)]


@pytest.mark.slow
def test_a_column_that_turns_personal_is_refused_until_its_history_is_erased(
    pipeline, people, contract, hash_secret, fresh_warehouse
):
    """Raw and S3 hold it in the clear: the run stops before reading and says the way out. With it, the table is reloaded in full:
    no clear value is left in the warehouse or on S3, other tables keep their history, and the layers equal a rebuild."""
    for table in ("apartment_attributes", "user_viewing"):
        contract.set(table, personal={column: policy for column, (_, policy) in PERSONAL[table].items()})
    pipeline.run()
    people.execute("update apartments set host_email = concat('new-', host_email) limit 3")
    people.execute("delete from apartments order by id limit 1")  # that no increment of a merge table sees
    people.execute("update apartment_attributes set state = 'XX' limit 2")
    pipeline.run()
    others = fresh_warehouse.query("select count(*), max(_run_sequence) from apartments_raw.apartment_attributes")
    assert "apartments_raw.apartments" in rows_in_the_clear(fresh_warehouse)
    contract.set("apartments", personal={"host_email": "hash", "host_phone": "drop"})
    # With the history goes the knowledge of the deleted listing: its bookings are orphans now, more than a run would publish.
    contract.edit(lambda tables: [table.update(max_rejected_fraction=1) for table in tables.values()])
    with pytest.raises(FixConfiguration) as refusal:
        pipeline.run()
    for words in ("host_email (held in the clear; source.yaml says hash)", "host_phone", '{"erase": ["apartments"]}', "Nothing"):
        assert words in str(refusal.value)
    result = pipeline.run({"erase": ["apartments"], "started_by": "the privacy officer"})
    assert result["status"] == "succeeded"
    assert rows_in_the_clear(fresh_warehouse) == [] and objects_in_the_clear(pipeline) == []
    for table, key in (("apartments", "id"), ("apartment_attributes", "id")):
        counted = fresh_warehouse.query(f"select count(distinct {key}) from apartments_raw.{table} where _operation = 'U'")
        assert counted == people.query(f"select count(*) from {table}")
    assert fresh_warehouse.query("select min(_run_sequence) from apartments_raw.apartments")[0][0] == result["run_sequence"]
    assert current(fresh_warehouse, "apartments", "host_email") == hashes(
        f"{SIGN} the key itself", people, "apartments", "host_email"
    )
    assert fresh_warehouse.query("select count(*), max(_run_sequence) from apartments_raw.apartment_attributes") == others
    assert pipeline.run()["status"] == "unchanged"
    incremental = read_layers(fresh_warehouse)
    pipeline.run({"rebuild": True})
    assert_same_layers(incremental, read_layers(fresh_warehouse))


@pytest.mark.slow
@pytest.mark.parametrize("state", ["extract_slice 0", "load apartments", "pending", "curate apartments", "archive_slices"])
def test_an_erasure_that_stopped_is_completed_by_the_next_run(pipeline, people, contract, hash_secret, fresh_warehouse, state):
    """Wherever it stopped, an ordinary run afterwards leaves no clear value and layers that equal a rebuild."""
    contract.edit(lambda tables: [tables.pop(name) for name in ("user_viewing",)])
    contract.set("apartment_attributes", personal={"owner_name": "hash", "owner_notes": "drop"})
    shutil.rmtree(contract.path.parent / "checks")
    (contract.path.parent / "curated" / "user_viewing.sql").unlink()
    pipeline.run()
    contract.set("apartments", personal={"host_email": "hash", "host_phone": "drop"})
    with pytest.raises(Exception, match=state):
        pipeline.run({"erase": ["apartments"]}, stop_before=state)
    assert pipeline.run()["status"] in ("succeeded", "unchanged")
    assert rows_in_the_clear(fresh_warehouse) == [] and objects_in_the_clear(pipeline) == []
    incremental = read_layers(fresh_warehouse)
    pipeline.run({"rebuild": True})
    assert_same_layers(incremental, read_layers(fresh_warehouse))


@pytest.mark.slow
def test_an_erasure_that_stopped_loses_no_old_row(pipeline, people, fresh_warehouse):
    """Its raw table is empty, while the watermark of the earlier one is still there: the next run reads the table whole."""
    people.execute("update apartments set changed_at = '2020-01-01'")
    pipeline.run()
    with pytest.raises(Exception, match="extract_slice 0"):
        pipeline.run({"erase": ["apartments"]}, stop_before="extract_slice 0")
    assert fresh_warehouse.query("select count(*) from apartments_raw.apartments") == [(0,)]
    pipeline.run()
    assert fresh_warehouse.query("select count(*) from apartments_raw.apartments") == people.query(
        "select count(*) from apartments"
    )


@pytest.mark.slow
def test_what_is_no_longer_personal_is_refused_too(pipeline, people, private, fresh_warehouse):
    """Hashes and clear values in one column would be joined as if they were alike."""
    pipeline.run()
    private.set("apartments", personal={"host_phone": "drop"})
    with pytest.raises(FixConfiguration, match=r"host_email \(held hashed; source.yaml says nothing of it\)"):
        pipeline.run()

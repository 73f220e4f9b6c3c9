"""The doctor on a stack that is well, and on one of which a single thing is broken: it says which, and the way out.

Everything is broken for real; the reader endpoint is a server that was started read-only.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import boto3
import pytest

from local.commands.doctor import OPERATION, SOURCE, WAREHOUSE, StackNotReached, examine, invoke_deployed, read_answer, tell
from local.marketplace.schema import create_sample_schema
from local.stack import Stack
from local.standins.account import PARTITION
from local.standins.cloudformation.template import ACCOUNT, REGION
from local.standins.mysql import mariadb

READER = "rental_pipeline@127.0.0.1"
KEY = f"arn:{PARTITION}:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"


# One stack for all, which the last tests let run: before them it has no schema and an empty bucket.
pytestmark = pytest.mark.random_order(disabled=True)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """With the sample schema; every test leaves it well."""
    with (
        tempfile.TemporaryDirectory(prefix="stack-", ignore_cleanup_errors=True) as folder,
        Stack(Path(folder), parameters={"ScheduleState": "ENABLED", "KmsKeyArn": KEY}) as running,
    ):
        with closing(running.source.connect()) as connection:
            create_sample_schema(connection, "apartments")
        yield running


def look(stack: Stack) -> list[dict[str, str]]:
    """Return what is not ok."""

    def invoke(function: str, event: dict) -> tuple[dict, str | None]:
        answer = stack.invoke(function, event)
        return read_answer(answer.payload, answer.function_error)

    return [finding for finding in examine(invoke) if finding["status"] != "ok"]


def only(findings: list[dict[str, str]], status: str, check: str) -> str:
    """Return what the one finding says."""
    assert [(finding["status"], finding["check"]) for finding in findings] == [(status, check)], findings
    return findings[0]["says"]


@contextmanager
def source_is(stack: Stack, broken: str, mended: str) -> Iterator[None]:
    """One statement breaks the source, as its administrator; another mends it."""
    server = mariadb.find_running(stack.folder / "mariadb")
    with closing(server.connect("apartments")) as connection, connection.cursor() as cursor:
        cursor.execute(broken)
        try:
            yield
        finally:
            cursor.execute(mended)


@contextmanager
def warehouse_is(stack: Stack, broken: str, mended: str) -> Iterator[None]:
    """As `source_is`."""
    with stack.warehouse.connect() as connection:
        connection.execute(broken)
        try:
            yield
        finally:
            connection.execute(mended)


def read_schedule(stack: Stack, name: str) -> dict:
    """Return a schedule as it would be created."""
    schedule = stack.aws.client("scheduler").get_schedule(Name=name)
    return {key: schedule[key] for key in ("Name", "ScheduleExpression", "State", "Target", "FlexibleTimeWindow")}


@contextmanager
def schedules_are(stack: Stack, *names: str, **changes: object) -> Iterator[None]:
    """Other fields of these schedules (of all, where none is named); of a mapping, only the fields given."""
    scheduler = stack.aws.client("scheduler")
    schedules = [read_schedule(stack, f"rental-pipeline-{name}") for name in names or ("increment", "reconcile")]
    for schedule in schedules:
        changed = {key: {**schedule[key], **value} if isinstance(value, dict) else value for key, value in changes.items()}
        scheduler.update_schedule(**{**schedule, **changed})
    try:
        yield
    finally:
        for schedule in schedules:
            scheduler.update_schedule(**schedule)


@contextmanager
def secret_has(stack: Stack, **changes: object) -> Iterator[None]:
    """Other fields in the secret of the source (None: taken out)."""
    client, name = stack.aws.client("secretsmanager"), stack.source.secret_arn
    text = client.get_secret_value(SecretId=name)["SecretString"]
    fields = {key: value for key, value in {**json.loads(text), **changes}.items() if value is not None}
    client.put_secret_value(SecretId=name, SecretString=json.dumps(fields))
    try:
        yield
    finally:
        client.put_secret_value(SecretId=name, SecretString=text)


def test_a_stack_that_is_well_is_ok_everywhere(stack):
    """And no probe is left in the bucket."""
    assert look(stack) == []
    assert stack.s3.list_objects_v2(Bucket=stack.bucket)["KeyCount"] == 0


def test_a_wrong_password(stack):
    """It is not shown, and the warehouse is looked at all the same."""
    with secret_has(stack, password="not-this-one"):
        says = only(look(stack), "fail", "connection")
    assert "refuses the user 'rental_pipeline': check username and password in the secret" in says
    assert "not-this-one" not in says


@pytest.mark.parametrize(
    ("changes", "check", "way_out"),
    [
        ({"host": None}, "source secret", "lacks host; it must hold"),
        ({"host": "no-such-host.invalid"}, "connection", "check host in the secret"),
        ({"port": 1}, "connection", "the functions' subnets and security group may reach it"),
        ({"tls": "verify"}, "connection", 'or set "tls"'),
        ({"dbname": "elsewhere"}, "connection", "elsewhere"),
    ],
)
def test_a_wrong_address(stack, changes, check, way_out):
    """Name, network, TLS and database are told apart."""
    with secret_has(stack, **changes):
        assert way_out in only(look(stack), "fail", check)


def test_no_process_privilege(stack):
    """Runs go on, a delay behind; the threads of a replica would not be seen either."""
    with source_is(stack, f"revoke process on *.* from {READER}", f"grant process on *.* to {READER}"):
        says = {finding["check"]: finding["says"] for finding in look(stack)}
    assert says.keys() == {"open transactions", "writer"}
    assert "grant process on *.* to 'rental_pipeline'" in says["open transactions"]
    assert "whether it is a replica of another server could not be asked: grant replication client" in says["writer"]


def test_the_readers_endpoint(stack):
    """A reader shows none of its writer's transactions."""
    stack.stop_source()
    reader = mariadb.start(stack.folder / "mariadb", port=stack.source.port, options=["--innodb-read-only=1"])
    try:
        says = only(look(stack), "fail", "open transactions")
    finally:
        reader.stop()
        stack.start_source()
    assert "put the cluster's writer endpoint, or the server that the application writes to, into the secret" in says


def test_a_server_that_was_set_read_only(stack):
    """As a replica of RDS is; a good one shows no other sign of it."""
    with source_is(stack, "set global read_only = 1", "set global read_only = 0"):
        says = only(look(stack), "fail", "open transactions")
    assert "is a reader (read_only is on)" in says


def test_a_table_that_may_not_be_read(stack):
    """It is invisible, as one that does not exist."""
    server = mariadb.find_running(stack.folder / "mariadb")
    others = ("apartments", "apartment_attributes", "bookings")
    with closing(server.connect("apartments")) as connection, connection.cursor() as cursor:
        for table in others:
            cursor.execute(f"grant select on apartments.{table} to {READER}")
        with source_is(stack, f"revoke select on apartments.* from {READER}", f"grant select on apartments.* to {READER}"):
            says = only(look(stack), "fail", "table user_viewing")
        for table in others:
            cursor.execute(f"revoke select on apartments.{table} from {READER}")
    assert "'rental_pipeline'@'127.0.0.1' may not read it, if it is there" in says
    assert "grant select on `apartments`.`user_viewing` to" in says


def test_a_column_that_may_not_be_read(stack):
    """Found before anything is read, by its name, with the grant."""
    server = mariadb.find_running(stack.folder / "mariadb")
    others = ("apartments", "apartment_attributes", "bookings")
    with closing(server.connect("apartments")) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select column_name from information_schema.columns where table_name = 'user_viewing' and table_schema = 'apartments'"
        )
        names = [name for (name,) in cursor.fetchall()]
        for table in others:
            cursor.execute(f"grant select on apartments.{table} to {READER}")
        cursor.execute(
            f"grant select ({', '.join(name for name in names if name != 'viewed_at')}) on apartments.user_viewing to {READER}"
        )
        try:
            with source_is(stack, f"revoke select on apartments.* from {READER}", f"grant select on apartments.* to {READER}"):
                says = only(look(stack), "fail", "table user_viewing")
        finally:
            for table in (*others, "user_viewing"):
                cursor.execute(f"revoke all privileges on apartments.{table} from {READER}")
    assert "may not read the column viewed_at, which the source has" in says


def test_a_column_whose_name_has_a_percent_sign(stack):
    """The doctor asks what the run asks, and PyMySQL takes % for a mark."""
    with source_is(stack, "alter table bookings add column `discount_%` int", "alter table bookings drop column `discount_%`"):
        assert look(stack) == []


def test_a_column_that_redshift_keeps_to_itself(stack):
    """By table, column and ways out, as planning refuses it."""
    with source_is(stack, "alter table bookings add column `xmin` int", "alter table bookings drop column `xmin`"):
        says = only(look(stack), "fail", "table bookings")
    assert "column xmin is a name that Redshift keeps to itself in every table" in says
    assert "personal: {xmin: drop}" in says


def test_no_index_on_a_cursor(stack):
    """With the statement that makes one."""
    make = "create index bookings_changed_at on bookings (changed_at)"
    with source_is(stack, "drop index bookings_changed_at on bookings", make):
        assert make in only(look(stack), "warn", "table bookings")


def test_a_server_that_is_not_in_utc(stack):
    """Its DATETIME cursors may then be in its time."""
    with source_is(stack, "set global time_zone = '+02:00'", "set global time_zone = '+00:00'"):
        findings = look(stack)
    assert [finding["status"] for finding in findings] == ["warn"] * 3
    assert all("on a server in +02:00" in finding["says"] for finding in findings)
    assert {finding["check"] for finding in findings} == {"table apartments", "table bookings", "table user_viewing"}


def test_all_mistakes_of_the_contract_at_once(stack):
    """Of three tables, in one look: a column, a key and a table."""
    renamed = "alter table bookings rename column changed_at to {}"
    keyless = "alter table apartment_attributes drop primary key"
    with (
        source_is(stack, renamed.format("altered_at"), "alter table bookings rename column altered_at to changed_at"),
        source_is(stack, keyless, "alter table apartment_attributes add primary key (id)"),
        source_is(stack, "rename table user_viewing to viewings", "rename table viewings to user_viewing"),
    ):
        says = {finding["check"]: finding["says"] for finding in look(stack) if finding["status"] == "fail"}
    assert says.keys() == {"table bookings", "table apartment_attributes", "table user_viewing"}
    assert "the source has no column changed_at" in says["table bookings"]
    assert "the key (id) is not unique in the source" in says["table apartment_attributes"]
    assert "the source has no table user_viewing" in says["table user_viewing"]


def test_a_column_that_raw_has_and_the_source_has_not(stack):
    """Drift, as planning would refuse it."""
    with warehouse_is(
        stack,
        "create schema apartments_raw authorization awsuser;"
        " create table apartments_raw.user_viewing (user_id integer, gone integer, _event_day date);"
        " alter table apartments_raw.user_viewing owner to awsuser",
        "drop schema apartments_raw cascade",
    ):
        (finding,) = [finding for finding in look(stack) if "gone" in finding["says"]]
    assert (finding["status"], finding["check"]) == ("fail", "table user_viewing")
    assert "Nothing was read" in finding["says"]


def test_a_warehouse_user_without_create(stack):
    """With the grant that is missing."""
    grant = "grant create on database dev to awsuser"
    with warehouse_is(stack, "revoke create on database dev from awsuser", grant):
        assert 'grant create on database dev to "awsuser"' in only(look(stack), "fail", "CREATE")


def test_a_schema_of_somebody_else(stack):
    """A run could not make its tables there."""
    with warehouse_is(stack, "create schema apartments_curated", "drop schema apartments_curated"):
        says = only(look(stack), "fail", "schemas")
    assert 'alter schema apartments_curated owner to "awsuser"' in says


def test_tables_of_an_earlier_user(stack):
    """The stack was made again, and its role, so its database user, has another name; only the schema was changed."""
    with warehouse_is(
        stack,
        "create schema apartments_curated authorization awsuser; create table apartments_curated.bookings (id bigint)",
        "drop schema apartments_curated cascade",
    ):
        says = only(look(stack), "fail", "schemas")
    assert "1 tables or views of apartments_curated are not owned by 'awsuser'" in says and "sql/change_owner.sql" in says


# Runs of the ledger: kind, status, days ago, tables read as a whole, compared whole, and of which the latest days were compared.
TABLES = ("apartments", "apartment_attributes", "bookings", "user_viewing")
LOADED = ("incremental", "succeeded", 30, TABLES, (), ())


@pytest.mark.parametrize(
    ("runs", "late"),
    [
        ([LOADED, ("incremental", "succeeded", 0, (), (), TABLES)], dict.fromkeys(TABLES, 30)),
        ([LOADED, ("reconcile", "failed", 0, (), TABLES, ())], dict.fromkeys(TABLES, 30)),
        ([LOADED, ("reconcile", "unchanged", 9, (), TABLES, ())], dict.fromkeys(TABLES, 9)),
        ([LOADED, ("reconcile", "succeeded", 0, (), TABLES, ())], {}),
        ([LOADED, ("reconcile", "succeeded", 0, (), ("bookings",), ())], dict.fromkeys(set(TABLES) - {"bookings"}, 30)),
        ([LOADED, ("reconcile", "succeeded", 0, ("bookings",), TABLES[:2], ())], {"user_viewing": 30}),
        ([LOADED, ("reconcile", "succeeded", 0, (), (*TABLES, "no_more_in_the_contract"), ())], {}),
        ([("incremental", "failed", 0, TABLES, (), ())], {}),
    ],
)
def test_tables_that_were_long_not_looked_at_whole(stack, runs, late):
    """A reconcile run looks at the tables that it takes, and a load at what it reads as a whole."""
    statements = [
        "create schema apartments_control authorization awsuser",
        "create table apartments_control.run (run_sequence bigint, kind varchar, status varchar, finished_at timestamp)",
        "create table apartments_control.reconciliation (run_sequence bigint, table_name varchar, is_whole boolean)",
        "create table apartments_control.run_window (run_sequence bigint, table_name varchar, is_complete boolean)",
        *(f"alter table apartments_control.{table} owner to awsuser" for table in ("run", "reconciliation", "run_window")),
    ]
    for number, (kind, status, days, read, compared, partly) in enumerate(runs):
        finished = f"current_timestamp - interval '{days} days'"
        statements.append(f"insert into apartments_control.run values ({number}, '{kind}', '{status}', {finished})")
        looked = [("run_window", table, True) for table in read]
        looked += [("run_window", table, False) for table in TABLES if table not in read]
        looked += [("reconciliation", table, True) for table in compared]
        looked += [("reconciliation", table, False) for table in partly]
        statements += [f"insert into apartments_control.{into} values ({number}, '{table}', {so})" for into, table, so in looked]
    with warehouse_is(stack, "; ".join(statements), "drop schema apartments_control cascade"):
        found = look(stack)
    if not late:
        assert found == []
        return
    says = only(found, "warn", "completeness")
    assert {table: f"{table} {late.get(table)} days ago" in says for table in TABLES} == {
        table: table in late for table in TABLES
    }


def test_a_bucket_that_is_open_to_the_public(stack):
    """Three of the four ways are left open."""
    blocked = stack.s3.get_public_access_block(Bucket=stack.bucket)["PublicAccessBlockConfiguration"]
    stack.s3.put_public_access_block(Bucket=stack.bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    try:
        says = only(look(stack), "fail", "bucket")
    finally:
        stack.s3.put_public_access_block(Bucket=stack.bucket, PublicAccessBlockConfiguration=blocked)
    assert "does not say IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets: block all public access" in says


@pytest.mark.parametrize(
    ("policy", "way_out"),
    [
        (None, "may be reached without TLS: put its policy back"),
        (
            {"CopyReads": "AROAEXAMPLEEXAMPLE"},
            "lets in AROAEXAMPLEEXAMPLE, not arn:aws:iam::123456789012:role/copy, the parameter",
        ),
        ({}, "lets in no role, not arn:aws:iam::123456789012:role/copy, the parameter CopyRoleArn"),
    ],
    ids=["none", "of a role that was deleted", "without the role"],
)
def test_a_bucket_policy_that_is_not_the_templates(stack, policy, way_out):
    """Each as somebody, or IAM itself, may have left it."""
    before = stack.s3.get_bucket_policy(Bucket=stack.bucket)["Policy"]
    document = json.loads(before)
    document["Statement"] = [each for each in document["Statement"] if each["Effect"] == "Deny"] + [
        {"Sid": sid, "Effect": "Allow", "Principal": {"AWS": principal}, "Action": "s3:GetObject", "Resource": "*"}
        for sid, principal in (policy or {}).items()
    ]
    if policy is None:
        stack.s3.delete_bucket_policy(Bucket=stack.bucket)
    else:
        stack.s3.put_bucket_policy(Bucket=stack.bucket, Policy=json.dumps(document))
    try:
        says = only(look(stack), "fail", "bucket policy")
    finally:
        stack.s3.put_bucket_policy(Bucket=stack.bucket, Policy=before)
    assert way_out in says


def test_a_bucket_that_is_not_under_the_key(stack):
    """Nor is what the warehouse writes, which takes the bucket's key."""
    encryption = stack.s3.get_bucket_encryption(Bucket=stack.bucket)["ServerSideEncryptionConfiguration"]
    another = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    stack.s3.put_bucket_encryption(Bucket=stack.bucket, ServerSideEncryptionConfiguration=another)
    try:
        findings = look(stack)
    finally:
        stack.s3.put_bucket_encryption(Bucket=stack.bucket, ServerSideEncryptionConfiguration=encryption)
    assert [(finding["status"], finding["check"]) for finding in findings] == [("fail", "bucket"), ("fail", "key")]
    assert f"are encrypted by AES256, not by {KEY}, the parameter KmsKeyArn" in findings[0]["says"]
    assert f"encrypted by S3's own key, not by {KEY}" in findings[1]["says"]


def test_no_bucket(stack):
    """Neither the functions nor the warehouse can write."""
    blocked = stack.s3.get_public_access_block(Bucket=stack.bucket)["PublicAccessBlockConfiguration"]
    encryption = stack.s3.get_bucket_encryption(Bucket=stack.bucket)["ServerSideEncryptionConfiguration"]
    policy = stack.s3.get_bucket_policy(Bucket=stack.bucket)["Policy"]
    stack.s3.delete_bucket(Bucket=stack.bucket)
    try:
        findings = look(stack)
    finally:
        stack.s3.create_bucket(Bucket=stack.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        stack.s3.put_public_access_block(Bucket=stack.bucket, PublicAccessBlockConfiguration=blocked)
        stack.s3.put_bucket_encryption(Bucket=stack.bucket, ServerSideEncryptionConfiguration=encryption)
        stack.s3.put_bucket_policy(Bucket=stack.bucket, Policy=policy)
    assert [(finding["status"], finding["check"]) for finding in findings] == [
        ("fail", "S3"),
        ("fail", "bucket"),
        ("fail", "COPY role"),
    ]
    assert "does not exist: check the variable BUCKET" in findings[0]["says"]
    assert "the parameter CopyRoleArn" in findings[2]["says"]


def test_a_role_that_is_not_attached(stack):
    """COPY and UNLOAD would fail in each run; the line names the parameter, and what to attach."""
    attached = stack.redshift.attached_role
    stack.stop_warehouse()
    stack.redshift.attached_role = f"arn:aws:iam::{ACCOUNT}:role/another"
    stack.start_warehouse()
    try:
        says = only(look(stack), "fail", "COPY role")
    finally:
        stack.stop_warehouse()
        stack.redshift.attached_role = attached
        stack.start_warehouse()
    assert f"could not write to {stack.bucket} as {attached}, the parameter CopyRoleArn" in says
    assert f"Not authorized to get credentials of role {attached}" in says
    assert "give the role that is attached" in says


def test_schedules_that_are_off(stack):
    """Nothing runs by itself, which is said once, with what switches them on."""
    with schedules_are(stack, State="DISABLED"):
        says = only(look(stack), "warn", "schedules")
    assert says.startswith("rental-pipeline-increment and rental-pipeline-reconcile are off")
    assert "deploy with ScheduleState=ENABLED" in says


def test_a_schedule_that_starts_something_else(stack):
    """As after somebody edited it by hand."""
    with schedules_are(stack, "reconcile", Target={"Arn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:another"}):
        says = only(look(stack), "fail", "schedules")
    assert "rental-pipeline-reconcile starts" in says
    assert "deploy the stack again" in says


def test_a_schedule_that_compares_some_tables_only(stack):
    """As after somebody edited its input by hand: the others' deletes are never found."""
    with schedules_are(stack, "reconcile", Target={"Input": '{"reconcile": true, "tables": ["bookings"]}'}):
        says = only(look(stack), "warn", "schedules")
    assert says.startswith("rental-pipeline-reconcile does not compare all tables")


def test_a_schedule_that_is_gone(stack):
    """Deleted by hand: no alarm would say so before the run is missed."""
    scheduler = stack.aws.client("scheduler")
    schedule = read_schedule(stack, "rental-pipeline-increment")
    scheduler.delete_schedule(Name=schedule["Name"])
    try:
        says = only(look(stack), "fail", "schedules")
    finally:
        scheduler.create_schedule(**schedule)
    assert "the schedule rental-pipeline-increment does not exist" in says


def test_nobody_is_told(stack):
    """A topic without a subscriber: its mails reach nobody."""
    sns, topic = stack.aws.client("sns"), stack.deployment.topics["AlarmTopic"]
    (subscription,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    try:
        says = only(look(stack), "warn", "people told")
    finally:
        sns.subscribe(TopicArn=topic, Protocol=subscription["Protocol"], Endpoint=subscription["Endpoint"])
    assert says.startswith("of alarms: nobody; deploy with NotificationEmail=")


def test_a_last_run_that_failed(stack):
    """Named, with where to read on; the next good run takes the warning away."""
    failed = stack.start_execution({"tables": ["no_such_table"]}).wait()
    assert failed.status == "FAILED"
    says = only(look(stack), "warn", "last run")
    assert "failed; it began at" in says
    assert failed.arn in says
    assert stack.start_execution({"dry_run": True}).wait().status == "SUCCEEDED"
    assert look(stack) == []


def test_no_state_machine(stack):
    """It was deleted by hand: the schedules still start it, in vain."""
    states, arn = stack.aws.client("stepfunctions"), stack.deployment.state_machines["RunStateMachine"]
    machine = states.describe_state_machine(stateMachineArn=arn)
    states.delete_state_machine(stateMachineArn=arn)
    try:
        says = only(look(stack), "fail", "state machine")
    finally:
        states.create_state_machine(**{name: machine[name] for name in ("name", "definition", "roleArn")})
    assert says == f"{arn} does not exist: deploy the stack again (`sam deploy` puts back what was deleted by hand)"


def test_a_function_that_cannot_answer_is_a_finding(capsys):
    """As where it has no network interface, or is not deployed; the others are asked all the same."""

    def invoke(function: str, event: dict) -> tuple[dict, str | None]:
        if function == WAREHOUSE:
            return {}, "Sandbox.Timedout: Task timed out after 300.00 seconds"
        return {"findings": [{"status": "ok", "check": function, "says": "fine"}]}, None

    findings = examine(invoke)
    told = [(finding["status"], finding["check"]) for finding in findings]
    assert told == [("ok", SOURCE), ("fail", WAREHOUSE), ("ok", OPERATION)]
    assert tell(findings, 80) is False
    printed = capsys.readouterr().out
    assert "FAIL  CheckWarehouseFunction  it did not answer (Sandbox.Timedout" in printed
    assert "2 ok, 0 to look at (WARN), 1 to mend before a run (FAIL)" in printed


def test_a_stack_that_is_not_there(aws):
    """In AWS, by the name that was given: told with where it was looked for."""
    with pytest.raises(StackNotReached, match=r"no-such-stack(.|\n)*set AWS_REGION"):
        invoke_deployed("no-such-stack")


def test_a_region_that_is_not_set(monkeypatch):
    """As above."""
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with pytest.raises(StackNotReached, match="must specify a region"):
        invoke_deployed("no-such-stack")

"""What a person is told about a failed execution: the innermost error, and where it happened."""

import json
from types import SimpleNamespace
from typing import ClassVar

import pytest
from botocore.exceptions import ClientError

from local.standins.step_functions.server import check_message
from rental_pipeline.base.errors import FixConfiguration, FixData, RetryLater
from rental_pipeline.base.settings import FailureSettings
from rental_pipeline.operate import failed_run as failure
from rental_pipeline.operate.failed_run import Closing, Failure, close_failed_run, explain_failure
from rental_pipeline.warehouse import data_api, run_step
from rental_pipeline.warehouse.data_api import StatementFailed


@pytest.fixture(autouse=True)
def last_state(monkeypatch):
    """The execution's history ends in this state."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setattr(failure, "_find_failed_state", lambda client, execution_arn: "Load raw tables")


def detail(status="FAILED", error=None, cause=None):
    return {"executionArn": "arn:x", "name": "x", "status": status, "error": error, "cause": cause}


def test_a_functions_error_is_found_inside_the_nested_execution():
    """startExecution.sync wraps the child's error twice in JSON; both are opened."""
    of_function = json.dumps({"errorMessage": "ROWS LOST: 3", "errorType": "FixData", "stackTrace": []})
    of_child = json.dumps({"Error": "FixData", "Cause": of_function, "Input": json.dumps({"step": "load", "name": "bookings"})})
    found = explain_failure(detail(error="States.TaskFailed", cause=of_child))
    assert found == Failure("Load raw tables (load bookings)", "FixData", "ROWS LOST: 3")


def test_a_functions_own_error_needs_no_unwrapping():
    """A state that calls a function directly carries its exception."""
    found = explain_failure(
        detail(error="FixConfiguration", cause=json.dumps({"errorMessage": "unknown table", "errorType": "FixConfiguration"}))
    )
    assert found == Failure("Load raw tables", "FixConfiguration", "unknown table")


@pytest.mark.parametrize(("status", "words"), [("TIMED_OUT", "longer than it may"), ("ABORTED", "stopped it")])
def test_executions_without_an_error_are_explained_by_their_status(status, words):
    """A timeout and an abort carry neither error nor cause."""
    found = explain_failure(detail(status=status))
    assert found.error == status
    assert words in found.message


def test_a_cause_that_is_plain_text_is_kept():
    """The platform's own causes are sentences."""
    assert explain_failure(detail(error="States.Runtime", cause="no such path")).message == "no such path"


def test_a_failed_slice_is_found_in_the_map_run(monkeypatch):
    """A Distributed Map says only that too many children failed; why is the child's own error."""
    child = {
        "status": "FAILED",
        "input": json.dumps({"table": "bookings", "slice": 3}),
        "error": "FixConfiguration",
        "cause": json.dumps({"errorMessage": "may not SELECT", "errorType": "FixConfiguration", "stackTrace": []}),
    }
    monkeypatch.setattr(failure, "_find_failed_child", lambda client, execution_arn: child)
    found = explain_failure(
        detail(error="States.ExceedToleratedFailureThreshold", cause="The specified tolerated failure threshold was exceeded")
    )
    assert found == Failure("Load raw tables (slice 3 of bookings)", "FixConfiguration", "may not SELECT")


def test_a_long_place_still_makes_a_subject(monkeypatch):
    """SNS refuses one of 100 characters, and nobody would be told at all."""
    sent = []
    monkeypatch.setattr(failure.boto3, "client", lambda _service: SimpleNamespace(publish=lambda **message: sent.append(message)))
    event = {"executionArn": "arn:aws:states:eu-north-1:123456789012:execution:prod-run:x", "status": "FAILED"}
    closed = Closing(7, has_published=False)
    settings = SimpleNamespace(marketplace="apartments", topic_arn="arn:topic")
    failure._send_failure_mail(
        event, Failure(f"Load raw tables (load {'x' * 100})", "RetryLater", "S3 asks to slow down"), closed, settings
    )
    check_message(sent[0])


def test_the_mail_says_where_and_what_to_do(monkeypatch):
    """Subject and text name run, state, error, way out, the input to rerun with, and a link to the execution in its region."""
    sent = []
    monkeypatch.setattr(failure.boto3, "client", lambda _service: SimpleNamespace(publish=lambda **message: sent.append(message)))
    arn = "arn:aws:states:eu-north-1:123456789012:execution:prod-run:x"
    event = {"executionArn": arn, "status": "FAILED", "input": '{"tables": ["bookings"]}'}
    closed = Closing(7, has_published=False)
    settings = SimpleNamespace(marketplace="apartments", topic_arn="arn:topic")
    failure._send_failure_mail(
        event, Failure("Load raw tables (load bookings)", "RetryLater", "S3 asks to slow down"), closed, settings
    )
    (message,) = sent
    assert message["Subject"] == "apartments run 7 failed: Load raw tables (load bookings)"
    for words in (
        "Where: Load raw tables (load bookings)",
        "What:  RetryLater: S3 asks to slow down",
        "choose Redrive",
        'Input: {"tables": ["bookings"]}',
        f"https://eu-north-1.console.aws.amazon.com/states/home?region=eu-north-1#/v2/executions/details/{arn}",
    ):
        assert words in message["Message"]


@pytest.fixture
def told(monkeypatch) -> list[dict]:
    """The messages that are sent."""
    sent: list[dict] = []
    monkeypatch.setattr(failure.boto3, "client", lambda _service: SimpleNamespace(publish=lambda **message: sent.append(message)))
    return sent


@pytest.mark.parametrize(
    "error",
    [
        RetryLater("the Redshift Data API cannot be reached"),
        FixConfiguration("permission denied"),
        StatementFailed('relation "run" does not exist'),
    ],
    ids=["unreachable", "refused", "statement failed"],
)
def test_people_are_told_also_where_the_ledger_cannot_be(monkeypatch, told, error):
    """Whatever keeps the run from being closed: the mail goes out, and says that the next run closes this one."""

    def refuse(*_arguments, **_options):
        raise error

    monkeypatch.setattr(
        failure, "DataApi", lambda *_arguments, **_options: SimpleNamespace(cancel_unfinished=refuse, query=refuse)
    )
    settings = SimpleNamespace(marketplace="apartments", topic_arn="arn:topic")
    arn = "arn:aws:states:eu-north-1:123456789012:execution:prod-run:x"
    closed = close_failed_run(
        {"detail": {**detail(error="FixData", cause="it broke"), "executionArn": arn}}, settings, lambda: 300.0
    )
    (message,) = told
    assert message["TopicArn"] == "arn:topic"
    assert f"The warehouse could not be told ({error}); the next run closes this one." in message["Message"]
    assert "What:  FixData: it broke" in message["Message"]
    assert closed == {"run_sequence": None, "has_published": None, "cancelled": [], "problem": str(error)}


def test_a_fault_of_the_pipeline_itself_is_not_swallowed(monkeypatch, told):
    """Lambda then tries the event again, and keeps it where that does not help."""

    def break_off(*_arguments, **_options):
        raise ZeroDivisionError

    monkeypatch.setattr(failure, "_close", break_off)
    monkeypatch.setattr(failure, "DataApi", lambda *_arguments, **_options: None)
    with pytest.raises(ZeroDivisionError):
        close_failed_run(
            {"detail": detail(error="FixData")}, SimpleNamespace(marketplace="apartments", topic_arn="arn:topic"), float
        )


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("RetryLater", "choose Redrive on the execution"),
        ("FixConfiguration", "Mend what the message names"),
        ("FixData", "Mend the data or the rule"),
        ("Runtime.OutOfMemory", "lower SliceRows or PartBytes"),
        ("Runtime.ExitError", "lower SliceRows or PartBytes"),
        ("Sandbox.Timedout", "lower SliceRows or PartBytes"),
        ("States.Runtime", "Look at the execution in the console"),
    ],
)
def test_the_advice_fits_the_error(told, error, advice):
    """Each class of errors has its reaction; the platform's have a general one."""
    closed = Closing(has_published=True, cancelled=["load"])
    event = {"executionArn": "arn:aws:states:eu-north-1:1:execution:x:y", "status": "FAILED"}
    failure._send_failure_mail(
        event, Failure("Check", error, "m"), closed, SimpleNamespace(marketplace="apartments", topic_arn="t")
    )
    (message,) = told
    assert advice in message["Message"]
    assert "Its figures were published before it failed" in message["Message"]
    assert "Cancelled statements: load" in message["Message"]


PUBLISHED, WITHHELD, UNKNOWN = "Its figures were published", "Nothing of the failed run was published", "is not known"


@pytest.mark.parametrize(
    ("published", "ending", "words"),
    [
        ([True, True], None, PUBLISHED),
        ([False, False], None, WITHHELD),
        # Its publication was under way, and ended before it could be cancelled.
        ([False, True], None, PUBLISHED),
        ([True], RetryLater("no answer"), PUBLISHED),
        ([False], RetryLater("no answer"), UNKNOWN),
        ([RetryLater("no answer")], None, UNKNOWN),
        ([ClientError({"Error": {"Code": "AccessDenied"}}, "ListStatements")], None, UNKNOWN),
    ],
)
def test_the_mail_says_of_the_publication_what_is_known(monkeypatch, told, published, ending, words):
    """No more than that: until the run is closed, a statement may still publish."""
    answers = iter(published)

    def query(_name, sql):
        if "step_commit" not in sql:
            return [{"run_sequence": 7}]
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return [{"step": "publish"}] if answer else []

    def end_run(*_arguments):
        if ending:
            raise ending
        return ["load"]

    api = SimpleNamespace(cancel_unfinished=lambda _name: [], query=query)
    monkeypatch.setattr(failure, "DataApi", lambda *_arguments, **_options: api)
    monkeypatch.setattr(failure, "end_run", end_run)
    monkeypatch.setattr(failure, "record_ended_run", lambda *_arguments: None)
    arn = "arn:aws:states:eu-north-1:123456789012:execution:prod-run:x"
    settings = SimpleNamespace(marketplace="apartments", topic_arn="t")
    closed = close_failed_run(
        {"detail": {**detail(error="FixData", cause="it broke"), "executionArn": arn}}, settings, lambda: 300.0
    )
    assert closed["run_sequence"] == 7
    assert closed["has_published"] == {PUBLISHED: True, WITHHELD: False, UNKNOWN: None}[words]
    (message,) = told
    assert [each in message["Message"] for each in (PUBLISHED, WITHHELD, UNKNOWN)].count(True) == 1
    assert words in message["Message"] and message["Subject"].startswith("apartments run 7 failed")


def test_a_run_that_cannot_be_recorded_is_closed(monkeypatch):
    """Its times and cost decide nothing: people are told of the run all the same."""

    def refuse(*_arguments, **_options):
        raise FixData("loads.json is not of this version's shape")

    monkeypatch.setattr(run_step, "record_run", refuse)
    done = []
    api = SimpleNamespace(
        cancel_unfinished=lambda name: [f"{name}/load"], submit=lambda *submitted: done.append(submitted), finish=lambda _id: None
    )
    settings = SimpleNamespace(marketplace="apartments")
    assert run_step.end_run(api, settings, 7, "it broke") == ["apartments/000007/load"]
    run_step.record_ended_run(api, settings, 7, "arn:x")
    assert "call close_run(7, 'failed'" in done[0][1].statements[2]


def test_a_lock_that_is_waited_for_keeps_nobody_from_being_told(monkeypatch, told):
    """The statement that closes the run waits for the lease; it is cancelled in time, and the mail goes out."""
    now = [300.0]

    class Waiting:
        """Redshift's Data API; whatever is submitted waits for a lock."""

        cancelled: ClassVar[list[str]] = []

        def list_statements(self, **_request):
            return {"Statements": []}

        def execute_statement(self, **request):
            return {"Id": request["StatementName"]}

        def describe_statement(self, Id, WaitTimeSeconds):
            now[0] -= WaitTimeSeconds
            return {"Id": Id, "Status": "STARTED"}

        def cancel_statement(self, Id):
            self.cancelled.append(Id)

    monkeypatch.setattr(data_api, "redshift_data", lambda attempts: Waiting())
    settings = FailureSettings("apartments", "bucket", "dev", "role", "workgroup", topic_arn="arn:topic")
    arn = "arn:aws:states:eu-north-1:123456789012:execution:prod-run:x"
    event = {"detail": {**detail(error="FixData", cause="it broke"), "executionArn": arn}}
    closed = close_failed_run(event, settings, lambda: now[0])
    assert "had not ended when the function's time was up" in closed["problem"]
    assert len(Waiting.cancelled) == len(told) == 1
    # One more call of the Data API that is never answered takes 140 seconds.
    assert now[0] > 140


def test_an_event_without_its_error_is_completed(monkeypatch, told):
    """The execution itself is asked; where it does not answer either, people are told what is known."""
    arn = "arn:aws:states:eu-north-1:123456789012:execution:prod-run:x"
    settings = SimpleNamespace(marketplace="apartments", topic_arn="arn:topic")
    monkeypatch.setattr(failure, "_close", lambda *_arguments: None)
    monkeypatch.setattr(failure, "DataApi", lambda *_arguments, **_options: None)
    execution = {"error": "FixData", "cause": "ROWS LOST: 3"}

    def describe_execution(executionArn):
        if not execution:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "DescribeExecution")
        return execution

    client = SimpleNamespace(describe_execution=describe_execution, publish=lambda **message: told.append(message))
    monkeypatch.setattr(failure.boto3, "client", lambda _service: client)
    event = {"detail": {"executionArn": arn, "name": "x", "status": "FAILED"}}
    close_failed_run(event, settings, lambda: 300.0)
    assert "What:  FixData: ROWS LOST: 3" in told[-1]["Message"]
    execution.clear()
    close_failed_run(event, settings, lambda: 300.0)
    assert "What:  FAILED: no cause given" in told[-1]["Message"]


def test_an_execution_that_tells_nothing_is_told_of(monkeypatch):
    """Its history cannot be read, as Step Functions throttles: the mail names no state."""

    def throttle(*_arguments):
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "GetExecutionHistory")

    monkeypatch.setattr(failure, "_find_failed_state", throttle)
    assert explain_failure(detail(error="FixData", cause="it broke")) == Failure(
        "a state that Step Functions does not tell", "FixData", "it broke"
    )

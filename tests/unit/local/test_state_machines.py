"""The engine of state machines, where AWS was seen to do otherwise than one would think, and where it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.standins.step_functions.execution import Execution, NotRedrivable
from local.standins.step_functions.language import (
    LAMBDA,
    NESTED,
    READER,
    SNS,
    DefinitionRefused,
    StateFailed,
    fill,
    parse_expression,
)
from local.standins.step_functions.machines import StateMachines
from local.standins.step_functions.server import check_message, describe_execution
from local.standins.step_functions.walk import StartRefused

NOON = datetime(2026, 11, 26, 12, 0, 0, 957_123, tzinfo=UTC)
SERVICE = "arn:aws:states:::"
CALL = {"Type": "Task", "Resource": SERVICE + LAMBDA, "Parameters": {"Payload.$": "$"}, "End": True}


class Account:
    """State machines whose function does what a test says, and whose clock goes by itself.

    Attributes:
        calls: The events of the function.
        waits: What was waited for, in seconds.
        faults: Names of errors with which the next calls fail.
    """

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.waits: list[float] = []
        self.faults: list[str] = []
        self.objects: dict[str, str] = {}
        self.now = NOON
        tasks = {LAMBDA: self.call, READER: self.read, SNS: lambda parameters: {}}
        self.machines = StateMachines(tasks, sleep=self.waits.append, clock=lambda: self.now)

    def call(self, parameters: Any) -> Any:
        self.calls.append(parameters["Payload"])
        self.now += timedelta(seconds=1)
        if self.faults:
            raise StateFailed(self.faults.pop(0), "as the test wants it")
        return {"Payload": parameters["Payload"]}

    def read(self, parameters: Any) -> str:
        try:
            return self.objects[parameters["Key"]]
        except KeyError:
            raise StateFailed("States.ItemReaderFailed", "there is no such object") from None

    def start(self, states: dict[str, Any], given: Any = None, **more: Any) -> Execution:
        """Start an execution of a machine that begins with the first of its states; nobody walks it yet."""
        machine = self.machines.create("machine", {"StartAt": next(iter(states)), "States": states, **more})
        return self.machines.start(machine.arn, {} if given is None else given)

    def run(self, states: dict[str, Any], given: Any = None, **more: Any) -> Execution:
        """Run one to its end."""
        return self.start(states, given, **more).run()


@pytest.fixture
def account() -> Account:
    return Account()


def kinds(execution: Execution) -> list[str]:
    return [event["type"] for event in execution.history]


def choice(**rule: Any) -> dict[str, Any]:
    rules = [{"Variable": "$.asked", "Next": "Yes", **rule}]
    return {
        "Which?": {"Type": "Choice", "Choices": rules, "Default": "No"},
        "Yes": {"Type": "Succeed"},
        "No": {"Type": "Succeed"},
    }


def is_chosen(account: Account, rule: dict[str, Any], given: Any) -> bool:
    execution = account.run(choice(**rule), given)
    assert execution.status == "SUCCEEDED"
    return execution.history[-2]["stateExitedEventDetails"]["name"] == "Yes"


@pytest.mark.parametrize("rule", [{"BooleanEquals": True}, {"NumericGreaterThan": 0}, {"StringEquals": "x"}, {"IsNull": False}])
def test_a_choice_on_what_is_not_there_fails(account, rule):
    """It does not go on to its default: States.Runtime, which no Retry catches."""
    execution = account.run(choice(**rule), {"other": 1})
    assert (execution.status, execution.error) == ("FAILED", "States.Runtime")
    assert execution.cause == (
        "An error occurred while executing the state 'Which?' (entered at the event id #2). "
        "Invalid path '$.asked': The choice state's condition path references an invalid value"
    )


@pytest.mark.parametrize(
    ("rule", "value", "fits"),
    [
        ({"NumericGreaterThan": 0}, 1, True),
        ({"NumericGreaterThan": 0}, True, False),
        ({"NumericGreaterThan": 0}, "1", False),
        ({"BooleanEquals": True}, 1, False),
        ({"StringEquals": "1"}, 1, False),
        ({"IsNull": True}, None, True),
        ({"IsPresent": True}, None, True),
        ({"IsPresent": False}, None, False),
    ],
)
def test_a_comparison_fits_values_of_its_own_type_only(account, rule, value, fits):
    """Another type is no error; it does not fit."""
    assert is_chosen(account, rule, {"asked": value}) is fits


def test_only_is_present_may_ask_for_what_is_not_there(account):
    """It says so."""
    assert is_chosen(account, {"IsPresent": False}, {})
    assert not is_chosen(account, {"IsPresent": True}, {})


def test_no_choice_matches(account):
    """Without a default that is a failure."""
    states = {
        "Which?": {"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": True, "Next": "Yes"}]},
        "Yes": {"Type": "Succeed"},
    }
    assert account.run(states).error == "States.NoChoiceMatched"


def test_the_start_time_is_in_milliseconds_and_utc(account):
    """`$$.Execution.StartTime` has three decimals and a Z."""
    states = {"One": {**CALL, "Parameters": {"Payload": {"at.$": "$$.Execution.StartTime"}}}}
    account.run(states)
    assert account.calls == [{"at": "2026-11-26T12:00:00.957Z"}]


def nest(account: Account, **more: Any) -> dict[str, Any]:
    inner = account.machines.create("inner", {"StartAt": "One", "States": {"One": CALL}})
    parameters = {"StateMachineArn": inner.arn, "Name.$": "States.Format('{}-{}', $.step, States.UUID())", "Input.$": "$"}
    return {"Nested": {"Type": "Task", "Resource": SERVICE + NESTED, "Parameters": parameters, "End": True, **more}}


def test_a_nested_execution_answers_as_aws_does(account):
    """Input and output as JSON, with the details that say that they are whole; times in milliseconds."""
    output = account.run(nest(account), {"step": "load"}).output
    assert output["Name"].startswith("load-") and output["ExecutionArn"].endswith(output["Name"])
    began = int(NOON.timestamp() * 1000)
    assert {key: output[key] for key in output.keys() - {"Name", "ExecutionArn", "StateMachineArn"}} == {
        "Input": {"step": "load"},
        "InputDetails": {"Included": True},
        "Output": {"Payload": {"step": "load"}},
        "OutputDetails": {"Included": True},
        "StartDate": began,
        "StopDate": began + 1000,
        "Status": "SUCCEEDED",
    }


def test_a_nested_failure_carries_its_input_as_text(account):
    """In the cause of States.TaskFailed, beside the error of the inner execution."""
    account.faults = ["FixData"]
    execution = account.run(nest(account), {"step": "load"})
    cause = json.loads(execution.cause)
    assert execution.error == "States.TaskFailed"
    assert (cause["Error"], cause["Status"], cause["Input"]) == ("FixData", "FAILED", '{"step":"load"}')
    assert "Output" not in cause


def test_the_history_of_a_nested_task(account):
    """What a run's cost is counted by."""
    execution = account.run(nest(account), {"step": "load"})
    assert kinds(execution) == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]
    assert [event["previousEventId"] for event in execution.history] == list(range(8))


def test_a_failed_state_is_tried_again_as_often_and_as_late_as_it_says(account):
    """The waits grow up to their limit; an error that is not named is not tried again."""
    retry = [{"ErrorEquals": ["RetryLater"], "IntervalSeconds": 5, "BackoffRate": 2, "MaxAttempts": 4, "MaxDelaySeconds": 12}]
    account.faults = ["RetryLater"] * 5
    execution = account.run({"One": {**CALL, "Retry": retry}})
    assert (execution.error, account.waits, len(account.calls)) == ("RetryLater", [5, 10, 12, 12], 5)
    assert kinds(execution).count("TaskScheduled") == 5 and kinds(execution).count("TaskStateEntered") == 1
    account.faults = ["FixData"]
    assert account.run({"One": {**CALL, "Retry": retry}}).error == "FixData"
    assert len(account.waits) == 4


def test_full_jitter_waits_less(account):
    """Anything up to the interval."""
    retry = [
        {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 20, "BackoffRate": 1.0001, "JitterStrategy": "FULL"}
    ]
    account.faults = ["RetryLater"] * 20
    assert account.run({"One": {**CALL, "Retry": retry}}).status == "SUCCEEDED"
    assert all(0 <= wait <= 5.1 for wait in account.waits) and len(set(account.waits)) == 20


@pytest.mark.parametrize("given", [{"blob": "x" * 262_144}, {"blob": "ü" * 131_072}])
def test_a_result_beyond_the_limit_is_caught_by_nothing(account, given):
    """262,144 bytes of UTF-8."""
    retry = [{"ErrorEquals": ["States.ALL"]}]
    execution = account.run({"One": {**CALL, "Retry": retry}}, given)
    assert (execution.error, len(account.calls)) == ("States.DataLimitExceeded", 1)


def map_of(**more: Any) -> dict[str, Any]:
    return {
        "Each": {
            "Type": "Map",
            "Label": "Each",
            "ItemReader": {
                "Resource": SERVICE + READER,
                "ReaderConfig": {"InputType": "JSON"},
                "Parameters": {"Bucket": "b", "Key.$": "$.key"},
            },
            "MaxConcurrencyPath": "$.concurrency",
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "One",
                "States": {"One": {**CALL, "OutputPath": "$.Payload.slice"}},
            },
            "End": True,
            **more,
        }
    }


@pytest.mark.parametrize("text", [None, "{}", "no JSON"])
def test_a_list_that_cannot_be_read(account, text):
    """The object is missing, is no list, or no JSON: an error of its own name."""
    account.objects = {} if text is None else {"list": text}
    assert account.run(map_of(), {"key": "list", "concurrency": 1}).error == "States.ItemReaderFailed"
    assert account.calls == []


@pytest.mark.parametrize("concurrency", [1, 3, 0])
def test_a_distributed_map_runs_a_child_for_each_item(account, concurrency):
    """However many at a time, their outputs keep the items' order."""
    account.objects["list"] = json.dumps([{"slice": number} for number in range(7)])
    execution = account.run(map_of(), {"key": "list", "concurrency": concurrency})
    assert (execution.status, execution.output) == ("SUCCEEDED", list(range(7)))
    assert sorted(call["slice"] for call in account.calls) == list(range(7))


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_redrive_runs_the_children_that_did_not_succeed(account, concurrency):
    """One that failed and those that had not begun; the others keep their outputs, and their names."""
    account.objects["list"] = json.dumps([{"slice": number} for number in range(7)])
    account.faults = ["FixData"]
    execution = account.run(map_of(), {"key": "list", "concurrency": concurrency})
    assert (execution.status, execution.error) == ("FAILED", "States.ExceedToleratedFailureThreshold")
    (run,) = account.machines.map_runs.values()
    done = [number for number, child in run.children.items() if child.status == "SUCCEEDED"]
    account.calls.clear()
    execution.run()
    assert (execution.status, execution.output) == ("SUCCEEDED", list(range(7)))
    assert sorted(call["slice"] for call in account.calls) == [number for number in range(7) if number not in done]
    assert run.redrives == 1 and "MapRunRedriven" in kinds(execution)


def test_a_redrive_goes_on_with_the_state_that_failed(account):
    """With its input; what was left is not done again, and of an inline Map only what did not succeed."""
    states = {
        "First": {**CALL, "Parameters": {"Payload": "first"}, "ResultPath": None, "End": False, "Next": "Each"},
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "MaxConcurrency": 1,
            "ItemSelector": {"item.$": "$$.Map.Item.Value", "at.$": "$$.Map.Item.Index", "of.$": "$.of"},
            "ItemProcessor": {"StartAt": "One", "States": {"One": {**CALL, "ResultSelector": {"got.$": "$.Payload.item"}}}},
            "ResultPath": "$.results",
            "End": True,
        },
    }
    account.faults = []
    execution = account.start(states, {"items": ["a", "b", "c"], "of": 3})
    for entry in execution.walk():
        account.faults = ["FixData"] if entry.item == "b" else []
    assert (execution.status, execution.error) == ("FAILED", "FixData")
    account.calls.clear()
    execution.run()
    assert account.calls == [{"item": "b", "at": 1, "of": 3}, {"item": "c", "at": 2, "of": 3}]
    assert execution.output["results"] == [{"got": "a"}, {"got": "b"}, {"got": "c"}]
    assert kinds(execution).count("MapIterationSucceeded") == 3 and kinds(execution).count("MapStateEntered") == 1
    assert describe_execution(execution)["redriveCount"] == 1


def test_what_runs_or_succeeded_is_not_redriven(account):
    """DescribeExecution says so, too."""
    execution = account.start({"One": CALL})
    execution.begin()
    with pytest.raises(NotRedrivable, match="RUNNING"):
        execution.begin()
    execution.stop("Stopped", "by hand")
    described = describe_execution(execution)
    assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "Stopped", "by hand")
    assert described["redriveStatus"] == "REDRIVABLE"
    assert execution.run().status == "SUCCEEDED"
    assert describe_execution(execution)["redriveStatus"] == "NOT_REDRIVABLE"
    with pytest.raises(NotRedrivable, match="SUCCEEDED"):
        execution.run()


def test_what_a_stopped_execution_was_waiting_for_changes_nothing(account):
    """A function goes on; its answer, and the failure of what was nested, come too late."""
    execution = account.start(nest(account), {"step": "load"})
    account.machines.entering = lambda entry: entry.name == "One" and execution.stop()
    assert execution.run().status == "ABORTED"
    inner = next(each for each in account.machines.executions.values() if each is not execution)
    assert inner.status == "ABORTED"
    assert kinds(execution)[-1] == kinds(inner)[-1] == "ExecutionAborted"


def test_an_execution_or_a_task_that_takes_too_long(account):
    """The execution ends as TIMED_OUT; the task with States.Timeout, which States.TaskFailed does not stand for."""
    assert account.run({"One": {**CALL, "End": False, "Next": "Two"}, "Two": CALL}, TimeoutSeconds=1).status == "TIMED_OUT"
    retry = [{"ErrorEquals": ["States.TaskFailed"]}]
    account.calls.clear()
    execution = account.run({"One": {**CALL, "TimeoutSeconds": 0.5, "Retry": retry}})
    assert (execution.error, len(account.calls)) == ("States.Timeout", 1)


def test_no_output_is_null(account):
    """Not an empty text, and not nothing."""
    execution = account.run({"One": {"Type": "Succeed", "InputPath": "$.a"}}, {"a": None})
    assert describe_execution(execution)["output"] == "null"


def test_a_parameter_that_is_not_there(account):
    """States.Runtime, with the path and the field."""
    execution = account.run({"One": {**CALL, "Parameters": {"Payload": {"a.$": "$.b.c"}}}}, {"b": 1})
    assert execution.error == "States.Runtime"
    assert "The JSONPath '$.b.c' specified for the field 'a.$' could not be found in the input '{\"b\":1}'" in execution.cause


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$.a[1].b", "x"),
        ("States.Format('{} of {}, isn\\'t it', $.a[1].b, 7)", "x of 7, isn't it"),
        ("States.Format('{}', States.Format('<{}>', $.a[0]))", "<1>"),
        ("States.StringToJson('[1, {\"b\": null}]')", [1, {"b": None}]),
    ],
)
def test_expressions(expression, value):
    """Paths and intrinsic functions, as the state machines use them."""
    assert fill({"it.$": expression}, {"a": [1, {"b": "x"}]}, {}) == {"it": value}


@pytest.mark.parametrize(
    "expression", ["$.a[*]", "$..a", "$.a[1:2]", "$.a[?(@.b)]", "States.Hash($.a, 'MD5')", "'a'", "$.a b", "$.a-b"]
)
def test_what_is_not_known_is_refused_by_name(expression):
    """Rather than misread."""
    with pytest.raises(ValueError, match=r"the (expression|intrinsic function)"):
        parse_expression(expression)


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ({"One": {**CALL, "Catch": []}}, "One: the field Catch"),
        ({"One": {**CALL, "Retry": [{"ErrorEquals": ["X"], "MaxAttempt": 1}]}}, "MaxAttempt"),
        ({"One": {**CALL, "End": False, "Next": "Two"}}, "Two"),
        ({"One": CALL, "Two": CALL}, "Two"),
        ({"One": {**CALL, "Next": "One"}}, "One: a state either goes on or ends"),
        ({"One": {"Type": "Parallel", "End": True}}, "the type Parallel"),
        ({"One": {**CALL, "Resource": SERVICE + "sqs:sendMessage"}}, "sqs:sendMessage"),
        ({"One": {**CALL, "Parameters": {"a": {"b.$": "$.a[*]"}}}}, r"\$\.a\[\*\]"),
        ({"One": {**CALL, "ResultPath": "$.a.b"}}, "ResultPath"),
        (choice(NumericLessThan=1), "NumericLessThan"),
        (choice(And=[]), "And"),
        (map_of(ToleratedFailureCount=1), "ToleratedFailureCount"),
        (map_of(ItemReader={"Resource": SERVICE + READER, "ReaderConfig": {"InputType": "CSV"}, "Parameters": {}}), "CSV"),
    ],
)
def test_a_definition_is_refused_before_it_runs(account, states, message):
    """By the state and what is wrong or not known; the engine guesses nothing."""
    with pytest.raises(DefinitionRefused, match=message):
        account.start(states)


@pytest.mark.parametrize("name", ["x" * 81, "a b", "a:b", "a/b", "a*", "a\x01b", "a\n"])
def test_what_is_no_name_of_an_execution(account, name):
    """At most 80 characters, no blanks, none that an ARN or a wildcard needs; and a name is used once."""
    machine = account.machines.create("machine", {"StartAt": "One", "States": {"One": CALL}}).arn
    with pytest.raises(StartRefused, match="Invalid Name"):
        account.machines.start(machine, {}, name)
    account.machines.start(machine, {}, "x" * 80)
    with pytest.raises(StartRefused, match="Already Exists"):
        account.machines.start(machine, {}, "x" * 80)


def test_a_nested_execution_whose_name_is_taken(account):
    """It fails by the error's full name, which a Retry would have to say."""
    states = nest(account)
    states["Nested"]["Parameters"] |= {"Name": "taken"}
    del states["Nested"]["Parameters"]["Name.$"]
    assert account.run(states).status == "SUCCEEDED"
    assert account.run(states).error == "StepFunctions.ExecutionAlreadyExistsException"


@pytest.mark.parametrize("subject", ["", "x" * 100, "two\nlines", "a\x07bell"])
def test_subjects_that_sns_refuses(subject):
    """One line, fewer than 100 characters; the message is not empty."""
    with pytest.raises(StateFailed, match="Subject"):
        check_message({"Subject": subject, "Message": "m"})
    with pytest.raises(StateFailed, match="Empty"):
        check_message({"Subject": "x" * 99, "Message": ""})

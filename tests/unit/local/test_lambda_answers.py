"""What the emulator answers, and what AWS would (AWS Lambda Developer Guide, "Lambda function errors")."""

from __future__ import annotations

import json

import pytest

from local.standins.aws_lambda.execution_environment import Answer, map_answer, map_disconnection


def answer(status: int, body: bytes) -> Answer:
    return map_answer(status, body, "request-1", 3)


@pytest.mark.parametrize("body", [b'{"rows": 3}', b"null", b'"text"', b"[]", b""])
def test_a_result_passes_unchanged(body):
    """Whatever JSON a handler returns."""
    assert answer(200, body) == Answer(body, None)


def test_an_exception_is_marked():
    """The emulator answers 200 without a mark; AWS sets X-Amz-Function-Error."""
    body = b'{"errorMessage": "later", "errorType": "RetryLater", "requestId": "r", "stackTrace": []}'
    assert answer(200, body) == Answer(body, "Unhandled")


def test_a_result_that_speaks_of_an_error_is_a_result():
    """Only the runtime adds a stack trace."""
    body = b'{"errorType": "RetryLater", "errorMessage": "seen in the source"}'
    assert answer(200, body).function_error is None


def test_a_timeout_has_the_name_that_is_tried_again():
    """Plain text from the emulator, Sandbox.Timedout from AWS."""
    given = answer(200, b"Task timed out after 3 seconds")
    assert given.function_error == "Unhandled"
    document = json.loads(given.payload)
    assert document["errorType"] == "Sandbox.Timedout"
    assert document["errorMessage"] == "RequestId: request-1 Error: Task timed out after 3.00 seconds"


def test_a_dead_process_has_the_name_that_is_tried_again():
    """502 from the emulator, with the error in the body or without."""
    told = answer(502, b'{"errorType": "Runtime.ExitError", "errorMessage": "exit status 1"}')
    assert json.loads(told.payload)["errorType"] == "Runtime.ExitError"
    silent = answer(500, b"")
    assert json.loads(silent.payload)["errorType"] == "Runtime.ExitError"
    assert silent.function_error == "Unhandled"


@pytest.mark.parametrize(("seconds", "error_type"), [(2.9, "Runtime.ExitError"), (3.1, "Sandbox.Timedout")])
def test_an_emulator_that_is_gone_has_a_name_that_is_tried_again(seconds, error_type):
    """That of a timeout where the function's time was up, which the emulator then had no time to say."""
    given = map_disconnection(ConnectionResetError("reset"), seconds, "request-1", 3)
    assert (given.function_error, given.has_ended_process) == ("Unhandled", True)
    assert json.loads(given.payload)["errorType"] == error_type

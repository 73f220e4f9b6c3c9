"""The Lambda emulator: limits are enforced, failures have AWS's names, and a function sees only what is its own."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import psutil
import pytest

from local.standins.aws_lambda.execution_environment import LocalFunction
from local.standins.aws_lambda.service import LambdaService

HANDLER = """
import os, sys, time
import shared

class RetryLater(Exception):
    pass

def lambda_handler(event, context):
    what = event.get("do")
    if what == "sleep":
        time.sleep(event["seconds"])
    if what == "raise":
        raise RetryLater("the database is away")
    if what == "exit":
        os._exit(3)
    if what == "allocate":
        return len(bytearray(event["megabytes"] * 1024 * 1024))
    return {
        "environment": dict(os.environ), "shared": shared.__file__, "arn": context.invoked_function_arn,
        "remaining": context.get_remaining_time_in_millis(), "pid": os.getpid(), "folder": os.getcwd(),
    }
"""
BASE = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": "eu-west-1"}


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> LocalFunction:
    root = tmp_path_factory.mktemp("function")
    for folder, name, text in (("task", "app.py", HANDLER), ("opt/python", "shared.py", "")):
        (root / folder).mkdir(parents=True)
        (root / folder / name).write_text(text)
    environment = {"SQL_ROOT": "/opt", "STAGE": "test", "OPTION": "/optional"}
    return LocalFunction("probe", "app.lambda_handler", root / "task", root / "opt", 2, 256, environment, concurrency=2)


@pytest.fixture(scope="module")
def service(function: LocalFunction, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LambdaService]:
    service = LambdaService(tmp_path_factory.mktemp("logs"))
    service.deploy(function, BASE)
    yield service
    service.stop()


@pytest.fixture
def invoke(service: LambdaService):
    client = boto3.client(
        "lambda", endpoint_url=service.endpoint_url, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )

    def invoke(event: dict, **options) -> tuple[str | None, object]:
        answer = client.invoke(FunctionName="probe", Payload=json.dumps(event), **options)
        body = answer["Payload"].read()
        return answer.get("FunctionError"), json.loads(body) if body else None

    return invoke


def test_a_function_sees_only_its_own_environment(invoke, function, monkeypatch):
    """Not the variables of whoever started the stack: those are absent on Lambda, too."""
    monkeypatch.setenv("HOME_OF_THE_DEVELOPER", "here")
    error, seen = invoke({})
    assert error is None
    environment = seen["environment"]
    assert "HOME_OF_THE_DEVELOPER" not in environment
    assert (environment["STAGE"], environment["OPTION"]) == ("test", "/optional")
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "probe"
    assert environment["TZ"] == ":UTC"
    assert seen["folder"] == str(function.folder)


def test_layers_stand_where_opt_is_named(invoke, function):
    """A path below /opt in a variable, and the imports, lead to the merged layers."""
    _, seen = invoke({})
    assert seen["environment"]["SQL_ROOT"] == str(function.layers)
    assert seen["shared"].startswith(str(function.layers))


def test_processes_are_warm(invoke):
    """The second invocation finds the process of the first."""
    assert invoke({})[1]["pid"] == invoke({})[1]["pid"]


def test_an_exception_is_a_function_error(invoke):
    """With the class's name, which Step Functions matches."""
    error, document = invoke({"do": "raise"})
    assert error == "Unhandled"
    assert (document["errorType"], document["errorMessage"]) == ("RetryLater", "the database is away")


def test_the_timeout_is_enforced(invoke):
    """After the function's own time, and the next invocation works."""
    started = time.monotonic()
    error, document = invoke({"do": "sleep", "seconds": 30})
    assert (error, document["errorType"]) == ("Unhandled", "Sandbox.Timedout")
    assert 1.5 < time.monotonic() - started < 10
    assert invoke({})[0] is None


def test_a_process_that_ends_is_replaced(invoke, service):
    """Runtime.ExitError, and the next invocation works; both are on the bill."""
    before = len(service.invocations)
    error, document = invoke({"do": "exit"})
    assert (error, document["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert invoke({})[0] is None
    assert len(service.invocations) == before + 2


def test_an_environment_that_is_lost_is_replaced(function, tmp_path):
    """The same, where nobody is left to say what happened."""
    service = LambdaService(tmp_path)
    try:
        service.deploy(function, BASE)
        service.initialize("probe", 1)
        assert service.invoke("probe", {}).function_error is None
        lost = processes_in(function.folder, tmp_path)
        end = threading.Timer(0.5, lambda: [os.kill(process, signal.SIGKILL) for process in lost])
        end.start()
        answer = service.invoke("probe", {"do": "sleep", "seconds": 1.5})
        assert json.loads(answer.payload)["errorType"] == "Runtime.ExitError"
        assert service.invoke("probe", {}).function_error is None
        assert len(service.invocations) == 3
    finally:
        service.stop()


def test_a_function_is_found_by_its_arn(service):
    """With the version that it may end with, or without."""
    for end in ("", ":$LATEST"):
        assert service.invoke(f"arn:aws:lambda:eu-west-1:123456789012:function:probe{end}", {}).function_error is None


def test_memory_is_limited_or_it_is_said_why_not(invoke, service):
    """Where control groups can be made, more memory than the function has ends its process."""
    error, document = invoke({"do": "allocate", "megabytes": 400})
    if service.memory_note:
        assert "memory" in service.memory_note
        assert error is None
    else:
        assert (error, document["errorType"]) == ("Unhandled", "Runtime.ExitError")
        assert invoke({})[0] is None


def test_invocations_run_side_by_side(invoke):
    """Up to the function's concurrency, each in a process of its own."""
    started = time.monotonic()
    threads = [threading.Thread(target=invoke, args=({"do": "sleep", "seconds": 4},)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - started < 7.9  # one after the other they take 8 seconds, and a process its start


def test_an_event_invocation_answers_at_once(invoke):
    """202 without a payload; the work goes on aside."""
    started = time.monotonic()
    assert invoke({"do": "sleep", "seconds": 4}, InvocationType="Event") == (None, None)
    assert time.monotonic() - started < 3.9


def test_an_unknown_function_is_refused(service):
    """By AWS's name for it."""
    client = boto3.client(
        "lambda", endpoint_url=service.endpoint_url, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="nobody"):
        client.invoke(FunctionName="nobody")


def test_a_process_that_was_initialized_serves_the_first_invocation(function, tmp_path):
    """Without the handler having seen an event; what it took is on the first invocation's bill."""
    service = LambdaService(tmp_path)
    try:
        # An initialization, too, ends at the timeout: on a busy machine two seconds may be too few.
        service.deploy(replace(function, timeout_seconds=30), BASE)
        service.initialize("probe", 2)
        first = json.loads(service.invoke("probe", {}).payload)
        assert first["remaining"] <= 30_000
        deadline = time.monotonic() + 30
        while len(service.invocations) < 1 or len(processes_in(function.folder, tmp_path)) < 4:  # two, each with its emulator
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert json.loads(service.invoke("probe", {}).payload)["pid"] in processes_in(function.folder, tmp_path)
        before, after = service.invocations
        assert before.milliseconds > after.milliseconds
    finally:
        service.stop()


def test_a_handler_that_cannot_be_imported_fails_its_invocation(function, tmp_path):
    """Also where it was tried before: with the import's error, as without."""
    service = LambdaService(tmp_path)
    try:
        service.deploy(replace(function, handler="missing.lambda_handler"), BASE)
        service.initialize("probe", 1)
        answer = service.invoke("probe", {})
        assert answer.function_error == "Unhandled"
        assert json.loads(answer.payload)["errorType"] == "Runtime.ImportModuleError"
    finally:
        service.stop()


def test_stopping_ends_what_is_being_initialized(function, tmp_path):
    """And starts no more of it."""
    service = LambdaService(tmp_path)
    service.deploy(function, BASE)
    service.initialize("probe", 2)
    service.stop()
    time.sleep(0.5)
    assert not processes_in(function.folder, tmp_path)


def test_stopping_leaves_no_process(function, tmp_path):
    """Neither the emulator nor the runtime under it, even in the middle of an invocation."""
    service = LambdaService(tmp_path)
    service.deploy(function, BASE)
    threading.Thread(target=service.invoke, args=("probe", {"do": "sleep", "seconds": 1.5}), daemon=True).start()
    deadline = time.monotonic() + 10
    while not processes_in(function.folder, tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_in(function.folder, tmp_path)
    service.stop()
    deadline = time.monotonic() + 5
    while processes_in(function.folder, tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not processes_in(function.folder, tmp_path)


def processes_in(folder: Path, logs: Path) -> list[int]:
    """Processes of this test that work in the function's folder and write into these logs."""
    found = []
    for process in psutil.process_iter():
        try:
            output = Path(f"/proc/{process.pid}/fd/1").readlink()
            if process.cwd() == str(folder) and output.is_relative_to(logs) and process.pid != os.getpid():
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found

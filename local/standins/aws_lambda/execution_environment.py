"""One execution environment of a function: AWS's Runtime Interface Emulator in a process of its own, and the client under it.

What Lambda calls an execution environment serves a function's invocations, one after the other. Here is its life from start to
end, the variables it gets, and what its answers mean; which of them serves an invocation is said in `service`. The timeout is
enforced by the emulator, the memory by a control group (`memory_limit`) where the machine allows it.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import sysconfig
import threading
import time
import uuid
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from local.processes import ChildProcess, DidNotStart, find_free_port, is_listening
from local.standins.aws_lambda.bootstrap import INITIALIZE
from local.standins.aws_lambda.memory_limit import MemoryLimit
from local.standins.aws_lambda.python import machine
from local.standins.call_log import VARIABLE

START_SECONDS = 20
_EMULATOR_PATH = "/2015-03-31/functions/function/invocations"
_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")


@dataclass(frozen=True)
class LocalFunction:
    """A function as the template describes it, laid out on this machine.

    Attributes:
        name: Its name, as Invoke is called with (or as the last part of its ARN).
        handler: Module and function, e.g. `app.lambda_handler`.
        folder: Its code, the working folder of its processes.
        layers: The merged content of its layers, which Lambda would put at /opt.
        timeout_seconds, memory_megabytes: Its limits.
        environment: The variables of its template.
        concurrency: How many invocations may run at once, each in a process of its own.
    """

    name: str
    handler: str
    folder: Path
    layers: Path
    timeout_seconds: int
    memory_megabytes: int
    environment: dict[str, str]
    concurrency: int = 4


@dataclass(frozen=True)
class Answer:
    """What Invoke answers: the payload, and `Unhandled` where the function failed (AWS Lambda API Reference, "Invoke").

    Attributes:
        has_ended_process: Whether the function's process ended by it, or was ended: by itself, by its memory, by its timeout.
    """

    payload: bytes
    function_error: str | None = None
    has_ended_process: bool = False


def map_answer(status: int, body: bytes, request_id: str, timeout_seconds: int) -> Answer:
    """Turn the emulator's answer into AWS's.

    The emulator answers 200 with plain text where AWS reports Sandbox.Timedout, 5xx where the process died, and does not mark a
    handler's exception in the headers.
    """
    text = body.decode(errors="replace")
    if status == 200 and text.startswith("Task timed out after"):
        return _time_out(request_id, timeout_seconds)
    try:
        document = json.loads(body) if body else None
    except ValueError:
        document = text
    if status != 200:
        error = document if isinstance(document, dict) else {}
        message = error.get("errorMessage") or f"RequestId: {request_id} Error: {text[:1000] or 'the runtime ended'}"
        return _failure(error.get("errorType") or "Runtime.ExitError", message)
    if isinstance(document, dict) and {"errorType", "errorMessage"} <= document.keys() and "stackTrace" in document:
        return Answer(body, "Unhandled")
    return Answer(body)


def map_disconnection(error: OSError, seconds: float, request_id: str, timeout_seconds: int) -> Answer:
    """Say what AWS would of an invocation whose emulator was gone, that many seconds after it began."""
    # An emulator that enforces the timeout is sometimes gone before it has said so.
    if seconds >= timeout_seconds:
        return _time_out(request_id, timeout_seconds)
    return _failure("Runtime.ExitError", f"RequestId: {request_id} Error: {error}")


def _time_out(request_id: str, timeout_seconds: int) -> Answer:
    return _failure("Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {timeout_seconds:.2f} seconds")


def _failure(error_type: str, message: str) -> Answer:
    return Answer(json.dumps({"errorType": error_type, "errorMessage": message}).encode(), "Unhandled", has_ended_process=True)


class ExecutionEnvironment:
    """One Runtime Interface Emulator, and under it the runtime client with the handler.

    Args:
        function: What to run.
        variables: What it gets beside its own variables.
        logs: Folder for the log.
        number: Which of the function's execution environments it is.

    Attributes:
        memory_note: Why its memory is not limited; None where it is.
    """

    def __init__(self, function: LocalFunction, variables: dict[str, str], logs: Path, number: int) -> None:
        name = f"{function.name}-{number}"
        self._function = function
        self._given_variables = variables
        self._log = logs / f"{name}.log"
        self._process: ChildProcess | None = None
        self._port = 0
        self._limit: MemoryLimit | None = None
        self._spawning = threading.Lock()
        self._has_started = threading.Event()
        self._has_stopped = False
        self._unbilled = 0.0
        self.memory_note: str | None = None
        try:
            self._limit = MemoryLimit(name, function.memory_megabytes)
        except OSError as error:
            self.memory_note = f"this machine does not let us limit the functions' memory ({error.strerror})"

    @property
    def is_running(self) -> bool:
        """Whether it can be invoked; of one that is starting, this is known when it has started."""
        self._has_started.wait()
        return self._process is not None and self._process.is_running

    def start(self) -> None:
        """Start; the handler's module is imported by the first invocation."""
        try:
            self._start()
        finally:
            self._has_started.set()

    def initialize(self) -> None:
        """Start, and have the handler's module imported; end where that fails, so that an invocation meets the failure."""
        since = time.perf_counter()
        try:
            self._start()
            answer = self.invoke(INITIALIZE, str(uuid.uuid4()))
            self._unbilled = (time.perf_counter() - since) * 1000
            if answer.has_ended_process:
                self.stop()
        except (OSError, DidNotStart):
            self.stop()
        finally:
            self._has_started.set()

    def invoke(self, payload: bytes, request_id: str) -> Answer:
        """Send an event to the handler, and wait for its answer.

        Raises:
            OSError: the emulator is gone, or stuck.
        """
        # The emulator enforces the timeout; ours only ends the wait for an emulator that is stuck.
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._function.timeout_seconds + 60)
        try:
            connection.request("POST", _EMULATOR_PATH, payload, {"X-Amzn-RequestId": request_id})
            response = connection.getresponse()
            return map_answer(response.status, response.read(), request_id, self._function.timeout_seconds)
        finally:
            connection.close()

    def take_unbilled(self) -> float:
        """Return the milliseconds that it took to initialize, once: AWS bills them beside an invocation's."""
        unbilled, self._unbilled = self._unbilled, 0.0
        return unbilled

    def stop(self) -> None:
        """End its processes, or let it never start; its memory limit goes with them."""
        with self._spawning:
            self._has_stopped = True
        if self._process:
            self._process.stop()
        if self._limit:
            self._limit.remove()

    def _start(self) -> None:
        for attempt in range(3):
            self._port, runtime_port = find_free_port(), find_free_port()
            process = self._spawn(runtime_port)
            try:
                process.wait_until(lambda: is_listening(self._port), START_SECONDS, f"the function {self._function.name}")
                return
            except DidNotStart:  # another process may have taken a port between our look and the emulator's
                process.stop()
                if attempt == 2:
                    raise

    def _spawn(self, runtime_port: int) -> ChildProcess:
        with self._spawning:
            if self._has_stopped:
                raise DidNotStart(f"the function {self._function.name} was stopped")
            self._process = ChildProcess(
                [
                    *(_find_emulator(), "--log-level", "error"),
                    *("--runtime-interface-emulator-address", f"127.0.0.1:{self._port}"),
                    *("--runtime-api-address", f"127.0.0.1:{runtime_port}"),
                    # Without `site`, which would find the project's packages in the checkout where a layer has forgotten them.
                    *(sys.executable, "-P", "-S", _BOOTSTRAP, self._function.handler),
                ],
                log=self._log,
                environment=self._variables(),
                folder=self._function.folder,
            )
            return self._process

    def _python_path(self) -> list[str]:
        """The function's folder, then its layers, as on Lambda; then this environment's packages, for the third-party layer."""
        path = [str(self._function.folder), f"{self._function.layers}/python", sysconfig.get_path("purelib")]
        if VARIABLE in self._given_variables:  # else nothing of ours can be imported into a function's process
            path.append(str(Path(__file__).parents[3]))
        return path

    def _variables(self) -> dict[str, str]:
        """The environment of the function (AWS Lambda Developer Guide, "Defined runtime environment variables")."""
        function, layers = self._function, str(self._function.layers)
        own = {key: _move_opt(value, layers) for key, value in function.environment.items()}
        variables = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONPATH": ":".join(self._python_path()),
            "LAMBDA_TASK_ROOT": str(function.folder),
            "LAMBDA_RUNTIME_DIR": str(function.folder),
            "_HANDLER": function.handler,
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout_seconds),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_megabytes),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": self._log.stem,
            **self._given_variables,
            **own,
        }
        if self._limit:
            variables["LOCAL_MEMORY_GROUP"] = str(self._limit.folder)
        return variables


def _find_emulator() -> Path:
    """Return the Runtime Interface Emulator of this machine's processor, from aws-sam-cli's package."""
    path = Path(str(resources.files("samcli").joinpath("local", "rapid", f"aws-lambda-rie-{machine()}")))
    if not os.access(path, os.X_OK):  # wheels do not always keep the mode
        path.chmod(path.stat().st_mode | 0o111)
    return path


def _move_opt(value: str, layers: str) -> str:
    return layers + value.removeprefix("/opt") if value == "/opt" or value.startswith("/opt/") else value

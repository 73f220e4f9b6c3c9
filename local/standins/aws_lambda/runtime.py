"""Lambda on this machine: AWS's Runtime Interface Emulator and client, behind the Invoke API that boto3 and Step Functions speak.

A function runs in warm processes of its own, with the environment its template gives it and nothing else of ours. The timeout is
enforced by the emulator, the memory by a control group (`memory_limit`) where the machine allows it. Not offered: versions,
aliases, client context, and the two retries that AWS makes of a failed asynchronous invocation.
"""

from __future__ import annotations

import http.client
import json
import logging
import os
import platform
import re
import sys
import sysconfig
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

from local.processes import ChildProcess, DidNotStart, find_free_port, is_listening
from local.standins.aws_lambda.bootstrap import INITIALIZE
from local.standins.aws_lambda.memory_limit import MemoryLimit
from local.standins.call_log import VARIABLE

START_SECONDS = 20
_EMULATOR_PATH = "/2015-03-31/functions/function/invocations"
_INVOKE_PATH = re.compile(r"^/2015-03-31/functions/([^/]+)/invocations$")
_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
_log = logging.getLogger(__name__)


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


def _time_out(request_id: str, timeout_seconds: int) -> Answer:
    return _failure("Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {timeout_seconds:.2f} seconds")


def _failure(error_type: str, message: str) -> Answer:
    return Answer(json.dumps({"errorType": error_type, "errorMessage": message}).encode(), "Unhandled", has_ended_process=True)


@dataclass(frozen=True)
class Invocation:
    """One invocation that has ended, as it would stand on a bill.

    Attributes:
        function: Its name.
        memory_megabytes: Of the function.
        milliseconds: How long it took, starting the handler's process included (AWS bills the INIT phase too).
    """

    function: str
    memory_megabytes: int
    milliseconds: float


class Functions(Protocol):
    """What a stack asks of whatever runs its functions."""

    @property
    def endpoint_url(self) -> str:
        """Where boto3 finds the Invoke API."""

    @property
    def memory_note(self) -> str | None:
        """Why memory is not limited as on Lambda; None where it is."""

    def reach(self, port: int) -> str:
        """Return the host by which the functions reach a port of this machine."""

    def deploy(self, function: LocalFunction, environment: dict[str, str]) -> None:
        """Take a function in, with the environment of its stack."""

    def initialize(self, name: str, number: int) -> None:
        """Begin to start processes of a function ahead of its first invocation, where it is possible."""

    def invoke(self, name: str, event: Any) -> Answer:
        """Run a function once and wait for its answer."""

    def stop(self) -> None:
        """End everything that runs."""


class LambdaService:
    """The functions of a stack, and the HTTP server that invokes them.

    Args:
        logs: Folder for each process's output.

    Attributes:
        invocations: All that have ended, in that order.
    """

    def __init__(self, logs: Path) -> None:
        self.invocations: list[Invocation] = []
        self._logs = logs
        self._pools: dict[str, _Pool] = {}
        # One at a time, in the order asked for: who is invoked next has the other processor.
        self._initializing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="initialize")
        self._server = _Server(("127.0.0.1", 0), _InvokeHandler)
        self._server.service = self
        threading.Thread(target=self._server.serve_forever, name="lambda", daemon=True).start()

    @property
    def endpoint_url(self) -> str:
        """Where boto3 finds it."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def memory_note(self) -> str | None:
        """Why memory is not limited on this machine; None where it is, or where no function ran yet."""
        return next((pool.memory_note for pool in self._pools.values() if pool.memory_note), None)

    def reach(self, port: int) -> str:
        """Return the host under which the functions find the service of this machine at a port of 127.0.0.1."""
        return "127.0.0.1"

    def deploy(self, function: LocalFunction, environment: dict[str, str]) -> None:
        """Make a function callable; its processes start with its first invocation, or by `initialize`.

        Args:
            function: What to run.
            environment: What it gets beside its own variables: credentials and the endpoints of the stand-ins.
        """
        self._pools[function.name] = _Pool(function, self._logs, environment, self.invocations)

    def initialize(self, name: str, number: int) -> None:
        """Begin to start a function's processes ahead of its first invocation, as provisioned concurrency does.

        Whoever invokes it meanwhile waits for the one that is starting.

        Args:
            number: How many processes it shall have at least.
        """
        for _ in range(number):
            self._initializing.submit(self._pools[name].initialize, number)

    def invoke(self, name: str, event: Any) -> Answer:
        """Invoke a function and wait for its answer.

        Raises:
            KeyError: there is no function of this name or ARN.
        """
        return self._pools[name.rpartition(":function:")[2]].invoke(json.dumps(event).encode(), str(uuid.uuid4()))

    def stop(self) -> None:
        """End every process and the server."""
        self._initializing.shutdown(wait=False, cancel_futures=True)
        self._server.shutdown()
        self._server.server_close()
        for pool in self._pools.values():
            pool.stop()
        self._initializing.shutdown()


class _Pool:
    """The processes of one function; each serves one invocation at a time, as Lambda's do."""

    def __init__(self, function: LocalFunction, logs: Path, environment: dict[str, str], invocations: list[Invocation]) -> None:
        self._function = function
        self._logs = logs
        self._environment = environment
        self._invocations = invocations
        self._idle: list[_Emulator] = []
        self._all: list[_Emulator] = []
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(function.concurrency)
        self._has_stopped = False
        self.memory_note: str | None = None

    def invoke(self, payload: bytes, request_id: str) -> Answer:
        with self._slots:
            emulator = self._take()
            since = time.perf_counter()
            try:
                answer = emulator.invoke(payload, request_id)
            except OSError as error:  # the emulator itself is gone; a new one serves the next invocation
                emulator.stop()
                # An emulator that enforces the timeout is sometimes gone before it has said so.
                if time.perf_counter() - since >= self._function.timeout_seconds:
                    return _time_out(request_id, self._function.timeout_seconds)
                return _failure("Runtime.ExitError", f"RequestId: {request_id} Error: {error}")
            milliseconds = (time.perf_counter() - since) * 1000 + emulator.take_unbilled()
            self._invocations.append(Invocation(self._function.name, self._function.memory_megabytes, milliseconds))
            if answer.has_ended_process:
                # It may take a moment to end, in which the next invocation would still find it.
                emulator.stop()
            else:
                self._give_back(emulator)
            return answer

    def initialize(self, number: int) -> None:
        """Start one more process, and let it initialize, unless there are as many already."""
        with self._lock:
            if self._has_stopped or len(self._all) >= number:
                return
            emulator = self._add()
            self._idle.insert(0, emulator)  # those that are ready go first
        emulator.initialize()

    def stop(self) -> None:
        with self._lock:
            self._has_stopped = True
            for emulator in self._all:
                emulator.stop()

    def _take(self) -> _Emulator:
        while emulator := self._pop_idle():
            if emulator.is_running:
                return emulator
        with self._lock:
            emulator = self._add()
        emulator.start()
        return emulator

    def _pop_idle(self) -> _Emulator | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _add(self) -> _Emulator:
        emulator = _Emulator(self._function, self._environment, self._logs, len(self._all))
        self._all.append(emulator)
        self.memory_note = emulator.memory_note
        return emulator

    def _give_back(self, emulator: _Emulator) -> None:
        with self._lock:
            self._idle.append(emulator)


class _Emulator:
    """One Runtime Interface Emulator, and under it the runtime client with the handler."""

    def __init__(self, function: LocalFunction, environment: dict[str, str], logs: Path, number: int) -> None:
        self._function = function
        self._environment = environment
        self._log = logs / f"{function.name}-{number}.log"
        self._process: ChildProcess | None = None
        self._port = 0
        self._limit: MemoryLimit | None = None
        self._spawning = threading.Lock()
        self._has_started = threading.Event()
        self._has_stopped = False
        self._unbilled = 0.0
        self.memory_note: str | None = None
        try:
            self._limit = MemoryLimit(f"{function.name}-{number}", function.memory_megabytes)
        except OSError as error:
            self.memory_note = f"this machine does not let us limit the functions' memory ({error.strerror})"

    @property
    def is_running(self) -> bool:
        """Whether it can be invoked; of one that is starting, this is known when it has started."""
        self._has_started.wait()
        return self._process is not None and self._process.is_running

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

    def take_unbilled(self) -> float:
        """Return the milliseconds that it took to initialize, once: AWS bills them beside an invocation's."""
        unbilled, self._unbilled = self._unbilled, 0.0
        return unbilled

    def start(self) -> None:
        """Start; the handler's module is imported by the first invocation."""
        try:
            self._start()
        finally:
            self._has_started.set()

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
                    *(find_emulator(), "--log-level", "error"),
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

    def invoke(self, payload: bytes, request_id: str) -> Answer:
        # The emulator enforces the timeout; ours only ends the wait for an emulator that is stuck.
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._function.timeout_seconds + 60)
        try:
            connection.request("POST", _EMULATOR_PATH, payload, {"X-Amzn-RequestId": request_id})
            response = connection.getresponse()
            return map_answer(response.status, response.read(), request_id, self._function.timeout_seconds)
        finally:
            connection.close()

    def stop(self) -> None:
        with self._spawning:
            self._has_stopped = True
        if self._process:
            self._process.stop()
        if self._limit:
            self._limit.remove()

    def _python_path(self) -> list[str]:
        """The function's folder, then its layers, as on Lambda; then this environment's packages, for the third-party layer."""
        path = [str(self._function.folder), f"{self._function.layers}/python", sysconfig.get_path("purelib")]
        if VARIABLE in self._environment:  # else nothing of ours can be imported into a function's process
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
            **self._environment,
            **own,
        }
        if self._limit:
            variables["LOCAL_MEMORY_GROUP"] = str(self._limit.folder)
        return variables


def find_emulator() -> Path:
    """Return the Runtime Interface Emulator of this machine's processor, from aws-sam-cli's package."""
    machine = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
    path = Path(str(resources.files("samcli").joinpath("local", "rapid", f"aws-lambda-rie-{machine}")))
    if not os.access(path, os.X_OK):  # wheels do not always keep the mode
        path.chmod(path.stat().st_mode | 0o111)
    return path


def _move_opt(value: str, layers: str) -> str:
    return layers + value.removeprefix("/opt") if value == "/opt" or value.startswith("/opt/") else value


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    service: LambdaService

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a caller that went away (it was stopped); everything else is a fault of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _InvokeHandler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        payload = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request_id = str(uuid.uuid4())
        match = _INVOKE_PATH.match(self.path)
        # Without the version that an ARN may end with: here a function has one.
        name = unquote(match[1]).rpartition(":function:")[2].partition(":")[0] if match else ""
        pool = self.server.service._pools.get(name)
        if pool is None:
            body = json.dumps({"Type": "User", "Message": f"Function not found: {name or self.path}"}).encode()
            self._answer(404, body, request_id, {"x-amzn-ErrorType": "ResourceNotFoundException"})
        elif self.headers.get("X-Amz-Invocation-Type") == "Event":
            threading.Thread(target=_invoke_aside, args=(pool, payload, request_id, name), daemon=True).start()
            self._answer(202, b"", request_id, {})
        else:
            answer = pool.invoke(payload or b"{}", request_id)
            headers = {"X-Amz-Executed-Version": "$LATEST"}
            if answer.function_error:
                headers["X-Amz-Function-Error"] = answer.function_error
            self._answer(200, answer.payload, request_id, headers)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: the functions have logs of their own."""

    def _answer(self, status: int, body: bytes, request_id: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "x-amzn-RequestId": request_id,
            **headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _invoke_aside(pool: _Pool, payload: bytes, request_id: str, name: str) -> None:
    answer = pool.invoke(payload, request_id)
    if answer.function_error:
        _log.error("%s, invoked asynchronously, failed: %s", name, answer.payload.decode(errors="replace"))

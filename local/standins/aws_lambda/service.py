"""Lambda on this machine: the functions of a stack, behind the Invoke API that boto3 and Step Functions speak.

A function runs in warm execution environments of its own (`execution_environment`), with the variables its template gives it and
nothing else of ours. Here is who is invoked, by which of its environments, and which of them are initialized ahead. Not offered:
versions, aliases, client context, and the two retries that AWS makes of a failed asynchronous invocation.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

from local.standins.aws_lambda.execution_environment import Answer, ExecutionEnvironment, LocalFunction, map_disconnection

_INVOKE_PATH = re.compile(r"^/2015-03-31/functions/([^/]+)/invocations$")
_log = logging.getLogger(__name__)


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
        logs: Folder for the log of each execution environment.

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
        """Make a function callable; an execution environment starts with an invocation that finds none free, or by `initialize`.

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
        return self._pools[_read_name(name)].invoke(json.dumps(event).encode(), str(uuid.uuid4()))

    def stop(self) -> None:
        """End every process and the server."""
        self._initializing.shutdown(wait=False, cancel_futures=True)
        self._server.shutdown()
        self._server.server_close()
        for pool in self._pools.values():
            pool.stop()
        self._initializing.shutdown()


def _read_name(name_or_arn: str) -> str:
    """Return a function's name, without the version that it may end with: here a function has one."""
    return name_or_arn.rpartition(":function:")[2].partition(":")[0]


class _Pool:
    """The execution environments of one function; each serves one invocation at a time, as Lambda's do."""

    def __init__(self, function: LocalFunction, logs: Path, variables: dict[str, str], invocations: list[Invocation]) -> None:
        self._function = function
        self._logs = logs
        self._variables = variables
        self._invocations = invocations
        self._idle: list[ExecutionEnvironment] = []
        self._all: list[ExecutionEnvironment] = []
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(function.concurrency)
        self._has_stopped = False
        self.memory_note: str | None = None

    def invoke(self, payload: bytes, request_id: str) -> Answer:
        with self._slots:
            environment = self._take()
            since = time.perf_counter()
            try:
                answer = environment.invoke(payload, request_id)
            except OSError as error:  # a new one serves the next invocation
                answer = map_disconnection(error, time.perf_counter() - since, request_id, self._function.timeout_seconds)
            milliseconds = (time.perf_counter() - since) * 1000 + environment.take_unbilled()
            self._invocations.append(Invocation(self._function.name, self._function.memory_megabytes, milliseconds))
            if answer.has_ended_process:
                # It may take a moment to end, in which the next invocation would still find it.
                environment.stop()
            else:
                self._give_back(environment)
            return answer

    def initialize(self, number: int) -> None:
        """Start one more process, and let it initialize, unless there are as many already."""
        with self._lock:
            if self._has_stopped or len(self._all) >= number:
                return
            environment = self._add()
            self._idle.insert(0, environment)  # those that are ready go first
        environment.initialize()

    def stop(self) -> None:
        with self._lock:
            self._has_stopped = True
            for environment in self._all:
                environment.stop()

    def _take(self) -> ExecutionEnvironment:
        while environment := self._pop_idle():
            if environment.is_running:
                return environment
        with self._lock:
            environment = self._add()
        environment.start()
        return environment

    def _pop_idle(self) -> ExecutionEnvironment | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _add(self) -> ExecutionEnvironment:
        environment = ExecutionEnvironment(self._function, self._variables, self._logs, len(self._all))
        self._all.append(environment)
        self.memory_note = environment.memory_note
        return environment

    def _give_back(self, environment: ExecutionEnvironment) -> None:
        with self._lock:
            self._idle.append(environment)


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
        name = _read_name(unquote(match[1])) if match else ""
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

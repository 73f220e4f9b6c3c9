"""The Redshift Data API over HTTP (AWS JSON 1.1), as boto3's `redshift-data` client speaks it.

Requests and answers are checked against botocore's own model of the service.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
from botocore.config import Config

from local_redshift.model import SERVICE, find_violations
from local_redshift.parameters import find_parameters
from local_redshift.sessions import Sessions
from local_redshift.statements import Statement, Statements, SubStatement

_MAX_SQL_BYTES = 100 * 1024
_MAX_WAITERS = 200


class ApiError(Exception):
    """An error of the service's model, by its name."""

    def __init__(self, code: str, message: str, status: int = 400, **fields: str) -> None:
        super().__init__(message)
        self.code, self.status, self.fields = code, status, fields


class DataApiServer:
    """A local Redshift Data API.

    Args:
        postgres_uri: Connection string of the database, as its superuser.
        s3_endpoint_url: Where COPY finds S3; None for AWS itself.
        port: Port on 127.0.0.1; 0 chooses a free one.
        role: ARN of the one role that is attached for COPY and UNLOAD; None attaches every role.
    """

    def __init__(self, postgres_uri: str, s3_endpoint_url: str | None = None, port: int = 0, role: str | None = None) -> None:
        s3 = boto3.client("s3", endpoint_url=s3_endpoint_url, region_name="us-east-1", config=Config(max_pool_connections=50))
        self._sessions = Sessions(postgres_uri, s3, role)
        self._statements = Statements(self._sessions)
        self._http = _Http(("127.0.0.1", port), _Handler)
        self._operations = self._http.operations = _Operations(self._statements)
        self._thread = threading.Thread(target=self._http.serve_forever, name="data-api", daemon=True)

    def start(self) -> DataApiServer:
        """Prepare the database and answer requests from now on.

        Raises:
            ValueError: the database treats text otherwise than Redshift; see create_database.
            psycopg.Error: it does not answer, or the user is no superuser.
        """
        self._sessions.prepare()
        self._thread.start()
        return self

    def stop(self) -> None:
        """Cancel what runs, close the connections and the port."""
        self._statements.stop()
        if self._thread.is_alive():
            self._http.shutdown()
        self._http.server_close()
        self._sessions.close()

    def __enter__(self) -> DataApiServer:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    @property
    def endpoint_url(self) -> str:
        """Where boto3 finds it."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def answer(self, operation: str, body: bytes) -> dict[str, Any]:
        """Return what is answered to a request, times as seconds since 1970.

        Raises:
            ApiError: the service would answer with an error.
        """
        return self._operations.answer(operation, body)


class _Operations:
    """The operations, each from a validated request to an answer."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self._waiting = threading.Semaphore(_MAX_WAITERS)
        self.by_name: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "ExecuteStatement": self.execute_statement,
            "BatchExecuteStatement": self.batch_execute_statement,
            "DescribeStatement": self.describe_statement,
            "CancelStatement": self.cancel_statement,
            "GetStatementResult": self.get_statement_result,
            "ListStatements": self.list_statements,
        }

    def answer(self, name: str, body: bytes) -> dict[str, Any]:
        """Return the answer to an operation's request, both as JSON.

        Raises:
            ApiError: the request is refused.
        """
        operation = self.by_name.get(name)
        if operation is None:
            raise ApiError(
                "UnknownOperationException", f"{name or 'a request without X-Amz-Target'} is not offered by this stand-in"
            )
        try:
            request = json.loads(body or b"{}")
        except ValueError as error:
            raise ApiError("SerializationException", "the request is not JSON") from error
        if report := find_violations(request, SERVICE.operation_model(name).input_shape):
            raise ApiError("ValidationException", report)
        answer: dict[str, Any] = _without_nones(operation(request))
        return answer

    def execute_statement(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._submit([request["Sql"]], False, request)

    def batch_execute_statement(self, request: dict[str, Any]) -> dict[str, Any]:
        if request.get("ExecutionMode", "TRANSACTION") != "TRANSACTION":
            raise ApiError("ValidationException", "ExecutionMode AUTO_COMMIT is not offered by this stand-in")
        return self._submit(request["Sqls"], True, request)

    def describe_statement(self, request: dict[str, Any]) -> dict[str, Any]:
        statement, number = self._find(request["Id"])
        self._wait(statement, request)
        if number is not None:
            part = statement.parts[number]
            return {
                **_describe_part(statement, number),
                "QueryString": part.sql,
                "WorkgroupName": statement.request.get("WorkgroupName"),
            }
        description = {
            "Id": statement.id,
            **_target(statement),
            "Status": statement.status,
            "Error": statement.error,
            "CreatedAt": statement.created_at,
            "UpdatedAt": statement.updated_at,
            "Duration": _duration(statement),
            "RedshiftPid": statement.pid,
            "RedshiftQueryId": 0 if statement.is_batch else statement.query_id,
            "HasResultSet": any(part.result is not None for part in statement.parts) if statement.has_ended else False,
            "ResultFormat": "JSON",
            "QueryParameters": statement.request.get("Parameters"),
        }
        if statement.is_batch:
            return {
                **description,
                "ResultRows": -1,
                "ResultSize": -1,
                "SubStatements": [_describe_part(statement, i) for i in range(len(statement.parts))],
            }
        part = statement.parts[0]
        return {
            **description,
            "QueryString": part.sql,
            "ResultRows": part.rows,
            "ResultSize": part.result.size if part.result else 0,
        }

    def cancel_statement(self, request: dict[str, Any]) -> dict[str, Any]:
        statement, _ = self._find(request["Id"])
        if statement.has_ended:
            raise ApiError(
                "ValidationException",
                f"Could not cancel a query that is already in {statement.status} state with ID: {statement.id}",
            )
        return {"Status": self._statements.cancel(statement)}

    def get_statement_result(self, request: dict[str, Any]) -> dict[str, Any]:
        statement, number = self._find(request["Id"])
        self._wait(statement, request)
        part = statement.parts[number or 0]
        if statement.is_batch and number is None:
            raise ApiError("ValidationException", "Query is a batch: ask for the result of one of its statements, by its id")
        if statement.status != "FINISHED" or part.result is None:
            reason = "Query does not have result" if statement.has_ended else "Query is not finished"
            raise ApiError(
                "ResourceNotFoundException",
                f"{reason}. Please check query status with DescribeStatement.",
                ResourceId=request["Id"],
            )
        try:
            rows, token = part.result.page(request.get("NextToken"))
        except KeyError:
            raise ApiError("ValidationException", "Invalid NextToken") from None
        return {"Records": rows, "ColumnMetadata": part.result.columns, "TotalNumRows": len(part.result.rows), "NextToken": token}

    def list_statements(self, request: dict[str, Any]) -> dict[str, Any]:
        status, name = request.get("Status", "FINISHED"), request.get("StatementName", "")
        chosen = [
            statement
            for statement in self._statements.newest_first()
            if statement.name.startswith(name)
            and status in ("ALL", statement.status)
            and all(
                request[name] == statement.request.get(name)
                for name in ("Database", "ClusterIdentifier", "WorkgroupName")
                if name in request
            )
        ]
        start, size = int(request.get("NextToken") or 0), request.get("MaxResults") or 100
        page = chosen[start : start + size]
        more = str(start + size) if start + size < len(chosen) else None
        return {"Statements": [_summarize(statement) for statement in page], "NextToken": more}

    def _submit(self, sqls: list[str], is_batch: bool, request: dict[str, Any]) -> dict[str, Any]:
        _check_submission(sqls, request)
        try:
            statement = self._statements.submit(sqls, is_batch, request)
        except ValueError as error:
            raise ApiError("ValidationException", str(error)) from error
        self._wait(statement, request)
        answer = {"Id": statement.id, "CreatedAt": statement.created_at, **_target(statement)}
        if "WaitTimeSeconds" in request:
            answer |= {"Status": statement.status, "RedshiftPid": statement.pid}
            answer["HasResultSet"] = statement.has_ended and any(part.result is not None for part in statement.parts)
        return answer

    def _find(self, statement_id: str) -> tuple[Statement, int | None]:
        try:
            return self._statements.find(statement_id)
        except KeyError:
            raise ApiError("ResourceNotFoundException", "Query does not exist.", ResourceId=statement_id) from None

    def _wait(self, statement: Statement, request: dict[str, Any]) -> None:
        seconds = request.get("WaitTimeSeconds")
        if seconds is None or statement.ended.is_set():
            return
        if not self._waiting.acquire(blocking=False):
            raise ApiError("ActiveWaitingRequestsExceededException", "The number of requests that wait is at its limit")
        try:
            statement.ended.wait(seconds)
        finally:
            self._waiting.release()


def _check_submission(sqls: list[str], request: dict[str, Any]) -> None:
    if ("ClusterIdentifier" in request) == ("WorkgroupName" in request):
        raise ApiError("ValidationException", "Either ClusterIdentifier or WorkgroupName must be given, not both")
    if not request.get("Database"):
        raise ApiError("ValidationException", "Database is required")
    sizes = [len(sql.encode()) for sql in sqls]
    if max(sizes, default=0) > _MAX_SQL_BYTES:
        raise ApiError("ValidationException", "Cannot process query string larger than 100kB")
    if sum(sizes) > _MAX_SQL_BYTES:
        raise ApiError(
            "ValidationException",
            'The batch\'s statements together have more than 100 KB (AWS says "query statement size", and not whether they count'
            " together: this stand-in refuses what might be refused)",
        )
    for name in ("SessionId", "SessionKeepAliveSeconds"):
        if name in request:
            raise ApiError("ValidationException", f"{name}: sessions that outlive a request are not offered by this stand-in")
    if request.get("ResultFormat", "JSON") != "JSON":
        raise ApiError("ValidationException", "ResultFormat CSV is not offered by this stand-in")
    if any(not sql.strip() for sql in sqls):
        raise ApiError("ValidationException", "Sql cannot be empty")
    given = [parameter["name"] for parameter in request.get("Parameters") or []]
    used = {name for sql in sqls for name in find_parameters(sql)}
    if len(set(given)) != len(given):
        raise ApiError("ValidationException", "A parameter is given twice")
    if unused := [name for name in given if name not in used]:
        raise ApiError("ValidationException", f"Parameters list contains unused parameters: {', '.join(unused)}")
    if missing := sorted(used - set(given)):
        raise ApiError("ValidationException", f"Parameters are missing for: {', '.join(missing)}")


def _target(statement: Statement) -> dict[str, Any]:
    names = ("ClusterIdentifier", "WorkgroupName", "Database", "SecretArn", "DbUser")
    return {name: statement.request[name] for name in names if name in statement.request} | {
        "DbUser": statement.request.get("DbUser", "awsuser")
    }


def _duration(target: Statement | SubStatement) -> int:
    if not target.started_at:
        return -1
    return int(((target.ended_at or time.time()) - target.started_at) * 1e9)


def _describe_part(statement: Statement, number: int) -> dict[str, Any]:
    part = statement.parts[number]
    return {
        "Id": f"{statement.id}:{number + 1}",
        "Status": part.status,
        "Error": part.error,
        "QueryString": part.sql,
        "Duration": _duration(part),
        "CreatedAt": statement.created_at,
        "UpdatedAt": part.updated_at,
        "ResultRows": part.rows,
        "ResultSize": part.result.size if part.result else 0,
        "HasResultSet": part.result is not None,
        "RedshiftQueryId": part.query_id,
    }


def _summarize(statement: Statement) -> dict[str, Any]:
    return {
        "Id": statement.id,
        "Status": statement.status,
        "StatementName": statement.request.get("StatementName"),
        "CreatedAt": statement.created_at,
        "UpdatedAt": statement.updated_at,
        "IsBatchStatement": statement.is_batch,
        "QueryParameters": statement.request.get("Parameters"),
        "SecretArn": statement.request.get("SecretArn"),
        "ResultFormat": "JSON",
        **({"QueryStrings": statement.sqls} if statement.is_batch else {"QueryString": statement.sqls[0]}),
    }


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    operations: _Operations


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body leave in one packet
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            status, answer, code = 200, self._answer(body), None
        except ApiError as error:
            status, code = error.status, error.code
            answer = {"__type": code, "message": str(error), "Message": str(error), **error.fields}
        except Exception as error:
            status, code = 500, "InternalServerException"
            message = f"{type(error).__name__}: {error}"
            answer = {"__type": code, "message": message, "Message": message}
        self._send(status, answer, code)

    def _answer(self, body: bytes) -> dict[str, Any]:
        name = (self.headers.get("X-Amz-Target") or "").removeprefix("RedshiftData.")
        answer = self.server.operations.answer(name, body)
        if report := find_violations(answer, SERVICE.operation_model(name).output_shape):
            raise AssertionError(f"the answer breaks the service's model: {report}")
        return answer

    def _send(self, status: int, answer: dict[str, Any], code: str | None) -> None:
        payload = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(payload)))
        self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        if code:
            self.send_header("x-amzn-ErrorType", code)
        self.end_headers()
        self.wfile.write(payload)
        self.wfile.flush()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: statements may hold data."""


def _without_nones(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nones(item) for key, item in value.items() if item is not None}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [_without_nones(item) for item in value]
    return value

"""The AWS calls that a process makes, noted as lines of a file: from them tests/permissions tells whether its role allows them.

Only what names a resource is noted, never content: no body, no message, no SQL.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

VARIABLE = "LOCAL_CALL_LOG"
_NAMES_A_RESOURCE = (
    *("Bucket", "Key", "SecretId", "TopicArn", "QueueUrl", "FunctionName", "stateMachineArn", "executionArn", "mapRunArn"),
    *("WorkgroupName", "workgroupName", "ClusterIdentifier", "Database", "SecretArn", "Tagging", "IfMatch"),
    *("DatabaseName", "TableName", "Name"),
)


@dataclass(frozen=True)
class AwsCall:
    """One call.

    Attributes:
        service, operation: As boto3 spells them: `s3`, `GetObject`.
        parameters: Those that name a resource; `Keys` is a list, all others are text.
        error: The code that AWS refused it with, None where it did not.
    """

    service: str
    operation: str
    parameters: dict[str, Any]
    error: str | None = None


def log_calls(path: Path) -> None:
    """Note every later call of this process's boto3 clients in a file, each as soon as it was answered."""
    from botocore import client
    from botocore.exceptions import ClientError

    base: Any = client.BaseClient  # what is wrapped is botocore's own, and no part of its types
    make_call = base._make_api_call

    @functools.wraps(make_call)
    def make_and_note(self: Any, operation: str, parameters: Mapping[str, Any]) -> Any:
        service = self.meta.service_model.service_name
        named: dict[str, Any] = {name: str(parameters[name]) for name in _NAMES_A_RESOURCE if name in parameters}
        if "Delete" in parameters:  # many objects by one call
            named["Keys"] = [entry["Key"] for entry in parameters["Delete"]["Objects"]]
        if table := parameters.get("TableInput"):
            named["TableName"] = table["Name"]
        try:
            answer = make_call(self, operation, parameters)
        except ClientError as error:
            _append(path, AwsCall(service, operation, named, error.response["Error"]["Code"]))
            raise
        _append(path, AwsCall(service, operation, named))
        return answer

    base._make_api_call = make_and_note


def log_calls_if_asked() -> None:
    """Do so where the environment names a file, and hide that from what runs in this process."""
    if path := os.environ.pop(VARIABLE, None):
        log_calls(Path(path))


def read_calls(path: Path) -> Iterator[AwsCall]:
    """Return the calls noted in a file."""
    for line in path.read_text(encoding="utf-8").splitlines():
        yield AwsCall(**json.loads(line))


def _append(path: Path, call: AwsCall) -> None:
    # One write to a file opened for appending: several processes of a function share it.
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(call)) + "\n")

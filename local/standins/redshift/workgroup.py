"""The workgroup of this machine, as the Redshift Serverless API tells of it: how far it scales, and what it may use.

Only what the doctor asks; another operation is refused by name.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.wrappers import Request, Response

from local.standins.account import ACCOUNT, PARTITION, REGION

NAME, ID = "local", "00000000-0000-0000-0000-000000000000"
_ARN = f"arn:{PARTITION}:redshift-serverless:{REGION}:{ACCOUNT}:workgroup/{ID}"
_TARGET = "RedshiftServerless."
_RPUS = 8
_WORKGROUP = {
    "workgroupName": NAME,
    "workgroupId": ID,
    "workgroupArn": _ARN,
    "namespaceName": NAME,
    "status": "AVAILABLE",
    "baseCapacity": _RPUS,
    "maxCapacity": _RPUS,
}
_LIMIT = {
    "usageLimitId": ID,
    "resourceArn": _ARN,
    "usageType": "serverless-compute",
    "amount": 100,
    "period": "monthly",
    "breachAction": "emit-metric",
}

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


class RedshiftServerless:
    """The API, as a WSGI application in front of another, which answers requests for other services."""

    def __init__(self, otherwise: Application) -> None:
        self._otherwise = otherwise

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if not target.startswith(_TARGET):
            return self._otherwise(environ, start_response)
        answer, status = _answer(target.removeprefix(_TARGET), json.loads(Request(environ).get_data()))
        response = Response(json.dumps(answer), status, mimetype="application/x-amz-json-1.1")
        response.headers["x-amzn-RequestId"] = str(uuid.uuid4())
        return response(environ, start_response)


def _answer(operation: str, request: dict[str, Any]) -> tuple[dict[str, Any], int]:
    match operation:
        case "GetWorkgroup" if request["workgroupName"] == NAME:
            return {"workgroup": _WORKGROUP}, 200
        case "GetWorkgroup":
            return {"__type": "ResourceNotFoundException", "message": f"Workgroup {request['workgroupName']} not found"}, 400
        case "ListUsageLimits":
            return {"usageLimits": [_LIMIT]} if request.get("resourceArn") == _ARN else {}, 200
    return {"__type": "UnknownOperationException", "message": f"{operation} is not known to local/standins/redshift"}, 400

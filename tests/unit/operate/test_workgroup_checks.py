"""What the doctor says of a workgroup whose price is bounded, and of one whose is not; answers are held to AWS's own model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from werkzeug.test import EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Response

from local.standins.account import ACCOUNT, PARTITION, REGION
from local.standins.redshift.workgroup import ID, NAME, RedshiftServerless
from rental_pipeline.base.errors import FixConfiguration, RetryLater
from rental_pipeline.operate.doctor.report import Report
from rental_pipeline.operate.doctor.workgroup_checks import check_workgroup

ARN = "arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup/1111"
WORKGROUP = {"workgroupName": "etl", "workgroupArn": ARN, "baseCapacity": 8, "maxCapacity": 16}
ASKED = {"resourceArn": ARN, "usageType": "serverless-compute"}


def limit(action: str, period: str = "monthly", amount: int = 500) -> dict[str, Any]:
    return {"usageType": "serverless-compute", "amount": amount, "period": period, "breachAction": action}


@pytest.fixture
def stubber(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """Takes only requests and answers that AWS's model of the API allows."""
    client = boto3.client("redshift-serverless", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    monkeypatch.setattr(boto3, "client", lambda service: {"redshift-serverless": client}[service])
    with Stubber(client) as stubbed:
        yield stubbed
        stubbed.assert_no_pending_responses()


def look(stubber: Stubber, workgroup: dict[str, Any], *pages: list[dict[str, Any]], rpus: int = 8) -> list[tuple[str, str]]:
    stubber.add_response("get_workgroup", {"workgroup": workgroup}, {"workgroupName": "etl"})
    for number, limits in enumerate(pages, 1):
        more = {"nextToken": f"{number:08}"} if number < len(pages) else {}
        token = {"nextToken": f"{number - 1:08}"} if number > 1 else {}
        found = {"usageLimits": limits} if limits else {}  # by its model the list is never empty
        stubber.add_response("list_usage_limits", {**found, **more}, {**ASKED, **token})
    report = Report()
    check_workgroup(report, "etl", rpus)
    return [(finding.status, finding.says) for finding in report.findings]


def test_a_workgroup_that_is_bounded_is_ok(stubber):
    """What happens at a limit is said; limits on later pages count."""
    findings = look(stubber, WORKGROUP, [limit("log", "daily", 5)], [limit("emit-metric"), limit("deactivate", "weekly", 900)])
    assert findings == [
        ("ok", "etl uses 16 RPUs at most"),
        (
            "ok",
            "usage of etl is limited: after 500 RPU-hours (monthly) people are told; after 900 RPU-hours (weekly) queries are"
            " refused, and so runs fail",
        ),
    ]


def test_a_workgroup_without_bounds_is_told_with_the_commands(stubber):
    """Each names the workgroup, so that it can be pasted."""
    workgroup = {key: value for key, value in WORKGROUP.items() if key != "maxCapacity"}
    (capacity, usage) = look(stubber, workgroup, [])
    assert capacity[0] == usage[0] == "warn"
    assert "update-workgroup --workgroup-name etl --max-capacity 8 " in capacity[1]
    assert f"not limited: aws redshift-serverless create-usage-limit --resource-arn {ARN} --usage-type serverless" in usage[1]


def test_a_limit_that_is_only_logged_is_told_as_such(stubber):
    (_, usage) = look(stubber, WORKGROUP, [limit("log")])
    assert usage[0] == "warn" and "limited by a log entry alone, which tells nobody" in usage[1]


def test_an_estimate_by_another_capacity_is_told(stubber):
    """A workgroup whose price and performance AWS balances has no base capacity, and so nothing to compare."""
    findings = look(stubber, {**WORKGROUP, "baseCapacity": 128}, [limit("emit-metric")])
    assert findings[0][0] == "warn" and "deploy with RedshiftRpus=128" in findings[0][1]
    balanced = {key: value for key, value in WORKGROUP.items() if key != "baseCapacity"}
    assert [status for status, _ in look(stubber, balanced, [limit("emit-metric")])] == ["ok", "ok"]


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("ResourceNotFoundException", FixConfiguration, "the workgroup etl does not exist"),
        ("AccessDeniedException", FixConfiguration, "redshift-serverless:GetWorkgroup on the workgroup etl is denied"),
        ("InternalServerException", RetryLater, "look again"),
    ],
)
def test_a_workgroup_that_cannot_be_looked_at_is_told(stubber, code, kind, words):
    stubber.add_client_error("get_workgroup", code, "no", http_status_code=400)
    with pytest.raises(kind, match=words):
        check_workgroup(Report(), "etl", 8)


@pytest.mark.parametrize(
    ("operation", "request_body", "status"),
    [
        ("GetWorkgroup", {"workgroupName": NAME}, 200),
        ("GetWorkgroup", {"workgroupName": "another"}, 400),
        ("ListUsageLimits", {"resourceArn": f"arn:{PARTITION}:redshift-serverless:{REGION}:{ACCOUNT}:workgroup/{ID}"}, 200),
        ("DeleteWorkgroup", {"workgroupName": NAME}, 400),
    ],
)
def test_the_stand_in_answers_as_the_model_says(operation, request_body, status):
    """Its fields are AWS's; what it does not know it refuses."""
    application = RedshiftServerless(Response("another service", 404))
    builder = EnvironBuilder(
        method="POST", headers={"X-Amz-Target": f"RedshiftServerless.{operation}"}, data=json.dumps(request_body)
    )
    chunks, answered, _ = run_wsgi_app(application, builder.get_environ())
    body = json.loads(b"".join(chunks))
    assert int(answered.split()[0]) == status
    if status == 200:
        client = boto3.client("redshift-serverless", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
        name = {"GetWorkgroup": "get_workgroup", "ListUsageLimits": "list_usage_limits"}[operation]
        Stubber(client).add_response(name, body)  # refuses what is not in the model

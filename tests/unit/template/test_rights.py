"""What every role may do, and who may take it: each right is written in rights.txt, so that none is added in passing.

That each of them is needed, and none is missing, is shown by tests/permissions on a stack at work.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from local.standins.cloudformation.template import ACCOUNT, Template, read_template
from tests.permissions.iam import Grant, read_grants

ROOT = Path(__file__).parents[3]
RIGHTS = Path(__file__).with_name("rights.txt")
COPY_ROLE = "arn:aws:iam::123456789012:role/copy"
# Every optional part switched on, so that each right that the template can give is seen.
PARAMETERS = {
    "SourceSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:source",
    "HashSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:hash",
    "SourceIamUserArn": "arn:aws:rds-db:eu-west-1:123456789012:dbuser:cluster-A/reader",
    "SubnetIds": "subnet-1",
    "SecurityGroupIds": "sg-1",
    "CopyRoleArn": COPY_ROLE,
    "ScheduleState": "ENABLED",
}
WAREHOUSES = {
    "workgroup": {"RedshiftWorkgroupName": "etl", "RedshiftWorkgroupId": "01234567-89ab-cdef-0123-456789abcdef"},
    "cluster": {"RedshiftClusterId": "etl"},
    "secret": {"RedshiftClusterId": "etl", "RedshiftSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:etl"},
}


def read(warehouse: str) -> Template:
    return read_template(ROOT / "template.yaml", "stack", {**PARAMETERS, **WAREHOUSES[warehouse]})


def describe(grant: Grant) -> str:
    """Return a right in one line: what on what, and under which conditions."""
    refused = "not " if grant.effect == "Deny" else ""
    conditions = "".join(f" if {key} {operator} {' or '.join(values)}" for operator, key, values in grant.conditions)
    return f"{refused}{grant.action} {grant.resource}{conditions}"


def list_rights() -> str:
    """Return the rights of all roles and of the resources' own policies, as rights.txt has them."""
    holders: dict[str, set[str]] = {}
    for warehouse in WAREHOUSES:
        template = read(warehouse)
        for role, properties in template.resources("AWS::IAM::Role").items():
            statements = [each for policy in properties["Policies"] for each in policy["PolicyDocument"]["Statement"]]
            holders.setdefault(role, set()).update(map(describe, read_grants(statements)))
        for kind in ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"):
            for policy, properties in template.resources(kind).items():
                for statement in properties["PolicyDocument"]["Statement"]:
                    (who,) = statement["Principal"].values() if isinstance(statement["Principal"], dict) else ("everybody",)
                    holders.setdefault(f"{policy}: {who}", set()).update(map(describe, read_grants([statement])))
    return "\n".join(
        line for holder, rights in sorted(holders.items()) for line in (holder, *(f"    {right}" for right in sorted(rights)), "")
    )


def test_every_right_is_written_down():
    """A role that may do more, or less, or to something else than rights.txt says, was changed in passing."""
    assert list_rights() == RIGHTS.read_text(encoding="utf-8")


@pytest.mark.parametrize("warehouse", WAREHOUSES)
def test_a_service_takes_a_role_for_this_account_only(warehouse):
    """Else a stranger could have the service use it (IAM User Guide, "The confused deputy problem").

    Lambda's guide names no such condition for its functions' roles; a role can be given only to a function of its account.
    """
    for role, properties in read(warehouse).resources("AWS::IAM::Role").items():
        (statement,) = properties["AssumeRolePolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Action"]) == ("Allow", "sts:AssumeRole"), role
        (service,) = statement["Principal"].values()
        if service == "lambda.amazonaws.com":
            assert "Condition" not in statement, role
        else:
            assert service in ("states.amazonaws.com", "scheduler.amazonaws.com"), role
            assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}, role

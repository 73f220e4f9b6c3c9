"""What every role may do, and who may take it: each right is written in rights.txt, so that none is added in passing.

That each of them is needed, and none is missing, is shown by tests/permissions on a stack at work.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from local.standins.cloudformation.template import ACCOUNT, Template, read_template
from tests.permissions.iam import Grant, Need, is_allowed, read_grants

ROOT = Path(__file__).parents[3]
RIGHTS = Path(__file__).with_name("rights.txt")
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
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
    "KmsKeyArn": KEY,
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
        for policy, properties in template.resources("AWS::IAM::ManagedPolicy").items():
            holders[policy] = set(map(describe, read_grants(properties["PolicyDocument"]["Statement"])))
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


def key_uses(template: Template) -> dict[str, set[str]]:
    """Return through which services each role and policy may use a key."""
    found: dict[str, set[str]] = {}
    for name, properties in template.resources("AWS::IAM::Role").items():
        for policy in properties["Policies"]:
            for grant in read_grants(policy["PolicyDocument"]["Statement"]):
                if grant.action.startswith("kms:"):
                    ((operator, condition, (service,)),) = grant.conditions
                    assert (operator, condition, grant.resource) == ("StringEquals", "kms:ViaService", KEY), name
                    found.setdefault(name, set()).add(service.split(".")[0])
    return found


def test_a_key_of_ones_own_is_used_wherever_it_is_needed():
    """Each role that reads a secret, an object or sends to a topic may use the key through that service, and through no other."""
    template, needed = read("secret"), {}
    for name, properties in template.resources("AWS::IAM::Role").items():
        actions = {
            grant.action for policy in properties["Policies"] for grant in read_grants(policy["PolicyDocument"]["Statement"])
        }
        services = {
            "secretsmanager:GetSecretValue": "secretsmanager",
            "s3:GetObject": "s3",
            "s3:PutObject": "s3",
            "sns:Publish": "sns",
        }
        if used := {service for action, service in services.items() if action in actions}:
            needed[name] = used
    assert key_uses(template) == needed
    assert {"PlanRunRole", "ExtractSliceRole", "WarehouseRole", "RunStateMachineRole"} <= needed.keys()


def test_everything_that_is_kept_is_under_the_key():
    """Bucket, query results, topics and logs; without a key of one's own, none is named and no role may use any."""
    template = read("secret")
    (bucket,) = template.resources("AWS::S3::Bucket").values()
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {
        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
        "BucketKeyEnabled": True,
    }
    assert {topic["KmsMasterKeyId"] for topic in template.resources("AWS::SNS::Topic").values()} == {KEY}
    assert {group["KmsKeyId"] for group in template.resources("AWS::Logs::LogGroup").values()} == {KEY}
    (workgroup,) = template.resources("AWS::Athena::WorkGroup").values()
    results = workgroup["WorkGroupConfiguration"]["ResultConfiguration"]["EncryptionConfiguration"]
    assert results == {"EncryptionOption": "SSE_KMS", "KmsKey": KEY}
    given = {name: value for name, value in {**PARAMETERS, **WAREHOUSES["secret"]}.items() if name != "KmsKeyArn"}
    without = read_template(ROOT / "template.yaml", "stack", given)
    assert not key_uses(without)
    assert not [group for group in without.resources("AWS::Logs::LogGroup").values() if "KmsKeyId" in group]


def test_the_lakes_readers_read_the_lake_and_nothing_else():
    """Neither raw tables and their files, which hold the source's values, nor may they change what they read."""
    template = read("cluster")
    (policy,) = template.resources("AWS::IAM::ManagedPolicy").values()
    grants = read_grants(policy["PolicyDocument"]["Statement"])
    assert template.outputs()["LakeReadersPolicyArn"] == template.resolve({"Ref": "LakeReadersPolicy"})
    database = "arn:aws:glue:eu-west-1:123456789012:table/stack"
    for action, resource, is_expected in [
        ("glue:GetTable", f"{database}/presentation_revenue", True),
        ("glue:GetTable", f"{database}/curated_bookings", True),
        ("glue:GetTable", f"{database}/control_exchange_rate", True),
        ("glue:GetTable", f"{database}/raw_bookings", False),
        ("glue:UpdateTable", f"{database}/presentation_revenue", False),
        ("s3:GetObject", "arn:aws:s3:::stack-bucket/apartments/lake/presentation_revenue/x.parquet", True),
        ("s3:GetObject", "arn:aws:s3:::stack-bucket/apartments/raw/bookings/x.parquet", False),
        ("s3:PutObject", "arn:aws:s3:::stack-bucket/apartments/athena/result.csv", True),
        ("s3:PutObject", "arn:aws:s3:::stack-bucket/apartments/lake/x.parquet", False),
        ("athena:StartQueryExecution", "arn:aws:athena:eu-west-1:123456789012:workgroup/stack", True),
        ("athena:StartQueryExecution", "arn:aws:athena:eu-west-1:123456789012:workgroup/primary", False),
    ]:
        assert is_allowed(Need(action, resource), grants) is is_expected, (action, resource)

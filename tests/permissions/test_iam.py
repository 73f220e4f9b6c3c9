"""The policy evaluation behind test_roles.py, against the rules of the IAM User Guide."""

from __future__ import annotations

import pytest

from local.standins.call_log import AwsCall
from tests.permissions.iam import Need, is_allowed, read_grants
from tests.permissions.needs import find_needs, find_task_calls

READ = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:Put*"], "Resource": "arn:aws:s3:::files/a/*"}
DENY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
COPY = "arn:aws:iam::123456789012:role/copy"


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("s3:GetObject", "arn:aws:s3:::files/a/b/c", True),
        ("S3:getobject", "arn:aws:s3:::files/a/b", True),  # actions know no case
        ("s3:PutObjectTagging", "arn:aws:s3:::files/a/b", True),
        ("s3:GetObject", "arn:aws:s3:::files/A/b", False),  # resources do
        ("s3:GetObject", "arn:aws:s3:::files/b", False),
        ("s3:GetObject", "arn:aws:s3:::files-a/a/b", False),
        ("s3:GetObjectTagging", "arn:aws:s3:::files/a/b", False),
        ("s3:DeleteObject", "arn:aws:s3:::files/a/b", False),
        ("s3:GetObject", "*", False),
    ],
)
def test_allowed_is_what_a_statement_names(action, resource, allowed):
    """Everything else is denied."""
    assert is_allowed(Need(action, resource), read_grants([READ])) is allowed


def test_a_point_is_a_point():
    """And no wildcard, as it would be in a regular expression."""
    (grant,) = read_grants([{**READ, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a.b/*"}])
    assert grant.covers(Need("s3:GetObject", "arn:aws:s3:::a.b/c"))
    assert not grant.covers(Need("s3:GetObject", "arn:aws:s3:::axb/c"))


@pytest.mark.parametrize(("secure", "allowed"), [("true", True), ("false", False)])
def test_a_deny_wins_where_its_condition_holds(secure, allowed):
    """Whatever else allows the call."""
    grants = [*read_grants([READ]), *read_grants([DENY], principal=COPY)]
    assert is_allowed(Need("s3:GetObject", "arn:aws:s3:::files/a/b", {"aws:SecureTransport": secure}), grants) is allowed


def test_a_condition_without_its_key_does_not_hold():
    """As IAM reads it."""
    grants = read_grants([{**READ, "Condition": {"StringLike": {"s3:prefix": "a*"}}}])
    assert not is_allowed(Need("s3:GetObject", "arn:aws:s3:::files/a/b"), grants)
    assert is_allowed(Need("s3:GetObject", "arn:aws:s3:::files/a/b", {"s3:prefix": "ab"}), grants)


def test_a_bucket_policy_speaks_to_its_principals():
    """A statement for one role gives nothing to another."""
    statement = {**READ, "Principal": {"AWS": COPY}}
    need = Need("s3:GetObject", "arn:aws:s3:::files/a/b")
    assert is_allowed(need, read_grants([statement], principal=COPY))
    assert not is_allowed(need, read_grants([statement], principal=COPY + "2"))
    assert not is_allowed(need, read_grants([{**READ, "Principal": {"Service": "s3.amazonaws.com"}}], principal=COPY))


@pytest.mark.parametrize("statement", [{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}, {**READ, "NotResource": "x"}])
def test_what_is_not_known_is_refused(statement):
    """Rather than read as if it were not there."""
    with pytest.raises(ValueError, match="does not know Not"):
        read_grants([statement])


def test_an_unknown_condition_operator_is_refused():
    """As above."""
    (grant,) = read_grants([{**READ, "Action": "s3:GetObject", "Condition": {"NumericEquals": {"x": "1"}}}])
    with pytest.raises(ValueError, match="NumericEquals"):
        grant.covers(Need("s3:GetObject", "arn:aws:s3:::files/a/b", {"x": "1"}))


def test_a_call_of_an_unknown_operation_is_refused():
    """It would else need nothing."""
    with pytest.raises(ValueError, match="s3:DeleteBucket"):
        list(find_needs(AwsCall("s3", "DeleteBucket", {"Bucket": "files"}), {}))


def test_a_missing_object_needs_the_listing():
    """S3 says "not found" only to those who may list; to others it says "denied", and the pipeline would misread that."""
    needs = list(find_needs(AwsCall("s3", "GetObject", {"Bucket": "b", "Key": "k"}, "NoSuchKey"), {}))
    assert [str(need) for need in needs] == ["s3:GetObject on arn:aws:s3:::b/k", "s3:ListBucket on arn:aws:s3:::b"]


def test_a_statement_needs_the_credentials_it_runs_with():
    """The Data API fetches them in the caller's name: from the secret, or temporary ones."""
    parameters = {"RedshiftWorkgroupName": "analytics", "RedshiftWorkgroupId": "1-2"}
    call = AwsCall("redshift-data", "ExecuteStatement", {"WorkgroupName": "analytics", "Database": "dev"})
    assert [need.action for need in find_needs(call, parameters)] == [
        "redshift-data:ExecuteStatement",
        "redshift-serverless:GetCredentials",
    ]
    by_secret = AwsCall("redshift-data", "ExecuteStatement", {"ClusterIdentifier": "c", "Database": "dev", "SecretArn": "arn:s"})
    assert [str(need) for need in find_needs(by_secret, parameters)] == [
        "redshift-data:ExecuteStatement on arn:aws:redshift:eu-west-1:123456789012:cluster:c",
        "secretsmanager:GetSecretValue on arn:s",
    ]


def test_an_unknown_task_is_refused():
    """A state machine that begins to call something new tells what to add."""
    definition = {"States": {"Put": {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem", "Parameters": {}}}}
    with pytest.raises(ValueError, match="dynamodb"):
        list(find_task_calls(definition, "apartments"))

"""`make remove` against moto: what is there before and after, also when it was killed on its way."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator

import boto3
import pytest

from local.commands import remove
from local.commands.remove import STACK_TAG, NotRemoved, remove_stack
from local.standins.moto.aws import CREDENTIALS, LocalAws

STACK, BUCKET, UPLOADS = (
    "rental-pipeline-dev",
    "rental-pipeline-dev-bucket-1a2b3c",
    "aws-sam-cli-managed-default-samclisourcebucket-1",
)
TEMPLATE = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}, "Queue": {"Type": "AWS::SQS::Queue"}}}
SAM = {
    "Resources": {"SamCliSourceBucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": UPLOADS}}},
    "Outputs": {"SourceBucket": {"Value": {"Ref": "SamCliSourceBucket"}}},
}
OTHERS = {"stack rental-pipeline-development", "bucket rental-pipeline-development-bucket-1", f"bucket {UPLOADS}"}
# Of a stack named rental-pipeline-dev-bucket-2, of one of the same name in another region, of one that has the same beginning.
LOOK_ALIKE = ("rental-pipeline-dev-bucket-2-bucket-9z8y7x", "rental-pipeline-dev-bucket-us", "rental-pipeline-de-bucket-1a2b3d")
OTHERS |= {f"bucket {name}" for name in LOOK_ALIKE}
OTHERS |= {"stack aws-sam-cli-managed-default", f"object {UPLOADS}/other/code.zip"}


@pytest.fixture(scope="module")
def account(tmp_path_factory) -> Iterator[str]:
    """The address of an account in a process of its own, as what it holds is listed whole."""
    server = LocalAws(tmp_path_factory.mktemp("moto") / "moto.log", {})
    yield server.endpoint_url
    server.stop()


@pytest.fixture(autouse=True)
def deployed(monkeypatch, account) -> None:
    """The stack, its bucket and its uploads, beside another of a longer name."""
    for name, value in {**CREDENTIALS, "AWS_DEFAULT_REGION": "eu-west-1", "AWS_ENDPOINT_URL": account}.items():
        monkeypatch.setenv(name, value)
    urllib.request.urlopen(urllib.request.Request(f"{account}/moto-api/reset", method="POST")).close()
    cloudformation, s3 = boto3.client("cloudformation"), boto3.client("s3")
    cloudformation.create_stack(StackName="aws-sam-cli-managed-default", TemplateBody=json.dumps(SAM))
    cloudformation.create_stack(StackName=STACK, TemplateBody=json.dumps(TEMPLATE))
    empty = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "other"}}}})
    cloudformation.create_stack(StackName="rental-pipeline-development", TemplateBody=empty)
    for bucket in (BUCKET, "rental-pipeline-development-bucket-1", *LOOK_ALIKE):
        region = "us-west-2" if bucket == LOOK_ALIKE[1] else "eu-west-1"
        where = boto3.client("s3", region_name=region)
        where.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
    tag(LOOK_ALIKE[1], STACK)
    tag(LOOK_ALIKE[2], "rental-pipeline-de")
    for number in range(3):
        s3.put_object(Bucket=BUCKET, Key=f"apartments/raw/{number}", Body=b"x")
    for stack in (STACK, "other"):
        s3.put_object(Bucket=UPLOADS, Key=f"{stack}/code.zip", Body=b"x")


def tag(bucket: str, stack: str) -> None:
    """As template.yaml does."""
    boto3.client("s3").put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": STACK_TAG, "Value": stack}]})


def take_inventory() -> set[str]:
    """Return all that there is in the account."""
    s3 = boto3.client("s3")
    buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    found = {f"bucket {bucket}" for bucket in buckets}
    found |= {
        f"object {bucket}/{each['Key']}" for bucket in buckets for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    }
    found |= {f"stack {each['StackName']}" for each in boto3.client("cloudformation").describe_stacks()["Stacks"]}
    found |= {f"queue {url}" for url in boto3.client("sqs").list_queues().get("QueueUrls", [])}
    return found


def test_nothing_of_it_is_left():
    """The stack with what it made, its bucket, and what SAM uploaded; what belongs to another stays."""
    assert len(take_inventory()) > len(OTHERS) + 4
    remove_stack(STACK, is_data_kept=False, say=lambda text: None)
    assert take_inventory() == OTHERS


def test_the_data_is_kept_until_it_is_destroyed():
    """What raw was made from outlives the stack; a second call may take it too."""
    said: list[str] = []
    remove_stack(STACK, is_data_kept=True, say=said.append)
    assert take_inventory() == OTHERS | {f"bucket {BUCKET}"} | {f"object {BUCKET}/apartments/raw/{number}" for number in range(3)}
    assert any(BUCKET in text and "kept" in text for text in said)
    remove_stack(STACK, is_data_kept=False, say=said.append)
    assert take_inventory() == OTHERS


@pytest.mark.parametrize("stack", ["Rental-Pipeline-DEV", f"rental-pipeline-{'x' * 38}"], ids=["capitals", "long"])
def test_a_bucket_is_found_by_its_tag(stack):
    """CloudFormation writes its name in small letters, and shortens a long stack's; an older one without a tag is found, too."""
    bucket = "rental-pipeline-xxxxxxxx-bucket-4d5e6f"
    boto3.client("cloudformation").create_stack(StackName=stack, TemplateBody=json.dumps(TEMPLATE))
    boto3.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    tag(bucket, stack)
    before = take_inventory()
    remove_stack(stack, is_data_kept=False, say=lambda text: None)
    kept = take_inventory()
    assert f"bucket {bucket}" in before - kept
    assert {f"bucket {name}" for name in LOOK_ALIKE} <= kept


@pytest.mark.parametrize("killed_at", range(4))
def test_a_removal_that_was_killed_is_completed_by_the_next(killed_at):
    """Wherever it was: before or behind the stack's end, while the bucket was emptied, before the uploads."""

    class Killed(BaseException):
        pass

    steps = iter(range(10))

    def kill(text: str) -> None:
        if next(steps) == killed_at:
            raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        if killed_at == 3:
            patch.setattr(remove, "_list_versions", lambda *_arguments: iter(()))
            patch.setattr(remove, "_find_uploads", lambda: (_ for _ in ()).throw(Killed()))
            patch.setattr(remove, "_find_buckets", lambda stack: [])
        remove_stack(STACK, is_data_kept=False, say=kill)
    remove_stack(STACK, is_data_kept=False, say=lambda text: None)
    assert take_inventory() == OTHERS


def test_a_protected_stack_stays(monkeypatch):
    """`make protect` was meant; the message says how it is taken back."""
    protected = {"StackId": "id", "StackStatus": "CREATE_COMPLETE", "EnableTerminationProtection": True}
    monkeypatch.setattr(remove, "_describe", lambda cloudformation, stack: protected)
    before = take_inventory()
    with pytest.raises(NotRemoved, match="update-termination-protection --no-enable-termination-protection"):
        remove_stack(STACK, is_data_kept=False, say=lambda text: None)
    assert take_inventory() == before

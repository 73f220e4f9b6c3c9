"""`make remove`: take a deployed stack away, with or without its data; run again after an interruption, it goes on.

Nothing is remembered between two runs: what is left is found by the names that CloudFormation and SAM give.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from local.commands.doctor import StackNotReached
from local.refusal import Refused

# SAM's own stack, whose bucket holds what was uploaded (AWS SAM CLI, `resolve_s3`).
_SAM_STACK = "aws-sam-cli-managed-default"
# What template.yaml calls the bucket's stack by.
STACK_TAG = "rental-pipeline-stack"
# CloudFormation shortens a long stack's name in that of a bucket; so much of it stays.
_KEPT_OF_A_NAME = 10


class NotRemoved(Refused):
    """Something is left; the message says what, and the way out."""


def remove_stack(stack: str, is_data_kept: bool, say: Callable[[str], object]) -> None:
    """Delete a stack, what SAM uploaded for it, and its bucket where the data is not kept.

    Args:
        stack: Its name.
        is_data_kept: Whether the bucket stays, with what raw was made from.
        say: Is told of each step.

    Raises:
        NotRemoved: CloudFormation could not delete it, or may not.
        StackNotReached: there is no region or account in which to look for it.
    """
    try:
        _delete_stack(stack, say)
        for bucket in _find_buckets(stack):
            if is_data_kept:
                say(f"kept: s3://{bucket}; `make remove DATA=destroy` deletes it")
                continue
            say(f"deleted: {_empty(bucket, '')} objects of s3://{bucket}, and the bucket")
            boto3.client("s3").delete_bucket(Bucket=bucket)
        if uploads := _find_uploads():
            say(f"deleted: {_empty(uploads, f'{stack}/')} uploads under s3://{uploads}/{stack}/")
    except WaiterError as error:
        raise NotRemoved(
            f"CloudFormation did not delete {stack} ({error}): its events say what holds it; then run this again"
        ) from error
    except (ClientError, BotoCoreError) as error:
        raise StackNotReached(f"{error}\nLog in (AWS_PROFILE), set AWS_REGION, and run this again: it goes on.") from error
    say("not touched: the schemas in the warehouse, the secrets, and CopyRoleArn, which the stack did not make")


def _delete_stack(stack: str, say: Callable[[str], object]) -> None:
    cloudformation = boto3.client("cloudformation")
    found = _describe(cloudformation, stack)
    if not found:
        say(f"there is no stack {stack} (any more)")
        return
    if found.get("EnableTerminationProtection"):
        raise NotRemoved(
            f"{stack} is protected (make protect): aws cloudformation update-termination-protection"
            f" --no-enable-termination-protection --stack-name {stack}"
        )
    cloudformation.delete_stack(StackName=stack)
    # By its id, by which a deleted stack can still be asked about.
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=found["StackId"])
    say(f"deleted: the stack {stack}")


def _describe(cloudformation: Any, stack: str) -> dict[str, Any] | None:
    try:
        (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    return None if found["StackStatus"] == "DELETE_COMPLETE" else dict(found)


def _find_buckets(stack: str) -> list[str]:
    """Return the stack's buckets in this region, also those it left: by the tag that the template gives them.

    An older one has no tag. CloudFormation named it after stack and resource in small letters, with an end without hyphens.
    """
    s3 = boto3.client("s3")
    untagged = re.compile(rf"{re.escape(stack.lower())}-bucket-[a-z0-9]+")
    found = []
    for bucket in s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        if not name.startswith(stack.lower()[:_KEPT_OF_A_NAME]):
            continue
        owner = _read_owner(s3, name)
        if (owner == stack or (owner is None and untagged.fullmatch(name))) and _read_region(s3, name) == s3.meta.region_name:
            found.append(name)
    return found


def _read_owner(s3: Any, bucket: str) -> str | None:
    """Return the stack that a bucket's tag names; None where it has none, or may not be asked."""
    try:
        tags = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchTagSet", "AccessDenied", "NoSuchBucket"):
            return None
        raise
    return next((str(tag["Value"]) for tag in tags if tag["Key"] == STACK_TAG), None)


def _read_region(s3: Any, bucket: str) -> str:
    """Return where a bucket is: a stack of the same name may stand in another region."""
    return s3.get_bucket_location(Bucket=bucket).get("LocationConstraint") or "us-east-1"


def _find_uploads() -> str | None:
    found = _describe(boto3.client("cloudformation"), _SAM_STACK)
    outputs = found.get("Outputs", []) if found else []
    return next((output["OutputValue"] for output in outputs if output["OutputKey"] == "SourceBucket"), None)


def _empty(bucket: str, prefix: str) -> int:
    """Delete all objects and versions under a prefix; return how many."""
    s3, count = boto3.client("s3"), 0
    for page in _list_versions(s3, bucket, prefix):
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": page, "Quiet": True})
        if failed := answer.get("Errors"):
            raise NotRemoved(f"s3://{bucket}/{failed[0]['Key']} was not deleted ({failed[0]['Code']}); then run this again")
        count += len(page)
    return count


def _list_versions(s3: Any, bucket: str, prefix: str) -> Iterator[list[dict[str, str]]]:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if found:
            yield [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]

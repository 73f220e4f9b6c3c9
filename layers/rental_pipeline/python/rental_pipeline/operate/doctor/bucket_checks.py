"""What the doctor sees of the bucket: its region, who may reach it and how, encryption, and that an object can be written."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rental_pipeline.base.object_store import (
    address,
    can_list,
    delete_objects,
    doctor_folder,
    explain_s3_error,
    find_text,
    s3,
    write_text,
)
from rental_pipeline.base.settings import WarehouseSettings
from rental_pipeline.operate.doctor.report import Report

_PUBLIC = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def check_bucket(report: Report, settings: WarehouseSettings) -> None:
    """Add what is found (raises as `object_store.read_json`)."""
    bucket = settings.bucket
    can_list(bucket)
    _check_region(report, bucket)
    _check_public_access(report, bucket)
    _check_policy(report, bucket, settings.copy_role_arn)
    _check_encryption(report, bucket, settings.kms_key_arn)
    _write_probe(report, settings)


def _check_region(report: Report, bucket: str) -> None:
    with _asking_s3(bucket, "s3:ListBucket"):
        region = s3().head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"]
    here = s3().meta.region_name
    if region == here:
        report.ok("bucket", f"{bucket} is in {region}, as the warehouse is")
    else:
        report.fail("bucket", f"{bucket} is in {region}, the warehouse in {here}: deploy the stack in the warehouse's region")


def _check_public_access(report: Report, bucket: str) -> None:
    try:
        with _asking_s3(bucket, "s3:GetBucketPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration"):
            blocked = s3().get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    except _NotSet:
        blocked = {}
    if open_ways := [way for way in _PUBLIC if not blocked.get(way)]:
        report.fail("bucket", f"{bucket} does not say {', '.join(open_ways)}: block all public access, as template.yaml does")
    else:
        report.ok("bucket", "all public access is blocked")


def _check_policy(report: Report, bucket: str, role: str) -> None:
    try:
        with _asking_s3(bucket, "s3:GetBucketPolicy", "NoSuchBucketPolicy"):
            statements = json.loads(s3().get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    except _NotSet:
        statements = []
    if not any(
        each["Effect"] == "Deny" and "aws:SecureTransport" in each.get("Condition", {}).get("Bool", {}) for each in statements
    ):
        report.fail("bucket policy", f"{bucket} may be reached without TLS: put its policy back, as template.yaml has it")
        return
    named = sorted({each for statement in statements if statement["Effect"] == "Allow" for each in _principals(statement)})
    if role in named:
        report.ok("bucket policy", "TLS only; it lets in the role of COPY and UNLOAD")
    else:
        # IAM User Guide, "AWS JSON policy elements: Principal": a role's ARN turns into its id when the role is deleted, and a
        # role that is made again under the same name has another one.
        report.fail(
            "bucket policy",
            f"it lets in {', '.join(named) or 'no role'}, not {role}, the parameter CopyRoleArn: put it back, as template.yaml"
            " has it (an id such as AROA… is of a role that was deleted; one made again under its name is another role)",
        )


def _principals(statement: dict[str, Any]) -> list[str]:
    principal = statement["Principal"]
    named = principal.get("AWS", []) if isinstance(principal, dict) else principal
    return [named] if isinstance(named, str) else named


def _check_encryption(report: Report, bucket: str, kms_key: str | None) -> None:
    try:
        with _asking_s3(bucket, "s3:GetEncryptionConfiguration", "ServerSideEncryptionConfigurationNotFoundError"):
            rules = s3().get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    except _NotSet:
        report.fail("bucket", f"{bucket} says nothing of encryption: set it as template.yaml does")
        return
    by = rules[0]["ApplyServerSideEncryptionByDefault"]
    found = by.get("KMSMasterKeyID")
    if kms_key and found != kms_key:
        report.fail(
            "bucket",
            f"new objects of {bucket} are encrypted by {found or by['SSEAlgorithm']}, not by {kms_key}, the parameter KmsKeyArn:"
            " put the bucket's default encryption back, as template.yaml has it",
        )
    else:
        report.ok("bucket", f"encrypted by {found or by['SSEAlgorithm']}")


class _NotSet(Exception):
    """The bucket has no such configuration."""


@contextmanager
def _asking_s3(bucket: str, permission: str, not_set: str | None = None) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] == not_set:
            raise _NotSet from error
        raise explain_s3_error(error, bucket, "", permission) from error


def _write_probe(report: Report, settings: WarehouseSettings) -> None:
    """Write an object, read it back and delete it."""
    key, text = doctor_folder(settings.marketplace) + "probe.txt", str(uuid.uuid4())
    write_text(settings.bucket, key, text)
    if find_text(settings.bucket, key) != text:
        report.fail(
            "bucket", f"{address(settings.bucket, key)} was written and cannot be read back: look for a rule that deletes it"
        )
        return
    delete_objects(settings.bucket, [key])
    report.ok("bucket", f"an object was written, read and deleted under {doctor_folder(settings.marketplace)}")

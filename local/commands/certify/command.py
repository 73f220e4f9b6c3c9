"""`make certify`: which account, what it costs, and whether to go on."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.commands.certify.account import Account, AccountNotReached
from local.commands.certify.certificate import CERTIFICATES, QUESTIONS, certify, count, write_answers
from local.commands.certify.question import AGREES, DIFFERS, NOT_ASKED
from local.standins.account import ACCOUNT, PARTITION, REGION
from local.standins.cloudformation.template import read_template
from local.standins.moto.aws import CREDENTIALS, LocalAws
from local.standins.redshift.postgres import DATABASE, Postgres
from local_redshift.server import DataApiServer

MOST_MINUTES, MOST_DOLLARS = 15.0, 1.0
# Redshift Serverless, us-east-1; other regions ask up to half as much again (https://aws.amazon.com/redshift/pricing/).
_DOLLARS_AN_HOUR = 0.375 * 1.5
_DEFAULT_RPUS = 128
_USUAL_MINUTES = 5.0
# What the stand-ins cannot do, or let everybody do; each by the name of its API.
STANDINS_LACK = frozenset(("iam:SimulatePrincipalPolicy", "athena:StartQueryExecution", "sts:AssumeRole"))
COPY_ROLE = f"arn:{PARTITION}:iam::{ACCOUNT}:role/copy"
_ROOT = Path(__file__).parents[3]
_BUCKET = "rental-pipeline-certify"
_PARAMETERS = {
    "RedshiftClusterId": "local",
    "CopyRoleArn": COPY_ROLE,
    "SourceSecretArn": f"arn:{PARTITION}:secretsmanager:{REGION}:{ACCOUNT}:secret:source",
}
_KEY = f"arn:{PARTITION}:kms:{REGION}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"


def run_certify(stack: str | None, workgroup: str | None, database: str, is_agreed: bool, answers: Path) -> int:
    """Ask a stack, a workgroup, or (neither is named) the stand-ins; write the answers; return the exit code.

    Returns:
        0 where nothing differs, 1 where something does, 2 where a person did not agree to the price.

    Raises:
        AccountNotReached: there is none of that name, or it lets this person ask nothing.
    """
    if stack is None and workgroup is None:
        with serve_standins() as account:
            return _certify(account, MOST_MINUTES, answers)
    account = find_stack(stack) if stack else find_workgroup(str(workgroup), database)
    rpus = _find_rpus(account)
    minutes = min(MOST_MINUTES, MOST_DOLLARS / (rpus * _DOLLARS_AN_HOUR) * 60)
    usual = min(_USUAL_MINUTES, minutes) * rpus * _DOLLARS_AN_HOUR / 60
    print(
        f"This asks {len(QUESTIONS)} questions of {_name(account)}. It stops after {math.ceil(minutes)} min at the latest.\n"
        f"At {rpus} RPUs, its base, that costs about ${usual:.2f}, and never more than ${MOST_DOLLARS:.2f}. It makes a schema,\n"
        "a folder of the bucket, a catalogue, a schedule and an alarm, named rental_pipeline_certify or certify/, and takes\n"
        "them away."
    )
    if not is_agreed and input("Go on? [y/N] ").strip().lower() not in ("y", "yes"):
        print("Nothing was asked.")
        return 2
    return _certify(account, minutes, answers)


def _certify(account: Account, minutes: float, path: Path) -> int:
    answers = certify(account, seconds=minutes * 60)
    write_answers(path, account, answers)
    counts = count(answers)
    print(
        f"\n{counts[AGREES]} agree, {counts[DIFFERS]} differ, {counts[NOT_ASKED]} could not be asked"
        f" (asked of: {account.made_on}). The answers are in {path}."
    )
    if account.made_on == "AWS":
        print(
            f"Give them to everybody: put the file, under any name, into {CERTIFICATES.relative_to(_ROOT)}, and `make test` holds"
            " the stand-ins to it."
        )
    return 1 if counts[DIFFERS] else 0


def _name(account: Account) -> str:
    return account.target.get("WorkgroupName") or account.target.get("ClusterIdentifier") or "the warehouse"


def find_stack(stack: str) -> Account:
    """Return a deployed stack's account, bucket and warehouse, by what CloudFormation knows of it.

    Raises:
        AccountNotReached: there is no such stack.
    """
    try:
        cloudformation = _client("cloudformation")
        (described,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
        resources = {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for page in pages
            for each in page["StackResourceSummaries"]
            if each.get("PhysicalResourceId")
        }
    except (ClientError, BotoCoreError) as error:
        raise AccountNotReached(
            f"{error}\nThe stack {stack} is looked for in the account and the region of your environment: log in (AWS_PROFILE),"
            " and set AWS_REGION."
        ) from error
    given = {each["ParameterKey"]: each["ParameterValue"] for each in described.get("Parameters", [])}
    target = {"Database": given.get("RedshiftDatabase", "dev")}
    if given.get("RedshiftWorkgroupName"):
        target["WorkgroupName"] = given["RedshiftWorkgroupName"]
    if given.get("RedshiftClusterId"):
        target["ClusterIdentifier"] = given["RedshiftClusterId"]
    if given.get("RedshiftSecretArn"):
        target["SecretArn"] = given["RedshiftSecretArn"]
    return Account(_client, target, "AWS", resources.get("Bucket"), given.get("CopyRoleArn"), resources)


def find_workgroup(workgroup: str, database: str) -> Account:
    """Return a Redshift Serverless workgroup of the environment's account, of which only SQL and the Data API are asked.

    Raises:
        AccountNotReached: the environment names no account or region.
    """
    try:
        return Account(_client, {"WorkgroupName": workgroup, "Database": database}, "AWS")
    except BotoCoreError as error:
        raise AccountNotReached(f"{error}: log in (AWS_PROFILE), and set AWS_REGION") from error


def _find_rpus(account: Account) -> int:
    if "WorkgroupName" not in account.target:
        return 8  # a provisioned cluster runs anyway
    try:
        found = _client("redshift-serverless").get_workgroup(workgroupName=account.target["WorkgroupName"])["workgroup"]
    except (ClientError, BotoCoreError) as error:
        raise AccountNotReached(f"the workgroup {account.target['WorkgroupName']} is not found: {error}") from error
    return int(found.get("baseCapacity") or _DEFAULT_RPUS)


def _client(service: str) -> Any:
    make_client: Any = boto3.client
    return make_client(service, config=Config(read_timeout=60, retries={"mode": "standard", "max_attempts": 3}))


@contextmanager
def serve_standins() -> Iterator[Account]:
    """Start the stand-ins, and what a stack's questions ask about; they end with the block."""
    with tempfile.TemporaryDirectory(prefix="certify-", ignore_cleanup_errors=True) as folder:
        aws = LocalAws(Path(folder) / "moto.log", {})
        os.environ.update({**CREDENTIALS, "AWS_DEFAULT_REGION": REGION})  # COPY and UNLOAD sign their requests with them
        try:
            with (
                Postgres(Path(folder) / "postgres") as postgres,
                DataApiServer(postgres.uri, aws.endpoint_url, 0, COPY_ROLE) as server,
            ):
                yield make_standin_account(aws, server.endpoint_url)
        finally:
            aws.stop()


def make_standin_account(aws: Any, data_api_url: str) -> Account:
    """Return the account of running stand-ins, with a bucket and a role for the questions that need them.

    Args:
        aws: Has a method `client`, of moto.
        data_api_url: Where the Data API's stand-in is.
    """

    def client(service: str) -> Any:
        if service != "redshift-data":
            return aws.client(service)
        make_client: Any = boto3.client
        keys = {name.lower(): value for name, value in CREDENTIALS.items()}
        return make_client(service, endpoint_url=data_api_url, region_name=REGION, **keys)

    s3 = aws.client("s3")
    s3.create_bucket(Bucket=_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": _KEY}}
    s3.put_bucket_encryption(Bucket=_BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})
    account = Account(client, {"WorkgroupName": "local", "Database": DATABASE}, "stand-ins", _BUCKET, COPY_ROLE)
    resources = {"ScheduleRole": f"arn:{PARTITION}:iam::{ACCOUNT}:role/schedule", **_create_machines(aws.client("stepfunctions"))}
    return replace(account, resources=resources, lacking=STANDINS_LACK)


def _create_machines(states: Any) -> dict[str, str]:
    """Create both state machines as a stack has them, and return their ARNs by logical id."""
    template = read_template(_ROOT / "template.yaml", "certify", _PARAMETERS)
    return {
        name: states.create_state_machine(
            name=properties["StateMachineName"],
            definition=json.dumps(template.definition(_ROOT, name)),
            roleArn=f"arn:{PARTITION}:iam::{ACCOUNT}:role/machine",
        )["stateMachineArn"]
        for name, properties in template.resources("AWS::StepFunctions::StateMachine").items()
    }

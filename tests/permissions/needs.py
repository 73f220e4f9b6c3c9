"""Which permissions AWS asks for when a call is made (Service Authorization Reference; other pages are named where they rule)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from local.standins.call_log import AwsCall
from local.standins.cloudformation.template import ACCOUNT, PARTITION, REGION
from rental_pipeline.base.object_store import SLICES, run_key
from tests.permissions.iam import Need

_OBJECT_ACTIONS = {
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    # Amazon S3 User Guide, "Multipart upload API and permissions".
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "DeleteObject": "s3:DeleteObject",
    "PutObjectTagging": "s3:PutObjectTagging",
    "GetObjectTagging": "s3:GetObjectTagging",
}
_TLS = {"aws:SecureTransport": "true"}
_TAKES_NO_RESOURCE = {"DescribeStatement", "CancelStatement", "GetStatementResult", "ListStatements"}
_STATES_OPERATIONS = {
    "DescribeExecution": "executionArn",
    "GetExecutionHistory": "executionArn",
    "StopExecution": "executionArn",
    "DescribeStateMachine": "stateMachineArn",
}


def find_needs(call: AwsCall, parameters: dict[str, Any]) -> Iterator[Need]:
    """Return what a call needs.

    Args:
        call: As it was logged.
        parameters: The stack's, for what a call names otherwise than its ARN does.

    Raises:
        ValueError: the operation is not known here: look it up, and add it.
    """
    named = call.parameters
    match call.service, call.operation:
        case "s3", operation if operation in _OBJECT_ACTIONS:
            bucket = f"arn:{PARTITION}:s3:::{named['Bucket']}"
            yield Need(_OBJECT_ACTIONS[operation], f"{bucket}/{named['Key']}", _TLS)
            if "Tagging" in named and operation != "PutObjectTagging":  # API reference, "PutObject"
                yield Need("s3:PutObjectTagging", f"{bucket}/{named['Key']}", _TLS)
            if "IfMatch" in named:  # User Guide, "How to prevent object overwrites with conditional writes"
                yield Need("s3:GetObject", f"{bucket}/{named['Key']}", _TLS)
            if call.error in ("NoSuchKey", "404"):  # API reference, "GetObject": without it the answer is 403, not 404
                yield Need("s3:ListBucket", bucket, _TLS)
        case "s3", "DeleteObjects":
            for key in named["Keys"]:
                yield Need("s3:DeleteObject", f"arn:{PARTITION}:s3:::{named['Bucket']}/{key}", _TLS)
        case "s3", "ListObjectsV2" | "ListObjects" | "HeadBucket":
            yield Need("s3:ListBucket", f"arn:{PARTITION}:s3:::{named['Bucket']}", _TLS)
        case "s3", "GetPublicAccessBlock" | "GetBucketEncryption" | "GetBucketPolicy":
            # API reference, of each: some permissions have another name.
            names = {"GetPublicAccessBlock": "GetBucketPublicAccessBlock", "GetBucketEncryption": "GetEncryptionConfiguration"}
            yield Need(f"s3:{names.get(call.operation, call.operation)}", f"arn:{PARTITION}:s3:::{named['Bucket']}", _TLS)
        case "glue", "CreateTable" | "UpdateTable" | "GetPartitions" | "BatchCreatePartition" | "BatchDeletePartition":
            # AWS Glue Developer Guide, "Specifying AWS Glue resource ARNs": the catalogue, the database and the table.
            database = named["DatabaseName"]
            for resource in ("catalog", f"database/{database}", f"table/{database}/{named['TableName']}"):
                yield Need(f"glue:{call.operation}", f"arn:{PARTITION}:glue:{REGION}:{ACCOUNT}:{resource}")
        case "secretsmanager", "GetSecretValue":
            yield Need("secretsmanager:GetSecretValue", named["SecretId"])
        case "sns", "Publish" | "ListSubscriptionsByTopic":
            yield Need(f"sns:{call.operation}", named["TopicArn"])
        case "scheduler", "GetSchedule":
            yield Need("scheduler:GetSchedule", f"arn:{PARTITION}:scheduler:{REGION}:{ACCOUNT}:schedule/default/{named['Name']}")
        case "redshift-serverless", "GetWorkgroup":
            assert named["workgroupName"] == parameters["RedshiftWorkgroupName"]
            workgroup = f"workgroup/{parameters['RedshiftWorkgroupId']}"
            yield Need("redshift-serverless:GetWorkgroup", f"arn:{PARTITION}:redshift-serverless:{REGION}:{ACCOUNT}:{workgroup}")
        case "redshift-serverless", "ListUsageLimits":
            yield Need("redshift-serverless:ListUsageLimits", "*")
        case "lambda", "Invoke":
            yield Need("lambda:InvokeFunction", named["FunctionName"])
        case "stepfunctions", operation if operation in _STATES_OPERATIONS:
            yield Need(f"states:{operation}", named[_STATES_OPERATIONS[operation]])
        case "stepfunctions", "ListExecutions":
            yield Need("states:ListExecutions", named.get("mapRunArn") or named["stateMachineArn"])
        case "stepfunctions", "StartExecution":
            yield Need("states:StartExecution", named["stateMachineArn"])
        case "redshift-data", operation if operation in _TAKES_NO_RESOURCE:
            yield Need(f"redshift-data:{operation}", "*")
        case "redshift-data", "ExecuteStatement" | "BatchExecuteStatement":
            yield from _find_statement_needs(call, parameters)
        case _:
            raise ValueError(f"{call.service}:{call.operation}: tests/permissions/needs.py does not know what it needs")


def _find_statement_needs(call: AwsCall, parameters: dict[str, Any]) -> Iterator[Need]:
    """The statement itself, and the credentials that the Data API fetches in the caller's name.

    Amazon Redshift Management Guide, "Authorizing access to the Amazon Redshift Data API" and "Choosing database authentication
    credentials".
    """
    named = call.parameters
    account = f"{REGION}:{ACCOUNT}"
    if "WorkgroupName" in named:
        assert named["WorkgroupName"] == parameters["RedshiftWorkgroupName"]
        workgroup = f"arn:{PARTITION}:redshift-serverless:{account}:workgroup/{parameters['RedshiftWorkgroupId']}"
        warehouse, credentials = workgroup, Need("redshift-serverless:GetCredentials", workgroup)
    else:
        cluster = named["ClusterIdentifier"]
        warehouse = f"arn:{PARTITION}:redshift:{account}:cluster:{cluster}"
        credentials = Need(
            "redshift:GetClusterCredentialsWithIAM", f"arn:{PARTITION}:redshift:{account}:dbname:{cluster}/{named['Database']}"
        )
    yield Need(f"redshift-data:{call.operation}", warehouse)
    yield Need("secretsmanager:GetSecretValue", named["SecretArn"]) if "SecretArn" in named else credentials


def find_task_calls(definition: dict[str, Any], marketplace: str) -> Iterator[AwsCall]:
    """Return the calls that a state machine's definition makes; all its targets are fixed, so no run has to be watched.

    Args:
        definition: With its substitutions.
        marketplace: The stack's, which the key of the list of slices begins with.

    Raises:
        ValueError: a state calls something that is not known here.
    """
    for name, state in definition["States"].items():
        if reader := state.get("ItemReader"):
            given = reader["Parameters"]
            yield AwsCall("s3", "GetObject", {"Bucket": given["Bucket"], "Key": run_key(marketplace, 1, SLICES)})
        if state["Type"] == "Map":
            yield from find_task_calls(state["ItemProcessor"], marketplace)
        elif state["Type"] == "Task":
            given = state["Parameters"]
            match state["Resource"]:
                case "arn:aws:states:::lambda:invoke":
                    yield AwsCall("lambda", "Invoke", {"FunctionName": given["FunctionName"]})
                case "arn:aws:states:::sns:publish":
                    yield AwsCall("sns", "Publish", {"TopicArn": given["TopicArn"]})
                case "arn:aws:states:::states:startExecution.sync:2":
                    yield AwsCall("stepfunctions", "StartExecution", {"stateMachineArn": given["StateMachineArn"]})
                case resource:
                    raise ValueError(f"{name}: tests/permissions/needs.py does not know {resource}")


def find_schedule_needs(properties: dict[str, Any]) -> Iterator[Need]:
    """Return what a schedule's role needs (EventBridge Scheduler User Guide, "Setting up", "Configuring a dead-letter queue")."""
    target = properties["Target"]
    assert ":stateMachine:" in target["Arn"], f"tests/permissions/needs.py does not know the target {target['Arn']}"
    yield Need("states:StartExecution", target["Arn"])
    if queue := target.get("DeadLetterConfig"):
        yield Need("sqs:SendMessage", queue["Arn"])

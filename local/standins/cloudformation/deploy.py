"""Deploy the translated template to this machine's stand-ins: what CloudFormation would create, as far as a run needs it.

Created: buckets with their policies, topics, queues, Glue databases, state machines, schedules (which start nothing here), and
the functions with their layers. Left out, because nothing here enforces or uses them: roles and their policies, log groups,
subscriptions, Athena's workgroup and saved queries. The rules are read by `status_events`.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.standins.account import ACCOUNT, PARTITION
from local.standins.aws_lambda.execution_environment import LocalFunction
from local.standins.aws_lambda.service import Functions
from local.standins.call_log import VARIABLE
from local.standins.cloudformation.template import Template, TemplateError
from local.standins.moto.aws import LocalAws

# In a state machine's definition, with or without a version behind.
_NAMED = re.compile(r":(function|stateMachine):([\w-]+)")
_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc")


@dataclass(frozen=True)
class Deployment:
    """What was deployed, by logical id.

    Attributes:
        template: Where it came from.
        buckets: Name of each bucket.
        topics, state_machines: ARN of each.
        functions: Each function as it runs here.
    """

    template: Template
    buckets: dict[str, str]
    topics: dict[str, str]
    state_machines: dict[str, str]
    functions: dict[str, LocalFunction]


def deploy(
    template: Template,
    root: Path,
    folder: Path,
    aws: LocalAws,
    functions: Functions,
    environment: dict[str, str],
    call_logs: Path | None = None,
) -> Deployment:
    """Create what a run needs.

    Args:
        template: The translated template.
        root: The checkout that its paths are relative to.
        folder: Takes copies of the functions' code and layers, as they were when deployed.
        aws: Serves buckets, topics, queues and state machines.
        functions: Serves the functions.
        environment: What every function gets beside the variables of its template.
        call_logs: Folder in which the AWS calls of the functions are noted, a file per role (`<role's name>.jsonl`).

    Raises:
        TemplateError: the template names code, a layer or a definition that does not exist, or does not resolve.
    """
    s3, sns, sqs, states = (aws.client(service) for service in ("s3", "sns", "sqs", "stepfunctions"))
    buckets, topics, machines, deployed = {}, {}, {}, {}
    for logical_id, properties in template.resources("AWS::S3::Bucket").items():
        buckets[logical_id] = template.resolve({"Ref": logical_id})
        _create_bucket(s3, buckets[logical_id], properties)
    for properties in template.resources("AWS::S3::BucketPolicy").values():
        s3.put_bucket_policy(Bucket=properties["Bucket"], Policy=json.dumps(properties["PolicyDocument"]))
    for logical_id in template.resources("AWS::SNS::Topic"):
        topics[logical_id] = template.resolve({"Ref": logical_id})
        sns.create_topic(Name=topics[logical_id].rpartition(":")[2])
    for logical_id in template.resources("AWS::SQS::Queue"):
        sqs.create_queue(QueueName=template.resolve({"Ref": logical_id}).rpartition("/")[2])
    for properties in template.resources("AWS::Glue::Database").values():
        aws.client("glue").create_database(DatabaseInput=properties["DatabaseInput"])
    laid_out: dict[tuple[str, ...], Path] = {}
    shutil.rmtree(folder, ignore_errors=True)
    for logical_id, properties in template.resources("AWS::Lambda::Function").items():
        arns = tuple(properties.get("Layers", []))
        if arns not in laid_out:
            laid_out[arns] = lay_out_layers(template, arns, root, folder / f"opt-{len(laid_out)}")
        deployed[logical_id] = lay_out_function(template, logical_id, properties, root, folder, laid_out[arns])
        log = {VARIABLE: str(call_logs / f"{properties['Role'].rpartition('/')[2]}.jsonl")} if call_logs else {}
        functions.deploy(deployed[logical_id], environment | log)
    for logical_id, properties in template.resources("AWS::StepFunctions::StateMachine").items():
        machines[logical_id] = states.create_state_machine(
            name=properties["StateMachineName"],
            definition=json.dumps(template.definition(root, logical_id)),
            roleArn=f"arn:{PARTITION}:iam::{ACCOUNT}:role/{properties['RoleArn'].rpartition('/')[2]}",
        )["stateMachineArn"]
    for properties in template.resources("AWS::StepFunctions::StateMachineVersion").values():
        states.publish_state_machine_version(stateMachineArn=properties["StateMachineArn"])
    for properties in template.resources("AWS::Scheduler::Schedule").values():
        aws.client("scheduler").create_schedule(**properties)
    return Deployment(template, buckets, topics, machines, deployed)


def find_invoked(template: Template, root: Path, logical_id: str) -> list[str]:
    """Return the names of the functions that a state machine and those that it starts invoke, in the order of its states."""
    resources = template.resources("AWS::StepFunctions::StateMachine")
    machines = {properties["StateMachineName"]: each for each, properties in resources.items()}
    found: list[str] = []
    for kind, name in _NAMED.findall(json.dumps(template.definition(root, logical_id))):
        found += [name] if kind == "function" else find_invoked(template, root, machines[name])
    return list(dict.fromkeys(found))


def lay_out_layers(template: Template, arns: Sequence[str], root: Path, folder: Path) -> Path:
    """Merge layers into a folder as Lambda would at /opt, and return it; functions with the same layers share it.

    A layer of third-party packages (requirements.txt) is left out: they are those of this environment, from the same lock.
    Another one with a Makefile is built by it, as `sam build` does.
    """
    folder.mkdir(parents=True)
    for arn in arns:
        name, content, is_built = _find_layer(template, arn)
        if not is_built:
            _copy(root / content, folder, name)
        elif not (root / content / "requirements.txt").is_file():
            build_layer(name, root / content, folder)
    return folder


def lay_out_function(
    template: Template, logical_id: str, properties: dict[str, Any], root: Path, folder: Path, layers: Path
) -> LocalFunction:
    """Copy a function's code into a folder of its own, beside its layers."""
    task = folder / logical_id
    _copy(root / properties["Code"]["S3Key"], task, logical_id)
    module, _, _ = properties["Handler"].rpartition(".")
    if not (task / f"{module.replace('.', '/')}.py").is_file():
        raise TemplateError(f"{logical_id}: its handler {properties['Handler']} is not in {properties['Code']['S3Key']}")
    return LocalFunction(
        name=template.resolve({"Ref": logical_id}),
        handler=properties["Handler"],
        folder=task,
        layers=layers,
        timeout_seconds=properties["Timeout"],
        memory_megabytes=properties["MemorySize"],
        environment={name: str(value) for name, value in properties["Environment"]["Variables"].items()},
    )


def build_layer(name: str, source: Path, folder: Path) -> None:
    """Build a layer by its Makefile into a folder, as `sam build` does (AWS SAM Developer Guide, "Building Lambda layers").

    Raises:
        TemplateError: the Makefile failed; with what it said.
    """
    command = ["make", "--no-print-directory", "--directory", str(source), f"build-{name}", f"ARTIFACTS_DIR={folder.resolve()}"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise TemplateError(f"{name}: its Makefile failed: {made.stderr.strip()[-500:]}")


def _create_bucket(s3: Any, bucket: str, properties: dict[str, Any]) -> None:
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=properties["PublicAccessBlockConfiguration"])
    rules = [
        {"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}
        for rule in properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    ]
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})


def _find_layer(template: Template, arn: str) -> tuple[str, str, bool]:
    logical_id = arn.split(":")[-2]
    content = template.resources("AWS::Lambda::LayerVersion")[logical_id]["Content"]["S3Key"]
    for name, resource in template.source["Resources"].items():
        if resource.get("Properties", {}).get("ContentUri", "").rstrip("/") == content:
            return name, content, "BuildMethod" in resource.get("Metadata", {})
    raise TemplateError(f"the layer {logical_id} has no source")


def _copy(source: Path, target: Path, logical_id: str) -> None:
    if not source.is_dir():
        raise TemplateError(f"{logical_id}: there is no folder {source}")
    shutil.copytree(source, target, ignore=_IGNORED, dirs_exist_ok=True)

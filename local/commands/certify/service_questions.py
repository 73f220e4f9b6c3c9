"""What Step Functions, IAM, Glue, Athena, EventBridge Scheduler and CloudWatch say of a deployed stack."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from local.commands.certify.account import NAME, PREFIX, Account, as_text
from local.commands.certify.question import CouldNotAsk, Question
from local.commands.certify.state_checks import (
    CONTEXT,
    FAILED,
    RUN,
    SQL_STEP,
    STATE_CHECKS,
    StateCheck,
    settle,
    simplify,
)
from local.standins.step_functions.language import walk_states

_MACHINES = {RUN: "RunStateMachine", SQL_STEP: "SqlStepStateMachine"}
_STATES = "https://docs.aws.amazon.com/step-functions/latest/dg/test-state-isolation.html"
_IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html"
# What no role of the stack may do.
_FORBIDDEN = ("iam:CreateUser", "s3:DeleteBucket", "secretsmanager:PutSecretValue", "redshift-serverless:DeleteWorkgroup")
_ROLES = (
    "PlanRunRole",
    "ExtractSliceRole",
    "WriteManifestsRole",
    "ArchiveSlicesRole",
    "WarehouseRole",
    "SwitchCatalogueRole",
    "WriteReportRole",
    "CheckOperationRole",
    "RunStateMachineRole",
    "ScheduleRole",
    "SqlStepStateMachineRole",
)


def _ask_state(check: StateCheck) -> Callable[[Account], str]:
    def ask(account: Account) -> str:
        machine = account.resources.get(_MACHINES[check.machine])
        account.need("states:TestState", **{_MACHINES[check.machine]: machine})
        client = account.client("stepfunctions")
        described = client.describe_state_machine(stateMachineArn=machine)
        state = settle(dict(walk_states(json.loads(described["definition"])))[check.state])
        request: dict[str, Any] = {
            "definition": json.dumps(state),
            "roleArn": described["roleArn"],
            "input": json.dumps(check.given),
            "inspectionLevel": "DEBUG",
        }
        if state["Type"] in ("Task", "Map"):
            request["mock"] = {"result": json.dumps(check.result), "fieldValidationMode": "NONE"}
            request["context"] = json.dumps(CONTEXT)
        if check.items is not None:
            request["stateConfiguration"] = {"mapItemReaderData": json.dumps(check.items)}
        try:
            tested = client.test_state(**request)
        except ParamValidationError as error:
            raise CouldNotAsk(f"this boto3 knows no mocks of TestState: {error}") from error
        if tested["status"] != "SUCCEEDED":
            return as_text({"error": tested.get("error")})
        told = tested.get("inspectionData", {})
        asked = told.get("afterParameters") or told.get("afterItemSelector")
        return _tell_state(tested.get("nextState"), json.loads(tested["output"]), simplify(json.loads(asked)) if asked else None)

    return ask


def _expect_state(check: StateCheck) -> str:
    if check.following == FAILED:
        return as_text({"error": "States.NoChoiceMatched"})
    # Of a Map without an ItemSelector TestState does not say what its iterations get.
    return _tell_state(check.following, check.output, None if check.items is not None else check.asked)


def _tell_state(following: Any, output: Any, asked: Any) -> str:
    return as_text({"next": following, "output": output, "asked": asked})


def _ask_role(role: str) -> Callable[[Account], str]:
    def ask(account: Account) -> str:
        account.need("iam:SimulatePrincipalPolicy", **{role: account.resources.get(role)})
        iam = account.client("iam")
        arn = iam.get_role(RoleName=account.resources[role])["Role"]["Arn"]
        results = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=list(_FORBIDDEN))["EvaluationResults"]
        let = sorted(result["EvalActionName"] for result in results if result["EvalDecision"] == "allowed")
        return f"allows {', '.join(let)}" if let else "denies all"

    return ask


def _ask_catalogue(account: Account) -> str:
    account.need("glue:CreateTable", bucket=account.bucket)
    glue = account.client("glue")
    glue.create_database(DatabaseInput={"Name": NAME})
    glue.create_table(DatabaseName=NAME, TableInput=_table(account))
    table = glue.get_table(DatabaseName=NAME, Name="probe")["Table"]
    return as_text([[column["Name"], column["Type"]] for column in table["StorageDescriptor"]["Columns"]])


def _table(account: Account) -> dict[str, Any]:
    serde = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
    return {
        "Name": "probe",
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "parquet"},
        "StorageDescriptor": {
            "Columns": [{"Name": "id", "Type": "int"}, {"Name": "price", "Type": "decimal(10,2)"}],
            "Location": f"s3://{account.bucket}/{PREFIX}lake/",
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "SerdeInfo": {"SerializationLibrary": serde},
        },
    }


def _ask_athena(account: Account) -> str:
    account.need("athena:StartQueryExecution", LakeWorkGroup=account.resources.get("LakeWorkGroup"))
    outcome = account.run(
        f"unload ('select id, price from probe.t where id < 3') to 's3://{account.bucket}/{PREFIX}lake/' "
        f"iam_role '{account.copy_role}' format as parquet"
    )
    if outcome.error:
        return f"UNLOAD failed: {outcome.error}"
    athena = account.client("athena")
    query = athena.start_query_execution(
        QueryString=f"select count(*), sum(price) from {NAME}.probe", WorkGroup=account.resources["LakeWorkGroup"]
    )["QueryExecutionId"]
    for _ in range(60):
        state = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]["State"]
        if state in ("SUCCEEDED", "FAILED", "CANCELLED"):
            break
        time.sleep(1)
    if state != "SUCCEEDED":
        return str(state)
    row = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"][1]["Data"]
    return as_text([cell.get("VarCharValue") for cell in row])


def _ask_schedule(account: Account) -> str:
    machine, role = account.resources.get("RunStateMachine"), account.resources.get("ScheduleRole")
    account.need("scheduler:CreateSchedule", RunStateMachine=machine, ScheduleRole=role)
    scheduler = account.client("scheduler")
    role_arn = role if str(role).startswith("arn:") else account.client("iam").get_role(RoleName=role)["Role"]["Arn"]
    scheduler.create_schedule(
        Name=NAME,
        State="DISABLED",
        ScheduleExpression="cron(15 2 * * ? *)",
        ScheduleExpressionTimezone="Europe/Vienna",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": machine, "RoleArn": role_arn, "Input": '{"reconcile": true}', "RetryPolicy": {"MaximumRetryAttempts": 2}},
    )
    found = scheduler.get_schedule(Name=NAME)
    return as_text([found["ScheduleExpression"], found["ScheduleExpressionTimezone"], json.loads(found["Target"]["Input"])])


def _ask_alarm(account: Account) -> str:
    account.need("cloudwatch:PutMetricAlarm", RunStateMachine=account.resources.get("RunStateMachine"))
    cloudwatch = account.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=NAME,
        Namespace="AWS/States",
        MetricName="ExecutionsSucceeded",
        Dimensions=[{"Name": "StateMachineArn", "Value": account.resources["RunStateMachine"]}],
        Statistic="Sum",
        Period=3600,
        EvaluationPeriods=24,
        DatapointsToAlarm=24,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
        TreatMissingData="breaching",
        ActionsEnabled=False,
    )
    (found,) = cloudwatch.describe_alarms(AlarmNames=[NAME])["MetricAlarms"]
    return as_text([found["EvaluationPeriods"], found["TreatMissingData"], found["ComparisonOperator"]])


def _ask_denied(account: Account) -> str:
    """A call that is really made: nobody but the warehouse may take the role of COPY."""
    account.need("sts:AssumeRole", copy_role=account.copy_role)
    try:
        account.client("sts").assume_role(RoleArn=account.copy_role, RoleSessionName=NAME)
    except ClientError as error:
        return "denied" if error.response["Error"]["Code"].startswith("AccessDenied") else error.response["Error"]["Code"]
    return "let"


SERVICE_QUESTIONS = (
    *(
        Question(
            f"state {check.name}",
            f"what TestState says of the state {check.state!r} of {check.machine}.asl.yaml, with a mocked result",
            _expect_state(check),
            _STATES,
            "Executions would stop at this state, or go another way.",
            _ask_state(check),
        )
        for check in STATE_CHECKS
    ),
    *(
        Question(
            f"iam {role}",
            f"whether {role} may do what no role of the stack may",
            "denies all",
            _IAM,
            "The role may do more than the pipeline needs: look for other policies that are attached to it.",
            _ask_role(role),
        )
        for role in _ROLES
    ),
    Question(
        "iam denied",
        "whether a person is denied the role of COPY",
        "denied",
        "https://docs.aws.amazon.com/redshift/latest/mgmt/authorizing-redshift-service.html",
        "The role's trust policy lets others than Redshift in.",
        _ask_denied,
    ),
    Question(
        "glue table",
        "what the Data Catalog keeps of a table of the lake",
        '[["id", "int"], ["price", "decimal(10,2)"]]',
        "https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog-tables.html",
        "The lake's tables would have other columns.",
        _ask_catalogue,
    ),
    Question(
        "athena table",
        "what Athena reads of what UNLOAD wrote",
        '["2", "3.75"]',
        "https://docs.aws.amazon.com/athena/latest/ug/columnar-storage.html",
        "The lake's figures would not be the warehouse's.",
        _ask_athena,
    ),
    Question(
        "schedule",
        "what EventBridge Scheduler keeps of a schedule like the stack's",
        '["cron(15 2 * * ? *)", "Europe/Vienna", {"reconcile": true}]',
        "https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html",
        "Runs would start at another time, or with another input.",
        _ask_schedule,
    ),
    Question(
        "alarm",
        "what CloudWatch keeps of an alarm like the stack's",
        '[24, "breaching", "LessThanThreshold"]',
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html",
        "A run that does not start would not be noticed.",
        _ask_alarm,
    ),
)

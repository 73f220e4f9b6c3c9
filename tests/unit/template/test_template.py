"""template.yaml, translated and resolved: everything that it names exists, fits the code, and allows no more than it needs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from local.commands.remove import STACK_TAG
from local.standins.cloudformation.deploy import lay_out_function, lay_out_layers
from local.standins.cloudformation.template import Template, TemplateError, read_template
from rental_pipeline.base.object_store import known_prefix, part_key, report_key
from rental_pipeline.base.settings import (
    BucketSettings,
    CatalogueSettings,
    ExtractSettings,
    FailureSettings,
    OperationCheckSettings,
    PlanSettings,
    SourceCheckSettings,
    WarehouseSettings,
    settings_from,
)

ROOT = Path(__file__).parents[3]
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:source-AbCdEf"
NEEDED = {"SourceSecretArn": SECRET, "CopyRoleArn": "arn:aws:iam::123456789012:role/copy"}
WORKGROUP = {"RedshiftWorkgroupName": "analytics", "RedshiftWorkgroupId": "11112222-3333-4444-5555-666677778888"}
SETTINGS = {
    "PlanRunFunction": PlanSettings,
    "ExtractSliceFunction": ExtractSettings,
    "WriteManifestsFunction": BucketSettings,
    "ArchiveSlicesFunction": BucketSettings,
    "RunSqlFunction": WarehouseSettings,
    "CloseFailedRunFunction": FailureSettings,
    "SwitchCatalogueFunction": CatalogueSettings,
    "WriteReportFunction": BucketSettings,
    "CheckSourceFunction": SourceCheckSettings,
    "CheckWarehouseFunction": WarehouseSettings,
    "CheckOperationFunction": OperationCheckSettings,
}
# How long after its end a failed execution can be redriven (Step Functions API Reference, RedriveExecution).
DAYS_OF_REDRIVE = 14
# Actions for which AWS offers no narrower resource (Service Authorization Reference).
WITHOUT_RESOURCE = {
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
    "redshift-data:DescribeStatement",
    "redshift-data:CancelStatement",
    "redshift-data:GetStatementResult",
    "redshift-data:ListStatements",
    "redshift-serverless:ListUsageLimits",
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
}


def read(**parameters: str) -> Template:
    return read_template(ROOT / "template.yaml", "stack", {**NEEDED, **parameters})


@pytest.fixture(scope="module")
def template() -> Template:
    return read(**WORKGROUP)


@pytest.mark.parametrize(
    "parameters",
    [
        WORKGROUP,
        {"RedshiftClusterId": "warehouse"},
        {**WORKGROUP, "SubnetIds": "subnet-1,subnet-2", "SecurityGroupIds": "sg-1"},
        {**WORKGROUP, "HashSecretArn": SECRET, "RedshiftSecretArn": SECRET, "NotificationEmail": "data@example.com"},
        {**WORKGROUP, "Architecture": "arm64", "ScheduleState": "ENABLED"},
        {**WORKGROUP, "SourceIamUserArn": "arn:aws:rds-db:eu-west-1:123456789012:dbuser:cluster-ABC/reader"},
    ],
    ids=["workgroup", "cluster", "vpc", "secrets and e-mail", "arm64 and scheduled", "iam authentication"],
)
def test_every_reference_resolves(parameters):
    """Whatever a user chooses, no resource or output refers to anything that does not exist."""
    template = read(**parameters)
    types = {resource["Type"] for resource in template.translated["Resources"].values()}
    resolved = {name for kind in types for name in template.resources(kind)}
    assert {"RunStateMachine", "Bucket", "WarehouseRole"} <= resolved
    assert template.outputs()["BucketName"]


def test_the_handlers_and_layers_exist(template, tmp_path):
    """Each function's handler is in its folder, and the layers bring the package and the SQL where the code looks for them."""
    for logical_id, properties in template.resources("AWS::Lambda::Function").items():
        layers = lay_out_layers(template, properties["Layers"], ROOT, tmp_path / f"{logical_id}-layers")
        function = lay_out_function(template, logical_id, properties, ROOT, tmp_path, layers)
        assert (function.folder / "app.py").is_file()
        assert (function.layers / "python" / "rental_pipeline" / "base" / "errors.py").is_file()
        assert (function.layers / "python" / "mysql_arrow" / "__init__.py").is_file()
        assert (function.layers / "apartments" / "source.yaml").is_file()
        assert "def lambda_handler(" in (function.folder / "app.py").read_text()


@pytest.mark.parametrize("logical_id", SETTINGS)
@pytest.mark.parametrize("warehouse", [WORKGROUP, {"RedshiftClusterId": "warehouse"}], ids=["workgroup", "cluster"])
def test_the_environment_is_what_the_settings_ask_for(logical_id, warehouse):
    """A function gets every variable that its settings know, no other, and they are accepted."""
    environment = read(**warehouse).resources("AWS::Lambda::Function")[logical_id]["Environment"]["Variables"]
    own = {name: str(value) for name, value in environment.items() if not name.startswith("POWERTOOLS_")}
    assert own.keys() == {field.name.upper() for field in fields(SETTINGS[logical_id])}
    settings_from(SETTINGS[logical_id], own)


@pytest.mark.parametrize("logical_id", SETTINGS)
def test_the_templates_defaults_are_those_of_the_settings(logical_id, template):
    """A value that the template and the settings both give is the same in both."""
    environment = template.resources("AWS::Lambda::Function")[logical_id]["Environment"]["Variables"]
    for field in fields(SETTINGS[logical_id]):
        if field.default is not MISSING and field.type in ("int", "str"):
            assert str(environment[field.name.upper()]) == str(field.default), field.name


def test_all_functions_are_known_to_these_tests(template):
    """A function added to the template is added to the tests, too."""
    assert template.resources("AWS::Lambda::Function").keys() == SETTINGS.keys()


def test_substitutions_are_named_after_what_they_are(template):
    """`<LogicalId>Arn` is the ARN of that resource, and both machines use exactly what they are given."""
    for machine, resource in template.source["Resources"].items():
        if resource["Type"] != "AWS::Serverless::StateMachine":
            continue
        assert template.definition(ROOT, machine)["States"]
        for name, value in resource["Properties"]["DefinitionSubstitutions"].items():
            (target,) = value.values()
            target = target[0] if isinstance(target, list) else target
            # A function's version is <LogicalId>.Version in SAM, a machine's <LogicalId>Version.
            resource = target.removesuffix(".Version").removesuffix("Version")
            assert name in (f"{resource}Arn", resource), name


def test_an_execution_keeps_the_code_that_it_began_with(template):
    """It calls versions, which a deploy leaves; their rights are for any version, as a redriven execution's is an older one."""
    definition = json.dumps([template.definition(ROOT, name) for name in ("RunStateMachine", "SqlStepStateMachine")])
    called = set(re.findall(r'"(?:FunctionName|StateMachineArn)": "([^"]+)"', definition))
    versions = {
        template.resolve({"Ref": name}): resource
        for name, resource in template.translated["Resources"].items()
        if resource["Type"] in ("AWS::Lambda::Version", "AWS::StepFunctions::StateMachineVersion")
    }
    assert called == versions.keys()
    assert {resource["DeletionPolicy"] for resource in versions.values()} == {"Retain"}
    allowed = {resource for _, statement in statements(template) for resource in as_list(statement["Resource"])}
    assert {re.sub(r":1$", ":*", arn) for arn in called} <= allowed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("functions/plan_run/", "functions/plan_run_2/"),
        ("layers/rental_pipeline/", "layers/rental_pipeline_2/"),
        ("packages/mysql_arrow/", "packages/mysql_arrow_2/"),
        ("ContentUri: layers/dependencies/", "ContentUri: layers/dependencies_2/"),
        ("ContentUri: sql/", "ContentUri: sql_2/"),
        ("POWERTOOLS_LOG_LEVEL: INFO", "POWERTOOLS_LOG_LEVEL: DEBUG"),
    ],
)
def test_every_change_of_the_code_makes_a_version(tmp_path, before, after):
    """As each upload has a name of its own. Else a deploy would leave the machines with the code of before."""
    text = (ROOT / "template.yaml").read_text()
    changed = tmp_path / "template.yaml"
    changed.write_text(text.replace(before, after))

    def version(path: Path) -> list[str]:
        names = read_template(path, "stack", {**NEEDED, **WORKGROUP}).translated["Resources"]
        return [name for name in names if name.startswith("PlanRunFunctionVersion")]

    assert text.count(before) == 1
    assert version(changed) != version(ROOT / "template.yaml")


def test_executions_are_logged_without_what_they_carry(template):
    """Every state of both machines, for as long as other logs; inputs, outputs and causes may hold values, and stay out."""
    group = template.resolve({"Fn::GetAtt": ["ExecutionLogGroup", "Arn"]})
    machines = template.resources("AWS::StepFunctions::StateMachine")
    assert len(machines) == 2
    for machine in machines.values():
        assert machine["LoggingConfiguration"] == {
            "Level": "ALL",
            "IncludeExecutionData": False,
            "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": group}}],
        }
    groups = template.resources("AWS::Logs::LogGroup")
    # Step Functions Developer Guide, "Avoiding size limits for CloudWatch resource policies".
    assert groups["ExecutionLogGroup"]["LogGroupName"].startswith("/aws/vendedlogs/")
    assert groups["ExecutionLogGroup"]["RetentionInDays"] == groups["PipelineLogGroup"]["RetentionInDays"]


def test_the_schedules_are_off_by_default(template):
    """Nothing runs by itself until a person has switched it on."""
    schedules = template.resources("AWS::Scheduler::Schedule").values()
    assert [schedule["State"] for schedule in schedules] == ["DISABLED", "DISABLED"]


def test_a_stack_of_any_name_has_a_lake():
    """Glue takes no capitals: the stack's name where it has none, else the parameter's."""
    assert read(**WORKGROUP).resolve({"Ref": "LakeDatabase"}) == "stack"
    capitals = read_template(ROOT / "template.yaml", "Rental-Pipeline", {**NEEDED, **WORKGROUP})
    with pytest.raises(TemplateError, match="no capitals"):
        capitals.resolve({"Ref": "LakeDatabase"})
    named = read_template(ROOT / "template.yaml", "Rental-Pipeline", {**NEEDED, **WORKGROUP, "LakeDatabaseName": "rental"})
    assert named.outputs()["LakeDatabaseName"] == "rental"
    with pytest.raises(TemplateError, match="LakeDatabaseName"):
        read(**WORKGROUP, LakeDatabaseName="Rental")


# The most letters of a name, by the service models (CreateScheduleInput, CreateStateMachineInput, …).
LONGEST = {
    "AWS::Scheduler::Schedule": ("Name", 64),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", 80),
    "AWS::Athena::NamedQuery": ("Name", 128),
    "AWS::Athena::WorkGroup": ("Name", 128),
    "AWS::CloudWatch::Dashboard": ("DashboardName", 255),
    "AWS::Logs::LogGroup": ("LogGroupName", 512),
}


def test_a_stack_may_have_a_name_of_54_letters():
    """As docs/how-to/deploy.md says; CloudFormation itself would take 128, and fail at the schedules."""
    name = "s" * 54
    template = read_template(ROOT / "template.yaml", name, {**NEEDED, **WORKGROUP})
    longest = {
        kind: max(len(resource[key]) for resource in template.resources(kind).values()) for kind, (key, _) in LONGEST.items()
    }
    assert all(longest[kind] <= most for kind, (_, most) in LONGEST.items()), longest
    assert longest["AWS::Scheduler::Schedule"] == 64


def test_the_bucket_names_its_stack(template):
    """By which `make remove` finds it."""
    (bucket,) = template.resources("AWS::S3::Bucket").values()
    assert {"Key": STACK_TAG, "Value": "stack"} in bucket["Tags"]


def test_two_stacks_of_one_account_do_not_meet(template):
    """Every name that a resource is given holds the stack's name; an alias is one of its function or machine."""
    for logical_id, resource in template.translated["Resources"].items():
        if resource["Type"].endswith("Alias"):
            continue
        properties = template.resolve(resource.get("Properties", {}), logical_id)
        for key in (
            "Name",
            "StateMachineName",
            "FunctionName",
            "LogGroupName",
            "BucketName",
            "TopicName",
            "RoleName",
            "QueueName",
        ):
            if key in properties:
                assert "stack" in properties[key], f"{logical_id}.{key} = {properties[key]}"


def statements(template: Template) -> list[tuple[str, dict]]:
    return [
        (role, statement)
        for role, properties in template.resources("AWS::IAM::Role").items()
        for policy in properties.get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def as_list(value) -> list:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("parameters", [WORKGROUP, {"RedshiftClusterId": "warehouse"}], ids=["workgroup", "cluster"])
def test_permissions_name_their_resources(parameters):
    """No role may do everything, or something to everything, unless AWS knows no narrower resource."""
    for role, statement in statements(read(**parameters, SubnetIds="subnet-1", SecurityGroupIds="sg-1")):
        for action in as_list(statement["Action"]):
            assert "*" not in action, f"{role}: {action}"
            if "*" in as_list(statement["Resource"]):
                assert action in WITHOUT_RESOURCE, f"{role}: {action} on everything"


def test_functions_have_no_managed_policies(template):
    """AWS's managed policies allow more than one function needs; what it may do stands in this template."""
    assert not [role for role, properties in template.resources("AWS::IAM::Role").items() if properties.get("ManagedPolicyArns")]


def test_statements_are_cancelled_by_the_role_that_submits_them(template):
    """A Data API statement belongs to a role: running and closing share it (Amazon Redshift Management Guide, "Data API")."""
    functions = template.resources("AWS::Lambda::Function")
    assert functions["RunSqlFunction"]["Role"] == functions["CloseFailedRunFunction"]["Role"]
    # Two of the doctor's functions look with the eyes of those whose needs they check; no two others share a role.
    doctor = {"CheckSourceFunction": "PlanRunFunction", "CheckWarehouseFunction": "RunSqlFunction"}
    assert all(functions[name]["Role"] == functions[like]["Role"] for name, like in doctor.items())
    others = {name: properties["Role"] for name, properties in functions.items() if name not in doctor}
    assert len(set(others.values())) == len(others) - 1


def invoked_functions(definition) -> set[str]:
    if isinstance(definition, list):
        return set().union(*map(invoked_functions, definition)) if definition else set()
    if not isinstance(definition, dict):
        return set()
    own = {definition["FunctionName"]} if "FunctionName" in definition else set()
    return own.union(*map(invoked_functions, definition.values()))


@pytest.mark.parametrize(
    ("machine", "role"), [("RunStateMachine", "RunStateMachineRole"), ("SqlStepStateMachine", "SqlStepStateMachineRole")]
)
def test_a_machine_may_invoke_exactly_the_functions_it_calls(template, machine, role):
    """Neither a call that would be denied, nor a permission that nothing uses."""
    allowed = {
        resource
        for name, statement in statements(template)
        if name == role and "lambda:InvokeFunction" in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }
    assert allowed == {re.sub(r":1$", ":*", arn) for arn in invoked_functions(template.definition(ROOT, machine))}


def test_the_bucket_is_private_encrypted_and_kept(template):
    """What raw was made from stays, and nobody reads it in the clear."""
    (bucket,) = template.resources("AWS::S3::Bucket").values()
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert bucket["BucketEncryption"]
    assert template.translated["Resources"]["Bucket"]["DeletionPolicy"] == "RetainExceptOnCreate"
    (policy,) = template.resources("AWS::S3::BucketPolicy").values()
    denied = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
    assert denied[0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert denied[0]["Principal"] == "*"


def test_nothing_expires_that_a_later_run_needs(template):
    """Query results, reports, what a run was compared with once it cannot be redriven, files that no load committed.

    Plans, results, manifests and committed files stay, as a replay reads them; the lake's files, which a run sweeps itself.
    """
    (bucket,) = template.resources("AWS::S3::Bucket").values()
    expiring = {
        (rule["Prefix"], *(tag["Value"] for tag in rule.get("TagFilters", []))): rule["ExpirationInDays"]
        for rule in bucket["LifecycleConfiguration"]["Rules"]
        if "ExpirationInDays" in rule
    }
    assert expiring.keys() == {
        ("apartments/athena/",),
        ("apartments/known/",),
        ("apartments/raw/", "uncommitted"),
        ("apartments/reports/",),
    }
    assert known_prefix("apartments", 7, "bookings", 3).startswith("apartments/known/")
    assert part_key("apartments", 7, "bookings", 3, "abc", 2).startswith("apartments/raw/")
    assert report_key("apartments", 7).startswith("apartments/reports/")
    assert min(expiring["apartments/known/",], expiring["apartments/raw/", "uncommitted"]) > DAYS_OF_REDRIVE


def test_parameters_are_described():
    """A person who deploys reads what each parameter means."""
    template = read(**WORKGROUP)
    assert all(len(parameter["Description"]) > 15 for parameter in template.source["Parameters"].values())
    groups = template.source["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(template.source["Parameters"])


def test_a_misspelt_parameter_is_refused():
    """Not ignored, as CloudFormation would not either."""
    with pytest.raises(TemplateError, match="Marketplaze"):
        read(**WORKGROUP, Marketplaze="cars")


def test_a_malformed_parameter_is_refused():
    """AllowedPattern holds here, too."""
    with pytest.raises(TemplateError, match="SourceSecretArn"):
        read(**WORKGROUP, SourceSecretArn="my password")


def test_the_layer_keeps_every_client_that_is_created():
    """layers/dependencies/Makefile throws other services' descriptions away; a function would fail at its first call."""
    made = set()
    for folder in ("functions", "layers/rental_pipeline"):
        for path in (ROOT / folder).rglob("*.py"):
            made |= set(re.findall(r"""\.(?:client|resource)\(\s*["']([a-z0-9-]+)["']""", path.read_text()))
    kept = set(re.search(r"^SERVICES = (.+)$", (ROOT / "layers/dependencies/Makefile").read_text(), re.MULTILINE)[1].split())
    assert "redshift-data" in made
    assert made <= kept


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "RedshiftWorkgroupName"),
        ({**WORKGROUP, "RedshiftClusterId": "warehouse"}, "RedshiftClusterId"),
        ({"RedshiftWorkgroupName": "analytics"}, "RedshiftWorkgroupId"),
        ({**WORKGROUP, "SubnetIds": "subnet-1"}, "SecurityGroupIds"),
        ({**WORKGROUP, "SecurityGroupIds": "sg-1"}, "SubnetIds"),
    ],
    ids=["no warehouse", "two warehouses", "no workgroup id", "no security group", "no subnet"],
)
def test_parameters_that_do_not_go_together_are_refused(parameters, words):
    """Before anything is created, in words that say what to give."""
    with pytest.raises(TemplateError, match=words):
        read(**parameters)


@pytest.mark.parametrize(
    "parameters",
    [
        {"SubnetIds": "subnet-1, my-subnet", "SecurityGroupIds": "sg-1"},
        {"RedshiftWorkgroupId": "arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup/1111"},
        {"NotificationEmail": "somebody"},
        {"ScheduleExpression": "every night"},
        {"ScheduleTimezone": "Berlin, Germany"},
        {"SourceIamUserArn": "arn:aws:rds-db:eu-west-1:123456789012:dbuser:*/*"},
        {"RedshiftDatabase": "dev; drop"},
        {"LakeDatabaseName": "Rental-Lake"},
    ],
    ids=lambda parameters: next(iter(parameters)),
)
def test_a_parameter_is_held_to_its_pattern(parameters):
    """A slip is found before the deploy, not by the first run."""
    with pytest.raises(TemplateError, match=next(iter(parameters))):
        read(**{**WORKGROUP, **parameters})


def test_every_parameter_and_condition_is_used(template):
    """One that is left over would be asked for, and do nothing."""
    text = json.dumps({name: template.source[name] for name in ("Globals", "Resources", "Outputs", "Conditions", "Rules")})
    for parameter in template.source["Parameters"]:
        assert re.search(rf'"Ref": "{parameter}"|\$\{{{parameter}\}}', text), parameter
    for condition in template.source["Conditions"]:
        assert f'"{condition}"' in json.dumps({name: template.source[name] for name in ("Globals", "Resources")}), condition


def test_deleting_the_stack_deletes_no_data(template):
    """Of what CloudFormation may delete or replace, nothing holds data; buckets and databases are kept."""
    holds_data = {"AWS::S3::Bucket", "AWS::RDS::DBCluster", "AWS::RedshiftServerless::Namespace", "AWS::DynamoDB::Table"}
    kept = {
        name: (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
        for name, resource in template.translated["Resources"].items()
        if resource["Type"] in holds_data
    }
    assert kept == {"Bucket": ("RetainExceptOnCreate", "Retain")}


def test_the_stack_policy_protects_what_is_kept(template):
    """`make protect` forbids an update that would replace or delete it."""
    policy = json.loads((ROOT / "stack-policy.json").read_text())
    denied = next(statement for statement in policy["Statement"] if statement["Effect"] == "Deny")
    assert set(denied["Action"]) == {"Update:Replace", "Update:Delete"}
    # Versions hold nothing, and go with their function or machine.
    kept = {
        name
        for name, resource in template.translated["Resources"].items()
        if resource.get("DeletionPolicy", "Delete") != "Delete" and not resource["Type"].endswith("Version")
    }
    assert set(denied["Resource"]) == {f"LogicalResourceId/{name}" for name in kept}


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_samconfig_gives_values_that_are_accepted(environment):
    """Each override of an environment is a parameter, and its value one that the template takes."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    deploy = config[environment]["deploy"]["parameters"]
    assert deploy["stack_name"].endswith(environment)
    overrides = dict(pair.split("=", 1) for pair in deploy["parameter_overrides"])
    assert read(**WORKGROUP, **overrides).parameters.items() >= overrides.items()


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_a_deploy_shows_its_change_set_first(environment):
    """What it replaces or deletes is asked about."""
    assert tomllib.loads((ROOT / "samconfig.toml").read_text())[environment]["deploy"]["parameters"]["confirm_changeset"] is True


def test_a_sync_is_a_deploy_of_the_same_stack():
    """With the same values, and always by CloudFormation: code that is uploaded past it is no version, and no run's code."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())["dev"]
    sync, deploy = config["sync"]["parameters"], config["deploy"]["parameters"]
    assert {name: sync[name] for name in sync.keys() & deploy.keys()} == {
        name: deploy[name] for name in sync.keys() & deploy.keys()
    }
    assert {"stack_name", "capabilities", "parameter_overrides"} <= sync.keys() & deploy.keys()
    assert sync["skip_deploy_sync"] is False and sync["dependency_layer"] is False
    from samcli.commands.sync.command import cli

    # SAM reads each by the name of an option of its own, and passes over what it does not know.
    assert sync.keys() <= {option.name for option in cli.params}


def test_remote_invoke_finds_what_the_docs_name(template):
    """`sam remote invoke <LogicalId>`: functions with a file of events/, the machine with one of events/inputs."""
    page = (ROOT / "docs/how-to/deploy.md").read_text()
    invoked = re.findall(r"sam remote invoke (\w+) --stack-name \S+(?: --event-file (\S+))?", page)
    assert {name for name, _ in invoked} >= {"CheckWarehouseFunction", "PlanRunFunction", "RunStateMachine"}
    kinds = {"AWS::Lambda::Function": "events/", "AWS::StepFunctions::StateMachine": "events/inputs/"}
    for name, event in invoked:
        assert event.startswith(kinds[template.translated["Resources"][name]["Type"]]), name
        assert json.loads((ROOT / event).read_text()) is not None


def test_samconfig_switches_no_schedule_on():
    """Before anybody has seen a run, or has made its database user, a schedule could only fail."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    dev, prod = (config[name]["deploy"]["parameters"] for name in ("dev", "prod"))
    assert "ScheduleState=DISABLED" in dev["parameter_overrides"] and "ScheduleState=DISABLED" in prod["parameter_overrides"]
    assert dev["s3_prefix"] != prod["s3_prefix"]


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_a_stack_that_is_made_again_is_the_same_database_user(environment):
    """The user is named after the role, and owns the schemas: a new name would be a user that owns nothing."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    deploy = config[environment]["deploy"]["parameters"]
    overrides = dict(pair.split("=", 1) for pair in deploy["parameter_overrides"])
    again = [read_template(ROOT / "template.yaml", stack, {**NEEDED, **WORKGROUP, **overrides}) for stack in ("first", "second")]
    roles = {stack.resolve({"Ref": "WarehouseRole"}) for stack in again}
    assert roles == {f"{deploy['stack_name']}-warehouse"}
    assert all(stack.resources("AWS::IAM::Role")["WarehouseRole"]["RoleName"] in roles for stack in again)
    assert deploy["capabilities"] == "CAPABILITY_NAMED_IAM"
    assert "RoleName" not in read(**WORKGROUP).resources("AWS::IAM::Role")["WarehouseRole"]


@pytest.mark.parametrize(("architecture", "other"), [("arm64", "x86_64"), ("x86_64", "arm64")])
def test_a_built_template_takes_only_what_was_built(tmp_path, architecture, other):
    """Functions of one processor with a layer for the other would be deployed, and fail in the first slice."""
    built = tmp_path / "template.yaml"
    # As `sam build` writes it; in a process of its own, as its reader changes what yaml makes of mappings elsewhere.
    rewrite = "import sys; from samcli.yamlhelper import yaml_dump, yaml_parse; print(yaml_dump(yaml_parse(sys.stdin.read())))"
    template = (ROOT / "template.yaml").read_text()
    built.write_text(
        subprocess.run([sys.executable, "-c", rewrite], input=template, capture_output=True, text=True, check=True).stdout
    )
    subprocess.run([sys.executable, ROOT / "layers/dependencies/fix_architecture.py", built, architecture], check=True)
    given = {**NEEDED, **WORKGROUP}
    assert read_template(built, "stack", given).parameters["Architecture"] == architecture
    with pytest.raises(TemplateError, match="Architecture"):
        read_template(built, "stack", {**given, "Architecture": other})


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_what_is_built_is_what_samconfig_deploys(environment):
    """One place says which processor: the build asks it."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    overrides = dict(pair.split("=", 1) for pair in config[environment]["deploy"]["parameters"]["parameter_overrides"])
    command = ["make", "--silent", "--dry-run", "build", f"ENV={environment}"]
    without_own = {name: value for name, value in os.environ.items() if name != "ARCHITECTURE"}
    recipe = subprocess.run(command, cwd=ROOT, env=without_own, capture_output=True, text=True, check=True).stdout
    assert f" ARCHITECTURE={overrides['Architecture']} " in recipe


def test_an_environment_that_samconfig_does_not_know():
    """Said before anything is built."""
    refused = subprocess.run(["make", "--dry-run", "deploy", "ENV=production"], cwd=ROOT, capture_output=True, text=True)
    assert refused.returncode == 2
    assert 'samconfig.toml has no environment "production"' in refused.stderr

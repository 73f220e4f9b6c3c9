"""examples/demo.yaml: it resolves, gives the pipeline parameters that it takes, and opens nothing that is not needed."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from local.standins.cloudformation.template import Template, read_template

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def demo() -> Template:
    return read_template(EXAMPLES / "demo.yaml", "demo", {})


def groups(demo: Template) -> dict[str, str]:
    """Return the id of each security group by logical id."""
    return {name: demo.resolve({"Ref": name}) for name in demo.resources("AWS::EC2::SecurityGroup")}


def test_every_reference_resolves(demo):
    """Of all resources and outputs."""
    types = {resource["Type"] for resource in demo.translated["Resources"].values()}
    resolved = {name for kind in types for name in demo.resources(kind)}
    assert resolved == demo.translated["Resources"].keys()
    assert demo.outputs()["RunStateMachineArn"]


def test_the_pipeline_takes_what_the_demo_gives(demo):
    """Each parameter exists, fits its pattern and the rules; each output that is used is there."""
    (pipeline,) = demo.resources("AWS::CloudFormation::Stack").values()
    given = dict(pipeline["Parameters"])
    # As CloudFormation names a nested stack.
    nested = read_template(ROOT / "template.yaml", "rental-pipeline-demo-Pipeline-1A2B3C4D5E6F", given)
    assert nested.resolve({"Ref": "LakeDatabase"}) == "demo"
    assert nested.parameters.items() >= {"RedshiftWorkgroupName": "demo-warehouseworkgroup"}.items()
    used = set(re.findall(r"Pipeline\.Outputs\.(\w+)", (EXAMPLES / "demo.yaml").read_text()))
    assert used <= nested.outputs().keys()
    assert (EXAMPLES / pipeline["TemplateURL"].split("local/", 1)[1]).resolve() == ROOT / "template.yaml"


def test_code_and_layers_exist(demo):
    """Where the template says."""
    (function,) = demo.resources("AWS::Lambda::Function").values()
    module, _, name = function["Handler"].rpartition(".")
    assert f"def {name}(" in (EXAMPLES / function["Code"]["S3Key"] / f"{module}.py").read_text()
    for layer in demo.resources("AWS::Lambda::LayerVersion").values():
        assert (EXAMPLES / layer["Content"]["S3Key"]).is_dir()


def test_the_function_reads_the_variables_that_it_is_given(demo):
    """No other, none missing."""
    (function,) = demo.resources("AWS::Lambda::Function").values()
    read = set(re.findall(r'os\.environ\["(\w+)"\]', (EXAMPLES / "sample_data/app.py").read_text()))
    assert function["Environment"]["Variables"].keys() == read


def test_nothing_is_reached_from_outside(demo):
    """No internet gateway, no NAT, no public address; each group lets in the functions on one port, or nobody."""
    types = {resource["Type"] for resource in demo.translated["Resources"].values()}
    assert not types & {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::Route"}
    ingress = {
        name: [
            (rule["FromPort"], rule["ToPort"], rule.get("SourceSecurityGroupId"))
            for rule in group.get("SecurityGroupIngress", [])
        ]
        for name, group in demo.resources("AWS::EC2::SecurityGroup").items()
    }
    functions = groups(demo)["FunctionsGroup"]
    assert ingress == {
        "FunctionsGroup": [],
        "DatabaseGroup": [(3306, 3306, functions)],
        "EndpointGroup": [(443, 443, functions)],
        "WarehouseGroup": [],
    }
    for kind in ("AWS::RDS::DBInstance", "AWS::RedshiftServerless::Workgroup"):
        (resource,) = demo.resources(kind).values()
        assert resource["PubliclyAccessible"] is False


def test_the_functions_reach_what_they_need(demo):
    """The database by its port; S3 and Secrets Manager by the endpoints, which stand in the functions' subnets."""
    (egress,) = demo.resources("AWS::EC2::SecurityGroupEgress").values()
    ids = groups(demo)
    assert (egress["GroupId"], egress["DestinationSecurityGroupId"]) == (ids["FunctionsGroup"], ids["DatabaseGroup"])
    endpoints = {each["ServiceName"].rpartition(".")[2]: each for each in demo.resources("AWS::EC2::VPCEndpoint").values()}
    assert endpoints.keys() == {"s3", "secretsmanager"}
    (function,) = demo.resources("AWS::Lambda::Function").values()
    assert set(function["VpcConfig"]["SubnetIds"]) <= set(endpoints["secretsmanager"]["SubnetIds"])
    routed = {each["SubnetId"] for each in demo.resources("AWS::EC2::SubnetRouteTableAssociation").values()}
    assert set(function["VpcConfig"]["SubnetIds"]) <= routed


def test_a_demonstration_leaves_nothing_behind(demo):
    """Unlike the pipeline: whatever could be kept is said to be deleted."""
    for name, resource in demo.translated["Resources"].items():
        assert resource.get("DeletionPolicy", "Delete") == "Delete", name


def test_the_commands_name_what_the_template_has(demo):
    """`make demo` and `make demo-down` ask for its outputs; the script is a shell's."""
    script = EXAMPLES / "demo.sh"
    assert set(re.findall(r"\(output (\w+)\)", script.read_text())) <= demo.outputs().keys()
    subprocess.run(["sh", "-n", script], check=True)
    refused = subprocess.run(
        [script, "sideways"], env={"AWS_REGION": "eu-west-1", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert refused.returncode == 2
    assert "usage" in refused.stderr


# Answers as the AWS CLI does, and notes what it was called with.
AWS = """#!/bin/sh
echo "$AWS_MAX_ATTEMPTS $*" >> "$CALLS"
case "$*" in
    *describe-availability-zones*) echo "$ZONES" ;;
    *describe-stacks*) echo something ;;
    "lambda invoke"*) for last; do :; done; echo '{"bookings": 1}' > "$last"; echo "$INVOKED" ;;
esac
"""


def run_demo(
    tmp_path: Path, zones: int = 3, invoked: str = '{"StatusCode": 200}'
) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run `demo.sh up` in a copy of the checkout, with the AWS CLI, SAM and curl replaced; return its end, and the calls."""
    commands, checkout = tmp_path / "commands", tmp_path / "checkout"
    (checkout / "examples").mkdir(parents=True)
    (checkout / ".venv/bin").mkdir(parents=True)
    (checkout / ".aws-sam/demo").mkdir(parents=True)
    commands.mkdir()
    (checkout / "examples/demo.sh").write_text((EXAMPLES / "demo.sh").read_text())
    for path, text in {
        commands / "aws": AWS,
        commands / "curl": "#!/bin/sh\n",
        checkout / ".venv/bin/sam": '#!/bin/sh\necho "sam $*" >> "$CALLS"\n',
        checkout / "examples/demo.sh": (EXAMPLES / "demo.sh").read_text(),
    }.items():
        path.write_text(text)
        path.chmod(0o755)
    calls = tmp_path / "calls"
    environment = {"AWS_REGION": "eu-west-1", "PATH": f"{commands}:/usr/bin:/bin", "CALLS": str(calls)}
    environment |= {"ZONES": str(zones), "INVOKED": invoked}
    ended = subprocess.run([checkout / "examples/demo.sh", "up"], env=environment, capture_output=True, text=True)
    return ended, calls.read_text()


def test_the_source_is_filled_once(tmp_path, demo):
    """The function works for minutes: it is waited for as long as it may take, and is not invoked a second time meanwhile."""
    ended, calls = run_demo(tmp_path)
    assert ended.returncode == 0, ended.stderr
    (invoked,) = [line for line in calls.splitlines() if "lambda invoke" in line]
    assert invoked.startswith("1 ")  # attempts
    (waits,) = re.findall(r"--cli-read-timeout (\d+)", invoked)
    (function,) = demo.resources("AWS::Lambda::Function").values()
    assert int(waits) > function["Timeout"]
    assert "start-execution" in calls


def test_a_source_that_was_not_filled_starts_no_run(tmp_path):
    """The CLI's exit code is 0 where a function raised."""
    ended, calls = run_demo(tmp_path, invoked='{"StatusCode": 200, "FunctionError": "Unhandled"}')
    assert ended.returncode == 1
    assert "start-execution" not in calls


def test_too_few_zones_are_told_before_anything_is_made(tmp_path):
    """Redshift Serverless would refuse its workgroup a quarter of an hour later."""
    ended, calls = run_demo(tmp_path, zones=2)
    assert ended.returncode == 2
    assert "needs three" in ended.stderr
    assert "sam " not in calls

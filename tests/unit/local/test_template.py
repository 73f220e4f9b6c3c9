"""The resolver of local/standins/cloudformation/template.py, on templates made for the case."""

from __future__ import annotations

import pytest

from local.standins.cloudformation.template import Template, TemplateError, read_template


def make(resources: dict, parameters: dict | None = None, conditions: dict | None = None) -> Template:
    return Template("stack", {}, {"Resources": resources, "Conditions": conditions or {}, "Outputs": {}}, parameters or {})


BUCKET = {"Type": "AWS::S3::Bucket"}


def test_references_resolve_to_values():
    """Parameters, pseudo parameters, names and ARNs."""
    template = make({"Files": BUCKET}, {"Stage": "test"})
    assert template.resolve({"Ref": "Stage"}) == "test"
    assert template.resolve({"Ref": "Files"}) == "stack-files"
    assert template.resolve({"Fn::GetAtt": ["Files", "Arn"]}) == "arn:aws:s3:::stack-files"
    assert template.resolve({"Fn::Sub": "${AWS::StackName}/${Stage}/${Files.Arn}/${!Literal}"}) == (
        "stack/test/arn:aws:s3:::stack-files/${Literal}"
    )
    assert template.resolve({"Fn::Join": ["-", ["a", {"Ref": "Stage"}]]}) == "a-test"


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "Flies"},
        {"Fn::GetAtt": ["Flies", "Arn"]},
        {"Fn::Sub": "${Flies}"},
        {"Fn::Sub": "${Files.Anr}"},
        {"Fn::GetAtt": ["Files", "Anr"]},
        {"Fn::If": ["IsProductoin", "a", "b"]},
        {"Fn::Cidr": ["10.0.0.0/16", 1, 8]},
    ],
    ids=str,
)
def test_what_does_not_exist_is_refused(value):
    """A misspelt reference fails here, before it fails in a deploy."""
    with pytest.raises(TemplateError):
        make({"Files": BUCKET}).resolve({"Somewhere": [value]})


def test_no_value_removes():
    """AWS::NoValue takes the key, or the item, away."""
    template = make({}, {"On": ""}, {"IsOn": {"Fn::Not": [{"Fn::Equals": [{"Ref": "On"}, ""]}]}})
    absent = {"Fn::If": ["IsOn", {"Deep": 1}, {"Ref": "AWS::NoValue"}]}
    assert template.resolve({"Kept": 1, "Gone": absent, "List": [absent, 2]}) == {"Kept": 1, "List": [2]}


def test_a_resource_counts_only_if_its_condition_holds():
    """As CloudFormation would not create it."""
    conditions = {"Never": {"Fn::Equals": ["a", "b"]}, "Always": {"Fn::Or": [{"Condition": "Never"}, {"Fn::Equals": ["a", "a"]}]}}
    template = make({"A": {**BUCKET, "Condition": "Never"}, "B": {**BUCKET, "Condition": "Always"}}, {}, conditions)
    assert template.resources("AWS::S3::Bucket").keys() == {"B"}


def test_substitutions_must_fit_the_file(tmp_path):
    """A name that only the definition, or only the template, knows is refused, and named."""
    (tmp_path / "machine.yaml").write_text("StartAt: ${Here}\nStates: {}\n")
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"DefinitionS3Location": {"Key": "machine.yaml"}, "DefinitionSubstitutions": {"There": "x"}},
    }
    with pytest.raises(TemplateError, match=r"Here.*There"):
        make({"Machine": machine}).definition(tmp_path, "Machine")


def test_a_template_that_sam_refuses_is_refused(tmp_path):
    """With what the translator says."""
    (tmp_path / "template.yaml").write_text(
        "Transform: AWS::Serverless-2016-10-31\nParameters: {}\n"
        "Resources: {F: {Type: 'AWS::Serverless::Function', Properties: {Runtime: python3.13}}}\n"
    )
    with pytest.raises(TemplateError, match="F"):
        read_template(tmp_path / "template.yaml", "stack", {})


def test_a_parameter_without_a_value_is_named(tmp_path):
    """Instead of an empty variable somewhere."""
    (tmp_path / "template.yaml").write_text("Parameters: {Needed: {Type: String}}\nResources: {}\n")
    with pytest.raises(TemplateError, match="Needed"):
        read_template(tmp_path / "template.yaml", "stack", {})


def test_short_tags_are_the_functions_they_stand_for(tmp_path):
    """`!Ref`, `!Sub`, `!GetAtt` and the others, nested and in both styles."""
    (tmp_path / "template.yaml").write_text(
        "Parameters: {Stage: {Type: String, Default: test}}\n"
        "Conditions: {IsTest: !Equals [!Ref Stage, test]}\n"
        "Resources:\n"
        "  Files: {Type: 'AWS::S3::Bucket'}\n"
        "  Policy:\n"
        "    Type: AWS::S3::BucketPolicy\n"
        "    Properties:\n"
        "      Bucket: !Ref Files\n"
        "      Arn: !GetAtt Files.Arn\n"
        "      Name: !If [IsTest, !Sub '${Stage}-x', !Ref 'AWS::NoValue']\n"
    )
    template = read_template(tmp_path / "template.yaml", "stack", {})
    assert template.resources("AWS::S3::BucketPolicy")["Policy"] == {
        "Bucket": "stack-files",
        "Arn": "arn:aws:s3:::stack-files",
        "Name": "test-x",
    }

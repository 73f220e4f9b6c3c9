"""The stack's template, translated by AWS's own SAM translator and resolved to values, as CloudFormation would.

Only the functions, conditions and resource types that template.yaml uses are known; anything else is refused by name, so that a
template which grows tells what to teach this module.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from samtranslator.translator.transform import transform

from local.refusal import Refused
from local.standins.account import ACCOUNT, PARTITION, REGION

LOCAL_BUCKET = "local"  # stands in S3 addresses of code for the checkout's root
_REFERENCE = re.compile(r"\$\{(!?)([^}]+)\}")
_NO_VALUE = object()


class TemplateError(Refused):
    """The template cannot be translated or resolved; the message names the place."""


class _CloudFormationYaml(yaml.CSafeLoader):
    """YAML with CloudFormation's short tags: `!Ref x` is `{"Ref": "x"}`, `!Sub x` is `{"Fn::Sub": "x"}`."""

    def construct_tagged(self, name: str, node: yaml.Node) -> dict[str, Any]:
        if isinstance(node, yaml.ScalarNode):
            value: Any = self.construct_scalar(node)
        elif isinstance(node, yaml.SequenceNode):
            value = self.construct_sequence(node, deep=True)
        elif isinstance(node, yaml.MappingNode):
            value = self.construct_mapping(node, deep=True)
        else:
            raise TemplateError(f"!{name} stands before neither a text, a list nor a mapping")
        if name == "GetAtt" and isinstance(value, str):
            value = value.split(".", 1)
        return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


_CloudFormationYaml.add_multi_constructor("!", _CloudFormationYaml.construct_tagged)


@dataclass
class Template:
    """A translated template with its parameters' values.

    Attributes:
        stack_name: Prefix of physical names.
        source: The template as written (with SAM's types).
        translated: What the SAM translator makes of it.
        parameters: Value of every parameter.
    """

    stack_name: str
    source: dict[str, Any]
    translated: dict[str, Any]
    parameters: dict[str, Any]
    _conditions: dict[str, bool] = field(default_factory=dict)

    def resources(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """Return the resolved properties of every resource of one type whose condition holds, by logical id.

        Raises:
            TemplateError: something refers to what does not exist.
        """
        return {
            logical_id: self.resolve(resource.get("Properties", {}), logical_id)
            for logical_id, resource in self.translated["Resources"].items()
            if resource["Type"] == resource_type and self._holds(resource.get("Condition"))
        }

    def resolve(self, value: Any, where: str = "the template") -> Any:
        """Return a value with all intrinsic functions replaced (raises as `resources`)."""
        resolved = self._resolve(value, where)
        return None if resolved is _NO_VALUE else resolved

    def outputs(self) -> dict[str, Any]:
        """Return the value of every output."""
        return {name: self.resolve(output["Value"], f"output {name}") for name, output in self.translated["Outputs"].items()}

    def definition(self, root: Path, logical_id: str) -> dict[str, Any]:
        """Return a state machine's definition from its file, with its substitutions.

        Raises:
            TemplateError: the file names a substitution that the template does not give, or the other way round.
        """
        properties = self.resources("AWS::StepFunctions::StateMachine")[logical_id]
        path = root / properties["DefinitionS3Location"]["Key"]
        text = path.read_text(encoding="utf-8")
        given = {name: str(value) for name, value in properties.get("DefinitionSubstitutions", {}).items()}
        used = {match[2] for match in _REFERENCE.finditer(text)}
        if used != given.keys():
            raise TemplateError(
                f"{path.name} and the DefinitionSubstitutions of {logical_id} differ: "
                f"only in the file {sorted(used - given.keys())}, only in the template {sorted(given.keys() - used)}"
            )
        definition: dict[str, Any] = yaml.load(_REFERENCE.sub(lambda match: given[match[2]], text), Loader=yaml.CSafeLoader)
        return definition

    def _resolve(self, value: Any, where: str) -> Any:
        if isinstance(value, list):
            return [item for item in (self._resolve(item, where) for item in value) if item is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref":
                return self._reference(argument, where)
            if name.startswith("Fn::"):
                return self._call(name, argument, where)
        resolved = {key: self._resolve(item, where) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not _NO_VALUE}

    def _call(self, name: str, argument: Any, where: str) -> Any:
        if name == "Fn::If":
            condition, then, otherwise = argument
            return self._resolve(then if self._holds(condition) else otherwise, where)
        if name == "Fn::GetAtt":
            logical_id, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
            return self._attribute(logical_id, attribute, where)
        if name == "Fn::Sub":
            text, own = argument if isinstance(argument, list) else (argument, {})
            return _REFERENCE.sub(lambda match: self._substitute(match, self._resolve(own, where), where), text)
        if name == "Fn::Join":
            separator, items = argument
            return separator.join(str(item) for item in self._resolve(items, where))
        if name == "Fn::Split":
            separator, text = argument
            return self._resolve(text, where).split(separator)
        if name == "Fn::GetAZs":
            return [f"{REGION}{letter}" for letter in "abc"]
        if name == "Fn::Select":
            number, items = argument
            return self._resolve(items, where)[int(number)]
        raise TemplateError(f"{where}: {name} is not known to local.standins.cloudformation")

    def _substitute(self, match: re.Match[str], own: dict[str, Any], where: str) -> str:
        literal, name = match[1], str(match[2])
        if literal:
            return "${" + name + "}"
        if name in own:
            return str(own[name])
        if "." in name:
            logical_id, attribute = name.split(".", 1)
            return str(self._attribute(logical_id, attribute, where))
        return str(self._reference(name, where))

    def _reference(self, name: str, where: str) -> Any:
        pseudo = {
            "AWS::NoValue": _NO_VALUE,
            "AWS::AccountId": ACCOUNT,
            "AWS::Region": REGION,
            "AWS::Partition": PARTITION,
            "AWS::StackName": self.stack_name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        kind = self._type_of(name, where)
        if kind in ("AWS::Lambda::Version", "AWS::StepFunctions::StateMachineVersion"):
            return self._version_arn(name)
        physical = self._physical_name(name)
        references = {
            "AWS::S3::Bucket": physical.lower(),
            "AWS::SNS::Topic": self._arn(f"sns:{REGION}:{ACCOUNT}:{physical}"),
            "AWS::SQS::Queue": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{physical}",
            "AWS::Lambda::Function": physical,
            "AWS::Lambda::LayerVersion": self._arn(f"lambda:{REGION}:{ACCOUNT}:layer:{name}:1"),
            "AWS::StepFunctions::StateMachine": self._arn(f"states:{REGION}:{ACCOUNT}:stateMachine:{physical}"),
            "AWS::IAM::Role": physical,
            "AWS::IAM::ManagedPolicy": f"arn:{PARTITION}:iam::{ACCOUNT}:policy/{physical}",
            "AWS::Logs::LogGroup": physical,
            "AWS::Events::Rule": physical,
            "AWS::CloudWatch::Dashboard": physical,
            "AWS::Glue::Database": physical,
            "AWS::Athena::WorkGroup": physical,
            "AWS::EC2::Subnet": f"subnet-{_make_id(name)}",
            "AWS::EC2::SecurityGroup": f"sg-{_make_id(name)}",
            "AWS::EC2::VPC": f"vpc-{_make_id(name)}",
            "AWS::EC2::RouteTable": f"rtb-{_make_id(name)}",
            "AWS::RDS::DBCluster": physical.lower(),
            "AWS::RDS::DBSubnetGroup": physical.lower(),
            "AWS::SecretsManager::Secret": self._arn(f"secretsmanager:{REGION}:{ACCOUNT}:secret:{physical}-AbCdEf"),
            "AWS::RedshiftServerless::Namespace": physical.lower(),
            "AWS::RedshiftServerless::Workgroup": physical.lower(),
        }
        if kind not in references:
            raise TemplateError(f"{where}: what Ref returns for {name}, a {kind}, is not known to local.standins.cloudformation")
        return references[kind]

    def _attribute(self, logical_id: str, attribute: str, where: str) -> Any:
        kind = self._type_of(logical_id, where)
        physical = self._physical_name(logical_id)
        attributes = {
            ("AWS::S3::Bucket", "Arn"): f"arn:{PARTITION}:s3:::{physical.lower()}",
            ("AWS::SQS::Queue", "Arn"): self._arn(f"sqs:{REGION}:{ACCOUNT}:{physical}"),
            ("AWS::Lambda::Function", "Arn"): self._arn(f"lambda:{REGION}:{ACCOUNT}:function:{physical}"),
            ("AWS::IAM::Role", "Arn"): f"arn:{PARTITION}:iam::{ACCOUNT}:role/{physical}",
            ("AWS::Logs::LogGroup", "Arn"): self._arn(f"logs:{REGION}:{ACCOUNT}:log-group:{physical}:*"),
            ("AWS::SQS::Queue", "QueueName"): physical,
            ("AWS::CloudWatch::Alarm", "Arn"): self._arn(f"cloudwatch:{REGION}:{ACCOUNT}:alarm:{physical}"),
            ("AWS::RDS::DBCluster", "Endpoint.Address"): f"{physical.lower()}.cluster-x.{REGION}.rds.amazonaws.com",
            ("AWS::RDS::DBCluster", "DBClusterResourceId"): "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            ("AWS::RDS::DBCluster", "MasterUserSecret.SecretArn"): self._arn(f"secretsmanager:{REGION}:{ACCOUNT}:secret:rds!x"),
            ("AWS::RedshiftServerless::Workgroup", "Workgroup.WorkgroupId"): str(uuid.UUID(int=0)),
            ("AWS::StepFunctions::StateMachine", "StateMachineRevisionId"): str(uuid.UUID(int=0)),
            ("AWS::Lambda::Version", "Version"): "1",
            ("AWS::Events::Rule", "Arn"): self._arn(f"events:{REGION}:{ACCOUNT}:rule/{physical}"),
        }
        if kind == "AWS::CloudFormation::Stack" and attribute.startswith("Outputs."):
            return f"{physical}.{attribute}"  # what it is, only the nested template could say
        if (kind, attribute) not in attributes:
            raise TemplateError(f"{where}: {logical_id}.{attribute} of a {kind} is not known to local.standins.cloudformation")
        return attributes[kind, attribute]

    def _physical_name(self, logical_id: str) -> str:
        properties = self.translated["Resources"][logical_id].get("Properties", {})
        for given in ("StateMachineName", "LogGroupName", "RoleName"):
            if given in properties and (name := self._resolve(properties[given], logical_id)) is not _NO_VALUE:
                return str(name)
        if self._type_of(logical_id, logical_id) == "AWS::Glue::Database":
            name = str(self._resolve(properties["DatabaseInput"]["Name"], logical_id))
            if name != name.lower():
                # Glue API Reference, DatabaseInput; CloudFormation fails the resource, and takes the stack back.
                raise TemplateError(f"{logical_id}: Glue takes no capitals in a database's name ({name})")
            return name
        if self._type_of(logical_id, logical_id) == "AWS::Athena::WorkGroup":
            return str(self._resolve(properties["Name"], logical_id))
        return f"{self.stack_name}-{logical_id}"

    def _version_arn(self, logical_id: str) -> str:
        """Return the ARN of a function's or machine's version; each is the first."""
        properties = self.translated["Resources"][logical_id]["Properties"]
        if "StateMachineArn" in properties:
            return f"{self._resolve(properties['StateMachineArn'], logical_id)}:1"
        return self._arn(f"lambda:{REGION}:{ACCOUNT}:function:{self._resolve(properties['FunctionName'], logical_id)}:1")

    def _type_of(self, logical_id: str, where: str) -> str:
        if logical_id not in self.translated["Resources"]:
            raise TemplateError(f"{where} refers to {logical_id}, which is neither a parameter nor a resource")
        return str(self.translated["Resources"][logical_id]["Type"])

    def _holds(self, condition: str | None) -> bool:
        if condition is None:
            return True
        if condition not in self._conditions:
            if condition not in self.translated.get("Conditions", {}):
                raise TemplateError(f"there is no condition {condition}")
            self._conditions[condition] = self._test(self.translated["Conditions"][condition])
        return self._conditions[condition]

    def _test(self, expression: dict[str, Any]) -> bool:
        ((name, argument),) = expression.items()
        if name == "Condition":
            return self._holds(argument)
        if name == "Fn::Not":
            return not self._test(argument[0])
        if name == "Fn::And":
            return all(self._test(item) for item in argument)
        if name == "Fn::Or":
            return any(self._test(item) for item in argument)
        if name == "Fn::Equals":
            left, right = (self._resolve(item, "a condition") for item in argument)
            return str(left) == str(right)
        raise TemplateError(f"the condition function {name} is not known to local.standins.cloudformation")

    @staticmethod
    def _arn(rest: str) -> str:
        return f"arn:{PARTITION}:{rest}"


def load_template(path: Path) -> dict[str, Any]:
    """Return a template as written; short tags (`!Ref x`) are the functions they stand for (`{"Ref": "x"}`)."""
    template: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=_CloudFormationYaml)
    return template


def read_template(path: Path, stack_name: str, parameters: dict[str, str]) -> Template:
    """Translate a SAM template and fill its parameters.

    Args:
        path: template.yaml.
        stack_name: The name a deploy would give.
        parameters: Values; the template's defaults serve for the rest.

    Raises:
        TemplateError: a parameter has neither value nor default, is unknown, malformed or against a rule, or SAM refuses the
            template.
    """
    source = load_template(path)
    values = _fill_parameters(source["Parameters"], parameters)
    check_rules(source.get("Rules", {}), values)
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)  # the translator asks for one
    try:
        translated = transform(_point_to_checkout(source), values, None)
    except Exception as error:  # the translator's errors have no common base
        raise TemplateError(f"the SAM translator refuses {path.name}: {error}") from error
    return Template(stack_name, source, translated, values)


def check_rules(rules: dict[str, Any], parameters: dict[str, Any]) -> None:
    """Refuse parameters that break a rule of the template, as CloudFormation does before it creates anything.

    Raises:
        TemplateError: with the rule's own words.
    """

    def value(expression: Any) -> Any:
        if not isinstance(expression, dict):
            return expression
        ((function, argument),) = expression.items()
        match function:
            case "Ref":
                return parameters[argument]
            case "Fn::Equals":
                return value(argument[0]) == value(argument[1])
            case "Fn::EachMemberEquals":
                return all(member == value(argument[1]) for member in value(argument[0]))
            case "Fn::Not":
                return not value(argument[0])
            case "Fn::And":
                return all(map(value, argument))
            case "Fn::Or":
                return any(map(value, argument))
        raise TemplateError(f"the rule function {function} is not known to local.standins.cloudformation")

    for name, rule in rules.items():
        if value(rule.get("RuleCondition", True)):
            for assertion in rule["Assertions"]:
                if not value(assertion["Assert"]):
                    raise TemplateError(f"{name}: {assertion['AssertDescription']}")


def _fill_parameters(declared: dict[str, Any], given: dict[str, str]) -> dict[str, Any]:
    if unknown := given.keys() - declared.keys():
        raise TemplateError(f"the template has no parameter {', '.join(sorted(unknown))}")
    values = {}
    for name, rules in declared.items():
        value = given.get(name, rules.get("Default"))
        if value is None:
            raise TemplateError(f"the parameter {name} has no default and needs a value")
        if rules["Type"] == "CommaDelimitedList":
            value = str(value).split(",")
        for member in value if isinstance(value, list) else [value]:
            if not re.fullmatch(rules.get("AllowedPattern", r"[\s\S]*"), str(member)):
                raise TemplateError(f"the parameter {name} = {member!r} does not match {rules['AllowedPattern']}")
        if "AllowedValues" in rules and str(value) not in map(str, rules["AllowedValues"]):
            raise TemplateError(f"the parameter {name} = {value!r} must be one of {rules['AllowedValues']}")
        values[name] = str(value) if rules["Type"] == "Number" else value
    return values


def _point_to_checkout(source: dict[str, Any]) -> dict[str, Any]:
    """Return a copy in which local paths are S3 addresses, as `sam package` leaves them: the translator takes no other."""
    copy: dict[str, Any] = json.loads(json.dumps(source))
    for resource in copy["Resources"].values():
        for name in ("CodeUri", "ContentUri", "DefinitionUri"):
            properties = resource.get("Properties", {})
            if isinstance(properties.get(name), str):
                properties[name] = f"s3://{LOCAL_BUCKET}/{properties[name].rstrip('/')}"
        if resource["Type"] == "AWS::Serverless::Application":
            resource["Properties"]["Location"] = f"https://s3.amazonaws.com/{LOCAL_BUCKET}/{resource['Properties']['Location']}"
    return copy


def _make_id(name: str) -> str:
    """Return a hexadecimal id such as EC2 gives, the same for the same name."""
    return hashlib.sha256(name.encode()).hexdigest()[:17]

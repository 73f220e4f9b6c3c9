"""The part of the Amazon States Language that is known here (JSONPath, no Catch); anything else is refused by name.

The rules are those of the AWS Step Functions Developer Guide and of https://states-language.net, the words of errors those that
AWS was seen to give.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Container, Iterator
from functools import cache
from typing import Any

Json = Any
LAMBDA, NESTED, SNS = "lambda:invoke", "states:startExecution.sync:2", "sns:publish"
READER = "s3:getObject"
SERVICE = "arn:aws:states:::"

_DATA_FLOW = {"Type", "Comment", "InputPath", "OutputPath"}
_RESULT = {"ResultSelector", "ResultPath", "Next", "End"}
_FIELDS = {
    "Task": _DATA_FLOW | _RESULT | {"Resource", "Parameters", "Retry", "TimeoutSeconds"},
    "Map": _DATA_FLOW
    | _RESULT
    | {"Label", "ItemReader", "ItemsPath", "ItemSelector", "ItemProcessor", "MaxConcurrency", "MaxConcurrencyPath", "Retry"},
    "Choice": _DATA_FLOW | {"Choices", "Default"},
    "Pass": _DATA_FLOW | {"ResultPath", "Next", "End"},
    "Wait": _DATA_FLOW | {"SecondsPath", "Next", "End"},
    "Succeed": _DATA_FLOW,
}
_RETRIER = {"ErrorEquals", "IntervalSeconds", "BackoffRate", "MaxAttempts", "MaxDelaySeconds", "JitterStrategy"}
_PATH = re.compile(r"\$\$?(?:\.\w+|\[\d+\])*")
_RESULT_PATH = re.compile(r"\$(?:\.(\w+))?")
_TOKEN = re.compile(rf"\s*(?:'((?:[^'\\]|\\')*)'|({_PATH.pattern})|(-?\d+)|States\.(\w+)\()\s*")


class DefinitionRefused(Exception):
    """A definition says something that is wrong, or is not known here."""


class StateFailed(Exception):
    """A state failed with an error that Retry can match by name.

    Attributes:
        error, cause: As DescribeExecution gives them.
    """

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause


def dump(value: Json) -> str:
    """Return JSON text as Step Functions writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


# ---------------------------------------------------------------------------------------------------------- definitions


def check_definition(definition: Json, resources: Container[str]) -> None:
    """Read a whole definition before any of it runs.

    Args:
        definition: Of a state machine, parsed.
        resources: What tasks may call, as `lambda:invoke`.

    Raises:
        DefinitionRefused: a field, type, target, path, function or resource is wrong or not known; the message says where.
    """
    _check_fields("the state machine", definition, {"Comment", "StartAt", "States", "TimeoutSeconds"})
    _check_states(definition, resources)


def walk_states(definition: Json) -> Iterator[tuple[str, Json]]:
    """Return every state with its name, those inside of maps too."""
    for name, state in definition["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from walk_states(state["ItemProcessor"])


def _check_states(definition: Json, resources: Container[str]) -> None:
    targets = {definition["StartAt"]}
    for name, state in definition["States"].items():
        _check_fields(name, state, _FIELDS.get(state["Type"]) or _refuse(name, f"the type {state['Type']}"))
        ways = [state[key] for key in ("Next", "Default") if key in state] + [rule["Next"] for rule in state.get("Choices", ())]
        if bool(ways) == (state["Type"] == "Succeed" or state.get("End", False)):
            raise DefinitionRefused(f"{name}: a state either goes on or ends")
        targets.update(ways)
        for key in ("InputPath", "OutputPath", "ItemsPath", "MaxConcurrencyPath", "SecondsPath"):
            if state.get(key) is not None:
                _check_path(name, state[key])
        if not _RESULT_PATH.fullmatch(state.get("ResultPath") or "$"):
            _refuse(name, f"the ResultPath {state['ResultPath']}")
        for key in ("Parameters", "ResultSelector", "ItemSelector"):
            _check_template(name, state.get(key))
        for rule in state.get("Choices", ()):
            read_rule(name, rule)
        for retrier in state.get("Retry", ()):
            _check_fields(name, retrier, _RETRIER)
        if state["Type"] == "Task" and state["Resource"].removeprefix(SERVICE) not in resources:
            _refuse(name, f"the resource {state['Resource']}")
        if state["Type"] == "Map":
            _check_map(name, state, resources)
    if wrong := targets ^ definition["States"].keys():
        raise DefinitionRefused(f"no such state, or no way to it: {', '.join(sorted(wrong))}")


def _check_map(name: str, state: Json, resources: Container[str]) -> None:
    _check_fields(name, state["ItemProcessor"], {"ProcessorConfig", "StartAt", "States"})
    if is_distributed(state):
        reader = state["ItemReader"]
        _check_fields(name, reader, {"Resource", "ReaderConfig", "Parameters"})
        if (reader["Resource"], reader["ReaderConfig"]) != (SERVICE + READER, {"InputType": "JSON"}):
            _refuse(name, f"the reader {dump(reader)}")
        _check_template(name, reader["Parameters"])
    elif state.get("MaxConcurrency") != 1 or "ItemReader" in state:
        _refuse(name, "an inline Map of a MaxConcurrency other than 1")
    _check_states(state["ItemProcessor"], resources)


def is_distributed(state: Json) -> bool:
    """Whether a Map starts a child execution for each item (`Mode: DISTRIBUTED`)."""
    return bool(state["ItemProcessor"].get("ProcessorConfig") == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"})


def _check_fields(name: str, found: Json, known: set[str]) -> None:
    if unknown := found.keys() - known:
        _refuse(name, f"the field {', '.join(sorted(unknown))}")


def _check_path(name: str, path: str) -> None:
    if not _PATH.fullmatch(path):
        _refuse(name, f"the path {path}")


def _check_template(name: str, template: Json) -> None:
    for key, value in template.items() if isinstance(template, dict) else enumerate(template or ()):
        if isinstance(key, str) and key.endswith(".$"):
            try:
                parse_expression(value)
            except ValueError as error:
                _refuse(name, str(error))
        elif isinstance(value, dict | list):
            _check_template(name, value)


def _refuse(name: str, what: str) -> Any:
    raise DefinitionRefused(f"{name}: {what} is not known to local/standins/step_functions")


# ------------------------------------------------------------------------------------------------- paths and templates


def read_path(path: str | None, data: Json, context: Json) -> Json:
    """Return what a reference path points to, in the data ($) or the context object ($$); {} for null.

    Raises:
        StateFailed: States.Runtime, it points nowhere.
    """
    if path is None:
        return {}
    try:
        return _follow(path, data, context)
    except LookupError:
        raise StateFailed("States.Runtime", f"Invalid path '{path}' : No results for path: {path}") from None


def put_result(path: str | None, data: Json, result: Json) -> Json:
    """Return a state's data with its result at the ResultPath; null drops the result.

    Raises:
        StateFailed: States.ResultPathMatchFailure, the data has no fields.
    """
    if path is None:
        return data
    match = _RESULT_PATH.fullmatch(path)
    assert match is not None  # of every ResultPath this was asked before the machine was taken
    name = match[1]
    if name is None:
        return result
    if not isinstance(data, dict):
        raise StateFailed("States.ResultPathMatchFailure", f"Unable to apply ReferencePath {path} to input {dump(data)}")
    return {**data, name: result}


def fill(template: Json, data: Json, context: Json) -> Json:
    """Return a payload template with its `.$` fields evaluated.

    Raises:
        StateFailed: States.Runtime or States.IntrinsicFailure.
    """
    if isinstance(template, list):
        return [fill(value, data, context) for value in template]
    if not isinstance(template, dict):
        return template
    filled = {}
    for key, value in template.items():
        try:
            filled[key.removesuffix(".$")] = (
                parse_expression(value)(data, context) if key.endswith(".$") else fill(value, data, context)
            )
        except LookupError as error:
            cause = (
                f"The JSONPath '{error.args[0]}' specified for the field '{key}' could not be found in the input '{dump(data)}'"
            )
            raise StateFailed("States.Runtime", cause) from None
    return filled


def _follow(path: str, data: Json, context: Json) -> Json:
    value, rest = (context, path[2:]) if path.startswith("$$") else (data, path[1:])
    for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", rest):
        if not isinstance(value, dict if name else list):
            raise LookupError(path)
        try:
            value = value[name] if name else value[int(index)]
        except LookupError:
            raise LookupError(path) from None
    return value


Expression = Callable[[Json, Json], Json]


@cache
def parse_expression(text: str) -> Expression:
    """Return the function of data and context object that a `.$` field stands for.

    Raises:
        ValueError: it is not known.
    """
    expression, end = _parse(text, 0)
    if end != len(text) or not text.startswith(("$", "States.")):
        raise ValueError(f"the expression {text}")
    return expression


def _parse(text: str, start: int) -> tuple[Expression, int]:
    token = _TOKEN.match(text, start)
    if not token:
        raise ValueError(f"the expression {text}")
    literal, path, number, name = token.groups()
    if literal is not None:
        value = literal.replace("\\'", "'")
        return lambda data, context: value, token.end()
    if path is not None:
        return lambda data, context: _follow(path, data, context), token.end()
    if number is not None:
        return lambda data, context: int(number), token.end()
    if name not in _INTRINSICS:
        raise ValueError(f"the intrinsic function States.{name}")
    arguments, end = [], token.end()
    while text[end : end + 1] != ")":
        argument, end = _parse(text, end)
        arguments.append(argument)
        end += text[end : end + 1] == ","
    return lambda data, context: _INTRINSICS[name](*(each(data, context) for each in arguments)), end + 1


def _format(template: str, *values: Json) -> str:
    parts = template.split("{}")
    if len(parts) != len(values) + 1:
        raise StateFailed("States.IntrinsicFailure", f"States.Format takes as many values as {template!r} has places")
    texts = [value if isinstance(value, str) else dump(value) for value in values]
    return "".join(part + text for part, text in zip(parts, [*texts, ""], strict=True))


def _parse_json(text: str) -> Json:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        raise StateFailed("States.IntrinsicFailure", f"States.StringToJson: {text!r} is no JSON") from None


_INTRINSICS: dict[str, Callable[..., Json]] = {
    "Format": _format,
    "UUID": lambda: str(uuid.uuid4()),
    "StringToJson": _parse_json,
}

# -------------------------------------------------------------------------------------------------------------- choices


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# A value of another type never fits, which is no error.
_COMPARISONS: dict[str, Callable[[Json, Json], bool]] = {
    "IsNull": lambda value, wanted: (value is None) is wanted,
    "StringEquals": lambda value, wanted: isinstance(value, str) and value == wanted,
    "BooleanEquals": lambda value, wanted: isinstance(value, bool) and value is wanted,
    "NumericEquals": lambda value, wanted: _is_number(value) and value == wanted,
    "NumericGreaterThan": lambda value, wanted: _is_number(value) and value > wanted,
}


def read_rule(name: str, rule: Json) -> tuple[str, str, Json]:
    """Return a choice rule's variable, comparison and value; `name` is the state's.

    Raises:
        DefinitionRefused: the comparison is not known.
    """
    comparisons = rule.keys() - {"Variable", "Next", "Comment"}
    if len(comparisons) != 1 or not comparisons <= {"IsPresent", *_COMPARISONS}:
        _refuse(name, f"the rule {dump(rule)}")
    _check_path(name, rule["Variable"])
    (comparison,) = comparisons
    return rule["Variable"], comparison, rule[comparison]


def choose(name: str, state: Json, data: Json, context: Json) -> str:
    """Return the state that a Choice goes on to.

    Raises:
        StateFailed: States.Runtime, a variable is not there (only IsPresent may ask for one that is not); or
            States.NoChoiceMatched.
    """
    for rule in state["Choices"]:
        variable, comparison, wanted = read_rule(name, rule)
        try:
            value = _follow(variable, data, context)
        except LookupError:
            if comparison != "IsPresent":
                cause = f"Invalid path '{variable}': The choice state's condition path references an invalid value"
                raise StateFailed("States.Runtime", cause) from None
            fits = wanted is False
        else:
            fits = wanted is True if comparison == "IsPresent" else _COMPARISONS[comparison](value, wanted)
        if fits:
            return str(rule["Next"])
    if "Default" not in state:
        raise StateFailed("States.NoChoiceMatched", "no rule fits, and there is no Default")
    return str(state["Default"])

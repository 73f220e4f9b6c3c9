"""One state by itself, with a mocked result: what TestState tells of it.

AWS Step Functions Developer Guide, "Using TestState API to test a state": paths, templates and choices are evaluated; of a state
with a mock nothing is called, and a Map's iterations do not run.
"""

from __future__ import annotations

from dataclasses import dataclass

from local.standins.step_functions.language import Json, StateFailed, fill, is_distributed, read_path
from local.standins.step_functions.walk import as_list, leave, select_items


@dataclass(frozen=True)
class Tested:
    """What came of a state.

    Attributes:
        status: SUCCEEDED or FAILED.
        output, following: Its output and the next state; None where it failed, and of the last one.
        asked: What a Task calls its resource with, or the inputs of a Map's iterations; None of other states.
        error, cause: Why it failed.
    """

    status: str
    output: Json = None
    following: str | None = None
    asked: Json = None
    error: str | None = None
    cause: str | None = None


def try_state(name: str, state: Json, data: Json, context: Json, result: Json = None, items: Json = None) -> Tested:
    """Return what comes of a state.

    Args:
        data: Its input.
        context: Its context object.
        result: Of a Task or a Map: what it is to come to.
        items: Of a Distributed Map: what its reader is to find.
    """
    try:
        given = read_path(state.get("InputPath", "$"), data, context)
        asked = None
        if state["Type"] == "Task":
            asked = fill(state["Parameters"], given, context)
        elif state["Type"] == "Map":
            asked = _select(state, given, items, context)
        else:
            result = given
        output, following = leave(name, state, data, given, result, context)
    except StateFailed as failure:
        return Tested("FAILED", error=failure.error, cause=failure.cause)
    return Tested("SUCCEEDED", output, following, asked)


def _select(state: Json, given: Json, items: Json, context: Json) -> Json:
    if is_distributed(state):
        fill(state["ItemReader"]["Parameters"], given, context)
        read_path(state.get("MaxConcurrencyPath", "$"), given, context)
        found = as_list(items, "States.ItemReaderFailed")
    else:
        found = as_list(read_path(state.get("ItemsPath", "$"), given, context), "States.Runtime")
    return [inside for inside, _ in select_items(state, given, found, context)]

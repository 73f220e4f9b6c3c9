"""The service's own model, as botocore carries it, and what of it requests and answers must keep to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import botocore.session
from botocore.model import Shape
from botocore.validate import ParamValidator

SERVICE = botocore.session.get_session().get_service_model("redshift-data")


def find_violations(value: Any, shape: Shape | None) -> str:
    """Return what of a value breaks its shape, or an empty text.

    botocore checks types, required members and least lengths; the greatest lengths, patterns and enumerations, which AWS checks
    on its side, are checked here.
    """
    assert shape is not None  # every operation that is offered has an input and an output
    report = ParamValidator().validate(value, shape).generate_report()
    return report or "\n".join(_constraints(value, shape, "request"))


def _constraints(value: Any, shape: Any, path: str) -> Iterator[str]:
    if shape.type_name == "structure":
        for name, item in value.items():
            yield from _constraints(item, shape.members[name], f"{path}.{name}")
        return
    if shape.type_name == "list":
        for index, item in enumerate(value):
            yield from _constraints(item, shape.member, f"{path}[{index}]")
    size = value if isinstance(value, int | float) else len(value) if isinstance(value, str | list) else 0
    if (most := shape.metadata.get("max")) is not None and size > most:
        yield f"Value at '{path}' failed to satisfy constraint: at most {most}"
    if isinstance(value, str):
        if (allowed := shape.metadata.get("enum")) and value not in allowed:
            yield f"Value '{value}' at '{path}' failed to satisfy constraint: one of {', '.join(allowed)}"
        if (pattern := shape.metadata.get("pattern")) and not re.fullmatch(pattern, value):
            yield f"Value '{value}' at '{path}' failed to satisfy constraint: {pattern}"

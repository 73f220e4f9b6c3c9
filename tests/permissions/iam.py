"""IAM's policy evaluation, for the elements that template.yaml's policies use; others are refused by name.

Rules: AWS IAM User Guide, "Policy evaluation logic" (an explicit deny wins, then an allow, else denied) and "IAM JSON policy
elements" (an action's case does not count, a resource's does; `*` any characters, `?` one). No maintained package does this
offline: moto reads `.` in an ARN as a wildcard and knows few conditions; policy linters judge a policy, not a call.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_KNOWN_ELEMENTS = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}


@dataclass(frozen=True)
class Need:
    """What a call needs: an action on a resource (`*` for an action that takes none), with the request's condition keys."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}"


@dataclass(frozen=True)
class Grant:
    """One action on one resource pattern, as a statement of a policy names them."""

    effect: str
    action: str
    resource: str
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}"

    def covers(self, need: Need) -> bool:
        """Whether it speaks of this need, and its conditions hold."""
        return (
            _pattern(self.action.lower()).fullmatch(need.action.lower()) is not None
            and _pattern(self.resource).fullmatch(need.resource) is not None
            and all(_holds(operator, need.context.get(key), values) for operator, key, values in self.conditions)
        )


def read_grants(statements: Iterable[Mapping[str, Any]], principal: str | None = None) -> list[Grant]:
    """Take statements apart into grants.

    Args:
        statements: Of identity policies, or of a resource's policy.
        principal: With a resource's policy: only statements for this role's ARN, or for everybody.

    Raises:
        ValueError: a statement has an element that this module does not know.
    """
    grants = []
    for statement in statements:
        if unknown := statement.keys() - _KNOWN_ELEMENTS:
            raise ValueError(f"tests/permissions/iam.py does not know {', '.join(sorted(unknown))}")
        if principal is not None and not _names(statement["Principal"], principal):
            continue
        conditions = tuple(
            (operator, key, tuple(_as_list(values)))
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
        grants += [
            Grant(statement["Effect"], action, resource, conditions)
            for action in _as_list(statement["Action"])
            for resource in _as_list(statement["Resource"])
        ]
    return grants


def is_allowed(need: Need, grants: Iterable[Grant]) -> bool:
    """Whether the grants together allow it."""
    effects = {grant.effect for grant in grants if grant.covers(need)}
    return effects == {"Allow"}


def _names(principal: Any, role_arn: str) -> bool:
    return principal == "*" or role_arn in _as_list(principal.get("AWS", []))


def _holds(operator: str, actual: str | None, expected: tuple[str, ...]) -> bool:
    """A condition on a key that the request does not have does not hold (IAM User Guide, "Condition operators")."""
    if operator in ("StringEquals", "Bool"):
        return actual in expected
    if operator in ("StringLike", "ArnLike"):
        return actual is not None and any(_pattern(value).fullmatch(actual) for value in expected)
    raise ValueError(f"tests/permissions/iam.py does not know the condition operator {operator}")


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@functools.cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in text), re.DOTALL)

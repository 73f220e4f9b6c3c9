"""Trying every sequence of actions, shortest first."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import TypeVar

State = TypeVar("State", bound=Hashable)


@dataclass(frozen=True)
class Counterexample:
    """The shortest sequence of actions that breaks a promise, and the promise."""

    actions: tuple[str, ...]
    broken: str

    def __str__(self) -> str:
        steps = "\n".join(f"  {number}. {action}" for number, action in enumerate(self.actions, start=1))
        return f"{steps or '  (at once)'}\n  => {self.broken}"


@dataclass(frozen=True)
class Search:
    """What a search found: a counterexample or none, and how many different states it looked at."""

    found: Counterexample | None
    states: int


def search(
    start: State,
    actions: dict[str, Callable[[State], State | None]],
    find_broken_promise: Callable[[State], str | None],
    normalise: Callable[[State], State],
    depth: int,
) -> Search:
    """Try all sequences of at most `depth` actions, breadth first; states that were reached before are not followed again.

    Args:
        actions: By name; each returns the state after it, None where it is not possible.
        find_broken_promise: Looks at every state once; says what is wrong with it.
        normalise: Makes states equal that differ in names only.
    """
    start = normalise(start)
    came_from: dict[State, tuple[State, str] | None] = {start: None}
    layer: Iterable[State] = [start]
    for level in range(depth + 1):
        following = []
        for state in layer:
            if broken := find_broken_promise(state):
                return Search(Counterexample(_retrace(came_from, state), broken), len(came_from))
            if level == depth:
                continue
            for name, act in actions.items():
                after = act(state)
                if after is None:
                    continue
                after = normalise(after)
                if after not in came_from:
                    came_from[after] = (state, name)
                    following.append(after)
        layer = following
    return Search(None, len(came_from))


def _retrace(came_from: dict[State, tuple[State, str] | None], state: State) -> tuple[str, ...]:
    names = []
    while step := came_from[state]:
        state, name = step
        names.append(name)
    return tuple(reversed(names))

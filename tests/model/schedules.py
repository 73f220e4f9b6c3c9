"""Which events and runs are tried together, and how many of them in a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from tests.model.promises import find_broken_promise, run_once
from tests.model.protections import Protections
from tests.model.protocol import END, STEPS, crash, go_on, is_unchanged, open_run, repeat_run, repeat_step
from tests.model.search import Counterexample, Search, search
from tests.model.source import EVENTS, insert_child, insert_parent, pass_hour, pass_week
from tests.model.state import Kept, State, normalise

Action = Callable[[State], State | None]


@dataclass(frozen=True)
class Scope:
    """A set of actions, all of whose sequences up to a depth are tried.

    Attributes:
        events: Names from source.EVENTS.
        kinds: Of the runs that are done from beginning to end.
        stops: Steps before which an incremental run (and one of the kinds of `stopping`) may stop.
        resumes: Whether runs that stopped may go on later (redriven, or overtaken and not aware of it) and repeat a step.
        stopping: More kinds of runs that may stop, each in those of the steps that it has.
        keeps_archive: Whether what the runs have written to S3 can be replayed.
        keeps_state: Whether runs keep a state outside of the warehouse, and look at it before they begin. shows_runs: Whether
            they then also see the objects of later runs.
        starts_loaded: Whether a parent and a child are loaded and published in the beginning; else the source is empty.
    """

    title: str
    events: tuple[str, ...]
    kinds: tuple[str, ...]
    stops: tuple[str, ...]
    resumes: bool
    starts_loaded: bool
    depth: int
    stopping: tuple[str, ...] = ()
    keeps_archive: bool = False
    keeps_state: bool = False
    shows_runs: bool = True


SCOPES = (
    Scope(
        "one run at a time, stopping anywhere",
        events=tuple(event for event in EVENTS if not event.startswith(("transaction", "parent and child", "state"))),
        kinds=("incremental", "window", "reconcile", "rebuild"),
        stops=STEPS[1:-1],
        resumes=False,
        starts_loaded=True,
        depth=4,
    ),
    Scope(
        "the source changes while it is read",
        events=(
            "parent inserted",
            "child inserted",
            "child moved to the other week",
            "parent and child inserted",
            "transaction inserts another child",
            "transaction commits",
            "an hour passes",
        ),
        kinds=("incremental", "window"),
        stops=("read parents", "read children", "load parents", "load children", "curate parents"),
        resumes=True,
        starts_loaded=False,
        depth=5,
    ),
    Scope(
        "runs overlap, are redriven, and meet new files",
        events=("child moved to the other week", "child deleted", "parent broken", "rule edited", "formula edited"),
        kinds=("incremental", "reconcile"),
        stops=("load parents", "curate parents", "curate children", "stage", "publish"),
        resumes=True,
        starts_loaded=True,
        depth=4,
    ),
    Scope(
        "raw is replayed and erased",
        events=("child moved to the other week", "child deleted", "an hour passes"),
        kinds=("incremental", "window", "reconcile", "replay", "erase"),
        stops=("load parents", "load children", "curate children"),
        resumes=True,
        starts_loaded=True,
        depth=4,
        stopping=("replay", "erase"),
        keeps_archive=True,
    ),
    Scope(
        "a state is kept outside",
        events=(
            "child moved to the other week",
            "child deleted",
            "column added to parents",
            "a week passes",
            "rule edited",
            "state put back",
        ),
        kinds=("incremental", "reconcile"),
        stops=("load children", "curate children", "publish"),
        resumes=False,
        starts_loaded=True,
        depth=4,
        stopping=("reconcile",),
        keeps_state=True,
    ),
    Scope(
        "a state is kept outside, and runs overlap",
        events=("child moved to the other week", "child deleted"),
        kinds=("incremental", "reconcile"),
        stops=("curate children", "settle"),
        resumes=True,
        starts_loaded=True,
        depth=4,
        stopping=("reconcile",),
        keeps_state=True,
        shows_runs=False,
    ),
)


def check_scope(scope: Scope, on: Protections, depth: int | None = None) -> Search:
    """Try everything of a scope."""
    return search(
        begin(scope, on),
        dict(list_actions(scope, on)),
        lambda state: find_broken_promise(state, on),
        normalise,
        scope.depth if depth is None else depth,
    )


@cache
def find_counterexample(on: Protections) -> tuple[Scope, Counterexample] | None:
    """Return the shortest counterexample of all scopes, and the scope that has it."""
    for depth in range(max(scope.depth for scope in SCOPES) + 1):
        for scope in SCOPES:
            if depth <= scope.depth and (found := check_scope(scope, on, depth).found):
                return scope, found
    return None


def begin(scope: Scope, on: Protections) -> State:
    """Return the state in which all sequences of a scope begin."""
    kept = Kept(0, None, None, scope.shows_runs) if scope.keeps_state else None
    state = State(archive=() if scope.keeps_archive else None, kept=kept)
    if scope.starts_loaded:
        state = pass_week(pass_hour(run_once(insert_child(insert_parent(state)), "incremental", on)))
    return state


def list_actions(scope: Scope, on: Protections) -> Iterable[tuple[str, Action]]:
    """Return a scope's actions by name."""
    for name in scope.events:
        yield name, EVENTS[name]
    for kind in scope.kinds:
        yield f"{kind} run", _begin(kind, END, scope, on)
    for kind in ("incremental", *scope.stopping):
        for stop in scope.stops:
            yield f"{kind} run stops before {stop}", _begin(kind, stop, scope, on)
    if scope.resumes:
        if "reconcile" in scope.kinds:
            yield "reconcile run stops before load parents", _begin("reconcile", "load parents", scope, on)
        for age, title in enumerate(("the last stopped run", "the stopped run before it")):
            for stop in (*scope.stops, END):
                how = "goes on to its end" if stop == END else f"goes on and stops before {stop}"
                yield f"{title} {how}", _resume(age, stop, on)
            yield f"{title} repeats its step", _repeat(age, on)
    if not on.reruns_are_new_runs:
        yield "the last run is deleted and repeated", repeat_run


def _begin(kind: str, stop: str, scope: Scope, on: Protections) -> Action:
    def act(state: State) -> State | None:
        if len(state.runs) > 1:
            return None
        if kind == "incremental" and is_unchanged(state, on):
            return state
        opened = open_run(state, kind, on)
        is_there = stop != END and opened.runs[-1].done == STEPS.index(stop)
        after = opened if is_there else go_on(opened, opened.lease, stop, on)
        return after if scope.resumes or after is None else crash(after)

    return act


def _resume(age: int, stop: str, on: Protections) -> Action:
    def act(state: State) -> State | None:
        return go_on(state, state.runs[-1 - age].sequence, stop, on) if age < len(state.runs) else None

    return act


def _repeat(age: int, on: Protections) -> Action:
    def act(state: State) -> State | None:
        return repeat_step(state, state.runs[-1 - age].sequence, on) if age < len(state.runs) else None

    return act

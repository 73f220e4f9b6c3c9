"""The same for append tables: events without a key, of which whole days are read again and replaced.

All events of a day are alike here, so a day is its number of events. Day 0 stands for events without a usable time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

from tests.model.search import Counterexample, Search, search
from tests.model.state import Items, drop, get, put

UNDATED, FIRST_DAY = 0, 1
OVERLAP = 1  # days before the watermark that a run reads again
STEPS = ("read the days before", "read the last day", "load", "curate")


@dataclass(frozen=True)
class Protections:
    """Switches, all on in the real protocol. The comment says what happens where one is off."""

    reads_overlap: bool = True  # off: days before the watermark are not read again
    days_replaced: bool = True  # off: what is read is added
    delete_covers_read: bool = True  # off: events without a time are read again, but not replaced
    changed_days_noted: bool = True  # off: curated looks for days in raw, where an emptied day is not
    fence: bool = True  # off: a run that was overtaken goes on writing


SWITCHES = tuple(field.name for field in fields(Protections))


@dataclass(frozen=True)
class Run:
    """A run under way. last_day: the source's when it began; lower: the first day it reads; None: all; reads: events by day."""

    sequence: int
    kind: str
    last_day: int
    lower: int | None
    position: int
    done: int = 0
    reads: Items = ()


@dataclass(frozen=True)
class State:
    """Events by day in the source, raw and curated.

    Attributes:
        raw: Number of events, and the run that replaced the day. changed: days and the runs that replaced them.
        blind: Days that changed later than the overlap reaches, and that no whole read has seen since.
    """

    today: int = FIRST_DAY
    source: Items = ()
    raw: Items = ()
    curated: Items = ()
    changed: tuple[tuple[int, int], ...] = ()
    watermark: int | None = None
    position: int = 0
    lease: int = 0
    runs: tuple[Run, ...] = ()
    blind: frozenset[int] = frozenset()


def _count(state: State, day: int, events: int) -> State | None:
    """Change a day's number of events; a change that comes later than the overlap is promised with a reconcile run only."""
    if day < UNDATED or get(state.source, day, 0) + events < 0:
        return None
    total = get(state.source, day, 0) + events
    source = put(state.source, day, total) if total else drop(state.source, day)
    is_blind = day != UNDATED and day < state.today - OVERLAP
    return replace(state, source=source, blind=state.blind | {day} if is_blind else state.blind)


def _move(state: State, before: int, after: int) -> State | None:
    moved = _count(state, before, -1) if before >= FIRST_DAY else None
    return moved and _count(moved, after, 1)


EVENTS: dict[str, Callable[[State], State | None]] = {
    "event today": lambda state: _count(state, state.today, 1),
    "late event of yesterday": lambda state: _count(state, state.today - 1, 1) if state.today > FIRST_DAY else None,
    "late event of the first day": lambda state: _count(state, FIRST_DAY, 1),
    "event without a time": lambda state: _count(state, UNDATED, 1),
    "event of today removed": lambda state: _count(state, state.today, -1),
    "event moved from yesterday to today": lambda state: _move(state, state.today - 1, state.today),
    "event moved from today to yesterday": lambda state: (
        _move(state, state.today, state.today - 1) if state.today > FIRST_DAY else None
    ),
    "a day passes": lambda state: replace(state, today=state.today + 1) if state.today < FIRST_DAY + 3 else None,
}


def open_run(state: State, kind: str, on: Protections) -> State:
    """Take the lease, read the ledger, choose the days."""
    lower = None
    if kind == "incremental" and state.watermark is not None:
        lower = state.watermark - (OVERLAP if on.reads_overlap else 0)
    run = Run(state.lease + 1, kind, state.today, lower, state.position)
    return replace(state, lease=run.sequence, runs=(*state.runs, run))


def go_on(state: State, sequence: int, stop: int, on: Protections) -> State | None:
    """Let a run go on until just before a step (its number; all of them: to its end)."""
    run = _find(state, sequence)
    if run is None or run.done >= stop:
        return None
    while run is not None and run.done < stop:
        state = _take_step(state, run, on)
        run = _find(state, sequence)
    return state


def _take_step(state: State, run: Run, on: Protections) -> State:
    step = STEPS[run.done]
    others = tuple(each for each in state.runs if each.sequence != run.sequence)
    if step.startswith("read"):
        is_last = step.endswith("last day")
        for day, events in state.source:
            is_read = day == UNDATED or run.lower is None or day >= run.lower
            if is_read and (day >= run.last_day) == is_last:
                run = replace(run, reads=put(run.reads, day, events))
    elif on.fence and state.lease != run.sequence:
        return replace(state, runs=others)
    elif step == "load":
        state = _load(state, run, on)
    else:
        return replace(_curate(state, run, on), runs=others)
    return replace(state, runs=(*others, replace(run, done=run.done + 1)))


def _load(state: State, run: Run, on: Protections) -> State:
    """Replace the days that differ, and note them."""
    raw, changed = state.raw, state.changed
    days = {day for day, _ in raw if day == UNDATED or run.lower is None or day >= run.lower} | {day for day, _ in run.reads}
    for day in sorted(days):
        read, known = get(run.reads, day, 0), get(raw, day, (0, 0))[0]
        if read == known:
            continue
        if not on.days_replaced or (day == UNDATED and not on.delete_covers_read):
            read += known
        raw = put(raw, day, (read, run.sequence)) if read else drop(raw, day)
        changed = (*changed, (day, run.sequence))
    watermark = max(run.last_day, state.watermark or 0) if run.kind == "incremental" else state.watermark
    blind = frozenset(day for day in state.blind if run.lower is not None or get(run.reads, day, 0) != get(state.source, day, 0))
    return replace(state, raw=raw, changed=changed, watermark=watermark, blind=blind)


def _curate(state: State, run: Run, on: Protections) -> State:
    """Take over the days that changed since the position."""
    if on.changed_days_noted:
        days = {day for day, sequence in state.changed if sequence > run.position}
    else:
        days = {day for day, (_, sequence) in state.raw if sequence > run.position}
    curated = state.curated
    for day in days:
        events = get(state.raw, day, (0, 0))[0]
        curated = put(curated, day, events) if events else drop(curated, day)
    return replace(state, curated=curated, position=run.sequence)


def find_broken_promise(state: State, on: Protections) -> str | None:
    """Look at the state after one more undisturbed run, and after a reconcile run where a change was out of reach."""
    after = _run_once(replace(state, runs=()), "incremental", on)
    if broken := _find_difference(after, "after a good run"):
        return broken
    if not after.blind:
        return None
    return _find_difference(_run_once(after, "reconcile", on), "after a reconcile run")


def _run_once(state: State, kind: str, on: Protections) -> State:
    state = open_run(state, kind, on)
    return go_on(state, state.lease, len(STEPS), on)


def _find_difference(state: State, when: str) -> str | None:
    raw = {day: events for day, (events, _) in state.raw}
    for day in {*raw, *dict(state.source)} - state.blind:
        if raw.get(day, 0) != get(state.source, day, 0):
            return f"{when}, raw has {raw.get(day, 0)} events of day {day} and the source {get(state.source, day, 0)}"
    if dict(state.curated) != raw:
        return f"{when}, curated has {dict(state.curated)} and raw {raw}"
    return None


def check(on: Protections, depth: int) -> Search:
    """Try everything."""
    return search(State(), list_actions(on), lambda state: find_broken_promise(state, on), _normalise, depth)


def list_actions(on: Protections) -> dict[str, Callable[[State], State | None]]:
    """Return everything that can happen, by name."""
    actions: dict[str, Callable[[State], State | None]] = dict(EVENTS)
    for kind in ("incremental", "reconcile"):
        actions[f"{kind} run"] = _begin(kind, len(STEPS), on)
    for number, step in enumerate(STEPS[1:], start=1):
        actions[f"incremental run stops before {step}"] = _begin("incremental", number, on)
        actions[f"the stopped run goes on and stops before {step}"] = _resume(number, on)
    actions["the stopped run goes on to its end"] = _resume(len(STEPS), on)
    return actions


def find_counterexample(on: Protections, depth: int) -> Counterexample | None:
    """Return the shortest counterexample."""
    return check(on, depth).found


def _begin(kind: str, stop: int, on: Protections) -> Callable[[State], State | None]:
    def act(state: State) -> State | None:
        if len(state.runs) > 1:
            return None
        opened = open_run(state, kind, on)
        return go_on(opened, opened.lease, stop, on)

    return act


def _resume(stop: int, on: Protections) -> Callable[[State], State | None]:
    def act(state: State) -> State | None:
        return go_on(state, state.runs[0].sequence, stop, on) if state.runs else None

    return act


def _find(state: State, sequence: int) -> Run | None:
    return next((run for run in state.runs if run.sequence == sequence), None)


def _normalise(state: State) -> State:
    """Forget noted days that were taken over, as nothing looks at them again."""
    needed = min([state.position, *(run.position for run in state.runs)])
    return replace(state, changed=tuple(sorted({entry for entry in state.changed if entry[1] > needed})))

"""What there is: the source, raw, curated, presentation, the ledger, and the runs under way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

PARENTS, CHILDREN = "parents", "children"
TABLES = (PARENTS, CHILDREN)  # in the order in which they are built

Key = tuple[str, int]  # table and number
Period = tuple[str, int]  # metric and week
# A mapping as a sorted tuple, so that states can be compared and remembered.
Items = tuple[tuple[Any, Any], ...]


class Row(NamedTuple):
    """A row of the source. Content of a parent: ok or broken; of a child: its week, and ok or broken. The cursor is a time."""

    content: Any
    cursor: int


class Version(NamedTuple):
    """A version in raw; content None is a tombstone. A parent's content has the schema it was read by besides."""

    run: int
    key: Key
    content: Any
    cursor: int


class Load(NamedTuple):
    """What is on S3 of a table that a run read: the rows as raw keeps them, and what its plan says of them.

    whole: what was not read is gone; compared: of these keys only (None: of all); bound: the source's clock.
    """

    run: int
    table: str
    bound: int
    rows: Items
    whole: bool
    compared: frozenset[Key] | None


class Settled(NamedTuple):
    """What a complete increment says outside of the warehouse: by what it was made, and which rows the next one would read.

    lower: Of the next run, by table; rows: what raw has of the rows from there on, by key.
    """

    run: int
    week: int
    rule: int
    formula: int
    schema: int
    lower: Items
    rows: Items


class Kept(NamedTuple):
    """The object outside: marked by the newest run, settled or void (None).

    backup: what it said before, which may be put back; shows_runs: whether the objects of later runs are there to be seen.
    """

    mark: int
    settled: Settled | None
    backup: Settled | None
    shows_runs: bool


@dataclass(frozen=True)
class Run:
    """A run under way: what it read from the ledger and the source, and where it is.

    Attributes:
        kind: incremental, window, reconcile, rebuild, replay, or erase (of the children).
        done: How many of its steps are committed.
        bound: Where the watermark goes; week: its as_of; rule, formula, schema: the files and columns at its beginning.
        watermark, positions, built_rules, published_week, published_formula: The ledger as it was.
        whole: The tables whose read says what exists; compared: the keys that a reconcile run found to differ, and reads.
        reads: Rows by key.
        loads: Those that a replay makes again.
        added: Whether it added anything to raw; noted: dirty periods where they are not durable.
        settling: What it has read at its end, to be kept outside.
    """

    sequence: int
    kind: str
    bound: int
    week: int
    rule: int
    formula: int
    schema: int
    watermark: Items
    positions: Items
    built_rules: Items
    published_week: int
    published_formula: int
    whole: frozenset[str]
    compared: frozenset[Key] | None = None
    done: int = 0
    reads: Items = ()
    loads: tuple[Load, ...] = ()
    added: bool = False
    noted: frozenset[Period] = frozenset()
    settling: Settled | None = None


@dataclass(frozen=True)
class State:
    """Everything. `blind` and `fault` are the checker's own notes, no run reads them.

    Attributes:
        clock: The source's; cursors are taken from it. week: today.
        schema: Of the source's parents; rule, formula: the SQL that is deployed.
        rows: The source, by key; removed: deleted rows, by key; uncommitted: what an open transaction has written.
        lease: The newest run; loaded_schema: by which parents were last read.
        watermark, positions, built_rules: By table.
        dirty: Periods to be made again; staged: periods made again (None: empty) and not yet published.
        runs: That may still go on.
        archive: The loads that made raw what it is, oldest first; None where nothing is tried that reads them.
        kept: What is kept outside; None where nothing is tried that looks at it.
        last_window: Of the last incremental run: its sequence, bound and watermark (for `reruns_are_new_runs` off).
        blind: Keys whose last change moved no cursor, and that no whole read has seen since.
        fault: A promise that was broken on the way.
    """

    clock: int = 0
    week: int = 0
    schema: int = 0
    rule: int = 0
    formula: int = 1
    rows: Items = ()
    removed: Items = ()
    uncommitted: tuple[Key, Row] | None = None
    lease: int = 0
    raw: tuple[Version, ...] = ()
    loaded_schema: int | None = None
    watermark: Items = ()
    positions: Items = ()
    built_rules: Items = ()
    curated: Items = ()
    rejected: Items = ()
    dirty: frozenset[Period] = frozenset()
    staged: Items = ()
    published: Items = ()
    published_week: int = -1
    published_formula: int = 0
    runs: tuple[Run, ...] = ()
    archive: tuple[Load, ...] | None = None
    kept: Kept | None = None
    last_window: tuple[int, int, Items] | None = None
    blind: frozenset[Key] = frozenset()
    fault: str | None = None


def get(items: Items, key: Any, default: Any = None) -> Any:
    """Look a key up."""
    for each, value in items:
        if each == key:
            return value
    return default


def put(items: Items, key: Any, value: Any) -> Items:
    """Return the mapping with a value set."""
    return tuple(sorted([*((each, old) for each, old in items if each != key), (key, value)], key=lambda item: item[0]))


def drop(items: Items, key: Any) -> Items:
    """Return the mapping without a key."""
    return tuple(item for item in items if item[0] != key)


def normalise(state: State) -> State:
    """Number times and runs again from 0, in their order: nothing in the protocol depends on more than that."""
    times, runs = {state.clock}, {0, state.lease}
    times.update(row.cursor for _, row in state.rows + state.removed)
    times.update(version.cursor for version in state.raw)
    times.update(time for _, time in state.watermark)
    runs.update(version.run for version in state.raw)
    runs.update(run for _, run in state.positions)
    if state.uncommitted:
        times.add(state.uncommitted[1].cursor)
    for load in (*(state.archive or ()), *(load for run in state.runs for load in run.loads)):
        runs.add(load.run)
        times.add(load.bound)
        times.update(row.cursor for _, row in load.rows)
    for run in state.runs:
        runs.add(run.sequence)
        runs.update(position for _, position in run.positions)
        times.add(run.bound)
        times.update(time for _, time in run.watermark)
        times.update(row.cursor for _, row in run.reads)
    kept = state.kept
    if kept:
        runs.add(kept.mark)
    for settled in (*((kept.settled, kept.backup) if kept else ()), *(run.settling for run in state.runs)):
        if settled:
            runs.add(settled.run)
            times.update(time for _, time in settled.lower)
            times.update(row.cursor for _, row in settled.rows)
    if state.last_window:
        runs.add(state.last_window[0])
        times.add(state.last_window[1])
        times.update(time for _, time in state.last_window[2])
    if max(times) == len(times) - 1 and max(runs) == len(runs) - 1:
        return state
    time_of = {time: number for number, time in enumerate(sorted(times))}
    run_of = {run: number for number, run in enumerate(sorted(runs))}

    def renumber(items: Items, numbers: dict[int, int]) -> Items:
        return tuple((key, numbers[value]) for key, value in items)

    def retime(items: Items) -> Items:
        return tuple((key, Row(row.content, time_of[row.cursor])) for key, row in items)

    def renew(loads: tuple[Load, ...]) -> tuple[Load, ...]:
        return tuple(load._replace(run=run_of[load.run], bound=time_of[load.bound], rows=retime(load.rows)) for load in loads)

    def resettle(settled: Settled | None) -> Settled | None:
        if settled is None:
            return None
        lower = renumber(settled.lower, time_of)
        return settled._replace(run=run_of[settled.run], lower=lower, rows=retime(settled.rows))

    return replace(
        state,
        clock=time_of[state.clock],
        rows=retime(state.rows),
        removed=retime(state.removed),
        uncommitted=state.uncommitted and (state.uncommitted[0], retime((state.uncommitted,))[0][1]),
        lease=run_of[state.lease],
        raw=tuple(Version(run_of[v.run], v.key, v.content, time_of[v.cursor]) for v in state.raw),
        watermark=renumber(state.watermark, time_of),
        positions=renumber(state.positions, run_of),
        runs=tuple(
            replace(
                run,
                sequence=run_of[run.sequence],
                bound=time_of[run.bound],
                watermark=renumber(run.watermark, time_of),
                positions=renumber(run.positions, run_of),
                reads=retime(run.reads),
                loads=renew(run.loads),
                settling=resettle(run.settling),
            )
            for run in state.runs
        ),
        archive=state.archive and renew(state.archive),
        kept=kept and Kept(run_of[kept.mark], resettle(kept.settled), resettle(kept.backup), kept.shows_runs),
        last_window=state.last_window
        and (run_of[state.last_window[0]], time_of[state.last_window[1]], renumber(state.last_window[2], time_of)),
    )

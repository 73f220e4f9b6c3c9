"""What a run does, step by step. Each step that writes is one transaction, as in rental_pipeline/steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.model.layers import all_periods, find_newest, had_parent, judge, measure, publish_all, touch_periods
from tests.model.protections import Protections
from tests.model.state import (
    CHILDREN,
    PARENTS,
    TABLES,
    Items,
    Key,
    Load,
    Period,
    Row,
    Run,
    Settled,
    State,
    Version,
    drop,
    get,
    put,
)

STEPS = (
    "read parents",
    "read children",
    "load parents",
    "load children",
    "curate parents",
    "curate children",
    "stage",
    "publish",
    "settle",
)
END = "end"


def is_unchanged(state: State, on: Protections) -> bool:
    """Whether an increment may end before it begins: the source, the files and the day are as the last run left them."""
    settled = state.kept.settled if state.kept else None
    if settled is None or (on.state_is_newest and state.kept.shows_runs and settled.run != state.lease):
        return False
    if on.state_knows_day and settled.week != max(state.week, state.published_week):
        return False
    if on.state_knows_files and (settled.rule, settled.formula) != (state.rule, state.formula):
        return False
    if on.state_knows_columns and settled.schema != state.schema:
        return False
    rows = _rows_ahead(state.rows, dict(settled.lower))
    return rows == settled.rows if on.state_knows_rows else len(rows) == len(settled.rows)


def _rows_ahead(rows: Items, lower: dict[str, int]) -> Items:
    return tuple(sorted((key, row) for key, row in rows if row.cursor >= lower[key[0]]))


def open_run(state: State, kind: str, on: Protections) -> State:
    """Take the lease and the next sequence, read the ledger, and fix the bound; whoever held the lease has lost it."""
    sequence = state.lease + 1
    if kind == "erase":
        state = erase(state, CHILDREN, on)
    run = Run(
        sequence=sequence,
        kind=kind,
        bound=_find_bound(state, on),
        week=state.published_week if kind == "replay" else max(state.week, state.published_week),
        rule=state.rule,
        formula=state.formula,
        schema=state.loaded_schema if kind == "window" and state.loaded_schema is not None else state.schema,
        watermark=state.watermark,
        positions=state.positions,
        built_rules=state.built_rules,
        published_week=state.published_week,
        published_formula=state.published_formula,
        whole=_choose_whole(state, kind, on),
        compared=_compare(state) if kind == "reconcile" else None,
    )
    if kind == "rebuild":
        run = replace(run, done=STEPS.index("curate parents"))
    if kind == "replay":
        run = replace(run, done=STEPS.index("load parents"), loads=state.archive)
    if kind == "incremental" and not on.watermark_moves_with_load:
        state = replace(state, watermark=tuple((table, run.bound) for table in sorted(TABLES)))
    if kind == "incremental" and not on.reruns_are_new_runs:
        state = replace(state, last_window=(sequence, run.bound, state.watermark))
    if state.kept:
        settled, backup = state.kept.settled, state.kept.backup
        left = None if on.state_void_before_writing else settled
        state = replace(state, kept=state.kept._replace(mark=sequence, settled=left, backup=settled or backup))
    return replace(state, lease=sequence, runs=(*state.runs, run))


def erase(state: State, table: str, on: Protections) -> State:
    """Delete a table's history and files; in the same transaction everything is forgotten that was built on them."""
    after = replace(state, raw=tuple(version for version in state.raw if version.key[0] != table))
    if on.erasure_begins_history:
        after = replace(after, archive=tuple(load for load in state.archive if load.table != table))
    if on.erasure_forgets_watermark:
        after = replace(after, watermark=drop(after.watermark, table))
    if on.erasure_forgets_curated:
        after = replace(after, positions=drop(after.positions, table), built_rules=drop(after.built_rules, table))
    return after


def _find_bound(state: State, on: Protections) -> int:
    """Return the time below which no cursor can appear any more: the clock, or where the oldest open transaction began."""
    if state.uncommitted and on.bound_waits_for_transactions:
        return min(state.clock, state.uncommitted[1].cursor)
    return state.clock


def _choose_whole(state: State, kind: str, on: Protections) -> frozenset[str]:
    """Return the tables of which all is known: in a reconcile run those loaded; else a new one, or one with another schema."""
    if kind == "reconcile":
        return frozenset(table for table in TABLES if get(state.watermark, table) is not None)
    if kind not in ("incremental", "erase"):
        return frozenset()
    whole = {table for table in TABLES if get(state.watermark, table) is None}
    if on.drift_reads_again and state.loaded_schema not in (None, state.schema):
        whole.add(PARENTS)
    return frozenset(whole)


def _compare(state: State) -> frozenset[Key]:
    """Return the keys in which raw and the source differ as the run begins."""
    raw = {key: version.content for key, version in find_newest(state.raw).items() if version.content is not None}
    source = {key: _observe(key, row, state.schema) for key, row in state.rows}
    return frozenset(key for key in {*raw, *source} if raw.get(key) != source.get(key))


def _observe(key: Key, row: Row, schema: int) -> Any:
    """Return a row's content as raw keeps it."""
    return (row.content, schema) if key[0] == PARENTS else row.content


def go_on(state: State, sequence: int, stop: str, on: Protections) -> State | None:
    """Let a run go on until just before a step, or to its end; None where it is not under way, or beyond that step."""
    run = _find_run(state, sequence)
    last = len(STEPS) if stop == END else STEPS.index(stop)
    if run is None or run.done >= last:
        return None
    while run is not None and run.done < last:
        state = take_step(state, run, STEPS[run.done], on)
        run = _find_run(state, sequence)
    return state


def repeat_step(state: State, sequence: int, on: Protections) -> State | None:
    """Let a run do again what it did last, as after a lost answer; None where that wrote nothing."""
    run = _find_run(state, sequence)
    if run is None or not STEPS[run.done - 1].startswith(("load", "curate")):
        return None
    return take_step(state, run, STEPS[run.done - 1], on)


def take_step(state: State, run: Run, step: str, on: Protections) -> State:
    """Do one step of a run, unless its guards refuse it: then the run has ended."""
    name, _, table = step.partition(" ")
    if name == "read":
        run = read_table(state, run, table, on)
        if state.archive is not None and not on.replays_committed_loads:
            state = replace(state, archive=(*state.archive, _describe(run, table, on)))
        return _advance(state, run)
    if step == "settle":
        return settle(state, run, on)
    if on.fence and state.lease != run.sequence:
        return _end(state, run)
    if on.files_are_pinned and (state.rule, state.formula) != (run.rule, run.formula):
        return _end(state, run)
    if on.steps_are_recorded and STEPS.index(step) < run.done:
        return state
    write: dict[str, Callable[[], State | None]] = {
        "load": lambda: load_table(state, run, table, on),
        "curate": lambda: curate_table(state, run, table, on),
        "stage": lambda: stage(state, run, on),
        "publish": lambda: publish(state, run, on),
    }
    after = write[name]()
    if after is None:
        ended = _end(state, run)
        if state.lease == run.sequence:
            return replace(ended, fault=f"run {run.sequence} is refused in `{step}` though no other run has begun")
        return ended
    return after


def read_table(state: State, run: Run, table: str, on: Protections) -> Run:
    """Read a table's window from the source as it is at this moment."""
    lower = get(run.watermark, table)
    reads = run.reads
    for key, row in state.rows:
        if key[0] != table:
            continue
        if run.kind == "window":
            is_read = row.cursor == run.bound
        elif run.compared is not None:
            is_read = table in run.whole and key in run.compared
        elif table in run.whole or lower is None:
            is_read = True
        else:
            is_read = row.cursor >= lower if on.reads_from_watermark else row.cursor > lower
        if is_read:
            reads = put(reads, key, row)
    return replace(run, reads=reads)


def load_table(state: State, run: Run, table: str, on: Protections) -> State | None:
    """Add versions that differ and tombstones, and move the watermark; None where it is not where it was planned on."""
    if run.kind == "replay":
        return replay_table(state, run, table, on)
    moves = run.kind in ("incremental", "erase")
    if moves and get(state.watermark, table) != get(run.watermark, table) and on.watermark_moves_with_load:
        return None
    load = _describe(run, table, on)
    added = find_versions(state.raw, load, on)
    after = replace(state, raw=(*state.raw, *added))
    if added and state.archive is not None and on.replays_committed_loads:
        after = replace(after, archive=(*state.archive, load))
    if table in run.whole:
        after = replace(after, blind=after.blind - {key for key in after.blind if key[0] == table and key not in _compare(after)})
    bound = run.bound if on.bound_before_read else _find_bound(state, on)
    if (moves and on.watermark_moves_with_load) or (run.kind == "window" and not on.only_increments_move_watermark):
        after = replace(after, watermark=put(after.watermark, table, max(bound, get(after.watermark, table, 0))))
    if table == PARENTS and run.kind != "window":
        after = replace(after, loaded_schema=run.schema)
    run = replace(run, added=run.added or bool(added))
    if table == CHILDREN and not run.added and not on.nothing_pending_ends_run:
        return _end(after, run)
    return _advance(after, run, f"load {table}")


def _describe(run: Run, table: str, on: Protections) -> Load:
    """Return what a run has written to S3 of a table."""
    rows = tuple((key, Row(_observe(key, row, run.schema), row.cursor)) for key, row in run.reads if key[0] == table)
    is_whole = table in run.whole and on.reconcile_writes_tombstones
    is_taken_for_whole = run.kind == "incremental" and not on.absence_needs_whole_read
    return Load(run.sequence, table, run.bound, rows, is_whole or is_taken_for_whole, run.compared)


def find_versions(raw: tuple[Version, ...], load: Load, on: Protections) -> list[Version]:
    """Return the versions that a load adds to raw as it is then."""
    newest = find_newest(raw, on.newest_by_sequence)
    rows = dict(load.rows)
    added = [
        Version(load.run, key, row.content, row.cursor)
        for key, row in rows.items()
        if _is_new(raw, newest.get(key), key, row.content, on)
    ]
    if load.whole:
        for key, version in newest.items():
            is_covered = key[0] == load.table and (load.compared is None or key in load.compared)
            if is_covered and key not in rows and version.content is not None:
                added.append(Version(load.run, key, None, load.bound))
    return added


def replay_table(state: State, run: Run, table: str, on: Protections) -> State:
    """Make a table's versions again, load by load, beside raw, and exchange them in one transaction."""
    made: tuple[Version, ...] = ()
    for load in run.loads:
        if load.table == table:
            load = load if on.replays_tombstones else load._replace(whole=False)
            made = (*made, *find_versions(made, load, on))
    if not on.replayed_versions_keep_runs:
        made = tuple(version._replace(run=run.sequence) for version in made)
    kept = [version for version in state.raw if version.key[0] != table]
    if not on.replays_beside_raw and table == PARENTS:
        kept = []
    raw = tuple(sorted((*kept, *made), key=lambda version: version.run))
    after = _advance(replace(state, raw=raw), replace(run, added=True), f"load {table}")
    before = [version for version in state.raw if version.key[0] == table]
    if on.replays_beside_raw and sorted(before, key=repr) != sorted(made, key=repr):
        return replace(after, fault=f"the replay {run.sequence} makes {made} of {table}, and raw had {before}")
    return after


def _is_new(raw: tuple[Version, ...], newest: Version | None, key: Key, content: Any, on: Protections) -> bool:
    if not on.adds_only_differences:
        return True
    if not on.compares_with_newest:
        return not any(version.key == key and version.content == content for version in raw)
    return newest is None or newest.content != content


def curate_table(state: State, run: Run, table: str, on: Protections) -> State | None:
    """Judge touched keys again, note the periods that change, move the position; None where it is not as planned."""
    position = get(run.positions, table, 0)
    if get(state.positions, table, 0) != position:
        return None
    touched = _find_touched(state, run, table, position, on)
    newest = find_newest(state.raw, on.newest_by_sequence)
    curated, rejected, stale = state.curated, state.rejected, set()
    has_parent = had_parent(state.raw)
    for key in touched:
        before, content = get(curated, key), newest[key].content if key in newest else None
        reason = judge(key, content, has_parent) if content is not None else None
        after = (content, state.rule) if content is not None and reason is None else None
        if reason == "broken" and not on.newest_decides:
            after = before
        curated = drop(curated, key) if after is None else put(curated, key, after)
        rejected = drop(rejected, key) if reason is None else put(rejected, key, reason)
        if before != after:
            images = [before, after] if on.both_images else [after]
            stale |= {period for value in images if value is not None for period in touch_periods(key, value, run.week)}
    after = replace(
        state,
        curated=curated,
        rejected=rejected,
        positions=put(state.positions, table, run.sequence),
        built_rules=put(state.built_rules, table, state.rule),
    )
    if on.dirty_is_durable:
        return _advance(replace(after, dirty=state.dirty | stale), run, f"curate {table}")
    return _advance(after, replace(run, noted=run.noted | stale), f"curate {table}")


def _find_touched(state: State, run: Run, table: str, position: int, on: Protections) -> set[Key]:
    of_table = {version.key for version in state.raw if version.key[0] == table}
    if run.kind in ("rebuild", "replay") or (on.rule_is_hashed and get(run.built_rules, table) != state.rule):
        return of_table | {key for key, _ in (*state.curated, *state.rejected) if key[0] == table}

    def is_recent(version: Version) -> bool:
        return version.run > position if on.own_positions else version.run == run.sequence

    recent = [version for version in state.raw if is_recent(version)]
    if table == CHILDREN and on.children_follow_parents and any(version.key[0] == PARENTS for version in recent):
        return of_table
    return {version.key for version in recent if version.key[0] == table}


def stage(state: State, run: Run, on: Protections) -> State:
    """Make the stale periods again, beside the published ones."""
    stale: set[Period] = set(state.dirty | run.noted)
    if on.time_passes:
        stale |= {(PARENTS, week) for week in range(run.published_week + 1, run.week + 1)}
    if run.kind in ("rebuild", "replay") or (on.formula_is_hashed and run.published_formula != state.formula):
        stale |= all_periods(run.week)
    staged = tuple(sorted((period, measure(period, state.curated, run.week, state.formula)) for period in stale))
    kept = state.dirty if on.dirty_consumed_when_published else frozenset()
    return _advance(replace(state, staged=staged, dirty=kept), run, "stage")


def publish(state: State, run: Run, on: Protections) -> State:
    """Replace the staged periods, and forget that they were stale."""
    published = state.published
    for period, value in state.staged:
        if value is not None:
            published = put(published, period, value)
        elif on.periods_replaced_whole:
            published = drop(published, period)
    after = replace(
        state,
        published=published,
        published_week=run.week,
        published_formula=state.formula,
        staged=(),
        dirty=frozenset(),
    )
    if dict(published) != publish_all(state.curated, run.week, state.formula):
        after = replace(after, fault=f"run {run.sequence} publishes other figures than its curated rows give")
    if state.kept is None:
        return _end(after, run)
    lower = after.watermark
    rows = _rows_ahead(run.reads, dict(lower)) if run.kind == "incremental" else ()
    settling = Settled(run.sequence, run.week, run.rule, run.formula, run.schema, lower, rows)
    return _advance(after, replace(run, settling=settling if run.kind == "incremental" else None), "publish")


def settle(state: State, run: Run, on: Protections) -> State:
    """Keep outside what was read at the end, unless another run has begun since; its lease is free, and so no fence helps."""
    kept = state.kept
    if kept and run.settling and (kept.mark == run.sequence or not on.state_settled_over_own_mark):
        state = replace(state, kept=kept._replace(settled=run.settling))
    return _end(state, run)


def repeat_run(state: State) -> State | None:
    """Delete what the last incremental run added and read its window again: what a careless console rerun would do."""
    if not state.last_window:
        return None
    sequence, bound, watermark = state.last_window
    kept = tuple(version for version in state.raw if version.run != sequence)
    newest = find_newest(kept)
    again = []
    for key, row in state.rows:
        content = _observe(key, row, state.schema)
        is_known = key in newest and newest[key].content == content
        if get(watermark, key[0], 0) <= row.cursor < bound and not is_known:
            again.append(Version(sequence, key, content, row.cursor))
    return replace(state, raw=(*kept, *again))


def crash(state: State) -> State:
    """No run that is under way ever goes on."""
    return replace(state, runs=())


def _find_run(state: State, sequence: int) -> Run | None:
    return next((run for run in state.runs if run.sequence == sequence), None)


def _advance(state: State, run: Run, step: str | None = None) -> State:
    """Put the run back, one step further; not where the step was a repetition."""
    place = STEPS.index(step) if step else run.done
    run = replace(run, done=max(run.done, place + 1))
    return replace(state, runs=tuple(run if each.sequence == run.sequence else each for each in state.runs))


def _end(state: State, run: Run) -> State:
    return replace(state, runs=tuple(each for each in state.runs if each.sequence != run.sequence))

"""What must hold, whatever happened: looked at after one more undisturbed run, and then after a reconcile run (I1, I2, I4)."""

from __future__ import annotations

from tests.model.layers import curate_all, find_newest, publish_all
from tests.model.protections import Protections
from tests.model.protocol import END, crash, go_on, is_unchanged, open_run
from tests.model.state import PARENTS, Key, State


def find_broken_promise(state: State, on: Protections) -> str | None:
    """Return the first promise that is broken, None where all hold."""
    if broken := state.fault or _find_doubled(state):
        return broken
    if state.archive is not None and (broken := run_once(crash(state), "replay", on).fault):
        return broken
    after = run_once(crash(state), "incremental", on)
    if broken := _find_difference(after, "after a good run", after.blind):
        return broken
    if not after.blind:
        return None
    return _find_difference(run_once(after, "reconcile", on), "after a reconcile run", frozenset())


def run_once(state: State, kind: str, on: Protections) -> State:
    """Do a whole run; an increment may end before it begins."""
    if kind == "incremental" and is_unchanged(state, on):
        return state
    state = open_run(state, kind, on)
    return go_on(state, state.lease, END, on)


def _find_doubled(state: State) -> str | None:
    newest: dict = {}
    for version in state.raw:
        if version.key in newest and newest[version.key] == version.content:
            return f"raw has {version.key} twice in a row with the same content"
        newest[version.key] = version.content
    return None


def _find_difference(state: State, when: str, unknown: frozenset[Key]) -> str | None:
    """Compare all layers; `unknown` keys may still differ between raw and the source."""
    if state.fault:
        return state.fault
    newest = find_newest(state.raw)
    raw = {key: version.content for key, version in newest.items() if version.content is not None and key not in unknown}
    source = {
        key: (row.content, state.schema) if key[0] == PARENTS else row.content for key, row in state.rows if key not in unknown
    }
    if raw != source:
        return f"{when}, raw has {raw} and the source {source}"
    curated, rejected = curate_all(state.raw, state.rule)
    if dict(state.curated) != curated or dict(state.rejected) != rejected:
        have, want = (dict(state.curated), dict(state.rejected)), (curated, rejected)
        return f"{when}, curated has {have} and made at once it has {want}"
    published = publish_all(state.curated, state.week, state.formula)
    if dict(state.published) != published:
        return f"{when}, presentation has {dict(state.published)} and made at once it has {published}"
    return None

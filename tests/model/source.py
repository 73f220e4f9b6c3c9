"""What happens outside of the pipeline: applications write, time passes, people edit SQL and columns.

Each function returns the state afterwards, or None where it cannot happen. An honest change takes its cursor from the clock; a
blind one (a delete, a restore, a cascade) moves none, and is promised to arrive with the next reconcile run only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.model.state import CHILDREN, PARENTS, Key, Row, State, drop, get, put

PARENT, CHILD, LATE_CHILD = (PARENTS, 1), (CHILDREN, 1), (CHILDREN, 2)


def _write(state: State, key: Key, content) -> State | None:
    if get(state.rows, key) and get(state.rows, key).content == content:
        return None
    return replace(state, rows=put(state.rows, key, Row(content, state.clock)), blind=state.blind - {key})


def insert_parent(state: State) -> State | None:
    return None if get(state.rows, PARENT) else _write(state, PARENT, "ok")


def break_parent(state: State) -> State | None:
    return _write(state, PARENT, "broken") if get(state.rows, PARENT) else None


def mend_parent(state: State) -> State | None:
    return _write(state, PARENT, "ok") if get(state.rows, PARENT) else None


def insert_child(state: State) -> State | None:
    return None if get(state.rows, CHILD) else _write(state, CHILD, (0, "ok"))


def move_child(state: State) -> State | None:
    """To the other week, and so to another period."""
    row = get(state.rows, CHILD)
    return _write(state, CHILD, (1 - row.content[0], row.content[1])) if row else None


def break_child(state: State) -> State | None:
    row = get(state.rows, CHILD)
    return _write(state, CHILD, (row.content[0], "broken")) if row else None


def insert_family(state: State) -> State | None:
    """A parent and its child in one transaction."""
    return insert_child(insert_parent(state)) if not get(state.rows, PARENT) and not get(state.rows, CHILD) else None


def begin_transaction(state: State) -> State | None:
    """It inserts a row, which takes its cursor now, and does not commit yet."""
    if state.uncommitted or get(state.rows, LATE_CHILD):
        return None
    return replace(state, uncommitted=(LATE_CHILD, Row((0, "ok"), state.clock)))


def commit_transaction(state: State) -> State | None:
    if not state.uncommitted:
        return None
    return replace(state, rows=put(state.rows, *state.uncommitted), uncommitted=None)


def _delete(state: State, key: Key) -> State | None:
    if not get(state.rows, key):
        return None
    removed = put(state.removed, key, get(state.rows, key))
    return replace(state, rows=drop(state.rows, key), removed=removed, blind=state.blind | {key})


def delete_parent(state: State) -> State | None:
    return _delete(state, PARENT)


def delete_child(state: State) -> State | None:
    return _delete(state, CHILD)


def restore_child(state: State) -> State | None:
    """From a backup, with its old cursor."""
    if get(state.rows, CHILD) or not get(state.removed, CHILD):
        return None
    return replace(state, rows=put(state.rows, CHILD, get(state.removed, CHILD)), blind=state.blind | {CHILD})


def cascade_to_child(state: State) -> State | None:
    """A foreign key's cascade changes the row, and its cursor stays."""
    row = get(state.rows, CHILD)
    if not row:
        return None
    changed = Row((1 - row.content[0], row.content[1]), row.cursor)
    return replace(state, rows=put(state.rows, CHILD, changed), blind=state.blind | {CHILD})


def add_column(state: State) -> State | None:
    """All parents have a new value at once, and no cursor moves."""
    return replace(state, schema=1) if state.schema == 0 else None


def pass_hour(state: State) -> State | None:
    return replace(state, clock=state.clock + 1)


def pass_week(state: State) -> State | None:
    return replace(state, week=state.week + 1) if state.week < 2 else None


def edit_rule(state: State) -> State | None:
    return replace(state, rule=1) if state.rule == 0 else None


def edit_formula(state: State) -> State | None:
    return replace(state, formula=2) if state.formula == 1 else None


def put_state_back(state: State) -> State | None:
    """What was kept outside is replaced by what it said before, as from a backup."""
    if not state.kept or not state.kept.backup:
        return None
    return replace(state, kept=state.kept._replace(settled=state.kept.backup))


EVENTS: dict[str, Callable[[State], State | None]] = {
    "parent inserted": insert_parent,
    "parent broken": break_parent,
    "parent mended": mend_parent,
    "parent deleted": delete_parent,
    "child inserted": insert_child,
    "child moved to the other week": move_child,
    "child broken": break_child,
    "child deleted": delete_child,
    "child restored with its old cursor": restore_child,
    "child moved by a cascade": cascade_to_child,
    "parent and child inserted": insert_family,
    "transaction inserts another child": begin_transaction,
    "transaction commits": commit_transaction,
    "column added to parents": add_column,
    "an hour passes": pass_hour,
    "a week passes": pass_week,
    "rule edited": edit_rule,
    "formula edited": edit_formula,
    "state put back": put_state_back,
}

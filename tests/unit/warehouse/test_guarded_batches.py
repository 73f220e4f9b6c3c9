"""Every batch that writes begins with the guards that its step needs: the fence, the lease, the planned position, the audit.

The rules hold of all steps that a run can have, in both marketplaces; what each guard does is in
tests/integration/warehouse/test_guards.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.base.object_store import LEDGER, run_key
from rental_pipeline.base.settings import WarehouseSettings
from rental_pipeline.warehouse.data_api import Submission
from rental_pipeline.warehouse.run_step import run_step
from tests.fixtures.composed_steps import LEASE_SECONDS, RUN, SQL_ROOT, Composed, compose_all_steps, composing

# What takes effect once: a repetition finds its name in the ledger and changes nothing. The others compute the same again.
ONCE = {"load", "replay", "curate", "publish", "commit_lake"}
ONCE_IN_PREPARE = ("erase-", "found")
# Without a guard: what takes the lease itself, and what makes or widens an empty shape, or writes a file of this run alone.
UNGUARDED = {
    "open": ("setup-", "open"),
    "prepare": ("raw-tables-", "widen-", "known-"),
    "close": ("close",),
}


@pytest.fixture(scope="module", params=[("apartments", True), ("apartments", False), ("cars", True), ("cars", False)], ids=str)
def composed(request) -> Composed:
    """All steps of a marketplace, where everything was made by other files before, and where nothing was."""
    return compose_all_steps(*request.param)


def list_guarded(composed: Composed) -> Iterator[tuple[str, Submission]]:
    """Yield each batch that has to be guarded, with its step and table."""
    for title, step in composed.steps.items():
        for submission in step.submissions:
            if not submission.label.startswith(UNGUARDED.get(title.partition(" ")[0], ())):
                yield title, submission


def list_written(composed: Composed, title: str) -> list[str]:
    """Return what the step's batches hold behind their first guards, in order, and the statements of procedures as their own."""
    written = []
    for sql in (sql for submission in composed.steps[title].submissions for sql in submission.statements[3:]):
        if body := re.match(r"create or replace procedure batch_.*?\nbegin\n(.*)end;\n", sql, re.DOTALL):
            written += body[1].split("\n;\n")
        elif not re.match(r"(call|drop procedure) batch_", sql):
            written.append(sql)
    return [" ".join(sql.split()) for sql in written if sql.strip()]


def find(statements: list[str], pattern: str) -> int:
    """Return the place of the only statement that begins so."""
    (place,) = (number for number, sql in enumerate(statements) if re.match(pattern, sql))
    return place


def test_every_writing_batch_holds_the_fence_and_the_lease(composed):
    """Under the lock, before anything else: a run that was overtaken or closed writes nothing, and the lease is prolonged."""
    guarded = list(list_guarded(composed))
    for title, submission in guarded:
        path, lock, guard = submission.statements[:3]
        assert (path, lock) == (f"set search_path to {composed.warehouse.schemas.control}", "lock lease"), (title, submission)
        assert re.fullmatch(rf"call (hold_lease\({RUN}|enter_step\({RUN}, '[^']+'), {LEASE_SECONDS}\)", guard), (title, guard)
    assert {title.partition(" ")[0] for title, _ in guarded} >= {*ONCE, "prepare", "stage", "check", "unload"}


def test_a_step_that_takes_effect_once_is_recorded(composed):
    """By a name of its own in the run, so that the one step's record never stands for another's."""
    names = []
    for title, submission in list_guarded(composed):
        name = re.match(r"call enter_step\(\d+, '([^']+)'", submission.statements[2])
        step = title.partition(" ")[0]
        is_part = re.search(r"-part-\d+$", submission.label)
        is_once = step in ONCE or (step == "prepare" and submission.label.startswith(ONCE_IN_PREPARE))
        assert bool(name) == (is_once and not is_part), (title, submission.label)
        names += [name[1]] if name else []
    assert len(names) == len(set(names))


def test_what_stands_without_a_guard_changes_no_row(composed):
    """It makes shapes that are the same when made again; only the batch that opens a run writes rows."""
    for submission in composed.steps["prepare"].submissions:
        if submission.label.startswith(UNGUARDED["prepare"]):
            assert {sql.split()[0] for sql in submission.statements} <= {"set", "create", "alter", "unload"}, submission.label


def test_the_lease_is_taken_under_its_lock(composed):
    """Two runs that open at once are one behind the other."""
    *_, opening = composed.steps["open"].submissions
    # Before it takes a number, no later one may be lost. What the bucket has is not the same in the next attempt, and a token
    # does not come back with other SQL: so the request is named by it.
    assert opening.label.startswith(f"open-{RUN - 1}-")
    assert opening.statements[1] == "lock lease"
    assert opening.statements[2].startswith(f"call refuse_restored({RUN - 1}, ")
    assert opening.statements[3].startswith("call open_run(")
    assert opening.statements[3].endswith(f", {LEASE_SECONDS})")
    (closing,) = composed.steps["close"].submissions
    assert closing.statements[1:3] == ("lock lease", f"call close_run({RUN}, 'succeeded', null, '2026-11-21')")


def test_a_publication_begins_with_the_audit_of_all_checks(composed):
    """Its first act; it asks for as many results as the check step writes."""
    counts = re.compile(r"select cast\('(\w+)' as varchar\(127\)\) as _rp_check,")
    results = [name for sql in list_written(composed, "check") for name in counts.findall(sql)]
    assert list_written(composed, "publish")[0] == f"call require_audit({RUN}, {len(results)})"
    assert len(results) == len(set(results)) > 10


def test_a_curated_table_is_built_from_the_planned_position(composed):
    """Its first act, before anything is read: a table that was built meanwhile is not built on old ground."""
    for table in composed.warehouse.curated:
        first, *rest = list_written(composed, f"curate {table.name}")
        assert re.fullmatch(rf"call expect_position\('curated', '{table.name}', \d+\)", first)
        moved = find(rest, rf"insert into {composed.warehouse.schemas.control}\.layer_position")
        assert f"('curated', '{table.name}', {RUN}," in rest[moved]
        assert moved > find(rest, rf"insert into {composed.warehouse.schemas.curated}\.{table.name} ")


def test_a_load_is_counted_then_committed_then_compared(composed):
    """The rows are counted before the watermark moves, and raw is compared with the source's sums last of all."""
    for title in (title for title in composed.steps if title.startswith("load ")):
        written = list_written(composed, title)
        count = find(written, rf"insert into {composed.warehouse.schemas.control}\.table_load ")
        commit, compare = find(written, r"call commit_load\("), find(written, r"call require_equal\(")
        assert count < commit < compare, title
        assert not [sql for sql in written[commit:] if f" {composed.warehouse.schemas.raw}." in sql and "insert" in sql[:6]]


def test_idle_tables_move_their_watermarks_by_the_same_guard(composed):
    """Nothing was found, and that is committed as a load is."""
    (found,) = (each for each in composed.steps["prepare"].submissions if each.label == "found")
    assert [sql.split("(")[0] for sql in found.statements if sql.startswith("call")] == ["call enter_step", "call commit_load"]


def test_a_replay_takes_raws_place_only_once_it_is_confirmed(composed):
    """Each load was made again, with as many rows as before; only then is raw emptied."""
    (title,) = (title for title in composed.steps if title.startswith("replay "))
    exchange = composed.steps[title].submissions[-1].statements[3:]
    assert exchange[0] == f"call confirm_replay({RUN}, '{title.partition(' ')[2]}', 1)"
    assert exchange[1].startswith(f"delete from {composed.warehouse.schemas.raw}.")


@pytest.mark.parametrize("step", ["prepare", "pending", "stage", "check", "publish", "unload", "commit_lake"])
def test_a_step_goes_on_only_with_the_files_that_the_run_began_with(step):
    """What it builds would be recorded under the hashes of the new ones, and never be built by them."""
    with composing("apartments") as (_warehouse, bucket, _steps):
        ledger = {"run_sequence": RUN, "files_hash": "of other files", "positions": [], "execution_id": "one"}
        bucket.objects[run_key("apartments", RUN, LEDGER)] = json.dumps(ledger).encode()
        settings = WarehouseSettings("apartments", "bucket", "dev", "role", "workgroup", sql_root=SQL_ROOT)
        with pytest.raises(FixConfiguration, match="the SQL of apartments was deployed again after run 7 had begun"):
            run_step({"step": step, "run_sequence": RUN}, settings, lambda: 600.0)

"""state.json between the run that settles it and the execution that looks at it: each guard, without a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymysql
import pytest

from rental_pipeline.base import object_store
from rental_pipeline.base.errors import FixData
from rental_pipeline.base.object_store import COMPARED, LEDGER, LOADS, replace_json, run_key, state_key
from rental_pipeline.base.settings import PlanSettings, WarehouseSettings
from rental_pipeline.definitions.read_marketplace import read_marketplace
from rental_pipeline.model.fingerprints import NOTHING, Fingerprint, Span
from rental_pipeline.model.ledger import Ledger, Position
from rental_pipeline.model.load_document import TableLoad
from rental_pipeline.model.plan_document import Plan, RawChanges
from rental_pipeline.model.state_document import KnownTable, find_state
from rental_pipeline.model.table_plan import Comparison, PlannedTable
from rental_pipeline.plan import change_detection
from rental_pipeline.plan.continuation import Deadline
from rental_pipeline.source.safe_watermark import SafeWatermark
from rental_pipeline.warehouse import settled_state
from rental_pipeline.warehouse.settled_state import settle_state, void_state
from tests.fixtures.composed_steps import BUCKET, SQL_ROOT, MemoryBucket, plan_table

RUN, ARN = 7, "arn:run"
KEY = state_key("apartments")
NOON = datetime(2026, 11, 21, 12)
WAREHOUSE = WarehouseSettings("apartments", BUCKET, "dev", "role", "workgroup", sql_root=SQL_ROOT)
PLANNER = PlanSettings(
    "apartments", BUCKET, "secret", sql_root=SQL_ROOT, redshift_workgroup="workgroup", redshift_database="dev"
)  # fmt: skip
TABLES = (
    plan_table("window", "merge", next_lower="2026-11-20T23:00:00.000000"),
    plan_table("idle", "merge", slice_count=0, next_lower="2026-11-20T23:00:00.000000"),
    plan_table("compared", "snapshot", comparison=Comparison(4, 1, 9, 10)),
    plan_table("equal", "append", comparison=Comparison(4, 0, 9, 9), slice_count=0),
)

EQUAL = {"compared": Fingerprint(4, 40), "equal": Fingerprint(5, 50)}


def make_plan(tables: tuple[PlannedTable, ...] = TABLES) -> Plan:
    return Plan(
        marketplace="apartments", run_sequence=RUN, kind="incremental", as_of="2026-11-21", source_time=NOON.isoformat(),
        force_deletes=False, dry_run=False, erased=(), rebuild=None, raw_changes=RawChanges((), ()), tables=tables,
    )  # fmt: skip


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> MemoryBucket:
    """What the run has written of itself."""
    bucket = MemoryBucket()
    monkeypatch.setattr(object_store, "s3", lambda: bucket)
    counted = {"rows_read": 3, "rows_in_parquet": 3, "rows_deleted": 0, "rows_set_aside": 0, "rows_apart": 0}
    load = TableLoad(manifest="m", deleted_manifest=None, expected=(), ahead=Fingerprint(3, 30), **counted).to_json()
    equal = {name: [Span(None, None, held).to_json()] for name, held in EQUAL.items()}
    for name, content in ((LOADS, {"window": load, "compared": load}), (COMPARED, equal), (LEDGER, {})):
        bucket.objects[run_key("apartments", RUN, name)] = json.dumps(content).encode()
    return bucket


@pytest.fixture
def ledger() -> Ledger:
    files = read_marketplace(SQL_ROOT, "apartments").files_hash
    return Ledger(RUN, ARN, files, (Position("presentation", "metric", RUN, as_of="2026-11-21"),))


def test_what_raw_holds_is_what_was_read_and_what_was_equal(bucket, ledger):
    """Of a window the rows that the next run reads again, of an idle one none; of a compared table all of it."""
    void_state(WAREHOUSE, RUN, ARN)
    assert settle_state(WAREHOUSE, make_plan(), ledger)
    state, _ = find_state(BUCKET, "apartments")
    assert state.settled.tables == {
        "window": KnownTable("d", TABLES[0].next_lower, Fingerprint(3, 30)),
        "idle": KnownTable("d", TABLES[1].next_lower, NOTHING),
        "compared": KnownTable("d", None, Fingerprint(7, 70)),
        "equal": KnownTable("d", TABLES[3].lower, Fingerprint(5, 50)),
    }


def test_only_the_runs_own_mark_is_written_over(bucket, ledger):
    """No mark, another run's, another execution's of the same number, a settled one, one that came in between."""
    assert not settle_state(WAREHOUSE, make_plan(), ledger)
    assert KEY not in bucket.objects
    for run, execution in ((RUN + 1, ARN), (RUN, "arn:other")):
        void_state(WAREHOUSE, run, execution)
        marked = bucket.objects[KEY]
        assert not settle_state(WAREHOUSE, make_plan(), ledger)
        assert bucket.objects[KEY] == marked
    void_state(WAREHOUSE, RUN, ARN)
    assert settle_state(WAREHOUSE, make_plan(), ledger)
    assert not settle_state(WAREHOUSE, make_plan(), ledger)
    void_state(WAREHOUSE, RUN, ARN)
    with pytest.MonkeyPatch.context() as patch:

        def overtake(*arguments: Any) -> bool:
            void_state(WAREHOUSE, RUN + 1, "arn:newer")
            return replace_json(*arguments)

        patch.setattr(settled_state, "replace_json", overtake)
        assert not settle_state(WAREHOUSE, make_plan(), ledger)
    assert json.loads(bucket.objects[KEY])["run_sequence"] == RUN + 1


def test_a_run_whose_loads_are_gone_settles_nothing(bucket, ledger):
    """It is not known what it has read."""
    void_state(WAREHOUSE, RUN, ARN)
    bucket.objects[run_key("apartments", RUN, LOADS)] = b"{}"
    with pytest.raises(FixData, match="does not list window"):
        settle_state(WAREHOUSE, make_plan(), ledger)


class Connection:
    """A source that nobody asks."""

    def close(self) -> None:
        pass


@contextmanager
def detecting(moment: datetime = NOON, error: Exception | None = None) -> Iterator[None]:
    """Have change detection end with the source's clock, or an error of the source: of the tables, it has none to compare."""

    def find_safe_watermark(*_: Any) -> SafeWatermark:
        if error:
            raise error
        return SafeWatermark(moment, moment - timedelta(seconds=1))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(change_detection, "read_contract", lambda path: {})
        patch.setattr(change_detection, "read_source_address", lambda secret: None)
        patch.setattr(change_detection, "connect", lambda address: Connection())
        patch.setattr(change_detection, "find_safe_watermark", find_safe_watermark)
        patch.setattr(change_detection, "explain_source_error", lambda error, address: FixData("broken"))
        patch.setattr(change_detection, "TablePlanner", lambda *arguments: None)
        yield


def look(run_input: Any = None, settings: PlanSettings = PLANNER, moment: datetime = NOON) -> str:
    with detecting(moment):
        found = change_detection.detect_changes(settings, run_input, Deadline(lambda: 300.0, 150.0))
    return found.status if found.status == "unchanged" else found.reason


@pytest.fixture
def settled(bucket, ledger) -> MemoryBucket:
    void_state(WAREHOUSE, RUN, ARN)
    assert settle_state(WAREHOUSE, make_plan(), ledger)
    assert look() == "unchanged"
    return bucket


def test_a_state_of_another_stack_counts_for_nothing(settled):
    """Bucket, workgroup or cluster, database."""
    settled.objects[KEY] = settled.objects[KEY].replace(b'"bucket": "bucket"', b'"bucket": "another"')
    assert look() == "state.json is of another stack"
    settled.objects[KEY] = settled.objects[KEY].replace(b'"bucket": "another"', b'"bucket": "bucket"')
    for other in ({"redshift_workgroup": "another"}, {"redshift_database": "another"}, {"redshift_workgroup": None}):
        assert look(settings=replace(PLANNER, **other)) == "state.json is of another stack"


def test_a_void_state_counts_for_nothing(settled):
    """Whoever marked it."""
    void_state(WAREHOUSE, RUN, ARN)
    assert look() == f"run {RUN} may still write in the warehouse, or did not come to its end"


def test_a_state_that_was_put_back_counts_for_nothing(settled):
    """The next run's ledger stands beside it; one of an earlier numbering is older, and does not count. Its own may not lack."""
    own, following = (run_key("apartments", run, LEDGER) for run in (RUN, RUN + 1))
    now = datetime.now(UTC)
    settled.objects[following] = b"{}"
    settled.times |= {own: now, following: now}
    assert look() == f"run {RUN + 1} was opened since"
    settled.times[following] = now - timedelta(seconds=1)
    assert look() == "unchanged"
    del settled.objects[own]
    assert look() == f"the objects of run {RUN} are gone"


def test_another_day_or_other_files_open_a_run(settled, tmp_path: Path):
    """By the source's clock, and by what is deployed."""
    assert look(moment=NOON + timedelta(days=1)) == "a day has passed"
    assert look(moment=NOON + timedelta(hours=11)) == "unchanged"
    deployed = "the SQL, the exchange rates or source.yaml were deployed again"
    assert look(settings=replace(PLANNER, reporting_currency="EUR")) == deployed
    for name in ("apartments", "control"):
        (tmp_path / name).symlink_to((SQL_ROOT / name).resolve())
    (tmp_path / "apartments").unlink()
    (tmp_path / "apartments").mkdir()
    for path in (SQL_ROOT / "apartments").iterdir():
        (tmp_path / "apartments" / path.name).symlink_to(path.resolve())
    assert look(settings=replace(PLANNER, sql_root=tmp_path)) == "unchanged"
    contract = tmp_path / "apartments" / "source.yaml"
    text = contract.read_text(encoding="utf-8")
    contract.unlink()
    contract.write_text(f"{text}\n", encoding="utf-8")
    assert look(settings=replace(PLANNER, sql_root=tmp_path)) == deployed


def test_figures_of_another_day_open_a_run(bucket, ledger):
    """Published for a day behind the source's: an increment would publish today's."""
    void_state(WAREHOUSE, RUN, ARN)
    settle_state(WAREHOUSE, make_plan(), replace(ledger, positions=(replace(ledger.positions[0], as_of="2026-11-20"),)))
    assert look() == "the figures are of another day"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (pymysql.err.OperationalError(2013, "Lost connection"), "FixData: broken"),
        (FixData("broken"), "FixData: broken"),
        (ValueError("Invalid isoformat string"), "ValueError: Invalid isoformat string"),
    ],
)
def test_a_failed_look_opens_a_run(settled, error, reason):
    """The run meets the same, and it stands in its ledger row; or the state holds nonsense, which may stop no run."""
    with detecting(error=error):
        found = change_detection.detect_changes(PLANNER, {}, Deadline(lambda: 300.0, 150.0))
    assert (found.status, found.reason) == ("open", reason)


def test_only_an_increment_ends_so(settled):
    """Any other input opens a run; who started it does not matter."""
    assert look({"started_by": "Ada"}) == "unchanged"
    for run_input in ({"reconcile": True}, {"dry_run": True}, {"as_of": "2026-11-21"}, {"force_deletes": True}):
        assert look(run_input) == "the input asks for more than what changed"

"""state.json: an execution may end without asking the warehouse, and only where a run would find nothing (decision 18)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.standins.step_functions.walk import name_arn
from rental_pipeline.base.settings import WarehouseSettings, read_settings
from rental_pipeline.warehouse import run_step, settled_state
from rental_pipeline.warehouse.data_api import DataApi
from rental_pipeline.warehouse.executions import count_transitions
from tests.fixtures.aws_calls import CallFault, end_function, refuse, watch_aws_calls
from tests.fixtures.executions import RUN, FunctionEnded

KEY = "market/state.json"


def look(market, run_input: Any = None) -> dict[str, Any]:
    """Do what an execution does first, and nothing else."""
    return market.pipeline.invoke("plan_run", {"run_sequence": None, "input": run_input or {}})


def put(market, content: Any) -> None:
    """Write state.json."""
    body = content if isinstance(content, bytes) else json.dumps(content)
    market.pipeline.s3.put_object(Bucket=market.pipeline.bucket, Key=KEY, Body=body)


def write_label(market, text: str) -> None:
    """Change the row of the table without a cursor."""
    market.execute("update labels set text = %s where code = 'x'", text)


@pytest.fixture
def settled(market):
    """A market of which everything is loaded: of each strategy some rows, one event without a time."""
    for number in (1, 2):
        market.insert_parent(number)
        market.insert_child(number, parent=number)
    market.execute("insert into events values (now(6), 'seen'), (null, 'heard')")
    market.execute("insert into labels values ('x', 'A', 'other')")
    assert market.run_well() == "succeeded"
    market.pass_time(hours=1)
    answer = look(market)
    assert answer["status"] == "unchanged", answer
    return market


def test_an_unchanged_source_costs_the_warehouse_nothing(settled):
    """Not one request of the Data API, and few transitions; what alarms watch is told all the same."""
    asked = []
    with watch_aws_calls() as calls:
        calls.fault = CallFault(r"redshift-data\..*", lambda request, name: asked.append(name), times=1000)
        execution = settled.pipeline.machines.start(name_arn("stateMachine", RUN), {"started_by": "schedule"}).run()
        assert (execution.output["status"], execution.output["run_sequence"], asked) == ("unchanged", 1, [])
        assert count_transitions(execution.history) == 3
        settled.run({"reconcile": True})
    assert asked


def test_whatever_changed_in_the_source_opens_a_run(settled):
    """Of each strategy: rows in the window, without a cursor, gone, and put back as they were."""
    market = settled
    ((changed_at,),) = market.source.query("select changed_at from parents where id = 1")
    ((seen_at,),) = market.source.query("select happened_at from events where what = 'seen'")
    unbreak = "update parents set state = 'ok', changed_at = %s where id = 1"
    insert = "insert into children (id, parent_id, day, state) values (9, 1, '2024-01-01', 'ok')"
    changes = {
        "parents": ("update parents set state = 'broken' where id = 1", [unbreak, changed_at]),
        "children": (insert, ["delete from children where id = 9"]),
        "labels": ("update labels set other = 'B'", ["update labels set other = 'other'"]),
        "events": ("delete from events where what = 'heard'", ["insert into events values (null, 'heard')"]),
    }
    for table, (change, undo) in changes.items():
        market.execute(change)
        answer = look(market)
        assert answer["status"] == "open" and answer["reason"].startswith(table), answer
        market.execute(*undo)
        assert look(market)["status"] == "unchanged", table
    market.execute("update events set happened_at = date_add(happened_at, interval 1 minute) where what = 'seen'")
    assert look(market)["reason"] == "events has rows that differ from raw's"
    market.execute("update events set happened_at = %s where what = 'seen'", seen_at)
    market.execute("alter table labels add column extra int")
    assert look(market)["reason"] == "labels has other columns, or is defined otherwise"


def test_only_an_increment_by_the_same_files_on_the_same_day_may_end_so(settled):
    """What asks for more, or is malformed, opens a run, which does it or says what is wrong; so do a new day and other files."""
    market = settled
    assert look(market, {"started_by": "Ada"})["status"] == "unchanged"
    window = {"from": "2024-01-01", "to": "2024-01-02"}
    more = {"reconcile": True}, {"rebuild": True}, {"replay": True}, {"erase": ["labels"]}, {"tables": ["labels"]}
    for asked in (*more, {"window": window}, {"force_deletes": True}, {"dry_run": True}, {"as_of": "2030-01-01"}):
        assert look(market, asked)["reason"] == "the input asks for more than what changed", asked
    for malformed in ({"reconcle": True}, [1], {"window": 3}):
        assert look(market, malformed)["reason"].startswith("FixConfiguration: "), malformed
    for path, before, after in (
        ("presentation/parents_weekly.sql", "count(*) * 1", "count(*) * 2"),
        ("curated/parents.sql", "cast(1 as integer)", "cast(2 as integer)"),
        ("source.yaml", "overlap: 1 minute", "overlap: 2 minutes"),
    ):
        market.edit(path, before, after)
        assert look(market)["reason"] == "the SQL, the exchange rates or source.yaml were deployed again", path
        market.edit(path, after, before)
    for name, value in (("REPORTING_CURRENCY", "EUR"), ("REDSHIFT_WORKGROUP", "another"), ("REDSHIFT_DATABASE", "prod")):
        kept = market.pipeline.patch
        with kept.context() as patch:
            patch.setenv(name, value)
            read_settings.cache_clear()
            assert look(market)["status"] == "open", name
        read_settings.cache_clear()
    assert look(market)["status"] == "unchanged"
    market.pass_time(days=1)
    assert look(market)["reason"] == "a day has passed"
    assert market.run_well() == "succeeded"
    assert look(market)["status"] == "unchanged"


def test_a_state_that_is_not_the_last_runs_own_opens_a_run(settled):
    """Deleted, corrupted, void, of another format, of another stack; or the source is down."""
    market = settled
    state = market.pipeline.read(KEY)
    stack = state["settled"]["stack"]
    others = [{**state["settled"], "stack": {**stack, name: "another"}} for name in stack]
    contents = (b"", b"{", b"\xff", b"[]", b"null", {}, {**state, "format": 2}, {**state, "settled": None})
    for content in (*contents, *({**state, "settled": other} for other in others), {**state, "run_sequence": 2}):
        put(market, content)
        assert look(market)["status"] == "open", content
    put(market, state)
    assert look(market)["status"] == "unchanged"
    with watch_aws_calls() as calls:
        calls.fault = CallFault(r"secrets-manager\..*", refuse(400, "AccessDeniedException"), times=9)
        assert look(market)["reason"].startswith("FixConfiguration")
    market.pipeline.s3.delete_object(Bucket=market.pipeline.bucket, Key=KEY)
    assert look(market)["reason"] == "there is no state.json of this version"


@pytest.mark.slow
def test_a_state_that_is_put_back_counts_for_nothing(settled):
    """From before the last run; the source is as it was then, and raw is not."""
    market = settled
    old = market.pipeline.read(KEY)
    write_label(market, "B")
    market.run_well()
    assert market.read_versions("labels", "text") == [("A", "U"), ("B", "U")]
    put(market, old)
    write_label(market, "A")
    assert look(market)["reason"] == "run 2 was opened since"
    market.assert_whole()


@pytest.mark.slow
def test_a_run_that_is_killed_between_any_two_of_its_writes_leaves_no_state_that_counts(settled):
    """The source is put back as it was before, and so nothing but the mark, and the objects of the run, tell of it."""
    market = settled
    ((day, changed_at),) = market.source.query("select day, changed_at from children where id = 1")
    write_label(market, "B")
    market.execute("update children set day = %s where id = 1", market.day(3))
    run, states = market.start(), []
    while run.state is not None:
        states.append(run.state)
        if run.state == "write_manifests":
            write_label(market, "A")
            market.execute("update children set day = %s, changed_at = %s where id = 1", day, changed_at)
        if "write_manifests" in states and run.state not in ("report", "write_report"):
            assert look(market)["reason"].startswith("run 2 may still write in the warehouse"), run.state
        run.step()
    assert {"prepare", "load labels", "publish", "unload", "close"} <= set(states)
    # The end is settled by what the run has read, and the source is another by now.
    assert look(market)["status"] == "open"
    market.run_well()
    assert look(market)["status"] == "unchanged"


@pytest.mark.slow
@pytest.mark.parametrize("is_sent", [False, True], ids=["before", "after"])
def test_a_function_that_is_killed_at_the_void_mark_or_at_the_settling(settled, is_sent):
    """`open` has the lease and nothing else until the mark stands; `close` has ended the run whether or not it is settled."""
    market = settled
    write_label(market, "B")
    killed = end_function(FunctionEnded(), send_first=is_sent)
    with watch_aws_calls() as calls, pytest.raises(FunctionEnded):
        calls.fault = CallFault(r"s3\.PutObject", killed, times=99)
        market.start()
    write_label(market, "A")
    assert look(market)["status"] == ("open" if is_sent else "unchanged")
    market.warehouse.execute("update market_control.lease set is_held = false")
    assert market.run({"tables": ["parents"]})["status"] == "unchanged"
    run = market.start().stop_before("close")
    with watch_aws_calls() as calls:
        calls.fault = CallFault(r"s3\.PutObject", killed)
        assert run.finish()["status"] == "unchanged"
    assert look(market)["status"] == "unchanged"
    assert market.query("select count(*) from run where status = 'unchanged'") == [(2,)]
    market.assert_whole()


def end(market, run: int) -> None:
    """Close a run as failed, as the function that the event about its execution's end starts."""
    settings = read_settings(WarehouseSettings)
    run_step.end_run(DataApi(settings), settings, run, "it broke")


@pytest.mark.slow
def test_a_redriven_run_settles_what_it_leaves(settled, monkeypatch):
    """Closed as failed it has left nothing; redriven it goes on, and what it then leaves counts."""
    monkeypatch.setattr(run_step, "_is_executing", lambda execution_id: True)
    write_label(settled, "B")
    run = settled.start().stop_before("load labels")
    end(settled, 2)
    assert look(settled)["status"] == "open"
    run.finish()
    assert look(settled)["status"] == "unchanged"


@pytest.mark.slow
def test_a_run_that_is_overtaken_at_its_end_leaves_the_newer_ones_mark(settled, monkeypatch):
    """Its lease is free once it is closed; between its look at the mark and its own write another run may begin."""
    market = settled
    write_label(market, "B")
    run = market.start().stop_before("close")
    begun = []
    replace_json = settled_state.replace_json

    def begin_another(*arguments: Any) -> bool:
        begun.append(market.start())
        return replace_json(*arguments)

    monkeypatch.setattr(settled_state, "replace_json", begin_another)
    assert run.finish()["status"] == "unchanged"
    assert begun[0].state == "fingerprint"
    assert market.pipeline.read(KEY) == {
        "format": 1,
        "run_sequence": 3,
        "execution_id": market.pipeline.read("market/runs/000003/ledger.json")["execution_id"],
        "settled": None,
    }
    monkeypatch.undo()
    # The same where it has begun before the older one ends.
    older = begun[0].stop_before("close")
    market.warehouse.execute("update market_control.lease set expires_at = timestamp '2000-01-01'")
    newer = market.start()
    older.finish()
    assert look(market)["reason"].startswith("run 4 may still write")
    newer.finish()
    assert look(market)["status"] == "unchanged"


@pytest.mark.slow
def test_a_run_that_is_no_complete_increment_leaves_the_state_void(settled):
    """The next increment goes the full way, and settles."""
    for run_input in ({"dry_run": True}, {"reconcile": True}, {"tables": ["labels"]}):
        settled.run(run_input)
        assert "may still write" in look(settled)["reason"], run_input
    settled.run_well()
    assert look(settled)["status"] == "unchanged"

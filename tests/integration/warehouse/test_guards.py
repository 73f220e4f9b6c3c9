"""The guards of sql/control/procedures.sql: what each lets pass, and what it refuses by rolling its whole batch back."""

import pytest

from tests.fixtures.warehouse import StatementFailed


def open_run(call, execution: str = "execution-1", lease_seconds: int = 600) -> None:
    call("open_run", execution, "incremental", "{}", lease_seconds)


def runs(control) -> list[tuple]:
    return control.query("select run_sequence, status from apartments_control.run order by run_sequence")


def test_a_repeated_opening_finds_the_same_run(call, control):
    """A lost answer makes Step Functions open again: the execution keeps its one run."""
    open_run(call)
    open_run(call)
    assert runs(control) == [(1, "running")]


def test_a_second_execution_is_refused_while_the_first_holds_the_lease(call, control):
    """Two runs never overlap; the refusal names the holder."""
    open_run(call, "execution-1")
    with pytest.raises(StatementFailed, match="RUN IN PROGRESS: run 1 of execution execution-1"):
        open_run(call, "execution-2")
    assert runs(control) == [(1, "running")]


def test_a_lease_that_ran_out_is_taken_over(call, control):
    """A run nobody closed cannot hold the lease for ever, and is closed as failed."""
    open_run(call, "execution-1", lease_seconds=-1)
    open_run(call, "execution-2")
    assert runs(control) == [(1, "failed"), (2, "running")]


@pytest.mark.parametrize(
    ("kept_run", "kept_at", "is_refused"),
    [(2, "2099-01-01", True), (1, "2099-01-01", False), (2, "2001-01-01", False)],
    ids=["the ledger has lost run 2", "the bucket knows no later run", "the ledger was begun anew since"],
)
def test_a_restored_warehouse_gives_no_number_away_again(call, control, kept_run, kept_at, is_refused):
    """Refused is what the bucket has of a later time, by a higher number; behind that, numbers go on."""
    call("refuse_restored", 5, "2099-01-01")  # an empty ledger
    open_run(call, "execution-1", lease_seconds=-1)
    if is_refused:
        with pytest.raises(StatementFailed, match="WAREHOUSE RESTORED: its last run is 1, the bucket has run 2"):
            call("refuse_restored", kept_run, kept_at)
    else:
        call("refuse_restored", kept_run, kept_at)
    call("skip_lost_runs", 7)
    call("skip_lost_runs", 3)
    open_run(call, "execution-2")
    assert runs(control) == [(1, "failed"), (7, "failed"), (8, "running")]


def test_15_a_run_that_was_overtaken_can_write_no_more(call, control):
    """The fence: a statement of run 1 that comes late raises, and what stood before it in its batch is gone."""
    open_run(call, "execution-1", lease_seconds=-1)
    open_run(call, "execution-2")
    write = "insert into apartments_control.changed_day values ('late', '2026-01-01', 1)"
    with pytest.raises(StatementFailed, match="OVERTAKEN: run 1 may not write any more, run 2 has the lease"):
        call("enter_step", 1, "load bookings", 600, then=(write,))
    assert control.query("select count(*) from apartments_control.changed_day") == [(0,)]


def test_a_step_takes_effect_once(call, control):
    """A batch that is executed again after its commit changes nothing (I6)."""
    open_run(call)
    write = "insert into apartments_control.changed_day values ('viewings', '2026-01-01', 1)"
    call("enter_step", 1, "load viewings", 600, then=(write,))
    with pytest.raises(StatementFailed, match="ALREADY DONE: run 1 has committed step load viewings"):
        call("enter_step", 1, "load viewings", 600, then=(write,))
    assert control.query("select count(*) from apartments_control.changed_day") == [(1,)]


def test_a_step_that_failed_was_not_done(call, control):
    """The mark is part of the transaction: a failure after the guard takes it back."""
    open_run(call)
    with pytest.raises(StatementFailed):
        call(
            "enter_step", 1, "load viewings", 600, then=("insert into apartments_control.changed_day values (null, null, null)",)
        )
    call("enter_step", 1, "load viewings", 600)


def test_a_closed_run_writes_nothing_until_it_is_opened_again(call, control):
    """A late statement of a closed run raises; one that is redriven is opened again, as long as no newer run has opened."""
    open_run(call, "execution-1")
    call("close_run", 1, "failed", "it broke", None)
    assert runs(control) == [(1, "failed")]
    with pytest.raises(StatementFailed, match="RUN CLOSED: run 1"):
        call("hold_lease", 1, 600)
    call("reopen_run", 1, 600)
    call("hold_lease", 1, 600)
    assert runs(control) == [(1, "running")]
    call("close_run", 1, "failed", "it broke again", None)
    open_run(call, "execution-2")
    with pytest.raises(StatementFailed, match="OVERTAKEN"):
        call("reopen_run", 1, 600)


def test_closing_an_old_run_leaves_the_lease_of_the_new_one(call, control):
    """A failure event that arrives late frees nothing that is not its run's."""
    open_run(call, "execution-1", lease_seconds=-1)
    open_run(call, "execution-2")
    call("close_run", 1, "failed", "late", None)
    with pytest.raises(StatementFailed, match="RUN IN PROGRESS: run 2"):
        open_run(call, "execution-3")


LOAD = {
    "run_sequence": 1,
    "table_name": "'bookings'",
    "slices": 1,
    "parts": 1,
    "bytes": 100,
    "rows_read": 10,
    "rows_in_parquet": 10,
    "rows_copied": 10,
    "keys_copied": 10,
    "rows_added": 3,
    "rows_removed": 0,
    "rows_known": 10,
    "zero_dates": 0,
}


@pytest.fixture
def commit_load(call, control):
    """Record a load and commit it, in one batch."""
    open_run(call)

    def commit(before=None, after="2026-01-02 00:00:00", max_delete_fraction=0.5, run_sequence=1, **changes):
        load = {**LOAD, "run_sequence": run_sequence, **changes}
        record = f"insert into apartments_control.table_load ({', '.join(load)}) values ({', '.join(map(str, load.values()))})"
        arguments = ", ".join(
            "null" if value is None else f"'{value}'" if isinstance(value, str) else str(value)
            for value in (run_sequence, "bookings", before, after, max_delete_fraction, None)
        )
        control.execute(["set search_path to apartments_control", "lock lease", record, f"call commit_load({arguments})"])

    return commit


def watermark(control) -> list[tuple]:
    return control.query("select watermark, run_sequence from apartments_control.layer_position where name = 'bookings'")


def test_a_load_that_adds_up_moves_the_watermark(commit_load, control):
    """Raw's position says when it was changed, the watermark how far the source is read."""
    commit_load()
    assert watermark(control) == [("2026-01-02 00:00:00", 1)]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"rows_copied": 9}, "ROWS LOST: the manifest of bookings lists 10 rows, COPY brought 9"),
        ({"keys_copied": 9}, "KEY NOT UNIQUE: bookings has 10 rows but only 9 different keys"),
        ({"rows_removed": 6}, "DELETE REFUSED: 6 of 10 rows of bookings would go"),
    ],
)
def test_a_load_that_does_not_add_up_is_rolled_back(commit_load, control, changes, complaint):
    """Neither the counts nor the watermark of a refused load remain (I8, I10)."""
    with pytest.raises(StatementFailed, match=complaint):
        commit_load(**changes)
    assert watermark(control) == []
    assert control.query("select count(*) from apartments_control.table_load") == [(0,)]


def test_a_plausible_delete_passes_and_a_forced_one_too(commit_load):
    """Half of the rows may go by default; with force (no fraction) all of them."""
    commit_load(rows_removed=5)
    commit_load(run_sequence=2, before="2026-01-02 00:00:00", max_delete_fraction=None, rows_removed=10)


def test_15_the_watermark_moves_only_from_where_the_run_was_planned(commit_load, control):
    """Compare-and-set: another run has moved it meanwhile, so this one read the wrong window (I7)."""
    commit_load()
    with pytest.raises(StatementFailed, match="WATERMARK MOVED"):
        commit_load(run_sequence=2, before="2026-01-01 00:00:00", after="2026-01-03 00:00:00")
    assert watermark(control) == [("2026-01-02 00:00:00", 1)]


def test_the_watermark_never_goes_back(commit_load, control):
    """A watermark that an old open transaction holds back is read from again, but is not recorded (I7)."""
    commit_load()
    commit_load(run_sequence=2, before="2026-01-02 00:00:00", after="2026-01-01 12:00:00", rows_added=0)
    assert watermark(control) == [("2026-01-02 00:00:00", 1)]


def test_a_run_that_moves_no_watermark_leaves_it(commit_load, control):
    """A backfill adds rows and says so, but the increment goes on where it was (I7)."""
    commit_load()
    commit_load(run_sequence=2, before="2026-01-02 00:00:00", after=None)
    assert watermark(control) == [("2026-01-02 00:00:00", 2)]


def test_a_run_publishes_only_what_was_audited(call, control):
    """A missing check result forbids publication as much as a failing check does."""
    open_run(call)
    result = "insert into apartments_control.check_result values (1, 'unique', 'fail', {}, null)"
    with pytest.raises(StatementFailed, match="NOT AUDITED: 0 of 1 checks"):
        call("require_audit", 1, 1)
    control.execute(result.format(2))
    with pytest.raises(StatementFailed, match="NOT AUDITED: 1 of 1 checks have a result, 1 fail"):
        call("require_audit", 1, 1)
    control.execute("delete from apartments_control.check_result")
    control.execute(result.format(0))
    call("require_audit", 1, 1)


@pytest.mark.parametrize(("procedure", "arguments"), [("hold_lease", (1, 600)), ("enter_step", (1, "load bookings", 600))])
def test_every_step_prolongs_the_lease(call, control, procedure, arguments):
    """A run that goes on is not silent, however long it takes: its lease runs from its last step, not from its beginning."""
    open_run(call, lease_seconds=5)
    call(procedure, *arguments)
    ((seconds_left,),) = control.query("select datediff(second, getdate(), expires_at) from apartments_control.lease")
    assert 500 < int(seconds_left) <= 600


def test_a_run_that_is_opened_again_holds_its_lease_anew(call, control):
    """As long as a step's would be."""
    open_run(call, lease_seconds=5)
    call("close_run", 1, "failed", "it broke", None)
    call("reopen_run", 1, 600)
    ((seconds_left,),) = control.query("select datediff(second, getdate(), expires_at) from apartments_control.lease")
    assert 500 < int(seconds_left) <= 600


@pytest.mark.parametrize(
    ("again", "complaint"),
    [
        ({}, None),
        ({"rows_added": 4}, "the first that differs is that of run 3"),
        ({"rows_removed": 1}, "the first that differs is that of run 3"),
        ({"run_sequence": 8}, "0 of 1 loads of bookings were made again"),
        ({"table_name": "'listings'"}, "0 of 1 loads of bookings were made again"),
    ],
)
def test_a_replay_counts_added_rows_and_tombstones(call, control, again, complaint):
    """Each load as many of both as when it was made, and none missing; else raw stays as it is."""
    open_run(call)
    load = {
        "run_sequence": 1, "table_name": "'bookings'", "load_sequence": 3, "rows_added": 5, "rows_removed": 2,
        "rows_added_before": 5, "rows_removed_before": 2, **again,
    }  # fmt: skip
    columns, values = ", ".join(load), ", ".join(map(str, load.values()))
    control.execute(f"insert into apartments_control.replayed_load ({columns}) values ({values})")
    if complaint is None:
        call("confirm_replay", 1, "bookings", 1)
        return
    with pytest.raises(StatementFailed, match=f"REPLAY DIFFERS: .*{complaint}"):
        call("confirm_replay", 1, "bookings", 1)


def test_a_curated_table_that_was_built_meanwhile_is_left(call, control):
    """The step was planned on a position, 0 where there is none; any other raises."""
    open_run(call)
    call("expect_position", "curated", "bookings", 0)
    control.execute("insert into apartments_control.layer_position (layer, name, run_sequence) values ('curated', 'bookings', 4)")
    call("expect_position", "curated", "bookings", 4)
    with pytest.raises(StatementFailed, match="POSITION MOVED: curated bookings stands at run 4, the step was planned on 3"):
        call("expect_position", "curated", "bookings", 3)


def test_a_check_that_warns_lets_publish(call, control):
    """Only what has severity fail forbids it, and only the results of this run count."""
    open_run(call)
    control.execute("insert into apartments_control.check_result values (1, 'stale', 'warn', 3, 'x')")
    call("require_audit", 1, 1)
    control.execute("insert into apartments_control.check_result values (2, 'unique', 'fail', 3, 'x')")
    call("require_audit", 1, 1)


SPAN = ("_rp_rows_expected", "_rp_checksum_expected", "_rp_rows_found", "_rp_checksum_found")


@pytest.mark.parametrize(
    ("found", "complaint"),
    [
        ("10, 99, 10, 99", None),
        ("10, 99, 9, 99", "STILL DIFFERENT: table bookings, all keys: 10 rows in the source, 9 in raw"),
        ("10, 99, 10, 98", "STILL DIFFERENT: table bookings, all keys: 10 rows in the source, 10 in raw"),
    ],
    ids=["equal", "a row less", "another value"],
)
def test_a_load_commits_only_what_the_source_has(control, found, complaint):
    """As many rows, and the same sum of their hashes: one alone would let a changed value through."""
    batch = [
        "set search_path to apartments_control",
        "create temp table _rp_verified as select 0 as _rp_span_number, cast('all keys' as varchar(1024)) as _rp_span_text,"
        " _rp_rows_expected, _rp_checksum_expected, _rp_rows_found, _rp_checksum_found from"
        f" (select {', '.join(f'{value} as {name}' for value, name in zip(found.split(', '), SPAN, strict=True))}) as span",
        "call require_equal('bookings')",
    ]
    if complaint is None:
        control.execute(batch)
        return
    with pytest.raises(StatementFailed, match=complaint):
        control.execute(batch)

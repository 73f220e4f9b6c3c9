"""The way of a run through statemachine/run.asl.yaml, for every combination of what planner, pending and close can answer.

A choice that leads elsewhere, or a step that gets another table, shows here at once.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from local.standins.step_functions.execution import Execution
from local.standins.step_functions.walk import name_arn
from rental_pipeline.warehouse.run_step import list_single_steps
from tests.fixtures.executions import RUN as MACHINE
from tests.fixtures.executions import create_machines

RUN = 7
ARCHIVE = {"anything": True, "run_sequence": RUN}
SLICES = [{"table": "bookings", "slice": 0}, {"table": "bookings", "slice": 1}]
REPLAYS = [{"table": "bookings", "first": 0, "last": 200}, {"table": "bookings", "first": 200, "last": 201}]


@dataclass
class Answers:
    """What the functions answer in one run.

    Attributes:
        look: Whether the source, or what the last run left, asks for a run (`open`, else `unchanged`).
        outcome: Of the open step.
        plans: How often the planner has to be asked until its plan is complete.
        work: What the plan holds: slices, tables without a slice, replays, nothing.
        pending: Whether anything is to be built, the lake is behind, and anything is to be archived.
        closed: The run's status, and whether there is news to tell all the same.
        calls: What was called, in order: a function, or a step with its table.
        told: The messages that were sent.
        builds_curated: Whether curated tables are among what is to be built.
        failing: The last thing that is called, where one fails: of several steps those behind it are not made.
    """

    look: str = "open"
    outcome: str = "opened"
    plans: int = 1
    is_dry_run: bool = False
    work: str = "slices"
    pending: tuple[bool, bool, bool] = (True, False, True)
    closed: tuple[str, bool] = ("succeeded", False)
    calls: list[str] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    failing: str | None = None
    builds_curated: bool = True

    def invoke(self, function: str, payload: Any) -> Any:
        """Note a call, and answer it."""
        if function == "plan_run" and payload["run_sequence"] is None:
            assert payload == {"run_sequence": None, "input": {}}
            self.calls.append("look")
            return {"status": self.look, "run_sequence": RUN - 1}
        if function == "run_sql":
            for event in list_single_steps(payload):
                if self.failing and self.calls and self.calls[-1] == self.failing:
                    break
                place = [str(event[key]) for key in ("step", "name", "first") if event.get(key) is not None]
                self.calls.append(" ".join(place))
                if event["step"] == "replay":
                    assert {"table": event["name"], "first": event["first"], "last": event["last"]} in REPLAYS
                assert event["step"] == "open" or event["run_sequence"] == RUN
                result = getattr(self, f"_{event['step']}", dict)()
            return {"status": "FINISHED", "result": result}
        self.calls.append(function if function != "extract_slice" else f"extract_slice {payload['slice']}")
        return getattr(self, f"_{function}", lambda _payload: {})(payload)

    def _open(self) -> dict[str, Any]:
        return {"outcome": self.outcome, "run_sequence": RUN}

    def _plan_run(self, payload: Any) -> dict[str, Any]:
        assert payload["continuation"] == self.calls.count("plan_run") - 1
        is_complete = self.calls.count("plan_run") == self.plans
        return {
            "continuation": 0 if is_complete else payload["continuation"] + 1,
            "dry_run": self.is_dry_run,
            "slice_count": len(SLICES) if self.work == "slices" else 0,
            "slices_key": "slices.json",
            "tables": ["bookings", "users"] if self.work in ("slices", "tables") else [],
            "replays": REPLAYS if self.work == "replays" else [],
        }

    def _extract_slice(self, payload: Any) -> dict[str, Any]:
        # The second slice has to be read in two pieces.
        has_rest = payload["slice"] == 1 and not payload.get("piece")
        return {"rest": {**payload, "piece": 1} if has_rest else None}

    def _pending(self) -> dict[str, Any]:
        anything, lake_is_behind, archive = self.pending
        return {
            "anything": anything,
            "lake_is_behind": lake_is_behind,
            "curated": ["users", "bookings"] if anything and self.builds_curated else [],
            "archive": {**ARCHIVE, "anything": archive},
        }

    def _archive_slices(self, payload: Any) -> dict[str, Any]:
        assert payload == ARCHIVE
        return {}

    def _close(self) -> dict[str, Any]:
        status, is_news = self.closed
        return {"run_sequence": RUN, "status": status, "is_news": is_news, "subject": "the subject", "message": "the message"}


def expect_calls(answers: Answers) -> Iterator[str]:
    """Yield what has to be called, in order."""
    yield "look"
    if answers.look == "unchanged":
        return
    yield "open"
    if answers.outcome == "in_progress":
        return
    yield "fingerprint"
    yield from ["plan_run"] * answers.plans
    if not answers.is_dry_run:
        yield "prepare"
        if answers.work == "slices":
            yield from ["extract_slice 0", "extract_slice 1", "extract_slice 1"]
        if answers.work in ("slices", "tables"):
            yield from ["write_manifests", "load bookings", "load users"]
        if answers.work == "replays":
            yield from ["replay bookings 0", "replay bookings 200"]
        yield "pending"
        anything, lake_is_behind, archive = answers.pending
        if anything:
            yield from ["curate users", "curate bookings"] if answers.builds_curated else []
            yield from ["stage", "check", "publish"]
        if anything or lake_is_behind:
            yield from ["plan_lake", "unload", "switch_catalogue", "commit_lake"]
        if archive:
            yield "archive_slices"
    yield "close"
    if answers.closed[0] == "succeeded":
        yield from ["report", "write_report"]


def execute(answers: Answers) -> Execution:
    machines = create_machines(answers.invoke, lambda _key: json.dumps(SLICES), answers.told.append, "bucket")
    return machines.start(name_arn("stateMachine", MACHINE), {}).run()


PENDING = list(itertools.product([True, False], repeat=3))
CLOSED = [("succeeded", False), ("unchanged", True), ("unchanged", False), ("planned", False), ("failed", False)]
COMBINATIONS = [
    Answers(plans=plans, is_dry_run=is_dry_run, work=work, pending=pending, closed=closed)
    for plans, is_dry_run, work, pending, closed in itertools.product(
        [1, 3], [True, False], ["slices", "tables", "replays", "nothing"], PENDING, CLOSED
    )
]


def test_a_run_does_what_the_answers_ask_for():
    """In this order, with these tables, and nothing else; people are told of new figures, and of news."""
    assert len(COMBINATIONS) == 640
    for answers in COMBINATIONS:
        asked = repr(answers)
        assert execute(answers).status == "SUCCEEDED", asked
        assert answers.calls == list(expect_calls(answers)), asked
        status, is_news = answers.closed
        message = {"TopicArn": "topic", "Subject": "the subject", "Message": "the message"}
        assert answers.told == ([message] if status == "succeeded" or is_news else []), asked


def test_a_run_leaves_the_field_to_the_one_in_progress():
    """It ends well, having done nothing, and nobody is told."""
    answers = Answers(outcome="in_progress")
    assert execute(answers).status == "SUCCEEDED"
    assert (answers.calls, answers.told) == (["look", "open"], [])


def test_a_run_is_not_opened_for_an_unchanged_source():
    """The execution says as which run left it; the warehouse is not asked, and nobody is told."""
    answers = Answers(look="unchanged")
    execution = execute(answers)
    assert (execution.status, execution.output) == ("SUCCEEDED", {"status": "unchanged", "run_sequence": RUN - 1})
    assert (answers.calls, answers.told) == (["look"], [])


def test_an_outcome_that_is_not_known_stops_the_run():
    """No default leads on from a lease that was not taken."""
    execution = execute(Answers(outcome="perhaps"))
    assert (execution.status, execution.error) == ("FAILED", "States.NoChoiceMatched")


def test_metrics_alone_are_made_without_curated_tables():
    """As after an edited formula, or a day that has passed."""
    answers = Answers(work="nothing", builds_curated=False)
    assert execute(answers).status == "SUCCEEDED"
    assert answers.calls == list(expect_calls(Answers(work="nothing", builds_curated=False)))


@pytest.mark.parametrize("failing", list(dict.fromkeys(expect_calls(Answers()))))
def test_nothing_comes_after_what_failed(failing):
    """Wherever a run fails, no later step is called: above all, nothing is published that was not checked."""
    answers = Answers(failing=failing)
    invoke = answers.invoke

    def invoke_or_fail(function: str, payload: Any) -> Any:
        answer = invoke(function, payload)
        if answers.calls and answers.calls[-1] == failing:
            raise RuntimeError("it broke")
        return answer

    answers.invoke = invoke_or_fail
    assert execute(answers).status == "FAILED"
    everything = list(expect_calls(Answers()))
    assert answers.calls == everything[: everything.index(failing) + 1]
    assert answers.told == []


def test_a_statement_that_outlasts_its_call_is_asked_about_again():
    """The next call gets the step's own event, and where the one before stopped; only the last one's result goes on."""
    answers, events = Answers(), []
    invoke = answers.invoke

    def invoke_slowly(function: str, payload: Any) -> Any:
        if function == "run_sql" and payload.get("step") == "publish":
            events.append(payload)
            if len(events) < 3:
                progress = {"submission": len(events), "statement": f"statement {len(events)}"}
                return {"status": "RUNNING", "wait_seconds": 20, "progress": progress}
        return invoke(function, payload)

    answers.invoke = invoke_slowly
    assert execute(answers).status == "SUCCEEDED"
    assert answers.calls == list(expect_calls(Answers()))
    assert [event.get("progress") for event in events] == [
        None,
        {"submission": 1, "statement": "statement 1"},
        {"submission": 2, "statement": "statement 2"},
    ]
    assert {(event["step"], event["run_sequence"]) for event in events} == {("publish", RUN)}


def test_an_answer_of_another_status_stops_the_run():
    """Neither finished nor running: nobody goes on from there."""
    answers = Answers()
    answers.invoke = lambda function, payload: {"status": "LOST"}
    assert execute(answers).status == "FAILED"

"""The soak: a marketplace lives, runs bring its changes, everything goes wrong now and then, and every good run is audited."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from local.marketplace.generator import fill
from local.standins.step_functions.execution import Aborted, Execution
from tests.fixtures.executions import Visit
from tests.fixtures.faults import FAULTS, MOST_CALLS
from tests.fixtures.layers import Layers, read_layers
from tests.fixtures.world import Call, World
from tests.soak.audit import Audit
from tests.soak.history import History
from tests.soak.life import Life

# About as many functions are invoked, and states entered, by a run that has something to do.
_INVOCATIONS, _STATES = 32, 110
# Faults that may last until the execution fails; the others would take long.
_LASTING = ("killed before", "killed after", "data api cut", "data api fails", "s3 cut", "data api throttles")
# Its deletes of old events would else be taken for a source that clears them away.
_RECONCILE = {"reconcile": True, "force_deletes": True}


@dataclass
class Plan:
    """What goes wrong in one execution.

    Attributes:
        fault: A name of FAULTS.
        invocation: The invocation that meets it.
        is_lasting: All later ones meet it, too.
        stop_at: The number of the state at whose entry the execution is aborted.
        leave_at: The number of the invocation during which it is aborted, while the function goes on.
        rival_at: The number of the state at whose entry another execution is started.
        is_lease_expired: The lease's time has run out by then.
        live_at: Numbers of the states at whose entry life goes on.
    """

    fault: str | None = None
    invocation: int = 0
    is_lasting: bool = False
    stop_at: int | None = None
    leave_at: int | None = None
    rival_at: int | None = None
    is_lease_expired: bool = False
    live_at: frozenset[int] = frozenset()

    def __str__(self) -> str:
        parts = []
        if self.fault:
            parts.append(f"{self.fault} at invocation {self.invocation}{' and later' if self.is_lasting else ''}")
        if self.stop_at is not None:
            parts.append(f"stopped at state {self.stop_at}")
        if self.leave_at is not None:
            parts.append(f"stopped while invocation {self.leave_at} went on")
        if self.rival_at is not None:
            parts.append(f"a second run at state {self.rival_at}{' after the lease ran out' if self.is_lease_expired else ''}")
        return ", ".join(parts) or "nothing"


@dataclass
class Soak:
    """One soak over a world.

    Attributes:
        counts: Executions by how they ended.
        faults: What went wrong, by kind.
    """

    world: World
    seed: int
    say: Callable[[str], None] = print
    counts: Counter = field(default_factory=Counter)
    faults: Counter = field(default_factory=Counter)
    history: History = field(init=False)
    audit: Audit = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.history = History(self.world.source)
        self.audit = Audit(self.world, self.history)
        self.life = Life(self.world.source, self.dice, self.history, self.world.rates_file)
        self.as_of = datetime.now(UTC).date()
        # What had changed in the source when a run was planned, by run sequence; None: when it was looked at last.
        self._planned_at: dict[int | None, int] = {}
        self._plan = Plan()
        self._invocations = self._states = 0
        self.world.around = self._around
        self.world.entering = self._enter

    def begin(self) -> None:
        """Fill the source and load it for the first time."""
        with closing(self.world.source.connect()) as connection:
            fill(connection, scale=0.0001, seed=self.seed, anchor=self.as_of)
        self.history.observe()
        self.run(1, Plan(), {})

    def play(self, runs: int, report_every: int = 10) -> bool:
        """Play so many executions; return whether nothing was lost or doubled. It stops at the first finding."""
        self.begin()
        for number in range(2, runs + 1):
            # Now and then nothing happens between two runs.
            self.life.play(self.dice.choice([0, self.dice.randint(2, 9), self.dice.randint(2, 9)]))
            plan = self._think_of_trouble()
            self.run(number, plan, self._choose_input())
            if self.audit.findings:
                break
            if number % report_every == 0 and number < runs:
                self.report(number)
        if not self.audit.findings:
            self.end()
        self.report(number)
        if self.audit.findings:
            self.say(f"FOUND in run {number} (what went wrong: {self._plan}):")
            for finding in self.audit.findings[:20]:
                self.say(f"  {finding}")
            self.say(f"replay: make soak RUNS={number} SEED={self.seed}")
        return not self.audit.findings

    def run(self, number: int, plan: Plan, run_input: dict[str, Any]) -> None:
        """Execute, with trouble; redrive now and then what failed; audit what succeeded."""
        execution = self._execute(plan, lambda: self.world.run(run_input))
        for _ in range(2):
            if execution.status == "SUCCEEDED" or self.dice.random() < 0.5:
                break
            self.counts["redriven"] += 1
            again = self._think_of_trouble() if self.dice.random() < 0.3 else Plan()
            self._execute(again, execution.run)
        if self.dice.random() < 0.7:
            self.world.wake_up()

    def end(self) -> None:
        """After the last run: what is open ends, a reconcile run brings everything, and a rebuild changes nothing."""
        self.life.finish()
        self.world.wake_up()
        self._run_undisturbed({})
        self._run_undisturbed(_RECONCILE)
        before = read_layers(self.world.warehouse)
        self._run_undisturbed({"rebuild": True})
        for table in _differing(before, read_layers(self.world.warehouse)):
            self.audit.findings.append(f"{table} differs from a rebuild")

    def _run_undisturbed(self, run_input: dict[str, Any]) -> None:
        """Execute without trouble. It has to succeed: what no run has looked at has not been found whole."""
        execution = self._execute(Plan(), lambda: self.world.run(run_input))
        if execution.status != "SUCCEEDED":
            self.audit.findings.append(
                f"an undisturbed run with the input {run_input} ended as {execution.status}: {execution.error}: {execution.cause}"
            )

    def report(self, number: int) -> None:
        """Say how it stands, in a line."""
        bad = sum(count for name, count in self.counts.items() if name in ("FAILED", "ABORTED"))
        self.say(
            f"run {number:4d}: {self.counts['good']} good, {self.counts['asleep']} of them without a run, {bad} broken off,"
            f" {self.counts['redriven']} redriven,"
            f" {self.faults.total()} faults; rows offered {self.history.rows_offered}, lost {self.audit.lost},"
            f" doubled {self.audit.doubled}"
        )

    # ------------------------------------------------------------------------------------------------------- one execution

    def _execute(self, plan: Plan, start: Callable[[], Execution]) -> Execution:
        self._plan, self._invocations, self._states = plan, 0, 0
        self.world.is_end_told = self.dice.random() < 0.8
        execution = start()
        self._finish(execution)
        return execution

    def _finish(self, execution: Execution) -> None:
        status = self.world.status_of(execution)
        self.counts[execution.status if execution.status != "SUCCEEDED" else "good" if status != "in_progress" else status] += 1
        if status not in ("succeeded", "unchanged"):
            return
        with self.world.warehouse.connect() as connection:
            opened = connection.execute(
                "select run_sequence from apartments_control.run where execution_id = %s", (execution.arn,)
            ).fetchall()
        if not opened:
            # The warehouse was not asked: by what the last run left, it holds all that the source has.
            self.counts["asleep"] += 1
            settled = self.world.pipeline.read("apartments/state.json")["settled"]
            as_of = max(each["as_of"] for each in settled["ledger"]["positions"] if each["layer"] == "presentation")
            self.audit.check(date.fromisoformat(as_of), self._planned_at[None], is_reconciled=False)
            return
        ((run,),) = opened
        planned = self.world.pipeline.read(f"apartments/runs/{run:06d}/plan.json")
        is_complete = planned["kind"] in ("incremental", "reconcile") and all(table["read"] for table in planned["tables"])
        owed_until = self._planned_at[run] if is_complete else 0
        self.audit.check(date.fromisoformat(planned["as_of"]), owed_until, is_reconciled=planned["kind"] == "reconcile")

    def _around(self, function: str, event: Any, call: Call) -> Any:
        if function == "plan_run":
            self._planned_at[event["run_sequence"]] = self.history.changes
        self._invocations += 1
        number, plan = self._invocations, self._plan
        if plan.leave_at == number:
            self._plan = Plan()
            self.faults["left alone"] += 1
            return self.world.leave_alone(call, ".*", after=self.dice.randrange(10))
        if plan.fault and (number == plan.invocation or (plan.is_lasting and number > plan.invocation)):
            self.faults[plan.fault] += 1
            return FAULTS[plan.fault](self.world, call, self.dice.randrange(MOST_CALLS))
        return call()

    def _enter(self, visit: Visit) -> None:
        self._states += 1
        number, plan = self._states, self._plan
        if number in plan.live_at:
            self.life.play(1)
        if number == plan.stop_at:
            self.faults["stopped"] += 1
            raise Aborted
        if number == plan.rival_at:
            self.faults["second run"] += 1
            self._plan = Plan()
            if plan.is_lease_expired:
                self.world.expire_lease()
            self._finish(self.world.run({}))

    def _think_of_trouble(self) -> Plan:
        dice, kind = self.dice, self.dice.random()
        live_at = frozenset(dice.randrange(_STATES) for _ in range(dice.choice([0, 0, 3])))
        if kind < 0.2:
            return Plan(live_at=live_at)
        if kind < 0.62:
            return Plan(dice.choice(sorted(FAULTS)), dice.randint(1, _INVOCATIONS), live_at=live_at)
        if kind < 0.72:
            return Plan(dice.choice(_LASTING), dice.randint(1, _INVOCATIONS), is_lasting=True, live_at=live_at)
        if kind < 0.84:
            return Plan(stop_at=dice.randrange(_STATES), live_at=live_at)
        if kind < 0.92:
            return Plan(leave_at=dice.randint(1, _INVOCATIONS), live_at=live_at)
        return Plan(rival_at=dice.randint(5, _STATES), is_lease_expired=dice.random() < 0.4, live_at=live_at)

    def _choose_input(self) -> dict[str, Any]:
        kind = self.dice.random()
        if kind < 0.06:
            self.as_of += timedelta(days=self.dice.choice([1, 1, 8]))
        # Once a later day was published, the source's own would be an earlier one, and stays at the later.
        today = {"as_of": self.as_of.isoformat()} if kind < 0.06 else {}
        if kind < 0.76:
            return today
        if kind < 0.84:
            return _RECONCILE
        if kind < 0.88:
            return {"rebuild": True}
        if kind < 0.92:
            end = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
            start = end - timedelta(days=self.dice.choice([1, 300]))
            return {"window": {"from": start.isoformat(), "to": end.isoformat()}}
        if kind < 0.94:
            return {"replay": True}
        if kind < 0.96:
            return {"tables": [self.dice.choice(["bookings", "apartments", "user_viewing", "apartment_attributes"])]}
        return {}


def _differing(one: Layers, other: Layers) -> list[str]:
    return [table for table in one.keys() | other.keys() if Counter(one.get(table)) != Counter(other.get(table))]

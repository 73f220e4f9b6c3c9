"""The counterexamples of the model of append tables, done in the model and in the pipeline side by side."""

import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import cache

import pytest

from rental_pipeline.base.errors import FixConfiguration
from tests.fixtures.slow import first_of
from tests.model import events as model

DEPTH = 5
HAPPEN = "insert into events values (%s, 'x')"
REMOVE = "delete from events where date(happened_at) = %s limit 1"
MOVE = "update events set happened_at = %s where date(happened_at) = %s limit 1"


class Replay:
    """Does actions by their names, and compares events by day; day 0 is that of events without a time."""

    def __init__(self, market):
        self.market, self.model, self.stopped = market, model.State(), None
        self.actions = dict(model.list_actions(model.Protections()))
        market.configure(SLICE_ROWS=1)

    def do(self, action: str) -> None:
        """Do one action on both sides, and compare."""
        self.model = self.actions[action](self.model)
        today, yesterday = self.market.clock, self.market.clock - timedelta(days=1)
        happenings = {
            "event today": (HAPPEN, today),
            "late event of yesterday": (HAPPEN, yesterday),
            "late event of the first day": (HAPPEN, self.market.first_day),
            "event without a time": (HAPPEN, None),
            "event of today removed": (REMOVE, today.date()),
            "event moved from yesterday to today": (MOVE, today, yesterday.date()),
            "event moved from today to yesterday": (MOVE, yesterday, today.date()),
        }
        if action in happenings:
            self.market.execute(*happenings[action])
        elif action == "a day passes":
            self.market.pass_time(days=1)
        elif found := re.fullmatch(r"(incremental|reconcile) run(?: stops before (.*))?", action):
            self.stopped = self.market.start({} if found[1] == "incremental" else {"reconcile": True})
            self._go_on(found[2])
        else:
            self._go_on(re.fullmatch(r"the stopped run goes on (?:to its end|and stops before (.*))", action)[1])
        assert self._count("events", "event_day") == dict(self.model.curated), f"curated after {action!r}"
        raw = {day: events for day, (events, _) in self.model.raw}
        assert self._count("market_raw.events", "_event_day") == raw, f"raw after {action!r}"

    def _go_on(self, stop: str | None) -> None:
        last = model.STEPS.index(stop) if stop else len(model.STEPS)
        try:
            while self.stopped.state is not None and (stop is None or self._place(self.stopped.state) < last):
                self.stopped.step()
        except FixConfiguration as refusal:
            assert "OVERTAKEN" in str(refusal) and not self.model.runs

    def _place(self, state: str) -> int:
        places = {"plan_run": 0, "fingerprint": 0, "prepare": 0, "extract_slice": 1, "write_manifests": 2, "load": 2}
        return places.get(state.partition(" ")[0], 3)

    def _count(self, table: str, column: str) -> dict[int, int]:
        if self.market.query(f"select to_regclass('{table}') is null") == [(True,)]:
            return {}
        days = self.market.query(f"select case when {column} > '1000-01-01' then {column} end from {table}")
        return dict(Counter((day - self.market.first_day).days + 1 if day else 0 for (day,) in days))


@cache
def find_schedule(switch: str) -> tuple[str, ...]:
    """Return the counterexample for a protection."""
    return model.find_counterexample(replace(model.Protections(), **{switch: False}), DEPTH).actions


@pytest.mark.parametrize("switch", first_of(model.SWITCHES))
def test_the_pipeline_does_with_events_what_the_model_does(market, switch):
    """The schedule that loses or doubles an event without this protection; then an undisturbed run."""
    replay = Replay(market)
    for action in (*find_schedule(switch), "incremental run"):
        replay.do(action)
    market.assert_raw_mirrors_source()

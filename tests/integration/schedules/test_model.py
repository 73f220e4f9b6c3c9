"""The model's counterexamples on the real pipeline: what breaks a promise without a protection does not break it here.

The model and the pipeline do the same side by side, and hold the same after every action: so the model is one of this pipeline.
"""

from dataclasses import replace
from functools import cache

import pytest

from rental_pipeline import run_input
from tests.integration.schedules.replay import Replay
from tests.model.protections import SWITCHES, Protections
from tests.model.schedules import SCOPES, find_counterexample


@cache
def list_schedules() -> dict[tuple[str, tuple[str, ...]], list[str]]:
    """Return the counterexamples, as title of the scope and actions, each with the protections that it is for."""
    schedules: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for switch in SWITCHES:
        scope, counterexample = find_counterexample(replace(Protections(), **{switch: False}))
        # What a console rerun does here is a new run.
        actions = ["incremental run" if action.endswith("deleted and repeated") else action for action in counterexample.actions]
        schedules.setdefault((scope.title, tuple(actions)), []).append(switch)
    return schedules


@pytest.mark.parametrize("number", range(19))
def test_the_pipeline_does_what_the_model_does(market, number):
    """One schedule; then an undisturbed run, and a reconcile run where something changed without a cursor."""
    schedules = sorted(list_schedules())
    title, actions = schedules[number]
    is_blind = any(word in action for action in actions for word in ("reconcile", "deleted", "cascade"))
    if is_blind and "reconcile" not in run_input._EXAMPLES:
        pytest.skip("reconcile runs are being built")
    replay = Replay(market, next(scope for scope in SCOPES if scope.title == title))
    for action in (*actions, "incremental run"):
        replay.do(action)
    if replay.model.blind:
        replay.do("reconcile run")
    market.assert_raw_mirrors_source()


def test_every_counterexample_is_replayed():
    """The number above is that of the different schedules."""
    assert len(list_schedules()) == 19

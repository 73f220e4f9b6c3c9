"""The model's counterexamples on the real pipeline: what breaks a promise without a protection does not break it here.

The model and the pipeline do the same side by side, and hold the same after every action: so the model is one of this pipeline.
"""

from dataclasses import replace
from functools import cache

import pytest

from tests.integration.schedules.replay import Replay
from tests.model.protections import SWITCHES, Protections
from tests.model.schedules import SCOPES, find_counterexample

REPLAYS = 27


@cache
def list_schedules() -> list[tuple[str, tuple[str, ...]]]:
    """Return the counterexamples, each with an undisturbed run (and a replay) after it, as title of the scope and actions.

    Those that are the beginning of another are left out; and those about the state that is kept outside, which test_state.py has.
    """
    schedules = set()
    for switch in SWITCHES:
        scope, counterexample = find_counterexample(replace(Protections(), **{switch: False}))
        if scope.keeps_state:
            continue
        # What a console rerun does here is a new run.
        actions = ["incremental run" if action.endswith("deleted and repeated") else action for action in counterexample.actions]
        schedules.add((scope.title, (*actions, "incremental run", *(["replay run"] if scope.keeps_archive else []))))

    def is_beginning(title: str, actions: tuple[str, ...]) -> bool:
        return any(title == other and actions == more[: len(actions)] and actions != more for other, more in schedules)

    return sorted(schedule for schedule in schedules if not is_beginning(*schedule))


@pytest.mark.slow  # finding the counterexamples alone takes more than a minute
@pytest.mark.parametrize("number", range(REPLAYS))
def test_the_pipeline_does_what_the_model_does(market, number):
    """One schedule; then a reconcile run where something changed without a cursor."""
    title, actions = list_schedules()[number]
    replay = Replay(market, next(scope for scope in SCOPES if scope.title == title))
    for action in actions:
        replay.do(action)
    if replay.model.blind:
        replay.do("reconcile run")
    market.assert_raw_mirrors_source()


@pytest.mark.slow
def test_every_counterexample_is_replayed():
    """Each number above is one."""
    assert len(list_schedules()) == REPLAYS

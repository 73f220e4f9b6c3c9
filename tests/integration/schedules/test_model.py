"""The model's counterexamples on the real pipeline: what breaks a promise without a protection does not break it here.

The model and the pipeline do the same side by side, and hold the same after every action: so the model is one of this pipeline.
"""

from dataclasses import replace

import pytest

from tests.integration.schedules.replay import Replay
from tests.model.protections import SWITCHES, Protections
from tests.model.schedules import find_counterexample

# Those of the state that is kept outside are tried by test_state.py.
IN_THE_WAREHOUSE = [switch for switch in SWITCHES if not switch.startswith("state_")]


@pytest.mark.slow  # finding one counterexample may take half a minute
@pytest.mark.parametrize("switch", IN_THE_WAREHOUSE)
def test_the_pipeline_does_what_the_model_does(market, switch):
    """The schedule that breaks a promise without this protection, then an undisturbed run, and a replay where files are kept.

    Then a reconcile run where something changed without a cursor.
    """
    scope, counterexample = find_counterexample(replace(Protections(), **{switch: False}))
    assert not scope.keeps_state
    replay = Replay(market, scope)
    for action in counterexample.actions:
        # What a console rerun does here is a new run.
        replay.do("incremental run" if action.endswith("deleted and repeated") else action)
    replay.do("incremental run")
    if scope.keeps_archive:
        replay.do("replay run")
    if replay.model.blind:
        replay.do("reconcile run")
    market.assert_raw_mirrors_source()

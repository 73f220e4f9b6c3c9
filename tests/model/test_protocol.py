"""The run protocol, tried exhaustively: it keeps its promises, and each of its protections is needed for that."""

from dataclasses import replace

import pytest

from tests.model import events
from tests.model.protections import SWITCHES, Protections
from tests.model.schedules import SCOPES, check_scope, find_counterexample

pytestmark = pytest.mark.slow  # it imports nothing of the product; tests/integration/schedules ties it to the code

EVENT_DEPTH = 5


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope.title)
def test_the_protocol_keeps_its_promises(scope):
    """No sequence of changes, runs, failures at any step, overlapping runs and repetitions breaks one."""
    result = check_scope(scope, Protections())
    assert result.found is None, f"a promise can be broken:\n{result.found}"
    assert result.states > 2_000


@pytest.mark.parametrize("switch", SWITCHES)
def test_each_protection_is_needed(switch):
    """Without it there is a sequence that breaks a promise, so the search would notice if the protocol lost it."""
    found = find_counterexample(replace(Protections(), **{switch: False}))
    assert found is not None
    print(f"without {switch}:\n{found[1]}")


def test_the_protocol_for_events_keeps_its_promises():
    """Late, moved, removed and undated events, a day that passes, runs that stop and overlap."""
    result = events.check(events.Protections(), EVENT_DEPTH)
    assert result.found is None, f"a promise can be broken:\n{result.found}"
    assert result.states > 5_000


@pytest.mark.parametrize("switch", events.SWITCHES)
def test_each_protection_of_events_is_needed(switch):
    """As above."""
    found = events.find_counterexample(replace(events.Protections(), **{switch: False}), EVENT_DEPTH)
    assert found is not None
    print(f"without {switch}:\n{found}")

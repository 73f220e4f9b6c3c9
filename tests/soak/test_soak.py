"""A short soak; `make soak` plays a long one."""

from __future__ import annotations

import pytest

from tests.fixtures.world import World, open_world
from tests.soak import breakages
from tests.soak.soak import Soak


@pytest.fixture
def world():
    """A world of its own: the soak stops its servers."""
    with open_world() as opened:
        yield opened


@pytest.mark.slow
def test_nothing_is_lost_and_nothing_doubled(world: World):
    """Twelve executions of random life and trouble."""
    soak = Soak(world, seed=20261121)
    assert soak.play(12), soak.audit.findings
    assert (soak.audit.lost, soak.audit.doubled) == (0, 0)
    assert soak.counts["good"] > 3
    assert soak.faults.total() > 3
    assert soak.history.rows_offered > 300


@pytest.mark.slow
@pytest.mark.parametrize(
    ("breakage", "count"),
    [
        (breakages.watermark_strictly_greater, "lost"),
        (breakages.watermark_moved_before_the_load, "lost"),
        (breakages.plain_append, "doubled"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_broken_pipeline_is_found_out(world: World, breakage, count):
    """The same soak over a pipeline with a well-known mistake says so, and where."""
    said: list[str] = []
    soak = Soak(world, seed=20261121, say=said.append)
    with breakage(world):
        assert not soak.play(40)
    assert getattr(soak.audit, count) > 0, said
    assert said[-1].startswith("replay: make soak RUNS="), said

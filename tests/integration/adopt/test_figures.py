"""Two databases of other people's are adopted and run: their figures are the judge's, and nobody wrote a line of Python."""

from __future__ import annotations

import pytest

from tests.integration.adopt import bikes, hotel, rails


@pytest.mark.slow
@pytest.mark.parametrize("world", [rails, hotel, bikes], ids=["rails", "hotel", "bikes"])
def test_the_figures_are_the_judges(make_running, world):
    """After the first load; after changes that no cursor tells of, in joined tables, too; and a rebuild makes the same."""
    running = make_running(world)
    running.run()
    running.assert_judged(least=world.METRICS)
    for change in world.CHANGES:
        running.adopted.source.execute(change)
    running.run()
    running.assert_judged(least=world.METRICS)
    before = running.read_figures()
    running.run({"rebuild": True})
    assert running.read_figures() == before

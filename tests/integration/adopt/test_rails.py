"""A Rails marketplace is adopted and run: its figures are the judge's, and nobody wrote a line of Python."""

from __future__ import annotations

import pytest

from tests.integration.adopt import rails


@pytest.mark.slow
def test_the_figures_are_the_judges(make_running):
    """After the first load; after changes that no cursor tells of; and a rebuild makes the same."""
    running = make_running(rails)
    source = running.adopted.source
    running.run()
    running.assert_judged(least=9)
    for change in (
        # As an application goes around its own clock: a bulk update, a soft delete, a new last transition, other dates.
        "update listings set open = 0 order by id limit 4",
        "update listings set price_cents = price_cents + 1000 where open = 1 order by id desc limit 5",
        "update transactions set deleted = 1 where id % 17 = 0",
        "insert into transaction_transitions (transaction_id, to_state, sort_key, created_at)"
        " select id, 'canceled', 99, now() from transactions where id % 13 = 0",
        "update bookings set end_on = end_on + interval 2 day where transaction_id % 7 = 0",
        "update listing_locations set city = 'Faro' where city = 'Porto'",
    ):
        source.execute(change)
    running.run()
    running.assert_judged(least=9)
    before = {metric: running.read(f"presentation.{metric}") for metric in running.adopted.adoption.metrics}
    running.run({"rebuild": True})
    for metric, rows in before.items():
        assert sorted(map(repr, rows.itertuples(index=False))) == sorted(
            map(repr, running.read(f"presentation.{metric}").itertuples(index=False))
        ), metric

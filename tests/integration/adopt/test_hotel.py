"""A PHP hotel shop is adopted and run: its figures are the judge's, and nobody wrote a line of Python."""

from __future__ import annotations

import pytest

from tests.integration.adopt import hotel


@pytest.mark.slow
def test_the_figures_are_the_judges(make_running):
    """After the first load, and after changes of a stay's other table, which has its money's currency, customer and state."""
    running = make_running(hotel)
    source = running.adopted.source
    running.run()
    running.assert_judged(least=9)
    for change in (
        "update hs_orders set current_state = 3 where id_order % 9 = 0",
        "update hs_orders set id_currency = 3 - id_currency where id_order % 10 = 1",
        "update hs_room_type set active = 1 - active where id_room_type % 4 = 0",
        "update hs_booking_detail set total_price = total_price * 2 where id_booking_detail % 8 = 0",
        "update hs_hotel set city = 'Nice' where city = 'Lyon'",
    ):
        source.execute(change)
    running.run()
    running.assert_judged(least=9)

"""A cursor in local time: in autumn an hour comes twice, in spring one is missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rental_pipeline.source.safe_watermark import earliest_local_time, latest_local_time

# Berlin puts its clocks back on 2026-10-25 at 01:00 UTC, from 03:00 to 02:00; Lord Howe's by half an hour.
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")


@pytest.mark.parametrize(
    ("instant", "earliest", "latest"),
    [
        (datetime(2026, 10, 24, 12), datetime(2026, 10, 24, 14), datetime(2026, 10, 24, 14)),
        (datetime(2026, 10, 25, 0, 59, 59), datetime(2026, 10, 25, 2), datetime(2026, 10, 25, 2, 59, 59)),
        (datetime(2026, 10, 25, 1, 10), datetime(2026, 10, 25, 2, 10), datetime(2026, 10, 25, 2, 59, 59, 999999)),
        (datetime(2026, 3, 29, 1), datetime(2026, 3, 29, 3), datetime(2026, 3, 29, 3)),
    ],
)
def test_berlin(instant: datetime, earliest: datetime, latest: datetime) -> None:
    """Before, in and after the hour that comes twice, and at the one that is missing."""
    assert earliest_local_time(instant, "Europe/Berlin") == earliest
    assert latest_local_time(instant, "Europe/Berlin") == latest


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)), st.sampled_from(ZONES), st.timedeltas(timedelta(0), timedelta(30))
)
def test_25_no_later_instant_shows_an_earlier_time(instant: datetime, zone: str, later: timedelta) -> None:
    """And no earlier instant a later one."""

    def show(moment: datetime) -> datetime:
        return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)

    assert earliest_local_time(instant, zone) <= show(instant + later)
    assert latest_local_time(instant, zone) >= show(instant - later)

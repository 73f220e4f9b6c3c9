"""The days that a generated history covers, and when the database wrote what happened on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np


@dataclass(frozen=True)
class Period:
    """The days of the marketplace's life that the generated history covers.

    Attributes:
        anchor: The day on which the data is made. Everything was written more than a day before it began, so that
            a pipeline that has read it finds nothing new until somebody writes.
        days: Length of the history.
    """

    anchor: date
    days: int = 420  # more than a year, so that there is always the turn of one in it

    @property
    def first_day(self) -> np.datetime64:
        """The first day on which somebody booked or viewed."""
        return np.datetime64(self.anchor, "D") - np.timedelta64(self.days, "D")

    @property
    def last_day(self) -> np.datetime64:
        """The last such day."""
        return np.datetime64(self.anchor, "D") - np.timedelta64(3, "D")

    @property
    def end_second(self) -> np.datetime64:
        """The last second of the last day."""
        end: np.datetime64 = self.last_day.astype("datetime64[s]") + np.timedelta64(86_399, "s")
        return end

    def draw_moments(
        self, random: np.random.Generator, count: int, before_days: int = 0, share_before: float = 0.0
    ) -> np.ndarray:
        """Draw moments (datetime64[s]) evenly from the period, a share of them from the `before_days` before it."""
        seconds = random.integers(0, ((self.last_day - self.first_day).astype(int) + 1) * 86_400, count)
        if before_days:
            seconds = np.where(random.random(count) < share_before, -random.integers(1, before_days * 86_400, count), seconds)
        moments: np.ndarray = self.first_day.astype("datetime64[s]") + seconds.astype("timedelta64[s]")
        return moments

    def stamp(self, random: np.random.Generator, moments: np.ndarray) -> np.ndarray:
        """Return when the database wrote what happened at these moments: within the day after, to the microsecond."""
        within_a_day = random.integers(0, 86_400 * 1_000_000, len(moments)).astype("timedelta64[us]")
        stamped: np.ndarray = (moments.astype("datetime64[us]") + within_a_day).astype(object)
        return stamped

    def noon_after(self, day: date, seconds: int) -> datetime:
        """Return that day's noon and some seconds."""
        return datetime.combine(day, time(12)) + timedelta(seconds=seconds)

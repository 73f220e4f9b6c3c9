"""The tests of this folder are about the cars marketplace."""

from __future__ import annotations

import pytest

from tests.metrics.cars.subject import CARS
from tests.metrics.subject import Subject


@pytest.fixture
def subject() -> Subject:
    return CARS

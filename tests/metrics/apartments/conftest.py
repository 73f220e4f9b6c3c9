"""The tests of this folder are about the apartments marketplace."""

from __future__ import annotations

import pytest

from tests.metrics.apartments.subject import APARTMENTS
from tests.metrics.subject import Subject


@pytest.fixture
def subject() -> Subject:
    return APARTMENTS

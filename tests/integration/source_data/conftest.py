"""A filled source for tests that live on one."""

from __future__ import annotations

from contextlib import closing
from datetime import date

import pytest

from local.marketplace.generator import fill
from tests.fixtures.mariadb import SourceDatabase

ANCHOR = date(2026, 3, 4)


@pytest.fixture
def filled_source(source_database: SourceDatabase) -> SourceDatabase:
    """A source with a small marketplace, its history ending long ago."""
    with closing(source_database.connect()) as connection:
        fill(connection, scale=0.002, seed=7, anchor=ANCHOR)
    return source_database

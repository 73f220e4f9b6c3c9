"""The generated rows arrive in the database as they were made, all or none."""

from __future__ import annotations

from contextlib import closing

import pytest

from local.marketplace import generator
from local.marketplace.columns import count_rows
from local.marketplace.generator import SourceNotEmpty, fill, generate
from tests.fixtures.mariadb import SourceDatabase

from .conftest import ANCHOR


def test_every_value_arrives(source_database: SourceDatabase):
    """Quotes, line breaks, backslashes, emoji, mojibake, NULL and the text null come out as they went in."""
    lines: list[str] = []
    with closing(source_database.connect()) as connection:
        counts = fill(connection, scale=0.002, seed=7, anchor=ANCHOR, progress=lines.append)
    made = generate(scale=0.002, seed=7, anchor=ANCHOR)
    assert lines
    assert counts == {table: count_rows(columns) for table, columns in made.tables.items()}
    for table, columns in made.tables.items():
        names = [name for name in columns if name not in ("latitude", "longitude")]  # floats there, decimals here
        expected = sorted(zip(*(columns[name].tolist() for name in names), strict=True), key=repr)
        stored = sorted(source_database.query(f"select {', '.join(names)} from {table}"), key=repr)
        assert stored == expected
    assert "🏠" in "".join(body for (body,) in source_database.query("select body from apartment_attributes"))


def test_a_filled_source_is_not_filled_again(filled_source: SourceDatabase):
    """Generated rows never mix with others."""
    with closing(filled_source.connect()) as connection, pytest.raises(SourceNotEmpty, match="apartment_attributes has rows"):
        fill(connection, scale=0.002)


def test_an_interrupted_fill_leaves_nothing(source_database: SourceDatabase, monkeypatch: pytest.MonkeyPatch):
    """Half a marketplace would be taken for a whole one by the next run."""
    insert = generator.insert_columns

    def insert_until_viewings(connection, table, columns, progress):
        if table == "user_viewing":
            raise KeyboardInterrupt
        return insert(connection, table, columns, progress)

    monkeypatch.setattr(generator, "insert_columns", insert_until_viewings)
    with closing(source_database.connect()) as connection, pytest.raises(KeyboardInterrupt):
        fill(connection, scale=0.0001)
    assert source_database.query("select (select count(*) from apartments) + (select count(*) from bookings)") == [(0,)]

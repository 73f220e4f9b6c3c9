"""What the source's catalogue says, where only MySQL can say it."""

from __future__ import annotations

from rental_pipeline.source import SourceAddress, read_indexes

# index, column, position, non_unique, sub_part, nullable
PRIMARY = ("PRIMARY", "id", "1", "0", None, "")


def test_only_an_index_over_whole_columns_without_null_makes_a_key() -> None:
    """Prefixes, expressions (MySQL 8.0: no column name) and nullable columns do not."""
    unique, indexed = read_indexes(
        [
            PRIMARY,
            ("two", "a", "1", "0", None, ""),
            ("two", "b", "2", "0", None, ""),
            ("prefix", "c", "1", "0", "10", ""),
            ("expression", "d", "1", "0", None, ""),
            ("expression", None, "2", "0", None, "YES"),
            ("nullable", "e", "1", "0", None, "YES"),
            ("plain", "f", "1", "1", None, ""),
        ]
    )
    assert unique == {frozenset({"id"}), frozenset({"a", "b"})}
    assert indexed == {"id", "a", "c", "d", "e", "f"}


def test_an_address_never_shows_its_password() -> None:
    """Neither in messages nor in what a debugger or a log of locals prints."""
    address = SourceAddress("secret", "host", 3306, "db", "user", "hunter2")
    assert "hunter2" not in f"{address} {address!r}"

"""SQL files are divided as docs/architecture.md says, and refused by name where they are not so written."""

import re

import pytest

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.definitions.sql_files import hash_texts, read_sql_file, strip_statement

GOOD = """-- Cities by bookings.
--
-- grain:      one row per week
--             and city
-- reads:      a.b
-- rerun:      safe

-- name: table
create table x (a int)

-- name: rows
-- the reason for the next line
select 1
"""


def test_header_and_sections_are_read(tmp_path):
    """Continued header lines are joined; a section keeps its own comments and loses blank ends."""
    path = tmp_path / "popular.sql"
    path.write_text(GOOD)
    file = read_sql_file(path)
    assert file.name == "popular"
    assert file.header == {"grain": "one row per week and city", "reads": "a.b", "rerun": "safe"}
    assert file.sections == {"table": "create table x (a int)", "rows": "-- the reason for the next line\nselect 1"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("select 1", "no `-- name"),
        ("-- name: a\nselect 1\n-- name: a\nselect 2", "twice"),
        ("-- name: a\n\n-- name: b\nselect 2", "section a is empty"),
        ("-- days: they count\n--\n-- grain: a day\n\n-- name: a\nselect 1", "grain: a day` looks .* as `-- days: …` does"),
        ("-- What.\n--\n-- grain: a day\n--\n-- days: they count.\n\n-- name: a\nselect 1", "`-- days: they count.` looks"),
        ("-- What is\n-- days: a word\n\n-- name: a\nselect 1", "`-- days: a word` looks .* within prose"),
        ("-- grain: a day\n-- and a week\n\n-- name: a\nselect 1", "`-- and a week` of the header is no"),
        ("-- grain: a day\n-- grain: a week\n\n-- name: a\nselect 1", "says grain twice"),
    ],
)
def test_files_that_would_run_wrongly_are_refused(tmp_path, text, complaint):
    """A file without sections, with one named twice, or with an empty one is refused with its path."""
    path = tmp_path / "broken.sql"
    path.write_text(text)
    with pytest.raises(FixConfiguration, match=complaint):
        read_sql_file(path)


def test_missing_section_names_those_there(tmp_path):
    """The error for a missing section lists what the file has."""
    path = tmp_path / "popular.sql"
    path.write_text(GOOD)
    with pytest.raises(FixConfiguration, match="it has: table, rows"):
        read_sql_file(path).section("judged")


def test_missing_header_line_names_file_and_key(tmp_path):
    """The error for a missing header line says which file, with its folder, and which line."""
    path = tmp_path / "popular.sql"
    path.write_text(GOOD)
    assert read_sql_file(path).header_line("grain") == "one row per week and city"
    with pytest.raises(FixConfiguration, match=re.escape(f"{path} has no `-- period: …` line")):
        read_sql_file(path).header_line("period")


def test_hash_keeps_texts_apart():
    """Moving a letter from one text to the next changes the hash."""
    assert hash_texts("ab", "c") != hash_texts("a", "bc")
    assert hash_texts("ab", "c") == hash_texts("ab", "c")


@pytest.mark.parametrize(
    "other",
    [
        "select a,\n    sum(b) as c  -- why\nfrom t /* where\n from */ where d = 'x  -- y'",
        "select a , sum( b ) as c from t where d = 'x  -- y'\n",
    ],
)
def test_a_comment_or_another_line_break_leaves_a_statement_as_it_is(other):
    """Its hash is the same, and nothing is built again."""
    assert strip_statement(other) == strip_statement("select a, sum(b) as c from t where d = 'x  -- y'")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("select 'x  -- y'", "select 'x'"),
        ("select 'a b'", "select 'a  b'"),
        ("select 'it''s' -- a", "select 'it' 's'"),
        ('select "a --b"', 'select "a"'),
        ("select a - -1", "select a --1"),
        ("create function f() as $$ select '1' $$ language sql", "create function f() as $$ select  '1' $$ language sql"),
        ("select 'a\\' -- b'", "select 'a\\' -- c'"),
    ],
)
def test_what_may_mean_something_else_counts(one, other):
    """Within quotes every letter counts; where a text may end at two places, everything does."""
    assert strip_statement(one) != strip_statement(other)

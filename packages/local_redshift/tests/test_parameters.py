"""Named parameters are found where Redshift finds them, and nowhere else."""

import pytest

from local_redshift.parameters import find_backslash, find_parameters, quote_text


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("select :a, cast(:b as date)", ["a", "b"]),
        ("select :a + :a", ["a", "a"]),
        ("select ':a', x::date, '12:30:00', \":b\" -- :c\n/* :d */", []),
        ("select 'it''s :a', ':b\\' :c', :d", ["d"]),
        ("create procedure p() as $$ begin x := :a; end $$ language plpgsql", []),
        ("select a[1:2]", []),
    ],
)
def test_a_parameter_is_a_colon_and_a_name_outside_literals_comments_bodies_and_casts(sql, names):
    """Data API guide, "Running SQL statements with parameters": a name with a colon before it."""
    assert find_parameters(sql) == names


@pytest.mark.parametrize("sql", [r"select 'a\d'", r"select '\\\n'", "select 'x', 'a\\b'"])
def test_a_single_backslash_in_a_literal_is_found(sql):
    """PostgreSQL 8 syntax, which Redshift keeps: a backslash in a literal escapes the next character."""
    assert find_backslash(sql) is not None


@pytest.mark.parametrize("sql", [r"select 'a\\d', 'it\'s', '\\\\'", r"select 1 -- \d", "select $$ '\\d' $$"])
def test_doubled_backslashes_and_those_outside_literals_pass(sql):
    """As above: a doubled backslash is one backslash."""
    assert find_backslash(sql) is None


def test_a_value_becomes_a_literal_whole():
    """Parameters are values: nothing in one can end the literal it becomes."""
    assert quote_text("a'; drop table t; --") == "'a''; drop table t; --'"

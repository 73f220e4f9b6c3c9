"""The database beneath: made and recognised by how it orders text."""

import psycopg
import pytest

from local_redshift.database import create_database, prepare_database


@pytest.mark.parametrize("options", ["encoding 'UTF8'", "encoding 'LATIN1'"])
def test_a_database_that_treats_text_otherwise_is_refused(postgres_uri, options):
    """It would sort, compare or change texts unlike Redshift, in silence: in locale C, upper('é') is é."""
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute("drop database if exists of_another_locale")
        connection.execute(
            f"create database of_another_locale template template0 {options} locale_provider libc lc_collate 'C' lc_ctype 'C'"
        )
    uri = psycopg.conninfo.make_conninfo(postgres_uri, dbname="of_another_locale")
    with pytest.raises(ValueError, match='"of_another_locale" treats text otherwise than Redshift'):
        prepare_database(uri)


def test_a_database_is_made_once_and_prepared_again_and_again(postgres_uri):
    """Both calls are repeatable; text compares by bytes, and has upper and lower case beyond ASCII."""
    uri = create_database(postgres_uri, "another")
    assert create_database(postgres_uri, "another") == uri
    assert prepare_database(uri) == prepare_database(uri)
    with psycopg.connect(uri) as connection:
        row = connection.execute("select current_database(), 'a' > 'B', 'é' > 'z', upper('é')").fetchone()
    assert row == ("another", True, True, "É")

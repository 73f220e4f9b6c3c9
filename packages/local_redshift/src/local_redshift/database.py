"""The PostgreSQL database beneath: how it must order text, and what is defined in it before the first statement."""

from __future__ import annotations

from importlib.resources import files

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

USER = "awsuser"
_ONE_AT_A_TIME = 20191220  # several servers may prepare one database at the same moment


def create_database(uri: str, name: str) -> str:
    """Make a database that orders text as Redshift does, where there is none of that name.

    Redshift compares text by its bytes; so does C.UTF-8, which knows upper and lower case beyond ASCII, too.

    Args:
        uri: Connection string of any database of the server (PostgreSQL 17 or newer), as its superuser.
        name: The database to make.

    Returns:
        The connection string of the database.
    """
    with psycopg.connect(uri, autocommit=True) as connection:
        if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone() is None:
            connection.execute(
                sql.SQL(
                    "create database {} template template0 encoding 'UTF8' "
                    "locale_provider builtin builtin_locale 'C.UTF-8' lc_collate 'C' lc_ctype 'C'"
                ).format(sql.Identifier(name))
            )
    return make_conninfo(uri, dbname=name)


def prepare_database(uri: str) -> frozenset[str]:
    """Define Redshift's functions and the user whom statements run as. Repeatable.

    Args:
        uri: Connection string of the database, as its superuser.

    Returns:
        The names of PostgreSQL's own functions.

    Raises:
        ValueError: the database treats text otherwise than Redshift.
    """
    with psycopg.connect(uri, autocommit=True) as connection:
        _check_text(connection)
        connection.execute("select pg_advisory_lock(%s)", [_ONE_AT_A_TIME])
        connection.execute("set search_path to pg_catalog")  # a user's table may be called like a type
        _ignore_trailing_blanks(connection)
        connection.execute(files("local_redshift").joinpath("functions.sql").read_bytes())
        if connection.execute("select 1 from pg_roles where rolname = %s", [USER]).fetchone() is None:
            connection.execute(f"create role {USER} login createrole".encode())
        database, user = sql.Identifier(connection.info.dbname), sql.Identifier(USER)
        connection.execute(sql.SQL("grant create, temporary on database {} to {}").format(database, user))
        connection.execute(sql.SQL("grant create, usage on schema public to {}").format(user))
        # Redshift joins by hash or merge wherever columns are compared for equality (page c-the-query-plan: a nested loop is for
        # cross joins and some inequalities). PostgreSQL would loop over a table that it takes for small, before it has looked.
        connection.execute(sql.SQL("alter database {} set enable_nestloop = off").format(database))
        rows = connection.execute("select distinct proname from pg_proc where pronamespace = 'pg_catalog'::regnamespace")
        return frozenset(name for (name,) in rows)


# PostgreSQL's functions of CHAR, which leave trailing blanks aside, for those of text.
_OPERATORS = {
    "texteq": "bpchareq",
    "textne": "bpcharne",
    "text_lt": "bpcharlt",
    "text_le": "bpcharle",
    "text_gt": "bpchargt",
    "text_ge": "bpcharge",
}
_SUPPORT = {
    "bttextcmp": "bpcharcmp",
    "bttextsortsupport": "bpchar_sortsupport",
    "hashtext": "hashbpchar",
    "hashtextextended": "hashbpcharextended",
}


def _ignore_trailing_blanks(connection: psycopg.Connection) -> None:
    """Compare VARCHAR as Redshift does (page r_Character_types, "Significance of trailing blanks"): 'a' equals 'a '.

    That holds wherever values are compared: in conditions, joins, GROUP BY, DISTINCT, set operations, windows and sorting.
    PostgreSQL looks up how to compare a type in the database's own catalogue, so that is changed, in this database alone.
    """
    connection.execute("set allow_system_table_mods = on")
    for old, new in _OPERATORS.items():
        connection.execute(
            "update pg_operator set oprcode = %s::regproc where oprcode = %s::regproc and oprleft = 'text'::regtype", [new, old]
        )
    for old, new in _SUPPORT.items():
        connection.execute(
            "update pg_amproc set amproc = %s::regproc where amproc = %s::regproc and amproclefttype = 'text'::regtype "
            "and amprocfamily in (select oid from pg_opfamily where opfname = 'text_ops')",
            [new, old],
        )
    connection.execute("reset allow_system_table_mods")


def _check_text(connection: psycopg.Connection) -> None:
    encoding = connection.execute("show server_encoding").fetchone()
    text = connection.execute("select 'a' > 'B' and chr(233) > 'z' and upper(chr(233)) = chr(201)").fetchone()
    if (encoding, text) != (("UTF8",), (True,)):
        raise ValueError(
            f'the database "{connection.info.dbname}" treats text otherwise than Redshift (UTF-8, compared by bytes): '
            "make one with local_redshift.database.create_database"
        )

"""What this package raises beside PyMySQL's own errors (`pymysql.MySQLError`), which say what the server or the connection says.

A message names columns and types, and never a value: it may be written to a log.
"""

from __future__ import annotations

import pymysql
from pymysql.constants import CR


class ReadError(Exception):
    """Base of the five below; never raised itself."""


class GarbledAnswer(ReadError):
    """The bytes received break MySQL's protocol. Nothing of the block in which that was seen is yielded.

    Args:
        what: What is wrong with them; never some of the bytes themselves.
    """

    def __init__(self, what: str):
        super().__init__(f"the server's answer is garbled ({what})")


class UnsupportedQuery(ReadError):
    """The query returns no rows, or has a parameter mark."""


class SchemaMismatch(ReadError):
    """The server sends other columns than the schema asks for, or a type that the wanted one cannot hold."""


class InvalidValue(ReadError):
    """A value does not fit the wanted type, or is no valid UTF-8 where text is wanted."""


class RowTooLong(ReadError):
    """A row is longer than `packets.LONGEST_ROW`; it is the one behind those that were yielded."""


def connection_lost(why: str) -> pymysql.OperationalError:
    """Return PyMySQL's error for a connection that broke, as its own way of reading would raise it."""
    return pymysql.OperationalError(CR.CR_SERVER_LOST, f"Lost connection to MySQL server during query ({why})")

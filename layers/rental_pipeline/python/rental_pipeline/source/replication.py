"""Whether the source's rows are written on that server: a replica's safe watermark would be too late.

What reaches a server by replication carries modification times of before, as old as the replication is late and as the writer's
transactions are long, and no replica shows the writer's open transactions. Holding the watermark back by the lag alone would
still lose rows, so a server that receives rows from another is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pymysql

from rental_pipeline.base.errors import FixConfiguration, RetryLater
from rental_pipeline.source.connection import SourceAddress, connect, explain_source_error

# Aurora's readers have innodb_read_only on, replicas of RDS and secondaries of a group read_only or super_read_only (AWS re:Post,
# "Why did I get a read only error after an Amazon Aurora DB cluster failed over?"; MySQL Reference Manual, "Single-Primary
# Mode").
# MariaDB 12 has more values of read_only than on and off.
_READ_ONLY = ("innodb_read_only", "super_read_only", "read_only")
_OFF = ("OFF", "0")
# MariaDB with all its connections; MySQL from 8.0.22 on; before. All need REPLICATION CLIENT, in MariaDB SLAVE MONITOR.
_STATUS = ("show all slaves status", "show replica status", "show slave status")
_SYNTAX_ERROR, _PRIVILEGE_MISSING = 1064, 1227
# A group's primary may still list the channel by which it once joined (MySQL Reference Manual, "Replication Channels").
_OF_A_GROUP = "group_replication_"


@dataclass(frozen=True)
class Replication:
    """How a server that is no replica stands among others.

    Attributes:
        sees_status: Whether the user may see the replication's status; else only what `read_only` and the running threads tell.
        other_writers: What other servers write the same rows, in a few words; None where there are none. What is open on those is
            not seen.
    """

    sees_status: bool = True
    other_writers: str | None = None


def look_at_replication(cursor: pymysql.cursors.Cursor, address: SourceAddress) -> Replication:
    """Return how the server stands among others.

    Raises:
        FixConfiguration: it is read-only, or receives rows from another.
        pymysql.MySQLError: the source refuses a question.
    """
    variables = _show(
        cursor,
        "variables",
        *_READ_ONLY,
        "wsrep_on",
        "group_replication_group_name",
        "group_replication_single_primary_mode",
    )
    if on := _find_read_only(variables):
        raise FixConfiguration(
            f"the source {address} is a reader ({on} is on): it shows none of the writer's open transactions, so rows would be"
            f" lost; put the cluster's writer endpoint, or the server that the application writes to, into the secret"
            f" {address.secret} (a writer that was only set read-only by hand: set global read_only = 0)"
        )
    connections = _list_connections(cursor)
    if connections:
        origin, running, seconds = connections[0]
        raise FixConfiguration(
            f"the source {address} is a replica of {origin} ({_tell(running, seconds)}): what arrives from there carries earlier"
            " modification times, and its open transactions are not seen, so rows would be lost; put the server that the"
            f" application writes to into the secret {address.secret}. If it is this one (it was promoted, or nothing is written"
            " there): stop replica; reset replica all (MariaDB: stop slave; reset slave all, by each connection's name)"
        )
    if connections is None and _sees_threads(cursor):
        raise FixConfiguration(
            f"the source {address} is a replica (its replication threads run), so rows would be lost; put the server that the"
            f" application writes to into the secret {address.secret}"
        )
    return Replication(connections is not None, _find_other_writers(cursor, variables))


def connect_to_writer(address: SourceAddress, **options: Any) -> pymysql.Connection:
    """Return a connection as `connect` does, for a run that was planned on a writer.

    Raises:
        RetryLater: it came to a reader: after a failover, say.
    """
    connection = connect(address, **options)
    try:
        with connection.cursor() as cursor:
            on = _find_read_only(_show(cursor, "variables", *_READ_ONLY))
    except pymysql.MySQLError as error:
        connection.close()
        raise explain_source_error(error, address) from error
    if on:
        connection.close()
        raise RetryLater(
            f"the source {address} is a reader now ({on} is on), and was a writer when the run was planned: a failover, or an"
            f" address that stands for several servers; put the writer's into the secret {address.secret}"
        )
    return connection


def _find_read_only(variables: dict[str, str]) -> str | None:
    return next((name for name in _READ_ONLY if variables.get(name, "OFF").upper() not in _OFF), None)


def _list_connections(cursor: pymysql.cursors.Cursor) -> list[tuple[str, bool, str | None]] | None:
    """Return (origin, whether both threads run, seconds behind) of each connection; None where the user may not see them."""
    for statement in _STATUS:
        try:
            cursor.execute(statement)
        except pymysql.MySQLError as error:
            if error.args[0] == _SYNTAX_ERROR:
                continue
            if error.args[0] == _PRIVILEGE_MISSING:
                return None
            raise
        # MySQL 8.0.22 renamed the columns: Master_Host is Source_Host.
        names = [column[0].lower().replace("master", "source").replace("slave", "replica") for column in cursor.description]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return [
            (
                f"{each['source_host']}:{each['source_port']}",
                each["replica_io_running"] == each["replica_sql_running"] == "Yes",
                each["seconds_behind_source"],
            )
            for each in found
            if not (each.get("channel_name") or "").startswith(_OF_A_GROUP)
        ]
    return None


def _tell(running: bool, seconds: str | None) -> str:
    if not running:
        return "stopped; it may go on at any time"
    return "it is not known how late" if seconds is None else f"{seconds} seconds late"


def _sees_threads(cursor: pymysql.cursors.Cursor) -> bool:
    """Whether replication runs, by the list of sessions, which PROCESS opens.

    MariaDB tells by the command, MySQL by the state ("Waiting for source to send event"). The applier of a group waits for no
    source.
    """
    cursor.execute(
        "select count(*) from information_schema.processlist"
        " where user = 'system user' and (command like 'Slave%' or state regexp 'source|master')"
    )
    return int(cursor.fetchone()[0]) > 0


def _find_other_writers(cursor: pymysql.cursors.Cursor, variables: dict[str, str]) -> str | None:
    if variables.get("wsrep_on", "OFF").upper() not in _OFF:
        size = _show(cursor, "status", "wsrep_cluster_size").get("wsrep_cluster_size", "0")
        if int(size) > 1:
            return f"a Galera cluster of {size} servers"
    if variables.get("group_replication_group_name") and variables.get("group_replication_single_primary_mode") in _OFF:
        return "a group of several primaries"
    return None


def _show(cursor: pymysql.cursors.Cursor, what: str, *names: str) -> dict[str, str]:
    """Return global variables (or the status), which need no privilege; those that the server does not know are absent."""
    listed = ", ".join(f"'{name}'" for name in names)
    cursor.execute(f"show global {what} where variable_name in ({listed})")
    # Connections that read rows give bytes.
    texts = [[text.decode() if isinstance(text, bytes) else text for text in row] for row in cursor.fetchall()]
    return {name.lower(): value for name, value in texts}

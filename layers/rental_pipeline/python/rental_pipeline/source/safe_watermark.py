"""How far a run's watermark may move: up to where no open transaction can still add a smaller modification time.

A row's modification time is taken when its statement starts, but the row is seen only when its transaction commits, which may be
long after. So the source's clock is read first, and then held back to the start of the oldest transaction or statement that is
still open. A statement that waits for a table's lock has taken its time already and is not yet a transaction: the list of
running statements has it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pymysql

from rental_pipeline.base.telemetry import logger
from rental_pipeline.source.connection import SourceAddress, explain_source_error
from rental_pipeline.source.replication import Replication, look_at_replication

# InnoDB's list of transactions may be a tenth of a second old (MySQL Reference Manual, "INFORMATION_SCHEMA INNODB_TRX").
_TRANSACTION_LIST_SECONDS = 0.2
# The starts of transactions and statements are given in whole seconds.
_MARGIN = timedelta(seconds=1)
_PRIVILEGE_MISSING = 1227
_HELD_BACK_TOO_LONG = timedelta(hours=1)

NAMES_OF_UTC = ("UTC", "GMT", "UCT", "+00:00")


@dataclass(frozen=True)
class SafeWatermark:
    """Two instants, in UTC without offset.

    Attributes:
        source_time: The source's clock, before anything else was asked of it.
        safe_time: No later commit can bring a modification time below it.
        sees_transactions: Whether the user may see other sessions (PROCESS); else the safe time is a fixed delay.
        replication: How the server stands among others; where others write, too, the safe time is a fixed delay behind at least.
    """

    source_time: datetime
    safe_time: datetime
    sees_transactions: bool = True
    replication: Replication = field(default_factory=Replication)

    @property
    def lag(self) -> timedelta:
        """How far open work keeps the safe time behind the clock."""
        return self.source_time - self.safe_time


def find_safe_watermark(connection: pymysql.Connection, address: SourceAddress, delay: timedelta) -> SafeWatermark:
    """Ask the source for its clock, and for what is still open.

    Args:
        delay: Used instead where the user may not see other sessions (no PROCESS privilege), or other servers write, too.

    Raises:
        FixConfiguration: the source is a replica, which shows none of its writer's transactions (replication.py).
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("select now(6), @@system_time_zone")
            now, time_zone = cursor.fetchone()
            source_time = datetime.fromisoformat(now)
            replication = look_at_replication(cursor, address)
            safe_time = _hold_back(cursor, source_time, time_zone)
    except pymysql.MySQLError as error:
        raise explain_source_error(error, address) from error
    if safe_time is None:
        logger.warning(
            "the source's user may not see open transactions (grant PROCESS): the watermark stays a fixed delay behind",
            extra={"delay_seconds": delay.total_seconds()},
        )
        return SafeWatermark(source_time, source_time - delay, sees_transactions=False, replication=replication)
    if replication.other_writers:
        logger.warning(
            "the source is one of several servers that write, whose transactions it does not show: the watermark stays a fixed"
            " delay behind",
            extra={"delay_seconds": delay.total_seconds(), "servers": replication.other_writers},
        )
        return SafeWatermark(source_time, min(safe_time, source_time - delay), replication=replication)
    found = SafeWatermark(source_time, safe_time, replication=replication)
    if found.lag > max(delay, _HELD_BACK_TOO_LONG):
        logger.warning(
            "a transaction or statement of the source has been open for long; until it ends, each run reads from its start on",
            extra={"open_since": safe_time.isoformat()},
        )
    return found


def earliest_local_time(instant: datetime, time_zone: str) -> datetime:
    """Return the smallest local time that any instant from this one on can have: in autumn an hour comes twice.

    Both are without offset, the instant in UTC.
    """
    return min(_to_local(later, time_zone) for later in [instant, *_quarters(instant, 1)])


def latest_local_time(instant: datetime, time_zone: str) -> datetime:
    """Return the largest local time that any instant up to this one can have (see `earliest_local_time`)."""
    return max(_to_local(earlier, time_zone) for earlier in [instant, *_quarters(instant, -1)])


def _hold_back(cursor: pymysql.cursors.Cursor, source_time: datetime, time_zone: str) -> datetime | None:
    """Return the start of the oldest open work; None where the user may not see it."""
    try:
        # Statements first: one that has waited for its table until now is a transaction by the time that those are listed.
        cursor.execute(
            "select min(unix_timestamp() - time) from information_schema.processlist"
            " where id <> connection_id() and command in ('Query', 'Execute', 'Fetch', 'Long Data') and user <> 'system user'"
        )
        (statement,) = cursor.fetchone()
        time.sleep(_TRANSACTION_LIST_SECONDS)
        # trx_started is in the time zone of the server's machine, whatever the session's.
        cursor.execute("set session time_zone = 'SYSTEM'")
        cursor.execute(
            "select min(unix_timestamp(trx_started)) from information_schema.innodb_trx"
            " where trx_mysql_thread_id <> connection_id()"
        )
        (transaction,) = cursor.fetchone()
    except pymysql.MySQLError as error:
        if error.args[0] != _PRIVILEGE_MISSING:
            raise
        return None
    finally:
        cursor.execute("set session time_zone = '+00:00'")
    started = [source_time]
    if statement is not None:
        started.append(_from_unix(statement))
    if transaction is not None:
        # A local clock shows an hour twice in autumn, and this may have been the first.
        doubt = timedelta(0) if time_zone in NAMES_OF_UTC else timedelta(hours=1)
        started.append(_from_unix(transaction) - doubt)
    return min(started) - _MARGIN


def _from_unix(text: str) -> datetime:
    return datetime.fromtimestamp(float(text), UTC).replace(tzinfo=None)


def _to_local(instant: datetime, time_zone: str) -> datetime:
    if time_zone == "UTC":  # needs no time zone database
        return instant
    return instant.replace(tzinfo=UTC).astimezone(ZoneInfo(time_zone)).replace(tzinfo=None)


def _quarters(instant: datetime, direction: int) -> list[datetime]:
    """Return the quarter-hours within three hours: clocks are changed at one, by three hours at most."""
    quarter = timedelta(minutes=15)
    floor = instant.replace(minute=instant.minute // 15 * 15, second=0, microsecond=0)
    if direction > 0:
        return [floor + quarter * number for number in range(1, 13)]
    return [floor - quarter * number - timedelta(microseconds=1) for number in range(12)]

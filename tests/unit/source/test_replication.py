"""Which servers are taken for writers, by what MySQL, Aurora, MariaDB, groups and Galera show."""

from __future__ import annotations

import json
from datetime import datetime

import pymysql
import pytest

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.model.document import read_as
from rental_pipeline.plan.continuation import Progress
from rental_pipeline.source.connection import SourceAddress
from rental_pipeline.source.replication import Replication, look_at_replication
from rental_pipeline.source.safe_watermark import SafeWatermark

ADDRESS = SourceAddress("the-secret", "h", 3306, "d", "u", "p")
WRITER = {"innodb_read_only": "OFF", "read_only": "OFF", "super_read_only": "OFF"}
# The columns of MySQL 8.4 and of MySQL 8.0 before 8.0.22 that matter, among others.
NEW = ("Replica_IO_State", "Source_Host", "Source_Port", "Replica_IO_Running", "Replica_SQL_Running", "Seconds_Behind_Source")
OLD = ("Slave_IO_State", "Master_Host", "Master_Port", "Slave_IO_Running", "Slave_SQL_Running", "Seconds_Behind_Master")
LATE = ("Waiting", "10.0.0.7", "3306", "Yes", "Yes", "25")


class Server:
    """Answers like a server, as a cursor."""

    def __init__(self, variables, knows="show replica status", columns=NEW, connections=(), may_see=True, threads=0, nodes=0):
        self.variables, self.knows, self.columns, self.connections = {**WRITER, **variables}, knows, columns, connections
        self.may_see, self.threads, self.nodes = may_see, threads, nodes

    def execute(self, statement):
        self.description = None
        if statement.startswith("show global variables"):
            self.rows = [pair for pair in self.variables.items() if f"'{pair[0]}'" in statement]
        elif statement.startswith("show global status"):
            self.rows = [("wsrep_cluster_size", str(self.nodes))]
        elif "processlist" in statement:
            self.rows = [(str(self.threads),)]
        elif statement != self.knows:
            raise pymysql.ProgrammingError(1064, "You have an error in your SQL syntax")
        elif not self.may_see:
            raise pymysql.OperationalError(1227, "Access denied; you need the REPLICATION CLIENT privilege(s)")
        else:
            self.description = [(name,) for name in self.columns]
            self.rows = list(self.connections)

    def fetchall(self):
        return self.rows

    def fetchone(self):
        return self.rows[0]


def look(variables=(), **server) -> Replication:
    return look_at_replication(Server(dict(variables), **server), ADDRESS)


@pytest.mark.parametrize("value", ["ON", "1", "NO_LOCK", "NO_LOCK_NO_ADMIN"])
@pytest.mark.parametrize("variable", ["innodb_read_only", "super_read_only", "read_only"])
def test_a_read_only_server_is_refused(variable, value):
    """Aurora's readers, replicas of RDS, secondaries of a group; MariaDB 12 knows more than on and off."""
    with pytest.raises(FixConfiguration, match=rf"is a reader \({variable} is on\).*writer endpoint.*the secret the-secret"):
        look({variable: value})


@pytest.mark.parametrize(
    ("knows", "columns"), [("show replica status", NEW), ("show slave status", OLD), ("show all slaves status", OLD)]
)
def test_a_replica_is_refused_by_what_it_follows(knows, columns):
    """In MySQL's words since 8.0.22, before, and in MariaDB's."""
    with pytest.raises(FixConfiguration, match=r"replica of 10\.0\.0\.7:3306 \(25 seconds late\)"):
        look(knows=knows, columns=columns, connections=[LATE])


def test_a_replica_whose_lag_is_unknown_is_refused():
    """Connecting, or broken."""
    with pytest.raises(FixConfiguration, match="stopped; it may go on"):
        look(connections=[("", "10.0.0.7", "3306", "Connecting", "Yes", None)])
    with pytest.raises(FixConfiguration, match="it is not known how late"):
        look(connections=[("", "10.0.0.7", "3306", "Yes", "Yes", None)])


def test_threads_tell_a_replica_whose_status_is_hidden():
    """As on RDS for MariaDB, where nobody may ask for the status."""
    with pytest.raises(FixConfiguration, match="its replication threads run"):
        look(may_see=False, threads=2)
    assert look(may_see=False) == Replication(sees_status=False)


def test_a_groups_primary_is_a_writer():
    """Although it lists the channel by which it once joined."""
    channel = ("", "10.0.0.7", "3306", "No", "No", None, "group_replication_recovery")
    group = {"group_replication_group_name": "aaaa", "group_replication_single_primary_mode": "ON"}
    assert look(group, columns=(*NEW, "Channel_Name"), connections=[channel]) == Replication()


@pytest.mark.parametrize(
    ("variables", "nodes", "others"),
    [
        (
            {"group_replication_group_name": "aaaa", "group_replication_single_primary_mode": "OFF"},
            0,
            "a group of several primaries",
        ),
        ({"group_replication_group_name": "", "group_replication_single_primary_mode": "OFF"}, 0, None),
        ({"wsrep_on": "ON"}, 3, "a Galera cluster of 3 servers"),
        ({"wsrep_on": "ON"}, 1, None),
        ({"wsrep_on": "OFF"}, 0, None),
    ],
)
def test_servers_that_write_the_same_rows_are_noticed(variables, nodes, others):
    """Their open transactions are not seen here."""
    assert look(variables, nodes=nodes) == Replication(other_writers=others)


def test_a_plan_that_goes_on_in_another_function_keeps_what_was_found():
    """With the safe watermark, which is fixed before the first read."""
    moment = datetime(2026, 11, 21, 3)
    safe_watermark = SafeWatermark(
        moment, moment, replication=Replication(sees_status=False, other_writers="a group of several primaries")
    )
    assert read_as(Progress, json.loads(json.dumps(Progress(safe_watermark).to_json()))).safe_watermark == safe_watermark

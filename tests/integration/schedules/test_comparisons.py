"""Schedules whose changes move no cursor, and what finds them: comparing the source with raw (I1, I8, I11)."""

from datetime import timedelta

import pytest
import sqlglot
from sqlglot import exp

from rental_pipeline.warehouse.data_api import DataApi
from rental_pipeline.warehouse.run_step import STEPS

RECONCILE = {"reconcile": True}

ODDITIES = {  # column: its type, and two values
    "price": ("decimal(20, 4)", (None, "-0.0001")),
    "ratio": ("double", ("0.1", "1e300")),
    "moment": ("datetime(6)", ("2024-02-29 23:59:59.999999", None)),
    "instant": ("timestamp(3) null", ("2024-06-01 12:00:00.123", "2001-01-01 00:00:00")),
    "span": ("time(2)", ("-838:59:59.00", "00:00:00.01")),
    "day": ("date", (None, "1000-01-01")),
    "flags": ("bit(10)", (1023, 0)),
    "unlimited": ("bigint unsigned", (2**64 - 1, 0)),
    "words": ("text", ('it\'s \\ "so"\n\t\N{GRINNING FACE}', "")),
    "choice": ("enum('a', 'b')", ("b", None)),
    "bytes": ("varbinary(20)", (b"\x00\xff'", b"")),
    "fixed": ("char(5)", ("a  ", "é")),
}


@pytest.mark.slow
def test_08_children_of_a_deleted_parent_stay(market):
    """No cursor tells that a parent is gone. The reconcile run finds it, and its child stays in the figures."""
    market.insert_parent()
    market.insert_child()
    market.run_well()
    market.execute("delete from parents")
    market.pass_time(hours=1)
    market.run_well(RECONCILE)
    assert market.query("select id from parents") == [] and market.query("select id from children") == [(1,)]
    market.assert_raw_mirrors_source()
    market.assert_equals_rebuild()


@pytest.mark.slow
def test_11_a_cascade_is_found_by_a_reconcile_run(market):
    """ON UPDATE CASCADE changes the child's row, and its ON UPDATE timestamp stays."""
    market.execute("alter table children add foreign key (parent_id) references parents (id) on update cascade")
    market.insert_parent()
    market.insert_child()
    market.run_well()
    market.pass_time(hours=1)
    before = market.source.query("select changed_at from children")
    market.execute("update parents set id = 5")
    assert market.source.query("select parent_id from children") == [(5,)]
    assert market.source.query("select changed_at from children") == before
    market.run_well(RECONCILE)
    market.assert_raw_mirrors_source()
    assert market.query("select id, parent_id from children") == [(1, 5)]
    market.assert_equals_rebuild()


@pytest.mark.slow
def test_14_an_event_that_comes_later_than_the_overlap_is_found_by_a_reconcile_run(market):
    """And so is one that is gone; the days that agree are not read."""
    for days in range(6):
        market.execute("insert into events values (%s, 'x')", market.clock - timedelta(days=days))
    market.run_well()
    market.execute("insert into events values (%s, 'late')", market.clock - timedelta(days=5))
    market.execute("delete from events where happened_at < %s and what = 'x' limit 1", market.clock - timedelta(days=3, hours=12))
    market.run_well(RECONCILE)
    market.assert_raw_mirrors_source()
    ((rows_read,),) = market.query("select rows_read from table_load where run_sequence = 2 and table_name = 'events'")
    assert rows_read < 6
    market.assert_equals_rebuild()


def test_18_values_of_every_kind_have_one_checksum_on_both_sides(market):
    """Decimals, times, NULLs, texts with quotes: unchanged rows are not read again, and each changed value is found."""
    definitions = ", ".join(f"{name} {kind}" for name, (kind, _) in ODDITIES.items())
    market.execute(f"create table oddities (id int primary key, {definitions})")
    market.edit("source.yaml", "  labels:", "  oddities:\n    strategy: snapshot\n    key: id\n  labels:")
    for row in range(len(ODDITIES)):
        values = [row, *(before for _, (before, _) in ODDITIES.values())]
        market.execute(f"insert into oddities values ({', '.join(['%s'] * len(values))})", *values)
    market.run_well()
    assert market.run_well() == "unchanged"
    market.run_well(RECONCILE)
    assert market.query("select run_sequence from table_load where rows_read > 0 and table_name = 'oddities'") == [(1,)]
    for row, (name, (_, (_, after))) in enumerate(ODDITIES.items()):
        market.execute(f"update oddities set {name} = %s where id = %s", after, row)
    market.run_well(RECONCILE)
    versions = market.query("select id, count(distinct _row_hash) from market_raw.oddities group by id order by id")
    assert versions == [(row, 2) for row in range(len(ODDITIES))]


def takes_rows(sql: str) -> str | None:
    """Return what a statement does to a raw table and which one it is, where it could take a row from it; None where it cannot.

    Only additions are known to be harmless: INSERT, CREATE, new and wider columns. All else counts whose target is a raw table.
    """
    if "market_raw" not in sql:
        assert "search_path" not in sql or sql == "set search_path to market_control", sql
        return None
    statement = sqlglot.parse_one(sql, read="redshift")
    if isinstance(statement, exp.Command):  # the parser gives back as it is what is no query language
        assert sql.startswith(("unload ", "call ")), sql
        return None
    adds = isinstance(statement, (exp.Insert, exp.Create)) and not statement.args.get("replace")
    if isinstance(statement, exp.Alter):
        adds = all(isinstance(action, (exp.ColumnDef, exp.AlterColumn)) for action in statement.args["actions"])
    # TRUNCATE and DROP may have several.
    targets = [statement.this, *statement.expressions, *(statement.args.get("tables") or ())]
    raw = [target.name for target in targets if isinstance(target, exp.Table) and target.db == "market_raw"]
    return None if adds or not raw else f"{statement.key} {', '.join(raw)}"


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ('delete from market_raw."parents" where id = 1', "delete parents"),
        ("delete from market_raw.parents using touched where parents.id = touched.id", "delete parents"),
        ("truncate table market_raw.parents", "truncatetable parents"),
        ("update market_raw.parents set state = 'x'", "update parents"),
        ("drop table if exists market_raw.parents", "drop parents"),
        ("alter table market_raw.parents drop column state", "alter parents"),
        ("alter table market_raw.parents rename to gone", "alter parents"),
        ("alter table market_raw.parents add column extra bigint", None),
        ("delete from market_curated.parents using market_raw.parents where true", None),
    ],
)
def test_20_a_statement_that_takes_rows_from_raw_is_recognised(sql, found):
    """Else the next test would find nothing."""
    assert takes_rows(sql) == found


@pytest.mark.slow
def test_20_only_an_erasure_and_a_replay_take_versions_from_raw(market, monkeypatch):
    """Nothing prunes raw: what history says of January is never taken from it. Days of events are replaced by their load.

    Every statement is read that runs of every kind send, drift, deletes and runs that stopped among them.
    """
    found: dict[str, set[str]] = {}
    sent: list[str] = []
    call = DataApi._call

    def read(self, operation, **request):
        for sql in request.get("Sqls") or filter(None, [request.get("Sql")]):
            sent.append(request["StatementName"])
            if taken := takes_rows(sql):
                found.setdefault(request["StatementName"].split("/")[2], set()).add(taken)
        return call(self, operation, **request)

    monkeypatch.setattr(DataApi, "_call", read)
    market.insert_parent()
    market.insert_child()
    market.execute("insert into labels values ('a', null, null), ('b', null, null)")
    market.execute("insert into events values (now(6), 'x')")
    market.run_well()
    market.pass_time(hours=1)
    market.execute("update parents set state = 'broken'")
    market.execute("delete from children")
    market.execute("delete from labels where code = 'a'")
    market.execute("update events set what = 'y'")
    market.start().stop_before("load events")
    window = {"from": market.first_day.isoformat(), "to": market.day(1).isoformat()}
    for run_input in ({}, {"window": window}, RECONCILE, {"rebuild": True}, {"rebuild": "curated"}, {"dry_run": True}):
        market.run(run_input)
    market.execute("alter table parents add column extra varchar(10) default 'x'")
    market.run_well()
    market.execute("alter table parents modify column extra varchar(20) default 'x'")
    market.run_well()
    assert found == {"load": {"delete events"}}
    versions = market.read_versions("parents", "state")
    assert versions == [("ok", "U"), ("broken", "U"), ("broken", "U")]
    market.run_well({"replay": True})
    assert market.read_versions("parents", "state") == versions
    market.run_well({"erase": ["children"]})
    assert found == {
        "load": {"delete events"},
        "replay": {f"delete {table}" for table in ("parents", "children", "labels", "events")},
        "prepare": {"drop children"},
    }
    assert {part for name in sent for part in name.split("/")} >= set(STEPS)

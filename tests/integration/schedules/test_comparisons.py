"""Schedules whose changes move no cursor, and what finds them: comparing the source with raw (I1, I8, I11)."""

import re
from datetime import timedelta

from rental_pipeline.data_api import DataApi

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


def test_08_children_of_a_deleted_parent_become_orphans(market):
    """No cursor tells that a parent is gone, and nothing happened to the child."""
    market.insert_parent()
    market.insert_child()
    market.run_well()
    market.execute("delete from parents")
    market.pass_time(hours=1)
    market.run_well(RECONCILE)
    assert market.query("select row_key, broken_rule from rejected_rows") == [("1", "orphan")]
    market.assert_raw_mirrors_source()
    market.assert_equals_rebuild()


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


def test_20_no_run_deletes_a_version_of_a_keyed_table(market, monkeypatch):
    """Nothing prunes raw: what history says of January is never taken from it. Only days of events are replaced."""
    statements: list[str] = []
    submit = DataApi.submit
    monkeypatch.setattr(
        DataApi,
        "submit",
        lambda self, name, submission, execution: (
            statements.extend(submission.statements) or submit(self, name, submission, execution)
        ),
    )
    market.insert_parent()
    market.insert_child()
    market.execute("insert into labels values ('a', null, null)")
    market.execute("insert into events values (now(6), 'x')")
    market.run_well()
    market.execute("update parents set state = 'broken'")
    market.execute("delete from children")
    market.execute("delete from labels")
    for run_input in ({}, RECONCILE, {"rebuild": True}):
        market.run_well(run_input)
    changing = [sql for sql in statements if re.search(r"\b(delete from|truncate|update|drop table)\b[^;]*market_raw", sql, re.I)]
    of_raw = [
        sql
        for sql in changing
        if re.search(r"^\s*(delete from|truncate|update|drop table)[^a-z]+(if exists )?market_raw", sql, re.I)
    ]
    assert statements and all(re.search(r'delete from market_raw\."?events', sql) for sql in of_raw), of_raw
    assert market.read_versions("parents", "state") == [("ok", "U"), ("broken", "U")]

"""No name of the pipeline's own, in any SQL that it composes, can be taken for a source's: shown with sources that have them all.

The names are not listed here: they are read out of the statements that a small marketplace's runs send, so a new one is found by
itself. Then source tables are made whose names, keys, cursors and columns are these, and their runs are compared with the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice

import pymysql
import pytest
import sqlglot
from sqlglot import exp

import mysql_arrow
from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.model.own_names import explain_reserved
from rental_pipeline.model.raw_tables import RESERVED_COLUMNS
from rental_pipeline.warehouse.data_api import DataApi
from tests.fixtures.aws import create_bucket
from tests.fixtures.layers import read_raw_newest, read_source
from tests.fixtures.market import KEYS, open_market

STRATEGIES = ("merge", "append", "snapshot")
# What earlier versions called their temporary tables and columns, which sources could meet.
FORMER = """
    after_image appeared arrived arrived_by_day arrived_day before_image checksum child counted day_rows
    distinct_keys event_day gone key_0 key_range known known_day known_rows newest numbered parent part place
    placed quarantined ranged ranked raw_rows referred replaced_day row_count start_0 touched touched_period
    touched_periods version_rank
""".split()  # noqa: SIM905 - a list of words reads better


class Statements:
    """What the pipeline sends while it is watched, to the source and to the warehouse."""

    def __init__(self) -> None:
        self.sent: set[tuple[str, str]] = set()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note every statement until the block ends."""
        call, query, read = DataApi._call, pymysql.cursors.Cursor._query, mysql_arrow.read_batches

        def note_call(api, operation, **request):
            self.sent |= {("redshift", sql) for sql in [request.get("Sql"), *request.get("Sqls", [])] if sql}
            return call(api, operation, **request)

        def note_query(cursor, sql):
            self.sent.add(("mysql", sql if isinstance(sql, str) else sql.decode()))
            return query(cursor, sql)

        def note_read(connection, sql, *more, **options):
            self.sent.add(("mysql", sql))
            return read(connection, sql, *more, **options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(DataApi, "_call", note_call)
            patch.setattr(pymysql.cursors.Cursor, "_query", note_query)
            patch.setattr(mysql_arrow, "read_batches", note_read)
            yield

    def trees(self) -> Iterator[exp.Expression]:
        """Yield what can be parsed: queries and changes; the queries within UNLOAD, too."""
        for dialect, sql in self.sent:
            if unloaded := re.match(r"unload \('((?:[^']|'')*)'\)", sql):
                sql = unloaded[1].replace("''", "'")
            if sql.lstrip().split(None, 1)[0].lower() in ("select", "insert", "delete", "create", "with", "update"):
                tree = sqlglot.parse_one(sql, read=dialect)
                if not isinstance(tree, exp.Command):
                    yield tree


def list_names(statements: Statements) -> set[str]:
    """Return every name in the statements: tables, columns, aliases, schemas."""
    return {name.name.lower() for tree in statements.trees() for name in tree.find_all(exp.Identifier) if name.name}


def list_made_tables(statements: Statements) -> set[str]:
    """Return what statements make and refer to as a table: aliases and temporary tables."""
    made = {alias.name for tree in statements.trees() for alias in tree.find_all(exp.TableAlias) if alias.name}
    return made | {tree.find(exp.Table).name for tree in statements.trees() if makes_temporary(tree)}


def list_made_columns(statements: Statements) -> set[str]:
    """Return what statements make and refer to as a column."""
    return {alias.alias for tree in statements.trees() for alias in tree.find_all(exp.Alias)}


def makes_temporary(tree: exp.Expression) -> bool:
    return isinstance(tree, exp.Create) and tree.find(exp.TemporaryProperty) is not None


def run_everything(market) -> None:
    """Have every kind of run send its statements."""
    for number in (1, 2):
        market.insert_parent(number)
        market.insert_child(number, number)
    market.execute("insert into labels values ('a', 'x', 'y'), ('b', 'x', 'y')")
    market.execute("insert into events values (now(6), 'one'), (null, 'two')")
    market.run_well()
    market.pass_time(hours=1)
    market.execute("update children set state = 'broken' where id = 1")
    market.execute("update parents set changed_at = changed_at, state = 'broken' where id = 2")
    market.execute("update labels set text = 'z' where code = 'a'")
    market.execute("insert into events values (now(6), 'three')")
    market.run_well()
    market.execute("delete from children where id = 2")
    market.run_well({"reconcile": True})
    market.run_well({"window": {"from": f"{market.first_day}T00:00:00Z", "to": f"{market.day(1)}T00:00:00Z"}})
    market.run_well({"replay": True})


@pytest.fixture(scope="module")
def statements(aws, mariadb, market_source, warehouse, tmp_path_factory) -> Statements:
    """What the marketplace's runs have sent, of every kind."""
    statements = Statements()
    bucket, folder = create_bucket(aws), tmp_path_factory.mktemp("names")
    with open_market(aws, bucket, mariadb, market_source, warehouse, folder) as market, statements.watched():
        run_everything(market)
    return statements


def is_refused(name: str) -> bool:
    return explain_reserved(name, RESERVED_COLUMNS) is not None


class OddTables:
    """Source tables with the given names for everything, and what happens to them."""

    def __init__(self, market, tables: list[str], columns: list[str], wide: list[str]) -> None:
        self.market, self.keys = market, {}
        key_columns, cursors = cycle(columns), cycle(reversed(columns))
        contract = ""
        for strategy, name in [*zip(cycle(STRATEGIES), tables), *((strategy, f"wide_{strategy}") for strategy in STRATEGIES)]:
            cursor = next(cursors)
            key = [] if strategy == "append" else list(dict.fromkeys(islice((k for k in key_columns if k != cursor), 3)))
            others = [column for column in (wide if name.startswith("wide_") else columns[:5]) if column not in (*key, cursor)]
            definitions = [f"`{column}` int not null default 0" for column in key]
            definitions += [f"`{cursor}` datetime(6) not null"] + [f"`{column}` int" for column in others]
            primary = f", primary key ({', '.join(f'`{column}`' for column in key)})" if key else ""
            market.execute(f"create table `{name}` ({', '.join(definitions)}{primary})")
            self.keys[name] = (key, cursor, others)
            fields = [f"strategy: {strategy}"] + ([f"key: [{', '.join(map(repr, key))}]"] if key else [])
            fields += [f"cursor: {cursor!r}", "overlap: 1 days"] if strategy != "snapshot" else []
            contract += f"  {name}: {{{', '.join(fields)}, max_delete_fraction: 1}}\n"
        market.edit("source.yaml", "  labels:", f"{contract}  labels:")

    def insert(self, number: int) -> None:
        """Add a row to each table; its values differ by column."""
        for name, (key, cursor, others) in self.keys.items():
            columns = ", ".join(f"`{column}`" for column in (*key, cursor, *others))
            values = ", ".join([*(str(number) for _ in key), "now(6)", *(str(number * 10 + at % 7) for at in range(len(others)))])
            self.market.execute(f"insert into `{name}` ({columns}) values ({values})")

    def change(self, before: str, after: str) -> None:
        """Update the rows of each table in which its first other column has a value."""
        for name, (_, cursor, others) in self.keys.items():
            self.market.execute(
                f"update `{name}` set `{others[0]}` = {after}, `{cursor}` = now(6) where `{others[0]}` = {before}"
            )

    def delete(self, value: str) -> None:
        for name, (*_, others) in self.keys.items():
            self.market.execute(f"delete from `{name}` where `{others[0]}` = {value}")

    def assert_mirrored(self) -> None:
        for name, (key, *_) in self.keys.items():
            keys = ", ".join(f'"{column}"' for column in key) or None
            found, expected = read_raw_newest(self.market.warehouse, name, keys, "market"), read_source(self.market.source, name)
            assert found == expected, f"{name}: {len(found)} rows in raw, {len(expected)} in the source"


@pytest.mark.slow
def test_every_name_of_ours_may_be_a_source_s_or_is_refused(market, statements):
    """First load, increment, delete and reconcile of tables of each strategy, made of all names that statements hold."""
    names = list_names(statements) | set(FORMER)
    made = list_made_tables(statements) | list_made_columns(statements)
    assert len(names) > 150 and len(made) > 50, "statements were watched"
    wide = sorted(name for name in names if not is_refused(name))[:900]
    columns = sorted({name.lower().removeprefix("_rp_") for name in made} - {name for name in made if is_refused(name)})
    tables = {name.removeprefix("_rp_") for name in list_made_tables(statements)} | set(FORMER)
    tables = sorted(name for name in tables - set(KEYS) if re.fullmatch(r"[a-z][a-z0-9_]*", name))
    # Each table costs a load in each of four runs: those that statements write to, and of the aliases every eighth.
    tables = sorted({"arrived", "gone", "newest", "replaced_day", "touched", *tables[::8]})
    print(len(tables), "tables,", len(columns), "columns,", len(wide), "in wide ones")

    odd = OddTables(market, tables, columns, wide)
    own = Statements()
    odd.insert(1)
    odd.insert(2)
    with own.watched():
        market.run_well()
        odd.assert_mirrored()
        market.pass_time(hours=1)
        odd.insert(3)
        odd.change("20", "77")
        market.run_well()
        odd.assert_mirrored()
        odd.delete("10")
        market.run_well({"reconcile": True})
        odd.assert_mirrored()
        market.run_well({"reconcile": True})
    new = (list_made_tables(own) | list_made_columns(own)) - made
    assert not {name for name in new if not is_refused(name)}, "names that only such tables' statements make"
    assert market.query("select count(*) from reconciliation where is_whole and ranges_different > 0 and run_sequence ="
                        " (select max(run_sequence) from run)") == [(0,)]  # fmt: skip


@pytest.mark.slow
def test_names_that_a_source_may_not_have_are_refused_one_by_one(market, statements):
    """All that statements hold and sources may not have, in one table: the plan names each, and the way out works for all."""
    refused = sorted(name for name in list_names(statements) | {"xmin", "oid", "_RP_x"} if is_refused(name.lower()))
    columns = ", ".join(f"`{name}` int" for name in refused)
    market.execute(f"create table taken (id int primary key, {columns})")
    market.edit("source.yaml", "  labels:", "  taken: {strategy: snapshot, key: id}\n  labels:")
    with pytest.raises(FixConfiguration) as refusal:
        market.run()
    for name in refused:
        assert f"table taken: column {name} is a name that" in str(refusal.value)
    personal = ", ".join(f"{name}: drop" for name in refused)
    market.edit("source.yaml", "snapshot, key: id}", f"snapshot, key: id, personal: {{{personal}}}}}")
    market.execute("insert into taken (id) values (7)")
    market.run_well()
    assert market.query("select id from market_raw.taken") == [(7,)]


def test_what_statements_make_is_reserved_or_promised(statements):
    """Names that SQL over a source's columns makes: `_rp_…` and raw's own, else what a marketplace's files are promised."""
    # A check counts the rows of a whole query (`broken`) by their `example`: no source's column is beside these two.
    promised = re.compile(r"newest|judged|versions|dirty_period|known_\w+|changed_\w+|broken|example")
    for tree in statements.trees():
        if not any(table.db == "market_raw" for table in tree.find_all(exp.Table)):
            continue
        names = {alias.name for alias in tree.find_all(exp.TableAlias)} | {alias.alias for alias in tree.find_all(exp.Alias)}
        names |= {tree.find(exp.Table).name} if makes_temporary(tree) else set()
        assert not {name for name in names if name and not is_refused(name) and not promised.fullmatch(name)}, tree.sql()

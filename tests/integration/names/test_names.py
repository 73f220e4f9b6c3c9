"""Source tables and columns whose names meet names of the pipeline's own SQL: they work, or are refused before reading."""

from __future__ import annotations

import io

import pyarrow.parquet
import pytest

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.base.object_store import listing_key
from tests.fixtures.layers import read_raw_newest, read_source
from tests.fixtures.slow import first_of

# What every table of Redshift has already (the stand-in refuses them, too: table_columns.py of packages/local_redshift).
SYSTEM_COLUMNS = ("cmax", "CMIN", "ctid", "deletexid", "insertxid", "oid", "tableoid", "xmax", "Xmin")


def add_table(market, name: str, fields: str) -> None:
    """Add a table to the contract."""
    market.edit("source.yaml", "  labels:", f"  {name}: {fields}\n  labels:")


def quote(name: str) -> str:
    """Quote a name for Market.execute, to which % is a mark."""
    return "`" + name.replace("`", "``").replace("%", "%%") + "`"


def assert_mirrored(market, table: str, key: str | None = None, source_table: str | None = None) -> None:
    assert read_raw_newest(market.warehouse, table, key, "market") == read_source(market.source, source_table or table)


@pytest.mark.slow
def test_a_column_named_part_hides_no_day_of_an_append_table(market):
    """Case 1: a row a day, all of one `part`; grouped by that column, five days would be one."""
    market.execute("create table repairs (done_at datetime not null, part varchar(20))")
    add_table(market, "repairs", "{strategy: append, cursor: done_at, overlap: 3 days}")
    for _ in range(5):
        market.execute("insert into repairs values (now(), 'brake')")
        market.run_well()
        market.pass_time(days=1)
    assert_mirrored(market, "repairs")
    market.run_well({"reconcile": True})
    assert market.query("select source_rows, raw_rows from reconciliation where table_name = 'repairs' and is_whole") == [(5, 5)]


@pytest.mark.slow
@pytest.mark.parametrize("table", first_of(["replaced_day", "arrived"]))
def test_an_append_table_may_be_named_as_a_step_of_its_load(market, table):
    """Case 2: its columns, too, are called what the load calls its own."""
    market.execute(f"create table {table} (at datetime not null, event_day date, known_rows int, day_rows int, checksum int)")
    add_table(market, table, "{strategy: append, cursor: at, overlap: 3 days}")
    for number in range(3):
        market.execute(f"insert into {table} values (now(), '2020-01-01', {number}, 1, 2)")
        market.run_well()
        market.pass_time(days=1)
    market.execute(f"delete from {table} where known_rows = 0")
    market.run_well({"reconcile": True})
    assert_mirrored(market, table)


@pytest.mark.parametrize("column", first_of(SYSTEM_COLUMNS))
def test_a_column_that_redshift_keeps_to_itself_is_refused_by_name(market, column):
    """Case 3: by table, column and the ways out, before a row is read; the way out works."""
    market.execute(f"create table kept (id int primary key, `{column}` int)")
    add_table(market, "kept", "{strategy: snapshot, key: id}")
    with pytest.raises(FixConfiguration) as refusal:
        market.run()
    for words in ("table kept", f"column {column}", f"personal: {{{column.lower()}: drop}}", "rename it in the source"):
        assert words in str(refusal.value)
    market.edit("source.yaml", "snapshot, key: id}", f"snapshot, key: id, personal: {{{column.lower()}: drop}}}}")
    market.execute("insert into kept values (1, 2)")
    market.run_well()
    assert market.query("select id from market_raw.kept") == [(1,)]


@pytest.mark.slow
def test_a_source_table_may_have_any_name(market):
    """Case 17: the contract gives it a name for the warehouse, and says what the source calls it."""
    names = {"order_items": "order-items", "prices": "2024_prices", "contracts": "Mietverträge", "quoted": 'a `b` "c" %s \\ {d}'}
    for name, source_table in names.items():
        market.execute(f"create table {quote(source_table)} (id int primary key, {quote('discount_%')} int)")
        market.execute(f"insert into {quote(source_table)} values (1, 5), (2, 6)")
        add_table(market, name, f"{{strategy: snapshot, key: id, source_table: '{source_table}'}}")
    market.run_well()
    for source_table in names.values():
        market.execute(f"delete from {quote(source_table)} where id = 1")
        market.execute(f"update {quote(source_table)} set {quote('discount_%')} = 7")
    market.run_well()
    for name in names:
        assert market.query(f'select "discount_%", _operation from market_raw.{name} order by _run_sequence, id') == [
            (5, "U"), (6, "U"), (None, "D"), (7, "U"),
        ]  # fmt: skip


def test_a_table_under_a_name_of_the_source_is_refused_with_the_way_out(market):
    """Case 17: the message says the field."""
    market.execute("create table `order-items` (id int primary key)")
    add_table(market, "order-items", "{strategy: snapshot, key: id}")
    with pytest.raises(FixConfiguration, match='say `source_table: "order-items"` under it'):
        market.run()
    market.edit("source.yaml", "  order-items:", "  orders:")
    with pytest.raises(FixConfiguration, match=r"the source has no table orders \(did you mean 'order-items'\?\).*source_table"):
        market.run()


def test_another_source_table_under_the_same_name_is_read_whole(market):
    """What raw knew was of the first: what the second has not is deleted there, and its own rows are read, however old."""
    for table in ("one", "two"):
        market.execute(f"create table {table}_m (id int primary key, v int, at datetime(6) not null)")
        market.execute(f"create table {table}_s (id int primary key, v int)")
        market.execute(f"create table {table}_a (at datetime(6) not null, v int)")
    for kind, fields in (("m", "merge, key: id, cursor: at"), ("s", "snapshot, key: id"), ("a", "append, cursor: at")):
        add_table(market, f"t_{kind}", f"{{strategy: {fields}, max_delete_fraction: 1, source_table: one_{kind}}}")
    market.execute("insert into one_m values (1, 10, now(6)), (2, 20, now(6))")
    market.execute("insert into one_s values (1, 10), (2, 20)")
    market.execute("insert into one_a values (now(6), 10), (now(6) - interval 40 day, 10)")
    market.execute("insert into two_m values (2, 21, now(6) - interval 1 year), (3, 30, now(6) - interval 1 year)")
    market.execute("insert into two_s values (2, 21), (3, 30)")
    market.execute("insert into two_a values (now(6) - interval 40 day, 11)")
    market.run_well()
    market.pass_time(days=1)
    for kind in "msa":
        market.edit("source.yaml", f"source_table: one_{kind}", f"source_table: two_{kind}")
    market.run_well()
    assert_mirrored(market, "t_m", "id", "two_m")
    assert_mirrored(market, "t_s", "id", "two_s")
    # Days since its first event are the second's; older ones are kept, as where a source clears events away.
    assert_mirrored(market, "t_a", None, "two_a")
    market.run_well({"reconcile": True})
    assert_mirrored(market, "t_a", None, "two_a")


CURATED_PAIRS = """\
-- Pairs that are not bad.
--
-- grain:      one row per pair
-- source:     pairs
-- input:      newest
-- key:        one, two
-- references: none
-- reads:      newest
-- writes:     market_curated.pairs
-- parameters: none
-- rerun:      the same rows
-- storage:    distkey one; sortkey one
-- lake:       by year of day

-- name: table
create table if not exists market_curated.pairs (
    one varchar(1020) not null,
    two varchar(1020) not null,
    day date
)
distkey (one)
sortkey (one)

-- name: judged
select
    newest.one,
    newest.two,
    newest.day,
    newest._row_key as row_key,
    case when newest.is_bad = 1 then 'bad' end as broken_rule,
    case when newest.is_bad = 1 then 'is_bad=1' end as broken_value,
    cast(null as varchar(1024)) as unreadable_value
from newest

-- name: accepted
select
    one,
    two,
    day
from judged
where broken_rule is null
"""


@pytest.fixture
def pairs(market):
    """A table whose key is two texts, and its curated table."""
    market.execute(
        "create table pairs (one varchar(255), two varchar(255), is_bad int, day date, primary key (one, two))"
        " charset utf8mb4 collate utf8mb4_bin"
    )
    add_table(market, "pairs", "{strategy: snapshot, key: [one, two], max_delete_fraction: 1}")
    (market.sql_root / "market" / "curated" / "pairs.sql").write_text(CURATED_PAIRS)
    market.edit("source.yaml", "max_delete_fraction: 1}", "max_delete_fraction: 1, max_rejected_fraction: 1}")
    return market


@pytest.mark.slow
def test_keys_of_several_texts_never_collide(pairs):
    """What joins them may stand in them, and they may be longer than a row key: each is set aside, and comes back, by itself."""
    long = "ä𝄞" * 127
    keys = [("a|b", "c"), ("a", "b|c"), ("a~1b", "c"), ("a~", "|"), ("a", "~|"), (long, long + "x"), (long, long + "y")]
    for one, two in keys:
        pairs.execute("insert into pairs values (%s, %s, 1, null)", one, two)
    pairs.run_well()
    row_keys = [key for (key,) in pairs.query("select row_key from rejected_rows where table_name = 'pairs'")]
    assert len(row_keys) == len(set(row_keys)) == len(keys)
    assert max(len(key.encode()) for key in row_keys) <= 512 and "a~1b|c" in row_keys
    for number, (one, two) in enumerate(keys, 1):
        pairs.execute("update pairs set is_bad = 0 where one = %s and two = %s", one, two)
        pairs.run_well()
        assert sorted(pairs.query("select one, two from market_curated.pairs")) == sorted(keys[:number])
        assert pairs.query("select count(*) from rejected_rows where table_name = 'pairs'") == [(len(keys) - number,)]


@pytest.mark.slow
def test_rows_without_a_date_are_in_the_lake(pairs):
    """By year of a date that may be missing: they are a year of their own, and no row is lost when that, or another, changes."""

    def count_in_lake() -> int:
        read = pairs.pipeline.s3.get_object
        run = max(pairs.query("select run_sequence from layer_position where layer = 'lake' and name = 'curated_pairs'"))[0]
        listed = read(Bucket=pairs.pipeline.bucket, Key=listing_key("market", "curated", "pairs", run))["Body"].read().decode()
        keys = [url.partition(pairs.pipeline.bucket + "/")[2] for url in listed.split()]
        bodies = [read(Bucket=pairs.pipeline.bucket, Key=key)["Body"].read() for key in keys]
        return sum(pyarrow.parquet.read_table(io.BytesIO(body)).num_rows for body in bodies)

    pairs.execute("insert into pairs values ('a', '1', 0, null), ('a', '2', 0, '2024-02-29'), ('a', '3', 0, '2025-01-01')")
    pairs.run_well()
    assert count_in_lake() == 3
    pairs.execute("insert into pairs values ('b', '1', 0, null)")
    pairs.execute("update pairs set day = '2025-03-01' where two = '2'")
    pairs.run_well()
    assert count_in_lake() == 4
    pairs.execute("update pairs set day = null where two = '3'")
    pairs.run_well()
    assert count_in_lake() == 4

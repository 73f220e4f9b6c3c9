"""Source tables and columns whose names meet names of the pipeline's own SQL: they work, or are refused before reading."""

from __future__ import annotations

import pytest

from rental_pipeline.errors import FixConfiguration

# What every table of Redshift has already (the stand-in refuses them, too: local/data_api/tables.py).
SYSTEM_COLUMNS = ("cmax", "CMIN", "ctid", "deletexid", "insertxid", "oid", "tableoid", "xmax", "Xmin")


def add_table(market, name: str, fields: str) -> None:
    """Add a table to the contract."""
    market.edit("source.yaml", "  labels:", f"  {name}: {fields}\n  labels:")


def quote(name: str) -> str:
    """Quote a name for Market.execute, to which % is a mark."""
    return "`" + name.replace("`", "``").replace("%", "%%") + "`"


@pytest.mark.parametrize("column", SYSTEM_COLUMNS)
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

"""Loads into Redshift that put values into wrong columns or failed on a length or name. A test's name begins with the report."""

import pytest

from rental_pipeline.base.errors import FixConfiguration

ROW = "insert into labels (code, text, other) values (%s, %s, %s)"


@pytest.mark.slow
def test_aws_sdk_pandas_1442_reordered_columns_stay_with_their_values(market):
    """Parquet is copied by position, and the source has its columns in another order than raw (also #1314, #1549)."""
    market.execute(ROW, "a", "text 1", "other 1")
    market.run_well()
    market.execute("alter table labels modify other varchar(50) after code")
    market.execute("alter table labels add column extra int first")
    market.execute("update labels set text = 'text 2', other = 'other 2', extra = 5")
    market.run_well()
    newest = "select code, text, other, extra from market_raw.labels order by _run_sequence"
    assert market.query(newest) == [("a", "text 1", "other 1", None), ("a", "text 2", "other 2", 5)]


def test_rudder_server_3178_a_column_less_is_refused_by_name(market):
    """The files would have one column fewer than the table."""
    market.execute(ROW, "a", "x", "y")
    market.run_well()
    market.execute("alter table labels drop column other")
    with pytest.raises(FixConfiguration, match="dropped in the source: other"):
        market.run()
    assert len(market.query("select * from market_raw.labels")) == 1


def test_airbyte_12680_text_that_is_longer_in_bytes_than_in_characters_fits(market):
    """Fifty characters of four bytes each, in a column of fifty characters; Redshift counts bytes (also #14441)."""
    text = "\N{GRINNING FACE}" * 50
    market.execute("alter table labels convert to character set utf8mb4")
    market.execute(ROW, "a", text, "é" * 50)
    market.run_well()
    assert market.query("select text, other from market_raw.labels") == [(text, "é" * 50)]


@pytest.mark.slow
def test_aws_sdk_pandas_2442_reserved_words_are_names_like_others(market):
    """A table `group` with the columns `order` and `select`, read, changed, and deleted from."""
    group = "  group:\n    strategy: snapshot\n    key: order\n    max_delete_fraction: 1\n"
    market.edit("source.yaml", "  labels:", f"{group}  labels:")
    market.execute("create table `group` (`order` int primary key, `select` varchar(10), `User` int)")
    market.execute("insert into `group` values (1, 'a', 1), (2, 'b', 2)")
    market.run_well()
    market.execute("update `group` set `select` = 'c' where `order` = 1")
    market.execute("delete from `group` where `order` = 2")
    market.run_well()
    versions = market.query('select "order", "select", "user", _operation from market_raw."group" order by 1, _run_sequence')
    assert versions == [(1, "a", 1, "U"), (1, "c", 1, "U"), (2, "b", 2, "U"), (2, None, None, "D")]

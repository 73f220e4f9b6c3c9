"""Tables as people make them: every kind of column, storage and character set that a SELECT reads is read exactly."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.integration.extraction.conftest import Extraction

ODD_NAMES = (
    "select", "from", "group", "order", "key", "table", "user", "timestamp", "date", "end", "desc", "default", "a b", "a-b",
    "a.b", "a,b", "a;b", "a'b", 'a"b', "a`b", "a%b", "%s", "%%", "{a}", "\\", "ä ö", "名前", "1st",
)  # fmt: skip


def test_columns_of_28_odd_names(extraction: Extraction) -> None:
    """Reserved words, blanks, quotes, marks of drivers, other scripts."""
    assert len(ODD_NAMES) == 28
    quoted = ["`" + name.replace("`", "``") + "`" for name in ODD_NAMES]
    extraction.source.make_table("t", "id int primary key, " + ", ".join(f"{name} int" for name in quoted))
    extraction.source.execute(f"insert into t values (1, {', '.join(map(str, range(28)))})")
    extraction.write_contract("  t: {strategy: snapshot, key: id}\n")
    extraction.run()
    assert extraction.parquet("t").to_pylist() == [{"id": 1} | {name.lower(): number for number, name in enumerate(ODD_NAMES)}]


def test_invisible_generated_zero_filled_partitioned_and_compressed_columns(extraction: Extraction) -> None:
    """Of values the text that the server shows; a zero before a number is how it is shown, and no part of it."""
    extraction.source.execute(
        "create table t (id int not null, hidden varchar(10) invisible, number int(8) zerofill,"
        " amount decimal(8,2) unsigned zerofill,"
        " twice int as (number * 2) virtual, kept varchar(20) as (concat('n', number)) stored, long_text text compressed,"
        " primary key (id)) charset utf8mb4 partition by hash (id) partitions 4"
    )
    for number in (1, 2, 300):
        extraction.source.execute(
            "insert into t (id, hidden, number, amount, long_text) values (%s, 'äß', %s, 1.5, repeat('long ', 1000))",
            (number, number),
        )
    extraction.write_contract("  t: {strategy: snapshot, key: id}\n")
    extraction.run()
    assert sorted(extraction.parquet("t").to_pylist(), key=lambda row: row["id"]) == [
        {
            "id": number,
            "hidden": "äß",
            "number": number,
            "amount": Decimal("1.50"),
            "twice": 2 * number,
            "kept": f"n{number:08d}",
            "long_text": "long " * 1000,
        }
        for number in (1, 2, 300)
    ]


@pytest.mark.parametrize(("charset", "text"), [("utf8mb4", "a😀"), ("ucs2", "aß名"), ("ascii", "a?")])
def test_whole_tables_of_a_character_set(extraction: Extraction, charset: str, text: str) -> None:
    """Keys too."""
    extraction.source.make_table("t", f"code varchar(20) character set {charset} primary key, a text character set {charset}")
    extraction.source.execute("insert into t values (%s, %s), ('b', null)", (text, text))
    extraction.write_contract("  t: {strategy: snapshot, key: code}\n")
    extraction.run()
    assert sorted((row["code"], row["a"]) for row in extraction.parquet("t").to_pylist()) == [(text, text), ("b", None)]

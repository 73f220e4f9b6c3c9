"""The lake of a table that is divided by the year of a date which may be missing."""

from __future__ import annotations

import io

import pyarrow.parquet
import pytest

from rental_pipeline.base.object_store import listing_key


def add_table(market, name: str, fields: str) -> None:
    """Add a table to the contract."""
    market.edit("source.yaml", "  labels:", f"  {name}: {fields}\n  labels:")


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
    cast(newest.one || '|' || newest.two as varchar(512)) as row_key,
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

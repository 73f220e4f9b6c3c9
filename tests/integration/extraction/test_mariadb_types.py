"""MariaDB's own types, as values and as keys. Its UUIDs sort by their time, not by their text."""

from __future__ import annotations

import ipaddress
import random
import uuid
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise

import pymysql
import pytest

from rental_pipeline.base.object_store import PLAN
from rental_pipeline.base.settings import DECODERS
from rental_pipeline.model.document import read_as
from rental_pipeline.model.table_plan import PlannedTable, Slice
from rental_pipeline.plan.slices import walk_keys
from rental_pipeline.source.connection import connect, read_source_address
from rental_pipeline.source.queries import compose_keys_query, compose_slice_query
from tests.fixtures.slow import first_of
from tests.integration.extraction.conftest import Extraction

NUMBERS = random.Random(11)
# How MariaDB and MySQL refuse a type that they do not have: "Unknown data type", and a syntax error.
_NO_SUCH_TYPE = {4161, 1064}


def make_uuid() -> str:
    """Of a version that MariaDB reorders, or of one that it does not."""
    version = NUMBERS.choice([1, 3, 4, 5, 6, 7, 8])
    # MariaDB 10.11 refuses a UUID of version 8 whose ninth byte is 80, so no source holds one.
    variant = 0x81 << 56
    return str(uuid.UUID(int=(NUMBERS.getrandbits(128) & ~(0xF << 76 | 0x3 << 62)) | version << 76 | variant))


def make_inet4() -> str:
    return str(ipaddress.IPv4Address(NUMBERS.getrandbits(32)))


def make_inet6() -> str:
    return str(ipaddress.IPv6Address(NUMBERS.choice([NUMBERS.getrandbits(128), NUMBERS.getrandbits(16)])))


KINDS = [("uuid", make_uuid), ("inet4", make_inet4), ("inet6", make_inet6)]


@pytest.fixture
def keyed(extraction: Extraction, request: pytest.FixtureRequest) -> tuple[Extraction, list[str]]:
    """A snapshot table of 40 rows with a key of the type."""
    kind, make = request.param
    try:
        extraction.source.execute(f"create table t (id {kind} primary key, other {kind})")
    except pymysql.err.MySQLError as error:
        if error.args[0] not in _NO_SUCH_TYPE:
            raise
        pytest.skip(f"this server has no type {kind}: {error}")
    keys = [make() for _ in range(40)]
    for key in keys:
        extraction.source.execute("insert into t values (%s, %s)", (key, key))
    extraction.source.execute("update t set other = null where id = %s", (keys[0],))
    extraction.write_contract("  t: {strategy: snapshot, key: id}\n")
    texts = [text for (text,) in extraction.source.query("select cast(id as char) from t")]
    return extraction, texts


@pytest.mark.parametrize("decoder", first_of(DECODERS))
@pytest.mark.parametrize("keyed", KINDS, indirect=True, ids=[kind for kind, _ in KINDS])
def test_each_row_is_read_once_and_exactly(
    keyed: tuple[Extraction, list[str]], decoder: str, set_environment: Callable[..., None]
) -> None:
    """In slices of three rows, cut in the order of the index."""
    extraction, texts = keyed
    set_environment(DECODER=decoder)
    extraction.run()
    rows = extraction.parquet("t")
    assert sorted(rows["id"].to_pylist()) == sorted(texts)
    assert sum(other is None for other in rows["other"].to_pylist()) == 1
    assert all(other in (None, key) for key, other in zip(rows["id"].to_pylist(), rows["other"].to_pylist(), strict=True))


@pytest.mark.parametrize("bytewise", [False, True])
@pytest.mark.parametrize("keyed", KINDS, indirect=True, ids=[kind for kind, _ in KINDS])
def test_slices_and_ranges_of_keys_hold_each_row_once(keyed: tuple[Extraction, list[str]], bytewise: bool) -> None:
    """Ranges that are compared with raw go by the text's bytes, as the warehouse does."""
    extraction, texts = keyed
    extraction.plan()
    table = read_as(PlannedTable, extraction.read(PLAN)["tables"][0])
    address = read_source_address(f"source-{extraction.source.database}-0")
    with closing(connect(address)) as connection, connection.cursor() as cursor:
        points = walk_keys(cursor, table, 3, bytewise=bytewise)
        found = []
        for number, (start, end) in enumerate(pairwise([None, *points, None])):
            cursor.execute(*compose_slice_query(table, Slice(1, "t", number, start, end, compared=bytewise), ""))
            found.append([row[0] for row in cursor.fetchall()])
        cursor.execute(*compose_keys_query(table, [(text,) for text in texts[:5]], ""))
        by_key = [row[0] for row in cursor.fetchall()]
    assert sorted(key for keys in found for key in keys) == sorted(texts)
    assert max(len(keys) for keys in found) == 3
    if bytewise:
        assert [key for keys in found for key in keys] == sorted(texts)
    assert sorted(by_key) == sorted(texts[:5])

"""What a curated column cannot hold is known before the database would raise: texts by their bytes, numbers by their size."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from rental_pipeline.definitions.curated_table import CuratedTable
from rental_pipeline.definitions.read_marketplace import read_marketplace
from rental_pipeline.warehouse.steps.limits import Limit, read_limits

SQL_ROOT = Path(__file__).parents[3] / "sql"
JUDGED = [table for name in ("apartments", "cars") for table in read_marketplace(SQL_ROOT, name).curated if not table.is_derived]


def read(definition: str) -> list[Limit]:
    """Return the limits of one column that is taken over as it is."""
    sections = {"table": f"create table t (\n    {definition}\n)", "accepted": "select\n    amount\nfrom judged"}
    return read_limits(SimpleNamespace(is_derived=False, file=SimpleNamespace(section=sections.__getitem__)), "judged")


@pytest.mark.parametrize(
    ("definition", "largest", "beyond", "below"),
    [
        ("amount smallint not null", "32767.4", "32767.5", "-32768.5"),
        ("amount integer", "2147483647", "2147483648", "-2147483649"),
        ("amount bigint", "9223372036854775807", "9223372036854775808", "-9223372036854775809"),
        ("amount decimal(18, 2) not null", "9999999999999990", "9999999999999999.995", "-9999999999999999.995"),
        ("amount numeric(5, 1)", "9999.94", "9999.95", "-9999.95"),
        ("amount decimal(4)", "9999.4", "9999.5", "-9999.5"),
        ("amount real", "3e38", "4e38", "-4e38"),
    ],
)
def test_a_number_beyond_its_column_is_known(definition, largest, beyond, below):
    """Also one that rounding lifts to the limit, and a negative one: the condition is of its size."""
    (limit,) = read(definition)
    assert limit.is_required == ("not null" in definition)
    kind = "double" if "e" in beyond else "decimal(38, 4)"
    for text, exceeds in ((largest, False), (f"-{largest}", False), (beyond, True), (below, True)):
        query = f"select {limit.exceeds} from (select cast('{text}' as {kind}) as amount) judged"
        assert duckdb.sql(query).fetchall() == [(exceeds,)], text


@pytest.mark.parametrize(
    ("definition", "condition"),
    [
        ("amount varchar(128) not null", "octet_length(cast(judged.amount as varchar(65535))) > 128"),
        ("amount varchar", "octet_length(cast(judged.amount as varchar(65535))) > 256"),
        ("amount varchar(65535)", None),
        ("amount date", None),
        ("amount double precision", None),
    ],
)
def test_a_text_is_measured_in_bytes(definition, condition):
    """As Redshift does; what holds anything has no limit."""
    assert [limit.exceeds for limit in read(definition)] == ([condition] if condition else [])


@pytest.mark.parametrize("table", JUDGED, ids=lambda table: table.name)
def test_every_column_that_can_be_too_small_has_its_limit(table: CuratedTable):
    """One without is a value that stops every run with a database error. Only days, times, booleans and measures have none."""
    sized = re.findall(
        r"^\s+(\w+) (?:varchar(?!\(65535\))|decimal|smallint|integer|bigint)\b", table.file.section("table"), re.MULTILINE
    )
    limited = {limit.column for limit in read_limits(table, "judged")}
    for column in set(sized) - limited:
        # It is made in `accepted` itself, of parts whose size is known.
        assert not re.search(rf"^\s+(judged\.)?{column},?$", table.file.section("accepted"), re.MULTILINE), column
    assert limited

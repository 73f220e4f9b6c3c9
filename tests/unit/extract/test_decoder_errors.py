"""The errors of mysql_arrow become the pipeline's, which Step Functions knows by name, with what to do about each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyarrow
import pytest

import mysql_arrow
from mysql_arrow import GarbledAnswer, InvalidValue, ReadError, RowTooLong, SchemaMismatch, UnsupportedQuery
from rental_pipeline.base.errors import FixConfiguration, FixData, PipelineError, RetryLater
from rental_pipeline.extract.rows import SliceRows
from rental_pipeline.model.raw_tables import ROW_HASH
from rental_pipeline.model.strategies import Snapshot
from rental_pipeline.model.table_plan import PlannedColumn, PlannedTable, Slice
from rental_pipeline.source.personal_data import HashKey

KEY = PlannedColumn("code", "varchar(400)", "code", "varchar")
TABLE = PlannedTable("t", "t", Snapshot(("code",)), (KEY,), read=True)
FIRST = pyarrow.record_batch({"code": pyarrow.array([b"a-7"]), ROW_HASH: pyarrow.array([1])})


class Connection:
    """Writes arguments into a query, as PyMySQL's cursors do; nothing is sent."""

    def cursor(self) -> Connection:
        return self

    def mogrify(self, query: str, arguments: object) -> str:
        return query


@pytest.mark.parametrize(
    ("raised", "expected", "message"),
    [
        (
            GarbledAnswer("a row is torn"),
            RetryLater,
            r'garbled \(a row is torn\); nothing.*a proxy, a tunnel.*"tls"',
        ),
        (
            RowTooLong("a row"),
            FixData,
            r"a row \(behind the row code='a-7'\): .*`personal: \{<column>: drop\}`",
        ),
        (InvalidValue("column a is odd"), FixData, "column a is odd: .*start a new execution; else mend it in the source"),
        (SchemaMismatch("column a: a text"), FixConfiguration, "column a: a text: if .*start a new execution"),
        (UnsupportedQuery("no rows"), FixConfiguration, "no rows"),
    ],
)
def test_each_error_becomes_the_pipelines(
    monkeypatch: pytest.MonkeyPatch, raised: ReadError, expected: type[PipelineError], message: str
) -> None:
    """Behind a batch, whose last row is told where the one after it is too long."""

    def read_one(*args: object, **options: object) -> Iterator[pyarrow.RecordBatch]:
        yield FIRST
        raise raised

    monkeypatch.setattr(mysql_arrow, "read_batches", read_one)
    batches = SliceRows(TABLE, None, "binary").read_slice(Connection(), Slice(1, "t", 0, None, None))
    assert next(batches).num_rows == 1
    with pytest.raises(PipelineError, match=message) as translated:
        next(batches)
    assert type(translated.value) is expected


def test_a_personal_key_is_told_by_its_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """As raw has it; in the clear it would stand in logs and mails."""

    def read_one(*args: object, **options: object) -> Iterator[pyarrow.RecordBatch]:
        yield FIRST
        raise RowTooLong("a row")

    monkeypatch.setattr(mysql_arrow, "read_batches", read_one)
    table = replace(TABLE, columns=(replace(KEY, is_hashed=True),))
    batches = SliceRows(table, HashKey(b"secret"), "binary").read_slice(Connection(), Slice(1, "t", 0, None, None))
    next(batches)
    with pytest.raises(FixData) as told:
        next(batches)
    assert f"behind the row code={HashKey(b'secret').hash(b'a-7')})" in str(told.value) and "'a-7'" not in str(told.value)


def test_every_error_is_looked_at_here() -> None:
    """A new one is decided on, and added above."""
    assert set(ReadError.__subclasses__()) == {GarbledAnswer, RowTooLong, InvalidValue, SchemaMismatch, UnsupportedQuery}

"""The rows of a slice as they may be written: decoded, hashed where personal, refused where Redshift cannot hold them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import pyarrow
import pyarrow.compute as pc
import pymysql

from rental_pipeline import decode, mysql_wire
from rental_pipeline.column_types import arrow_type, varchar_length, widest_value
from rental_pipeline.contract import APPEND
from rental_pipeline.errors import FixData
from rental_pipeline.fingerprints import Fingerprint
from rental_pipeline.personal import HashKey
from rental_pipeline.raw_tables import ROW_HASH
from rental_pipeline.slice_query import (
    Condition,
    Point,
    compose_fingerprint,
    compose_keys_query,
    compose_pairs_query,
    compose_slice_query,
)
from rental_pipeline.table_plan import PlannedColumn, PlannedTable, Slice

_PLAIN = "plain"  # of settings.DECODERS; the others are protocols of mysql_wire

# What a batch of the plain decoder may hold if every value were as long as its type allows.
_PLAIN_BATCH_BYTES = 32_000_000
_ZERO_DATE = "0000-00-00"
_ROW_HASH = pyarrow.field(ROW_HASH, pyarrow.int64())


class SliceRows:
    """Reads the rows of one slice.

    Attributes:
        schema: Of the batches, and of the Parquet files made of them. pairs_schema: Of key and row hash alone.
        impossible_dates: Per column, how many dates that do not exist became NULL.
    """

    def __init__(self, table: PlannedTable, hash_key: HashKey | None, decoder: str):
        self.schema = pyarrow.schema([*((column.name, arrow_type(column.type)) for column in table.columns), _ROW_HASH])
        self.pairs_schema = pyarrow.schema([*(self.schema.field(name) for name in table.key or ()), _ROW_HASH])
        self.impossible_dates: Counter[str] = Counter()
        self._table = table
        self._hash_key = hash_key
        self._salt = hash_key.salt if hash_key else ""
        self._decoder = decoder

    def read_slice(self, connection: pymysql.Connection, part: Slice) -> Iterator[pyarrow.RecordBatch]:
        """Yield all rows of a slice, as `_read` does."""
        return self._read(connection, compose_slice_query(self._table, part, self._salt))

    def read_keys(self, connection: pymysql.Connection, keys: Sequence[Point]) -> Iterator[pyarrow.RecordBatch]:
        """Yield the rows of some keys, as `_read` does; a key that is no longer there has none."""
        return self._read(connection, compose_keys_query(self._table, keys, self._salt))

    def read_pairs(self, connection: pymysql.Connection, part: Slice, most: int) -> Iterator[pyarrow.RecordBatch]:
        """Yield key and row hash of the first rows of a slice, at most so many, in the order of keys (raises as `_read`)."""
        query = _write_arguments(connection, compose_pairs_query(self._table, part, self._salt, most))
        return self._decode(connection, query, self.pairs_schema)

    def take_fingerprint(self, connection: pymysql.Connection, part: Slice) -> Fingerprint:
        """Have the source count a slice's rows and sum their hashes: what `read_slice` or `read_pairs` gives comes to that."""
        query = _write_arguments(connection, compose_fingerprint(self._table, part, self._salt))
        with connection.cursor() as cursor:
            cursor.execute(query)
            ((rows, checksum),) = cursor.fetchall()
        return Fingerprint(int(rows), int(checksum))

    def _read(self, connection: pymysql.Connection, query: Condition) -> Iterator[pyarrow.RecordBatch]:
        """Run a query, and yield its rows in batches of bounded size.

        Raises:
            FixData: a value is longer than its column in Redshift may be, is no valid text, or is a key or event time that is
                no date.
            FixConfiguration: a column is of another type than planned.
            RetryLater: the source broke off; so do pymysql's errors.
        """
        for batch in self._decode(connection, _write_arguments(connection, query), self.schema):
            columns = [self._check(column, batch[column.name]) for column in self._table.columns]
            yield pyarrow.record_batch([*columns, batch[ROW_HASH]], schema=self.schema)

    def _decode(self, connection: pymysql.Connection, query: str, schema: pyarrow.Schema) -> Iterator[pyarrow.RecordBatch]:
        if self._decoder != _PLAIN:
            return mysql_wire.read_batches(connection, query, schema, protocol=self._decoder, report_dates=self._report_dates)
        widest_row = sum(widest_value(column.type) for column in self._table.columns)
        batch_rows = max(1, min(decode.BATCH_ROWS, _PLAIN_BATCH_BYTES // widest_row))
        return decode.read_batches(connection, query, schema, report_dates=self._report_dates, batch_rows=batch_rows)

    def _check(self, column: PlannedColumn, values: pyarrow.Array) -> pyarrow.Array:
        if column.is_hashed:
            hashed = [None if text is None else self._hash_key.hash(text) for text in values.to_pylist()]
            return pyarrow.array(hashed, pyarrow.string())
        limit = varchar_length(column.type)
        longest = pc.max(pc.binary_length(values)).as_py() if limit else None
        if longest is not None and longest > limit:
            raise FixData(
                f"column {column.source_name} holds a value of more than {limit} bytes, more than Redshift's {column.type} can:"
                f" shorten it in the source, or leave the column out with `personal: {{{column.name}: drop}}` in source.yaml"
            )
        return values

    def _report_dates(self, name: str, dates: Counter[str]) -> None:
        """Count dates that do not exist, and refuse them where they decide which row, or which day, it is.

        The zero date of an event is not refused: it belongs to the events without a time, as NULL does.
        """
        is_event_time = self._table.strategy == APPEND and name == self._table.cursor
        refused = [date for date in dates if name in self._table.key or (is_event_time and date[:10] != _ZERO_DATE)]
        if refused:
            what = "event time" if is_event_time else "key"
            raise FixData(f"the {what} {name} holds an impossible date, {refused[0]}: mend it in the source")
        self.impossible_dates[name] += dates.total()


def _write_arguments(connection: pymysql.Connection, query: Condition) -> str:
    return connection.cursor().mogrify(*query)

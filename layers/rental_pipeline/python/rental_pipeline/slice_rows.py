"""The rows of a slice as they may be written: decoded, hashed where personal, refused where Redshift cannot hold them."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterator

import pyarrow
import pyarrow.compute as pc
import pymysql

from rental_pipeline import decode, mysql_wire
from rental_pipeline.column_types import arrow_type, varchar_length, widest_value
from rental_pipeline.contract import APPEND
from rental_pipeline.errors import FixData
from rental_pipeline.table_plan import PlannedColumn, PlannedTable

_PLAIN = "plain"  # of settings.DECODERS; the others are protocols of mysql_wire

# What a batch of the plain decoder may hold if every value were as long as its type allows.
_PLAIN_BATCH_BYTES = 32_000_000
_ZERO_DATE = "0000-00-00"


class SliceRows:
    """Reads the rows of one slice.

    Attributes:
        schema: Of the batches, and of the Parquet files made of them.
        impossible_dates: Per column, how many dates that do not exist became NULL.
    """

    def __init__(self, table: PlannedTable, hash_key: bytes | None, decoder: str):
        self.schema = pyarrow.schema([(column.name, arrow_type(column.type)) for column in table.columns])
        self.impossible_dates: Counter[str] = Counter()
        self._table = table
        self._hash_key = hash_key
        self._decoder = decoder

    def read(self, connection: pymysql.Connection, query: str) -> Iterator[pyarrow.RecordBatch]:
        """Run the slice's query, and yield its rows in batches of bounded size.

        Raises:
            FixData: a value is longer than its column in Redshift may be, is no valid text, or is a key or event time that is
                no date.
            FixConfiguration: a column is of another type than planned.
            RetryLater: the source broke off; so do pymysql's errors.
        """
        for batch in self._decode(connection, query):
            columns = [self._check(column, batch[column.name]) for column in self._table.columns]
            yield pyarrow.record_batch(columns, schema=self.schema)

    def _decode(self, connection: pymysql.Connection, query: str) -> Iterator[pyarrow.RecordBatch]:
        if self._decoder != _PLAIN:
            return mysql_wire.read_batches(
                connection, query, self.schema, protocol=self._decoder, report_dates=self._report_dates
            )
        widest_row = sum(widest_value(column.type) for column in self._table.columns)
        batch_rows = max(1, min(decode.BATCH_ROWS, _PLAIN_BATCH_BYTES // widest_row))
        return decode.read_batches(connection, query, self.schema, report_dates=self._report_dates, batch_rows=batch_rows)

    def _check(self, column: PlannedColumn, values: pyarrow.Array) -> pyarrow.Array:
        if column.is_hashed:
            return pyarrow.array([self._hash(text) for text in values.to_pylist()], pyarrow.string())
        limit = varchar_length(column.type)
        longest = pc.max(pc.binary_length(values)).as_py() if limit else None
        if longest is not None and longest > limit:
            raise FixData(
                f"column {column.source_name} holds a value of more than {limit} bytes, more than Redshift's {column.type} can:"
                f" shorten it in the source, or leave the column out with `personal: {{{column.name}: drop}}` in source.yaml"
            )
        return values

    def _hash(self, text: str | None) -> str | None:
        return None if text is None else hmac.digest(self._hash_key, text.encode(), "sha256").hex()

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

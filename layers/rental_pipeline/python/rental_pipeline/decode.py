"""MySQL rows -> Arrow, with the types of the plan and no guessing: the plain decoder, over PyMySQL's unbuffered cursor."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

import pyarrow
import pyarrow.compute as pc
import pymysql
from pymysql.cursors import SSCursor

from rental_pipeline.column_types import arrow_type, varchar_length, widest_value
from rental_pipeline.contract import APPEND
from rental_pipeline.errors import FixData
from rental_pipeline.slice_query import Condition
from rental_pipeline.table_plan import PlannedColumn, PlannedTable

# What a batch may hold at most if every value were as long as its type allows, in bytes and in rows.
_BATCH_BYTES = 32_000_000
_BATCH_ROWS = 10_000
_ZERO = "0000-00-00"


class StreamingCursor(SSCursor):
    """An unbuffered cursor that can be left in the middle of a result."""

    def abandon(self) -> None:
        """Give up the rest of the result, where closing would read it to its end; the connection can only be closed then."""
        if self._result is not None:
            self._result.unbuffered_active = False
        self.connection = None


class Decoder:
    """Turns the server's text into Arrow columns.

    Attributes:
        schema: Of the batches, and of the Parquet files made of them.
        impossible_dates: Per column, how many zero or impossible dates became NULL.
    """

    def __init__(self, table: PlannedTable, hash_key: bytes | None = None):
        self.table = table
        self.schema = pyarrow.schema([(column.name, arrow_type(column.type)) for column in table.columns])
        self.impossible_dates: Counter[str] = Counter()
        self._hash_key = hash_key

    def read_batches(self, connection: pymysql.Connection, query: Condition) -> Iterator[pyarrow.RecordBatch]:
        """Run a query whose columns are the table's, and yield its rows in batches of bounded size.

        The connection's cursors are StreamingCursor, its values bytes (`connect(…, use_unicode=False)`). A connection that breaks
        raises: a result that ends without its closing packet never looks complete.

        Raises:
            FixData: a value is longer than its column in Redshift may be, or is no valid text.
            pymysql.MySQLError: the connection broke, or the query was killed.
        """
        sql, arguments = query
        widest_row = sum(widest_value(column.type) for column in self.table.columns)
        batch_rows = max(1, min(_BATCH_ROWS, _BATCH_BYTES // widest_row))
        cursor = connection.cursor()
        try:
            cursor.execute(sql, arguments)
            while rows := cursor.fetchmany(batch_rows):
                values = zip(*rows, strict=True)
                arrays = [self._decode(column, each) for column, each in zip(self.table.columns, values, strict=True)]
                yield pyarrow.record_batch(arrays, schema=self.schema)
        finally:
            cursor.abandon()

    def _decode(self, column: PlannedColumn, values: Sequence[bytes | None]) -> pyarrow.Array:
        if column.is_hashed:
            values = [None if value is None else hmac.digest(self._hash_key, value, "sha256").hex() for value in values]
        try:
            texts = pyarrow.array(values, pyarrow.string())
        except pyarrow.ArrowInvalid:
            raise FixData(f"column {column.source_name} holds text that is not valid UTF-8: mend it in the source") from None
        limit = varchar_length(column.type)
        if limit is not None:
            self._refuse_longer(column, texts, limit)
            return texts
        if column.type in ("date", "timestamp"):
            return self._decode_dates(column, texts)
        return texts.cast(arrow_type(column.type))

    def _decode_dates(self, column: PlannedColumn, texts: pyarrow.Array) -> pyarrow.Array:
        """Read ISO texts; what is no date (0000-00-00, 2024-02-00, 2024-02-31) becomes NULL and is counted."""
        kind = arrow_type(column.type)
        # Only a month or day of zero has "-00" in it; other impossible dates are rare, and looked for when a cast has failed.
        impossible = pc.match_substring(texts, "-00")
        if not pc.any(impossible).as_py():
            try:
                return texts.cast(kind)
            except pyarrow.ArrowInvalid:
                pass
        dates = [text if text is None or _is_date(text) else None for text in texts.to_pylist()]
        lost = [text for text, date in zip(texts.to_pylist(), dates, strict=True) if text is not None and date is None]
        self._refuse_misplaced(column, lost)
        self.impossible_dates[column.name] += len(lost)
        return pyarrow.array(dates, pyarrow.string()).cast(kind)

    def _refuse_misplaced(self, column: PlannedColumn, lost: list[str]) -> None:
        """Refuse an impossible date where it decides which row, or which day, it is.

        The zero date of an event is none of these: it belongs to the events without a time, as NULL does.
        """
        is_event_time = self.table.strategy == APPEND and column.name == self.table.cursor
        refused = (
            lost if column.name in self.table.key else [text for text in lost if text[:10] != _ZERO] if is_event_time else []
        )
        if refused:
            what = "event time" if is_event_time else "key"
            raise FixData(f"the {what} {column.source_name} holds an impossible date, {refused[0]}: mend it in the source")

    def _refuse_longer(self, column: PlannedColumn, texts: pyarrow.Array, limit: int) -> None:
        longest = pc.max(pc.binary_length(texts)).as_py()
        if longest is not None and longest > limit:
            raise FixData(
                f"column {column.source_name} holds a value of more than {limit} bytes, more than Redshift's {column.type} can:"
                f" shorten it in the source, or leave the column out with `personal: {{{column.name}: drop}}` in source.yaml"
            )


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True

"""MySQL rows -> Arrow, plainly: the reference for `mysql_arrow`, and the fallback from it. Over PyMySQL's unbuffered cursor.

Every value is taken as the text that the server prints, and cast by Arrow to the type that is wanted: nothing is guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from datetime import datetime

import pyarrow
import pyarrow.compute as pc
import pyarrow.types
import pymysql
from pymysql.cursors import SSCursor

from rental_pipeline.base.errors import FixData

BATCH_ROWS = 10_000

ReportDates = Callable[[str, Counter[str]], None]


class StreamingCursor(SSCursor):  # type: ignore[misc]  # PyMySQL has no types
    """An unbuffered cursor that can be left in the middle of a result."""

    def abandon(self) -> None:
        """Give up the rest of the result, where closing would read it to its end; the connection can only be closed then."""
        if self._result is not None:
            self._result.unbuffered_active = False
        self.connection = None


def read_batches(
    connection: pymysql.Connection,
    query: str,
    schema: pyarrow.Schema,
    *,
    report_dates: ReportDates,
    batch_rows: int = BATCH_ROWS,
) -> Generator[pyarrow.RecordBatch]:
    """Run a query and yield its rows, as `mysql_arrow.read_batches` does.

    A result that ends without its closing packet raises, and so never looks complete.

    Args:
        connection: Opened with `use_unicode=False`, so that values are bytes.
        query: One SELECT, its arguments written into it; a FLOAT in it is selected as a DOUBLE, or it would come rounded.
        schema: The types wanted, by position; a text as bytes (binary) or checked (string).
        report_dates: Is told, per column, which dates that do not exist became NULL, and how often.
        batch_rows: Rows of a batch, which bounds the memory.

    Raises:
        FixData: a value is none of the wanted type.
        pymysql.MySQLError: the connection broke, or the query was refused or killed.
    """
    cursor = connection.cursor(StreamingCursor)
    try:
        cursor.execute(query)
        while rows := cursor.fetchmany(batch_rows):
            values = zip(*rows, strict=True)
            arrays = [_decode(field, each, report_dates) for field, each in zip(schema, values, strict=True)]
            yield pyarrow.record_batch(arrays, schema=schema)
    finally:
        cursor.abandon()


def _decode(field: pyarrow.Field, values: Sequence[bytes | None], report_dates: ReportDates) -> pyarrow.Array:
    if pyarrow.types.is_binary(field.type):
        return pyarrow.array(values, field.type)
    try:
        texts = pyarrow.array(values, pyarrow.string())
        return _decode_dates(field, texts, report_dates) if pyarrow.types.is_temporal(field.type) else texts.cast(field.type)
    except pyarrow.ArrowInvalid:
        # Arrow's message has the value in it, which belongs in no log.
        raise FixData(
            f"column {field.name} holds a value that is no {field.type}: if its type was changed, start a new execution"
        ) from None


def _decode_dates(field: pyarrow.Field, texts: pyarrow.Array, report_dates: ReportDates) -> pyarrow.Array:
    """Read ISO texts; what is no date (0000-00-00, 2024-02-00, 2024-02-31) becomes NULL and is reported."""
    # Only a year, month or day of zero matches; other impossible dates are rare, and looked for when a cast has failed.
    impossible = pc.match_substring_regex(texts, "^0000|-00")
    if not pc.any(impossible).as_py():
        try:
            return texts.cast(field.type)
        except pyarrow.ArrowInvalid:
            pass
    dates = [text if text is None or _is_date(text) else None for text in texts.to_pylist()]
    lost = Counter(text[:10] for text, date in zip(texts.to_pylist(), dates, strict=True) if text is not None and date is None)
    report_dates(field.name, lost)
    return pyarrow.array(dates, pyarrow.string()).cast(field.type)


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True

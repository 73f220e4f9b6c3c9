"""The rows of a slice as they may be written: decoded, hashed where personal, told by key where Redshift cannot hold a value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import closing

import numpy
import pyarrow
import pyarrow.compute as pc
import pymysql

import mysql_arrow
from rental_pipeline.base.errors import FixConfiguration, FixData, PipelineError, RetryLater
from rental_pipeline.model.column_types import LONGEST_VARCHAR, arrow_type, is_unbounded, varchar_length, widest_value
from rental_pipeline.model.fingerprints import Fingerprint, Point
from rental_pipeline.model.raw_tables import BAD_COLUMNS, ROW_HASH
from rental_pipeline.model.strategies import Append
from rental_pipeline.model.table_plan import PlannedColumn, PlannedTable, Slice
from rental_pipeline.model.text import BadTexts, read_texts
from rental_pipeline.source import decode
from rental_pipeline.source.personal_data import HashKey, require_hash_key
from rental_pipeline.source.queries import (
    Condition,
    compose_fingerprint,
    compose_keys_query,
    compose_pairs_query,
    compose_slice_query,
)

_PLAIN = "plain"  # of settings.DECODERS; the others are protocols of mysql_arrow

# What a batch of the plain decoder may hold if every value were as long as its type allows.
_PLAIN_BATCH_BYTES = 32_000_000
_ZERO_DATE = "0000-00-00"
_ROW_HASH = pyarrow.field(ROW_HASH, pyarrow.int64())
_BAD_COLUMNS = pyarrow.field(BAD_COLUMNS, pyarrow.string())
_KEYS_SHOWN = 3
_KEY_CHARACTERS_SHOWN = 100


class SliceRows:
    """Reads the rows of one slice.

    Attributes:
        schema: Of the batches, and of the Parquet files made of them; where the contract sets rows aside, it ends with the names
            of the columns that were. pairs_schema: Of key and row hash alone.
        impossible_dates: Per column, how many dates that do not exist became NULL.
    """

    def __init__(self, table: PlannedTable, hash_key: HashKey | None, decoder: str):
        fields = [pyarrow.field(column.name, arrow_type(column.type)) for column in table.columns]
        self.schema = pyarrow.schema([*fields, _ROW_HASH, *([_BAD_COLUMNS] if table.sets_aside else [])])
        self.pairs_schema = pyarrow.schema([*(self.schema.field(name) for name in table.key or ()), _ROW_HASH])
        self.impossible_dates: Counter[str] = Counter()
        # A key, or else the event's time, says which row it is.
        self._identity = table.key or (table.cursor_column.name,)
        self._table = table
        self._hash_key = hash_key
        self._salt = hash_key.salt if hash_key else ""
        self._decoder = decoder

    def read_slice(self, connection: pymysql.Connection, part: Slice) -> Generator[pyarrow.RecordBatch]:
        """Yield all rows of a slice, as `_read` does."""
        return self._read(connection, compose_slice_query(self._table, part, self._salt))

    def read_keys(self, connection: pymysql.Connection, keys: Sequence[Point]) -> Generator[pyarrow.RecordBatch]:
        """Yield the rows of some keys, as `_read` does; a key that is no longer there has none."""
        return self._read(connection, compose_keys_query(self._table, keys, self._salt))

    def read_pairs(self, connection: pymysql.Connection, part: Slice, most: int) -> Generator[pyarrow.RecordBatch]:
        """Yield key and row hash of the first rows of a slice, at most so many, in the order of keys (raises as `_read`)."""
        query = _write_arguments(connection, compose_pairs_query(self._table, part, self._salt, most))
        keys = [self._table.column(name) for name in self._table.key]
        with closing(self._decode(connection, query, keys)) as batches:
            for batch in batches:
                yield pyarrow.record_batch([*self._check(keys, batch, {}), batch[ROW_HASH]], schema=self.pairs_schema)

    def take_fingerprint(self, connection: pymysql.Connection, part: Slice) -> Fingerprint:
        """Have the source count a slice's rows and sum their hashes: what `read_slice` or `read_pairs` gives comes to that."""
        query = _write_arguments(connection, compose_fingerprint(self._table, part, self._salt))
        with connection.cursor() as cursor:
            cursor.execute(query)
            ((rows, checksum),) = cursor.fetchall()
        return Fingerprint(int(rows), int(checksum))

    def _read(self, connection: pymysql.Connection, query: Condition) -> Generator[pyarrow.RecordBatch]:
        """Run a query, and yield its rows in batches of bounded size.

        Raises:
            FixData: a value cannot be held, and the contract sets no rows aside, or it is a key; or a key or event time is no
                date; or a row is longer than can be received.
            FixConfiguration: a column is of another type than planned, or a row is longer than the source's max_allowed_packet.
            RetryLater: the source broke off; so do pymysql's errors.
        """
        columns = self._table.columns
        with closing(self._decode(connection, _write_arguments(connection, query), columns)) as batches:
            for batch in batches:
                yield pyarrow.record_batch(self._check_rows(columns, batch), schema=self.schema)

    def _decode(
        self, connection: pymysql.Connection, query: str, columns: Sequence[PlannedColumn]
    ) -> Generator[pyarrow.RecordBatch]:
        """Yield the columns as the source sends them, texts as bytes, with the row hash behind them."""
        schema = pyarrow.schema([*((column.name, _sent_type(column)) for column in columns), _ROW_HASH])
        if self._decoder != _PLAIN:
            batches = mysql_arrow.read_batches(connection, query, schema, protocol=self._decoder, report_dates=self._report_dates)
        else:
            batch_rows = max(1, min(decode.BATCH_ROWS, _PLAIN_BATCH_BYTES // sum(map(_most_bytes, columns))))
            batches = decode.read_batches(connection, query, schema, report_dates=self._report_dates, batch_rows=batch_rows)
        last = None
        try:
            with closing(batches):
                for batch in batches:
                    self._require_hashes(batch)
                    yield batch
                    last = batch
        except mysql_arrow.ReadError as error:
            raise self._translate(error, last) from None

    def _translate(self, error: mysql_arrow.ReadError, last: pyarrow.RecordBatch | None) -> PipelineError:
        """Return the decoder's error as the pipeline's, with what to do about it; `last` is the last batch before it."""
        if isinstance(error, mysql_arrow.GarbledAnswer):
            return RetryLater(
                f"{error}; nothing of it was kept. If this comes again, look at what stands between the functions and the source"
                ' (a proxy, a tunnel), and set "tls" in the source\'s secret to encrypt or verify'
            )
        if isinstance(error, mysql_arrow.RowTooLong):
            where = f"behind the row {self._identify(last, last.num_rows - 1)}" if last else "the first that was to be read"
            return FixData(
                f"{error} ({where}): make it shorter, or leave its longest column out with `personal: {{<column>: drop}}` in"
                " source.yaml"
            )
        if isinstance(error, mysql_arrow.InvalidValue):
            return FixData(f"{error}: if its type was changed, start a new execution; else mend it in the source")
        return FixConfiguration(f"{error}: if the table was changed, start a new execution")

    def _require_hashes(self, batch: pyarrow.RecordBatch) -> None:
        """Refuse rows that MySQL could not hash: of a text that were longer than a packet, it makes NULL."""
        row_hashes = batch[ROW_HASH]
        if row_hashes.null_count:
            where = self._show_rows(batch, numpy.flatnonzero(row_hashes.is_null()))
            raise FixConfiguration(
                f"the source gives no row hash {where}: the row's short columns are together longer than its max_allowed_packet."
                " Raise that, or leave columns out with `personal: {<column>: drop}` in source.yaml"
            )

    def _check_rows(self, columns: Sequence[PlannedColumn], batch: pyarrow.RecordBatch) -> list[pyarrow.Array]:
        found: dict[str, BadTexts] = {}
        arrays = [*self._check(columns, batch, found), batch[ROW_HASH]]
        if self._table.sets_aside:
            names: list[list[str]] = [[] for _ in range(batch.num_rows if found else 0)]
            for name, bad in found.items():
                for row in bad.rows.tolist():
                    names[row].append(name)
            listed = [_cut(", ".join(each)) if each else None for each in names]
            arrays.append(pyarrow.array(listed, pyarrow.string()) if found else pyarrow.nulls(batch.num_rows, pyarrow.string()))
        return arrays

    def _check(
        self, columns: Sequence[PlannedColumn], batch: pyarrow.RecordBatch, found: dict[str, BadTexts]
    ) -> list[pyarrow.Array]:
        """Return the columns as they may be written; what cannot be is NULL and noted in `found`, or refused.

        Raises:
            FixData: it is a key, or the contract refuses such rows.
        """
        arrays = []
        for column in columns:
            values = batch[column.name]
            if column.is_hashed:
                hashed = [None if text is None else require_hash_key(self._hash_key).hash(text) for text in values.to_pylist()]
                values = pyarrow.array(hashed, pyarrow.string())
            elif pyarrow.types.is_binary(values.type):
                values, bad = read_texts(values, _length(column))
                if bad:
                    self._judge(column, batch, bad)
                    found[column.name] = bad
                if column.compares_blanks and column.name in self._table.key:
                    self._refuse_blanks(column, batch, values)
            arrays.append(values)
        return arrays

    def _judge(self, column: PlannedColumn, batch: pyarrow.RecordBatch, bad: BadTexts) -> None:
        """Refuse values that cannot be held, unless the contract sets their rows aside and these are no keys."""
        is_key = column.name in self._identity
        # A longer one than its type allows: of another type than it was planned with, which the next run would read whole.
        is_retyped = bad.is_too_long and _length(column) < LONGEST_VARCHAR
        if self._table.sets_aside and not is_key and not is_retyped:
            return
        where = self._show_rows(batch, bad.rows)
        if is_retyped:
            raise FixData(f"column {column.source_name} holds {bad.reason} {where}: it was made longer; start a new execution")
        if is_key:
            raise FixData(f"the key {column.source_name} holds {bad.reason} {where}: mend it in the source")
        raise FixData(
            f"column {column.source_name} holds {bad.reason} {where}, which Redshift cannot hold: mend it in the source, or have"
            " such rows kept apart with `bad_rows: set_aside`, or leave the column out with"
            f" `personal: {{{column.name}: drop}}`, both in source.yaml"
        )

    def _refuse_blanks(self, column: PlannedColumn, batch: pyarrow.RecordBatch, values: pyarrow.StringArray) -> None:
        """Stop where two keys of the source might be one to Redshift, which compares no blanks at the end of a text."""
        rows = numpy.flatnonzero(pc.ends_with(values, " ").fill_null(False).to_numpy(zero_copy_only=False))
        if len(rows):
            raise FixData(
                f"the key {column.source_name} ends with a blank {self._show_rows(batch, rows)}: the source tells such keys from"
                ' those without it, Redshift does not ("Significance of trailing blanks"), and two rows would be one. Take the'
                " blanks away in the source, and from what refers to the key"
            )

    def _show_rows(self, batch: pyarrow.RecordBatch, rows: numpy.ndarray) -> str:
        """Return how many rows these are, and which are the first: by key (or event time), and by nothing else of theirs."""
        shown = [self._identify(batch, row) for row in rows[:_KEYS_SHOWN].tolist()]
        more = ", …" if len(rows) > _KEYS_SHOWN else ""
        return f"in {len(rows)} row{'s' if len(rows) > 1 else ''} or more ({'; '.join(shown)}{more})"

    def _identify(self, batch: pyarrow.RecordBatch, row: int) -> str:
        return ", ".join(f"{name}={self._show_identity(name, batch[name][row].as_py())}" for name in self._identity)

    def _show_identity(self, name: str, value: object) -> str:
        """Return a key as a message shows it: a hashed one as raw has it, by which the row is found there."""
        if isinstance(value, bytes) and self._table.column(name).is_hashed:
            return require_hash_key(self._hash_key).hash(value)
        return _show(value)

    def _report_dates(self, name: str, dates: Counter[str]) -> None:
        """Count dates that do not exist, and refuse them where they decide which row, or which day, it is.

        The zero date of an event is not refused: it belongs to the events without a time, as NULL does.
        """
        is_event_time = isinstance(self._table.strategy, Append) and name == self._table.cursor
        refused = [date for date in dates if name in self._table.key or (is_event_time and date[:10] != _ZERO_DATE)]
        if refused:
            what = "event time" if is_event_time else "key"
            raise FixData(f"the {what} {name} holds an impossible date, {refused[0]}: mend it in the source")
        self.impossible_dates[name] += dates.total()


def _sent_type(column: PlannedColumn) -> pyarrow.DataType:
    """Return what is asked of a decoder: texts as bytes, which are judged here; a TIME is written by the decoder itself."""
    kind = arrow_type(column.type)
    is_text = pyarrow.types.is_string(kind) and (column.source_type != "time" or column.is_hashed)
    return pyarrow.binary() if is_text else kind


def _length(column: PlannedColumn) -> int:
    """Return the bytes that a column of texts holds."""
    length = varchar_length(column.type)
    if length is None:
        raise FixConfiguration(f"column {column.source_name} is a text, and its type in the plan is {column.type}")
    return length


def _most_bytes(column: PlannedColumn) -> int:
    """Return the most bytes that a value takes on its way, of what is read whole only to be hashed as many as a packet may."""
    if column.is_hashed:
        return _PLAIN_BATCH_BYTES if is_unbounded(column.source_type) else LONGEST_VARCHAR
    return widest_value(column.type)


def _show(value: object) -> str:
    text = value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)
    shown = repr(text) if isinstance(value, bytes) else text
    return shown if len(shown) <= _KEY_CHARACTERS_SHOWN else f"{shown[:_KEY_CHARACTERS_SHOWN]}…"


def _cut(names: str) -> str:
    return names.encode()[:LONGEST_VARCHAR].decode(errors="ignore")


def _write_arguments(connection: pymysql.Connection, query: Condition) -> str:
    return str(connection.cursor().mogrify(*query))

"""Reading one query three ways: by the two decoders of mysql_wire, and by PyMySQL as Python values."""

from __future__ import annotations

from collections import Counter
from contextlib import closing

import pyarrow

from rental_pipeline.mysql_wire import read_batches
from tests.fixtures.mariadb import SourceDatabase


def read_wire(
    source: SourceDatabase, query: str, schema: pyarrow.Schema, protocol: str, **options
) -> tuple[pyarrow.Table, dict[str, Counter[str]]]:
    """Return a query's rows, checked by Arrow from end to end, and the impossible dates by column."""
    impossible: dict[str, Counter[str]] = {}

    def report(column: str, dates: Counter[str]) -> None:
        impossible.setdefault(column, Counter()).update(dates)

    with closing(source.connect_read_only(**options)) as connection:
        batches = list(read_batches(connection, query, schema, protocol=protocol, report_dates=report))
    table = pyarrow.Table.from_batches(batches, schema)
    table.validate(full=True)
    return table, impossible

"""The laboratory marketplace (DATA=lab), made of a seed: the same seed, scale and day give the same rows, dirt included.

It has the shapes, the sizes and the dirt of the original files, and the cases on which metrics go wrong. A market that one
believes is made elsewhere (market.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pymysql

from local.marketplace import import_part
from local.marketplace.columns import Columns, Progress, count_rows, ignore_progress, insert_columns
from local.marketplace.period import Period
from local.marketplace.schema import read_sample_schema

DEFAULT_SCALE = 0.01


class SourceNotEmpty(Exception):
    """The tables to fill have rows already; generated rows would mix with them."""


@dataclass(frozen=True)
class Marketplace:
    """Generated tables.

    Attributes:
        tables: Columns by table name, in the order in which they are inserted.
        dirt: Rows of each kind of dirt, by table name.
    """

    tables: dict[str, Columns]
    dirt: dict[str, dict[str, int]]


def generate(
    scale: float = DEFAULT_SCALE,
    seed: int = 1,
    anchor: date | None = None,
    shares: Any = None,
    marketplace: str = "apartments",
) -> Marketplace:
    """Make the tables of a marketplace.

    Args:
        scale: 1.0 is the size of the original data; see the marketplace's `tables`.
        seed: Gives the same rows on the same anchor.
        anchor: The day on which the history ends (see Period); today in UTC by default.
        shares: How much dirt of each kind: the marketplace's own Shares.
        marketplace: Whose; a folder of sql/.

    Raises:
        ValueError: scale is not above 0, or nothing generates data for the marketplace.
    """
    if not scale > 0:
        raise ValueError(f"scale must be above 0, not {scale}")
    period = Period(anchor or datetime.now(UTC).date())
    made = import_part(marketplace, "tables").generate_tables(scale, seed, period, shares)
    return Marketplace(
        {table: columns for table, (columns, _) in made.items()}, {table: dirt for table, (_, dirt) in made.items()}
    )


def fill(
    connection: pymysql.Connection,
    scale: float = DEFAULT_SCALE,
    seed: int = 1,
    anchor: date | None = None,
    progress: Progress = ignore_progress,
    shares: Any = None,
    marketplace: str = "apartments",
) -> dict[str, int]:
    """Fill the empty tables of the sample schema, in one transaction; return the rows of each.

    Args:
        progress: Takes a line for a person now and then.

    Raises:
        SourceNotEmpty: one of the tables has rows.
    """
    refuse_filled_tables(connection, marketplace)
    progress("making the marketplace's rows")
    made = generate(scale, seed, anchor, shares, marketplace)
    connection.begin()
    try:
        for table, columns in made.tables.items():
            insert_columns(connection, table, columns, progress)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return {table: count_rows(columns) for table, columns in made.tables.items()}


def refuse_filled_tables(connection: pymysql.Connection, marketplace: str) -> None:
    """Refuse a source with rows in a table of the sample schema.

    Raises:
        SourceNotEmpty: naming the table.
    """
    for table in read_sample_schema(marketplace):
        with connection.cursor() as cursor:
            cursor.execute(f"select 1 from {table} limit 1")
            if cursor.fetchone():
                raise SourceNotEmpty(f"the table {table} has rows already: empty the tables, or use another database")

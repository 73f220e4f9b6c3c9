"""figures.json: what the page about a run shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rental_pipeline.model.document import IF_SET, Document

# A row of a select, by the names of its columns; values as the Data API gives them.
Row = dict[str, Any]


@dataclass(frozen=True)
class Column(Document):
    """A column of a chart's rows: its name in the query, its unit (definitions.units), and what readers call it."""

    name: str
    unit: str
    label: str


@dataclass(frozen=True, kw_only=True)
class DrawnChart(Document):
    """A chart with its rows; the fields are those of its file in `sql/<marketplace>/report`."""

    name: str
    title: str
    reading: str
    kind: str
    columns: tuple[Column, ...]
    drawn: str
    empty: str
    unknown: str
    rows: tuple[Row, ...]
    matters: str = field(default="", metadata=IF_SET)
    matures: int = field(default=0, metadata=IF_SET)

    def find_column(self, name: str) -> Column | None:
        """Return the declaration of a column; None where there is none of that name."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def drawn_column(self) -> Column:
        """The column that is drawn; the chart's file was read with it."""
        return next(column for column in self.columns if column.name == self.drawn)


@dataclass(frozen=True, kw_only=True)
class Figures(Document):
    """The figures of a run's report: rows of the control and curated schemas, and the charts.

    Attributes:
        currency: Of amounts of money.
        rules: By curated table, what each of its rules means.
    """

    marketplace: str
    currency: str
    run: tuple[Row, ...]
    published: tuple[Row, ...]
    watermarks: tuple[Row, ...]
    loads: tuple[Row, ...]
    builds: tuple[Row, ...]
    metrics: tuple[Row, ...]
    accepted: tuple[Row, ...]
    rejected: tuple[Row, ...]
    set_aside: tuple[Row, ...]
    unreadable: tuple[Row, ...]
    warnings: tuple[Row, ...]
    costs: tuple[Row, ...]
    rules: dict[str, dict[str, str]]
    charts: tuple[DrawnChart, ...]

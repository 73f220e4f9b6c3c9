"""What a marketplace's report shows: one SQL file per chart, whose header says how its rows are drawn and read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.definitions.file_shapes import judge_shape, read_days
from rental_pipeline.definitions.metric import FIRST_DAY, LAST_DAY, fill_in_days
from rental_pipeline.definitions.sql_files import SqlFile, read_sql_folder
from rental_pipeline.definitions.units import PERIODS, TEXT, UNITS
from rental_pipeline.model.figures_document import Column, DrawnChart, Row

LINE, COLUMNS, RANKING = "line", "columns", "ranking"
KINDS = (LINE, COLUMNS, RANKING)
# The name of a ranking's column that is the same in all rows: the last day that its figures cover.
UNTIL = "until"
_COLUMN = re.compile(r"(\w+) \((\w+), ([^()]+)\)(?:, |$)")


@dataclass(frozen=True)
class Chart:
    """One file of report/.

    Attributes:
        name: The file's stem.
        place: Where it stands on the page; charts are shown in the order of their places.
        title: What it shows, in a reader's words.
        reading: A sentence or two on how to read it.
        matters: A sentence on why a change of it matters; empty where nobody has said so.
        matures: How many days after its end a period is shown at the earliest, since its figure is not yet what it will be.
        kind: `line` or `columns` over time, whose first column is a period; or `ranking`, whose rows come in their order and
            begin with a text.
        columns: All columns of the query, in its order; each stands in the table under the chart, but for UNTIL.
        drawn: The name of the column that is drawn.
        empty: Why the query may have no rows, as a sentence.
        unknown: Why what is drawn may be NULL, within a sentence.
        query: A select; `:as_of` is the day of the run, `:first_day` one from which on the rows are that it shows.
        reads: The tables of the query, with their schemas.
        lookback: How many days before the newest periods that it reads of are shown; None: all of them may be.
    """

    name: str
    place: int
    title: str
    reading: str
    kind: str
    columns: tuple[Column, ...]
    drawn: str
    empty: str
    unknown: str
    matters: str
    matures: int
    query: str
    reads: frozenset[str] = frozenset()
    lookback: int | None = None

    def bound(self, presentation: str, newest: Mapping[str, str]) -> str:
        """Return the query with the day from which on it reads as a literal.

        Args:
            presentation: The schema.
            newest: The first day of the newest period, of those that have ended and have rows, by metric, ISO.
        """
        if self.lookback is None:
            return self.query
        metrics = [table.partition(".")[2] for table in self.reads if table.startswith(f"{presentation}.")]
        if metrics and all(metric in newest for metric in metrics):
            first = min(date.fromisoformat(newest[metric]) for metric in metrics) - timedelta(days=self.lookback)
        else:
            first = FIRST_DAY
        return fill_in_days(self.query, first, LAST_DAY)

    def draw(self, rows: list[Row]) -> DrawnChart:
        """Return the chart with its rows, as `figures.json` holds it.

        Raises:
            FixConfiguration: the query's columns are not those of the header.
        """
        names = [column.name for column in self.columns]
        if rows and list(rows[0]) != names:
            raise FixConfiguration(
                f"report/{self.name}.sql selects {', '.join(rows[0])}; its header has the columns {', '.join(names)}"
            )
        return DrawnChart(
            name=self.name,
            title=self.title,
            reading=self.reading,
            kind=self.kind,
            columns=self.columns,
            drawn=self.drawn,
            empty=self.empty,
            unknown=self.unknown,
            rows=tuple(rows),
            matters=self.matters,
            matures=self.matures,
        )


def read_charts(folder: Path) -> tuple[Chart, ...]:
    """Return the charts of a folder in their order; none where there is no such folder.

    Raises:
        FixConfiguration: a header is wrong; the message names file and line.
    """
    charts = [_read_chart(file) for file in read_sql_folder(folder).values()]
    return tuple(sorted(charts, key=lambda chart: (chart.place, chart.name)))


def _read_chart(file: SqlFile) -> Chart:
    judge_shape(file, "report")
    kind, columns, drawn = file.header_line("chart"), _read_columns(file), file.header_line("drawn")
    if kind not in KINDS:
        raise FixConfiguration(f"{file.path}: chart is {kind!r}; it is one of {', '.join(KINDS)}")
    first = columns[0].unit
    if (first != TEXT) if kind == RANKING else (first not in PERIODS):
        raise FixConfiguration(
            f"{file.path}: the first column of a {kind} chart is a"
            f" {TEXT if kind == RANKING else ' or '.join(PERIODS)}, not a {first}"
        )
    if drawn not in {column.name for column in columns if column.unit != TEXT and column.unit not in PERIODS}:
        raise FixConfiguration(f"{file.path}: drawn is {drawn!r}, which is no column of numbers")
    place = file.header_line("place")
    if not place.isdecimal():
        raise FixConfiguration(f"{file.path}: place is {place!r}; it is a number")
    return Chart(
        name=file.name,
        place=int(place),
        title=file.header_line("title"),
        reading=file.header_line("reading"),
        kind=kind,
        columns=columns,
        drawn=drawn,
        empty=file.header.get("empty", "There are no figures yet."),
        unknown=file.header.get("unknown", "it is not known"),
        matters=file.header.get("matters", ""),
        matures=read_days(file, "matures") if "matures" in file.header else 0,
        query=file.section("query"),
        reads=frozenset(name.strip() for name in file.header.get("reads", "").split(",")),
        lookback=_read_lookback(file),
    )


def _read_lookback(file: SqlFile) -> int | None:
    """Return the header's `lookback`, which stands where the query names `:first_day`, and nowhere else."""
    names_day = bool(re.search(r"(?<!:):first_day\b", file.section("query")))
    if names_day != ("lookback" in file.header):
        raise FixConfiguration(
            f"{file.path}: a query that names :first_day says in the header how far it looks back from the newest period,"
            " and no other does: `lookback: 364 days`"
        )
    return read_days(file, "lookback") if names_day else None


def _read_columns(file: SqlFile) -> tuple[Column, ...]:
    text = file.header_line("columns")
    columns = tuple(Column(*match.groups()) for match in _COLUMN.finditer(text))
    if not columns or _COLUMN.sub("", text):
        raise FixConfiguration(f"{file.path}: columns is {text!r}; write `name (unit, label), …`")
    if wrong := [column for column in columns if column.unit not in UNITS]:
        raise FixConfiguration(
            f"{file.path}: column {wrong[0].name} has the unit {wrong[0].unit!r}; it is one of {', '.join(UNITS)}"
        )
    return columns

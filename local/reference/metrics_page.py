"""docs/reference/metrics-<marketplace>.md: each metric with its columns, what they are made from, and where they are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from local.reference.lineage import Lineage, Origin
from local.reference.markdown import write_code, write_table
from rental_pipeline.definitions.marketplace import View
from rental_pipeline.definitions.metric import Metric

_OPENING = """\
# Metrics: {marketplace}

Each table of `{marketplace}_presentation`: what a row is, what its columns are computed from in the source, and which charts of
the report draw them; then the views over them. This page is made of the files of `sql/{marketplace}`, whose columns sqlglot
follows (`make reference`). A drawing shows where values come from; by what rows are chosen, joined and counted, the file says.
The source is the sample's.
"""


def write_page(sql_root: Path, marketplace: str) -> str:
    """Return the page of a marketplace's metrics."""
    lineage = Lineage(sql_root, marketplace)
    metrics = (_describe(lineage, metric) for metric in lineage.files.metrics)
    views = (_describe_view(lineage, view) for view in lineage.files.views)
    return "\n".join([_OPENING.format(marketplace=marketplace), *metrics, *views])


def _describe_view(lineage: Lineage, view: View) -> str:
    """Return a view's part: its columns are those of the metrics that it reads, divided and added up as its file says."""
    title = view.file.text.partition("\n--\n")[0].replace("\n--", "").removeprefix("-- ")
    read = ", ".join(map(write_code, sorted(view.reads)))
    path = f"sql/{lineage.marketplace}/views/{view.name}.sql"
    return (
        f"## {view.name}\n\n{title}\n\n- A row: {view.file.header['grain']}\n- A view over: {read}\n"
        f"- Definition: [`{path}`](../../{path})\n"
    )


def _describe(lineage: Lineage, metric: Metric) -> str:
    header = metric.file.header
    first = next(line for line in metric.file.text.splitlines() if line.startswith("-- ")).removeprefix("-- ")
    sources = {column: lineage.find_sources(origins) for column, origins in lineage.trace_metric(metric).items()}
    charts = _find_charts(lineage, metric.name)
    rows = [
        [
            write_code(column),
            ", ".join(write_code(f"{each.table}.{each.column}") for each in sorted(sources[column]))
            or ("the calendar" if column == "period_start" else "rows, counted"),
            ", ".join(sorted(charts.get(column, ()))),
        ]
        for column in sources
    ]
    path = f"sql/{lineage.marketplace}/presentation/{metric.name}.sql"
    drawing = "\n".join(_draw(metric.name, sources, charts))
    return (
        f"## {metric.name}\n\n{first}\n\n- A row: {header['grain']}\n- Key: {write_code(header['unique_key'])}\n"
        f"- Definition: [`{path}`](../../{path})\n\n```mermaid\n{drawing}\n```\n\n"
        f"{write_table(['column', 'computed from', 'drawn in'], rows)}\n"
    )


def _find_charts(lineage: Lineage, metric: str) -> dict[str, set[str]]:
    """Return the titles of the charts that are made from each column of a metric."""
    table = f"{lineage.files.schemas.presentation}.{metric}"
    found: dict[str, set[str]] = {}
    for chart in lineage.files.charts:
        for origin in frozenset[Origin]().union(*lineage.charts[chart.name].values()):
            if origin.table == table:
                found.setdefault(origin.column, set()).add(chart.title)
    return found


def _draw(metric: str, sources: dict[str, frozenset[Origin]], charts: dict[str, set[str]]) -> Iterator[str]:
    """Yield the lines of a drawing in mermaid: source tables, the metric, charts. Columns made from the same are one box."""
    boxes: dict[tuple[frozenset[Origin], frozenset[str]], list[str]] = {}
    for column, origins in sources.items():
        if column != "period_start":
            boxes.setdefault((origins, frozenset(charts.get(column, ()))), []).append(column)
    yield "flowchart LR"
    names = {
        origin: f"s{number}" for number, origin in enumerate(sorted(frozenset[Origin]().union(*(each for each, _ in boxes))))
    }
    for number, table in enumerate(sorted({origin.table for origin in names})):
        yield f'  subgraph t{number}["{table}"]'
        yield from (f'    {name}["{origin.column}"]' for origin, name in names.items() if origin.table == table)
        yield "  end"
    yield f'  subgraph metric["{metric}"]'
    yield from (f'    m{number}["{"<br>".join(columns)}"]' for number, columns in enumerate(boxes.values()))
    yield "  end"
    titles = sorted({title for _, drawn in boxes for title in drawn})
    yield from (f'  c{number}(["{title}"])' for number, title in enumerate(titles))
    for number, (origins, drawn) in enumerate(boxes):
        yield from (f"  {names[origin]} --> m{number}" for origin in sorted(origins))
        yield from (f"  m{number} --> c{titles.index(title)}" for title in sorted(drawn))

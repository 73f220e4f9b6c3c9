"""Charts over time as inline SVG, drawn by pygal. Their colours and sizes are the page's (page.css)."""

from __future__ import annotations

from datetime import date
from typing import Any

from markupsafe import Markup
from pygal import Bar, Line
from pygal.etree import etree
from pygal.style import Style

from rental_pipeline.definitions.charts import COLUMNS
from rental_pipeline.model.figures_document import DrawnChart
from rental_pipeline.operate.report.axis import choose_ticks, write_ticks
from rental_pipeline.operate.report.values import next_period, write_period, write_value

# Narrow, so that its letters can still be read when a phone makes it smaller.
_WIDTH, _HEIGHT = 560, 290
# For the room that labels take, as wide as page.css has them on a phone.
_STYLE = Style(label_font_size=18, major_label_font_size=18)
_LABELS = 3
_MOST_DOTS = 60
# What pygal's script works with, and its style.
_NOT_DRAWN = ("defs", "title", "desc")
_OVERLAYS = ("plot text-overlay", "plot tooltip-overlay")


def draw(chart: DrawnChart, currency: str) -> Markup:
    """Return a `line` or `columns` chart of figures.json as an SVG element; it is of one series.

    pygal's own style and script are left out: the first names colours for each chart again, the second is for tooltips, which
    every point has as its `<title>` instead.

    Args:
        chart: With at least one row whose drawn value is not NULL.
        currency: Of its amounts of money.
    """
    time, drawn = chart.columns[0], chart.drawn_column
    found = {row[time.name]: row[chart.drawn] for row in chart.rows}
    periods = _list_periods(date.fromisoformat(min(found)), date.fromisoformat(max(found)), time.unit)
    names = [write_period(period, time.unit) for period in periods]
    step = max(1, -(-len(names) // _LABELS))
    picture = (Bar if chart.kind == COLUMNS else Line)(
        width=_WIDTH,
        height=_HEIGHT,
        js=(),
        css=(),
        style=_STYLE,
        allow_interruptions=True,
        no_prefix=True,
        show_legend=False,
        margin=8,
        margin_right=56,
        # The newest period has a label, and every so many before it.
        x_labels=names,
        x_labels_major=names[::-1][::step],
        show_minor_x_labels=False,
        truncate_label=-1,
        dots_size=3,
        show_dots=len(names) <= _MOST_DOTS,
    )
    values = [None if (value := found.get(period.isoformat())) is None else float(value) for period in periods]
    known = [value for value in values if value is not None]
    ticks = choose_ticks(known, drawn.unit, currency, from_zero=chart.kind == COLUMNS)
    labels = write_ticks(ticks, drawn.unit, currency)
    # Without a range, zeros alone have an axis without a length.
    picture.range = (float(ticks[0]), float(ticks[-1]))
    picture.y_labels = [{"value": float(tick), "label": label} for tick, label in zip(ticks, labels, strict=True)]
    picture.add(drawn.label, [_make_point(value, drawn.unit, currency) for value in values])
    return _clean(picture.render_tree(), f"{chart.title}: {drawn.label} from {names[0]} to {names[-1]}")


def _make_point(value: float | None, unit: str, currency: str) -> dict[str, Any] | None:
    return None if value is None else {"value": value, "formatter": lambda each: write_value(each, unit, currency)}


def _list_periods(first: date, last: date, unit: str) -> list[date]:
    """Return every period from the first to the last, those without a row too: time goes on where nothing happened."""
    periods = [first]
    while periods[-1] < last:
        periods.append(next_period(periods[-1], unit))
    return periods


def _clean(root: Any, description: str) -> Markup:
    """Leave the drawing alone of what pygal makes, and say in words what it shows."""
    for name in ("id", "class"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", description)
    for parent in list(root.iter()):
        words = {child.get("class"): child.text for child in parent if child.tag == "desc"}
        for child in list(parent):
            is_comment = not isinstance(child.tag, str)  # its tag is a function
            if is_comment or child.tag in _NOT_DRAWN or child.get("class") in _OVERLAYS:
                parent.remove(child)
        if "value" in words:
            etree.SubElement(parent, "title").text = ": ".join(filter(None, (words.get("x_label"), words["value"])))
    return Markup(etree.tostring(root, encoding="unicode"))

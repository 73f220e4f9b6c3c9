"""Which pages there are, and what each is made of."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from local.commands import types_page
from local.reference import errors_page, inputs_page, metrics_page, settings_page

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"
# A marketplace of a user's own has no page of ours.
MARKETPLACES = ("apartments", "cars")


def list_pages() -> dict[Path, Callable[[], str]]:
    """Return what writes each page, by the page's path."""
    inputs = FOLDER / "inputs.md"
    return {
        FOLDER / "settings.md": partial(settings_page.write_page, ROOT),
        inputs: lambda: inputs_page.write_page(inputs.read_text(encoding="utf-8")),
        FOLDER / "errors.md": partial(errors_page.write_page, ROOT),
        **{FOLDER / f"metrics-{name}.md": partial(metrics_page.write_page, ROOT / "sql", name) for name in MARKETPLACES},
        types_page.PAGE: types_page.write_page,
    }

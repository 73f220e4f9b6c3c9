"""The sample sources: their schemas, generated data, days of marketplace life, and a loader for one's own CSV files.

What is of one marketplace alone is a package named after its folder of sql/: its `tables` make the rows, its `day` plays a day.
"""

from __future__ import annotations

import importlib
from types import ModuleType


def import_part(marketplace: str, part: str) -> ModuleType:
    """Return a marketplace's own module of that name.

    Raises:
        ValueError: the marketplace has none: only its own CSV files can fill its source.
    """
    name = f"{__name__}.{marketplace}.{part}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in (name, f"{__name__}.{marketplace}"):
            raise
        raise ValueError(
            f"nothing generates data for the marketplace {marketplace!r}: write {name.replace('.', '/')}.py, or load CSV files"
        ) from None

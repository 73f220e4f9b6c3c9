"""ANALYZE after large changes: what follows in the same run is planned by statistics of rows that are there."""

from __future__ import annotations

from rental_pipeline.warehouse.data_api import Submission

# Fewer change no plan, and are left to Redshift, which analyzes by itself when it has nothing else to do.
LARGE_ROWS = 100_000


def analyze_if_large(relation: str, rows: int) -> tuple[Submission, ...]:
    """Return the submission that analyzes a table into which so many rows went, none where they were few.

    Redshift skips a table of which less than a tenth has changed (Database Developer Guide, "ANALYZE", Analyze threshold). It is
    a statement of its own, behind the commit: it changes no row and needs no guard, and repeated it is skipped.
    """
    return (Submission("analyze", (f"analyze {relation}",)),) if rows >= LARGE_ROWS else ()

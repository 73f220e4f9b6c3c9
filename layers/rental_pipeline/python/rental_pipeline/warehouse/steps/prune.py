"""Pruning: what no step will ask for again leaves the control tables, at the end of each run that ends well.

Left alone are rows that tell what a run did (run, run_time, table_load, check_result …): people read them, and a replay needs the
loads. Nothing here changes a result (I11): what is deleted lies at or below every position that it could be read above.
"""

from __future__ import annotations

from rental_pipeline.definitions.curated_table import CuratedTable
from rental_pipeline.definitions.marketplace import Marketplace
from rental_pipeline.model.sql_literal import literal

# Steps of ended runs that the ledger's views tell of: what was published, and what the lake shows.
_TOLD_STEPS = ("publish", "commit_lake")


def prune_control(marketplace: Marketplace, run_sequence: int) -> list[str]:
    """Return statements for the control schema, of a run that ends.

    Rows of step_commit hold a step of its own run from being done twice; a run before this one may write no more. Days of an
    append table that were replaced are asked for above the position of each curated table that is made from it; one without a
    position is built whole.
    """
    told = ", ".join(map(literal, _TOLD_STEPS))
    statements = [f"delete from step_commit where run_sequence < {run_sequence} and step not in ({told})"]
    for source, tables in _group_by_events(marketplace).items():
        names = ", ".join(literal(table.name) for table in tables)
        statements.append(
            f"delete from changed_day where table_name = {literal(source)} and run_sequence <="
            f" (select min(run_sequence) from layer_position where layer = 'curated' and name in ({names}))"
        )
    return statements


def _group_by_events(marketplace: Marketplace) -> dict[str, list[CuratedTable]]:
    """Return the curated tables that are made from each append table, of which alone days are replaced."""
    sources = sorted({table.source for table in marketplace.curated if table.key == ("event_day",)})
    return {source: [table for table in marketplace.curated if table.source == source] for source in sources}

"""The analysts' views: made by the publication that their tables stand in, dropped before one of those is made again.

They are bound to their tables, so analysts need no right on the curated schema: to read a late-binding view (WITH NO SCHEMA
BINDING) they would need its USAGE, and tools would not see its columns.
"""

from __future__ import annotations

from rental_pipeline.definitions.curated_table import CuratedTable
from rental_pipeline.definitions.marketplace import View
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.warehouse.steps.curated_build import is_reshaped
from rental_pipeline.warehouse.steps.step import StepRequest, insert_rows

LAYER = "view"  # of layer_position


def list_outdated_views(request: StepRequest) -> list[str]:
    """Return the names of the views that do not stand as the files say: to be made, made again, or gone."""
    wanted = {view.name for view in request.marketplace.views}
    known = {position.name for position in request.ledger.positions if position.layer == LAYER}
    return sorted({view.name for view in _list_to_make(request)} | (known - wanted))


def drop_views(request: StepRequest) -> list[str]:
    """Return the statements that drop the outdated views and forget them."""
    names = list_outdated_views(request)
    if not names:
        return []
    return [
        f"drop view if exists {', '.join(f'{request.schemas.presentation}.{name}' for name in names)}",
        f"delete from {request.schemas.control}.layer_position"
        f" where layer = '{LAYER}' and name in ({', '.join(literal(name) for name in names)})",
    ]


def make_views(request: StepRequest) -> list[str]:
    """Return the statements that make the outdated views, once they are dropped and their tables stand."""
    views = _list_to_make(request)
    if not views:
        return []
    rows = [
        f"('{LAYER}', {literal(view.name)}, {request.run_sequence}, {literal(request.marketplace.view_hash(view))})"
        for view in views
    ]
    return [
        *(view.file.section("view") for view in views),
        *insert_rows(f"{request.schemas.control}.layer_position (layer, name, run_sequence, input_hash)", rows),
    ]


def _list_to_make(request: StepRequest) -> list[View]:
    return [
        view
        for view in request.marketplace.views
        if not request.ledger.is_made_from(LAYER, view.name, request.marketplace.view_hash(view))
        # After a run that stopped, such a table is made again though its definition is the one the view was made for.
        or any(is_reshaped(request, table) for table in request.marketplace.tables_of(view) if isinstance(table, CuratedTable))
    ]

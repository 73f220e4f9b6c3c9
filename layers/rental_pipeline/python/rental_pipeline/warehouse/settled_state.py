"""state.json, from the warehouse's side: void before a run writes anything, and settled by a complete run that leaves nothing.

A state is settled only over the run's own void mark, by a conditional write: where another run has marked it since, that run may
be writing already, and what this one read of the warehouse may not hold any more.
"""

from __future__ import annotations

from datetime import UTC, datetime

from rental_pipeline.base.errors import FixData
from rental_pipeline.base.object_store import (
    COMPARED,
    LOADS,
    find_last_run,
    find_time,
    replace_json,
    run_key,
    state_key,
    write_json,
)
from rental_pipeline.base.settings import WarehouseSettings
from rental_pipeline.base.telemetry import logger
from rental_pipeline.definitions.read_marketplace import hash_contract
from rental_pipeline.model.document import find_document, read_document
from rental_pipeline.model.fingerprints import NOTHING, Span, add_up
from rental_pipeline.model.ledger import Ledger
from rental_pipeline.model.load_document import TableLoad
from rental_pipeline.model.plan_document import Plan
from rental_pipeline.model.state_document import FORMAT, KnownTable, Settled, Stack, State, find_state


def find_kept_run(settings: WarehouseSettings) -> tuple[int, datetime] | None:
    """Return the last run that the bucket knows, and when it was there, in UTC without offset; None where it knows none.

    The warehouse knows it too, unless it was restored to an earlier state. Where state.json does not say, the runs' objects do.

    Raises:
        FixConfiguration, RetryLater: as `read_json`.
    """
    found = find_state(settings.bucket, settings.marketplace)
    written = find_time(settings.bucket, state_key(settings.marketplace)) if found else None
    kept = (found[0].run_sequence, written) if found and written else find_last_run(settings.bucket, settings.marketplace)
    return (kept[0], kept[1].astimezone(UTC).replace(tzinfo=None)) if kept else None


def void_state(settings: WarehouseSettings, run_sequence: int, execution_id: str) -> None:
    """Mark the state void, whatever it says, for a run that holds the lease (raises as `write_json`)."""
    mark = State(format=FORMAT, run_sequence=run_sequence, execution_id=execution_id, settled=None)
    write_json(settings.bucket, state_key(settings.marketplace), mark.to_json())


def settle_state(settings: WarehouseSettings, plan: Plan, after: Ledger) -> bool:
    """Write what a complete run left, over its own void mark; return whether it was written.

    Args:
        plan: Of an incremental run that read all tables.
        after: The ledger as it is now, with nothing pending.

    Raises:
        FixData: loads.json or compared.json of the run are gone, or lack a table.
        FixConfiguration, RetryLater: as `read_json`.
    """
    found = find_state(settings.bucket, settings.marketplace)
    if found is None or found[0].settled:
        return False
    mark, version = found
    if (mark.run_sequence, mark.execution_id) != (after.run_sequence, after.execution_id):
        logger.info("another run has begun; the state stays void", extra={"by": mark.run_sequence})
        return False
    settled = Settled(
        stack=Stack(settings.bucket, settings.redshift_workgroup or settings.redshift_cluster or "", settings.redshift_database),
        source_day=plan.source_time[:10],
        contract_hash=hash_contract(settings.sql_root, settings.marketplace),
        ledger=after,
        tables=_know_tables(settings, plan),
    )
    state = State(format=FORMAT, run_sequence=mark.run_sequence, execution_id=mark.execution_id, settled=settled)
    return replace_json(settings.bucket, state_key(settings.marketplace), state.to_json(), version.etag)


def _know_tables(settings: WarehouseSettings, plan: Plan) -> dict[str, KnownTable]:
    """Say what raw holds of each table since this run, of all that an increment would look at.

    Of a compared table, that is what was equal and what was read; of a window that was read without comparison, those of its rows
    at which the next run looks again.
    """

    def key(name: str) -> str:
        return run_key(settings.marketplace, plan.run_sequence, name)

    is_loaded = any(not table.is_idle for table in plan.tables)
    loads = read_document(dict[str, TableLoad], settings.bucket, key(LOADS)) if is_loaded else {}
    equal = find_document(dict[str, list[Span]], settings.bucket, key(COMPARED)) or {}
    known = {}
    for table in plan.tables:
        if not (table.is_idle or table.name in loads) or (table.comparison and table.name not in equal):
            raise FixData(f"loads.json or compared.json of run {plan.run_sequence} does not list {table.name}")
        held = NOTHING if table.is_idle else loads[table.name].ahead
        if table.comparison:
            held += add_up(span.expected for span in equal[table.name])
        lower = table.lower if table.comparison else table.next_lower
        known[table.name] = KnownTable(table.definition_hash or "", lower, held)
    return known

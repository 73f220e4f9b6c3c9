"""state.json: what the last complete run left, so that the next one can see without the warehouse that nothing is to be done.

It is only ever a reason to do nothing. It is void while a run may write in the warehouse, and whatever is missing, void, of
another format or of another stack means that the warehouse is asked (docs/decisions/0018-a-run-asks-the-source-first.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rental_pipeline.base.object_store import Versioned, find_versioned, state_key
from rental_pipeline.base.telemetry import logger
from rental_pipeline.model.document import Document, parse_document
from rental_pipeline.model.fingerprints import Fingerprint
from rental_pipeline.model.ledger import Ledger

FORMAT: Literal[1] = 1


@dataclass(frozen=True)
class Stack(Document):
    """Whose state it is.

    Attributes:
        warehouse: Name of the workgroup or cluster. database: Within it.
    """

    bucket: str
    warehouse: str
    database: str


@dataclass(frozen=True)
class KnownTable(Document):
    """What raw holds, as its newest versions, of a part of a source table: all that an incremental run would look at.

    Attributes:
        definition_hash: Of what was read, as in the ledger.
        lower: Where that part begins, a value of the cursor, ISO; rows without a cursor belong to it, too. Null: it is the whole
            table.
        held: Rows of that part, and the sum of their hashes.
    """

    definition_hash: str
    lower: str | None
    held: Fingerprint


@dataclass(frozen=True, kw_only=True)
class Settled(Document):
    """The warehouse as a run left it with nothing pending.

    Attributes:
        source_day: The source's date when the run was planned, ISO, UTC.
        contract_hash: Of source.yaml.
        ledger: The positions and columns of raw after the run's end.
        tables: All of the contract.
    """

    stack: Stack
    source_day: str
    contract_hash: str
    ledger: Ledger
    tables: dict[str, KnownTable]


@dataclass(frozen=True, kw_only=True)
class State(Document):
    """The mark of the run that may write in the warehouse, or did so last.

    Attributes:
        format: Of this document.
        run_sequence, execution_id: The run.
        settled: Null: the state is void.
    """

    format: Literal[1]
    run_sequence: int
    execution_id: str
    settled: Settled | None


def find_state(bucket: str, marketplace: str) -> tuple[State, Versioned] | None:
    """Return state.json, with what a conditional write needs; None where there is none that this version can read.

    Raises:
        FixConfiguration, RetryLater: as `read_json`.
    """
    found = find_versioned(bucket, state_key(marketplace))
    if found is None:
        return None
    try:
        return parse_document(State, found.content), found
    except ValueError as error:
        logger.warning("state.json cannot be read, and counts as void", extra={"error": str(error)})
        return None

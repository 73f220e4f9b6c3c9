"""Raw's current rows: the newest version of each key, where it is no tombstone."""

from __future__ import annotations

from collections.abc import Sequence

from rental_pipeline.raw_tables import quote_identifier


def select_newest(raw: str, key: Sequence[str], columns: Sequence[str], condition: str = "true") -> str:
    """Return the select of the current rows of a keyed raw table.

    Args:
        raw: The table, qualified and quoted.
        key: The key's columns; selected first.
        columns: What else is selected, quoted where that is needed.
        condition: Which keys are looked at.
    """
    keys = ", ".join(quote_identifier(column) for column in key)
    selected = ", ".join([keys, *columns])
    return (
        f"select {selected} from ("
        f"select {selected}, _operation, row_number() over (partition by {keys} order by _run_sequence desc) as version_rank"
        f" from {raw} where {condition}"
        ") as ranked where version_rank = 1 and _operation = 'U'"
    )

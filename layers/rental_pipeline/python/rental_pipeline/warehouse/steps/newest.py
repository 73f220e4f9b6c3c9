"""Raw's current rows: the newest version of each key, where it is no tombstone."""

from __future__ import annotations

from collections.abc import Sequence

from rental_pipeline.model.raw_tables import quote_identifier


def select_newest(
    raw: str, key: Sequence[str], columns: Sequence[str], condition: str = "true", keep_removed: bool = False
) -> str:
    """Return the select of the current rows of a keyed raw table.

    Args:
        raw: The table, qualified and quoted.
        key: The key's columns; selected first.
        columns: What else is selected, quoted where that is needed.
        condition: Which keys are looked at.
        keep_removed: Whether keys whose newest version is a tombstone count, too.
    """
    keys = ", ".join(quote_identifier(column) for column in key)
    selected = ", ".join([keys, *columns])
    partition = ", ".join(f"_rp_raw.{quote_identifier(column)}" for column in key)
    removed = " and _operation = 'U'"
    return (
        f"select {selected} from ("
        f"select {selected}, _operation,"
        f" row_number() over (partition by {partition} order by _rp_raw._run_sequence desc) as _rp_rank"
        f" from {raw} as _rp_raw where {condition}"
        f") as _rp_ranked where _rp_rank = 1{'' if keep_removed else removed}"
    )

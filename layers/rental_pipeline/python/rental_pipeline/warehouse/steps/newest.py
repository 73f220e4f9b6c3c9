"""Raw's newest version of each key: the one of the highest run sequence (I3). How that is found stands here alone."""

from __future__ import annotations

from collections.abc import Sequence

from rental_pipeline.model.raw_tables import quote_identifier


def rank_versions(*columns: str) -> str:
    """Return the expression that ranks the versions in `_rp_raw` of each value of some of its columns, the newest first."""
    partition = ", ".join(f"_rp_raw.{column}" for column in columns)
    return f"row_number() over (partition by {partition} order by _rp_raw._run_sequence desc)"


def select_newest(
    raw: str, key: Sequence[str], columns: Sequence[str], condition: str = "true", keep_removed: bool = False, join: str = ""
) -> str:
    """Return the select of the current rows of a keyed raw table.

    Args:
        raw: The table, qualified and quoted.
        key: The key's columns; selected first.
        columns: What else is selected, quoted where that is needed.
        condition: Which keys are looked at.
        keep_removed: Whether keys whose newest version is a tombstone count, too.
        join: A join to `_rp_raw` that says which keys are looked at.
    """
    keys = [quote_identifier(column) for column in key]
    selected = ", ".join([*keys, *columns])
    ranked = ", ".join(f"_rp_raw.{column}" for column in dict.fromkeys([*keys, *columns, "_operation"]))
    return f"""
        select {selected}
        from (
            select {ranked}, {rank_versions(*keys)} as _rp_rank
            from {raw} as _rp_raw{f" {join}" if join else ""}
            where {condition}
        ) as _rp_ranked
        where _rp_rank = 1{"" if keep_removed else " and _operation = 'U'"}
    """

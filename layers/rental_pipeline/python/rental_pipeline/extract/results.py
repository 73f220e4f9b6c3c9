"""The result of a slice, as a run may have left it before."""

from __future__ import annotations

from rental_pipeline.base.object_store import find_json, result_key
from rental_pipeline.model.document import read_object
from rental_pipeline.model.load_document import SliceResult
from rental_pipeline.model.table_plan import Slice


def find_result(bucket: str, marketplace: str, part: Slice, source_time: str) -> SliceResult | None:
    """Return the result of a slice, or of a piece of it, None where it has none of this plan.

    Run numbers begin again with a new control schema: a result under this key may be another plan's, and of an earlier version.

    Args:
        source_time: Of the plan.

    Raises:
        FixData, FixConfiguration, RetryLater: as `read_object` and `find_json`.
    """
    key = result_key(marketplace, part.run_sequence, part.table, part.slice, part.piece)
    found = find_json(bucket, key)
    if found is None or found.get("source_time") != source_time:
        return None
    result = read_object(SliceResult, found, bucket, key)
    return result if result.start == part.start else None

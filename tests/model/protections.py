"""The protections of the protocol: what a careless pipeline would do without each, and the schedule or invariant it answers."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Protections:
    """Switches, all on in the real protocol. The comment says what happens where one is off."""

    # Reading and the watermark (I7)
    reads_from_watermark: bool = True  # off: only cursors strictly above the watermark are read
    bound_before_read: bool = True  # off: the bound is found when the table is loaded
    bound_waits_for_transactions: bool = True  # off: open transactions do not hold the bound back
    watermark_moves_with_load: bool = True  # off: it moves when the run is planned
    only_increments_move_watermark: bool = True  # off: a backfill window moves it to its end
    drift_reads_again: bool = True  # off: a new column is filled for rows whose cursor moves only

    # Raw (I3, I4, I8)
    compares_with_newest: bool = True  # off: a row equal to any version of its key is skipped
    adds_only_differences: bool = True  # off: every row that is read is added
    newest_by_sequence: bool = True  # off: the version with the greatest cursor is the newest
    reconcile_writes_tombstones: bool = True  # off: rows that are gone are not noticed
    absence_needs_whole_read: bool = True  # off: a key that an increment did not read counts as gone
    reruns_are_new_runs: bool = True  # off: a run can be repeated: its rows are deleted, its window is read again

    # The archive (I12)
    replays_committed_loads: bool = True  # off: whatever runs have written to S3 is replayed
    replays_tombstones: bool = True  # off: rows are replayed, and not what their absence or a list of gone keys says
    replayed_versions_keep_runs: bool = True  # off: they are taken for the replay's own
    replays_beside_raw: bool = True  # off: raw is emptied first, and filled table by table
    erasure_forgets_watermark: bool = True  # off: an emptied table is read from the old watermark on
    erasure_forgets_curated: bool = True  # off: curated goes on from its position
    erasure_begins_history: bool = True  # off: loads from before it are replayed

    # Steps (I5, I6)
    fence: bool = True  # off: a run that was overtaken goes on writing
    steps_are_recorded: bool = True  # off: a step whose answer was lost is done a second time
    files_are_pinned: bool = True  # off: a run goes on with SQL that was deployed in its middle
    own_positions: bool = True  # off: curated looks at what this run added to raw only
    nothing_pending_ends_run: bool = True  # off: a run that added nothing to raw ends at once

    # What is kept outside of the warehouse (decision 18)
    state_void_before_writing: bool = True  # off: a run begins, and what the last one left still counts
    state_settled_over_own_mark: bool = True  # off: a run that was overtaken at its end writes over the newer one's mark
    state_is_newest: bool = True  # off: a state that was put back counts, though a run was opened since
    state_knows_rows: bool = True  # off: only the number of rows from the watermark on is compared
    state_knows_day: bool = True  # off: the day of the last run does not matter
    state_knows_files: bool = True  # off: SQL that was deployed since does not matter
    state_knows_columns: bool = True  # off: columns that were added since do not matter

    # Curated and presentation (I9)
    newest_decides: bool = True  # off: an older good version stays where the newest is broken
    children_follow_parents: bool = True  # off: only rows that changed themselves are judged
    both_images: bool = True  # off: only the periods of the new row are made again
    dirty_is_durable: bool = True  # off: which periods are stale is known to the run only
    dirty_consumed_when_published: bool = True  # off: forgotten when the metric is staged
    periods_replaced_whole: bool = True  # off: rows of a period are updated and added, never deleted
    time_passes: bool = True  # off: periods come into being only when rows change
    rule_is_hashed: bool = True  # off: an edited rule is used for touched rows only
    formula_is_hashed: bool = True  # off: an edited metric is used for dirty periods only


SWITCHES = tuple(field.name for field in fields(Protections))

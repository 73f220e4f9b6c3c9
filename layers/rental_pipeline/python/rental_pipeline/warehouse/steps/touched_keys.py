"""Which keys of a curated table a run judges: those that changed in raw, and children of a parent that appeared there."""

from __future__ import annotations

from rental_pipeline.definitions.marketplace import Reference
from rental_pipeline.model.raw_tables import quote_identifier
from rental_pipeline.warehouse.steps.curated_build import CuratedBuild
from rental_pipeline.warehouse.steps.step import literal


class TouchedKeys(CuratedBuild):
    """The select of the table `_rp_touched`."""

    def select_touched(self) -> str:
        """Keys (or days) that may now be judged otherwise: changed themselves, or child of a parent that is new in raw.

        Raw keeps all versions, so a parent that it once had is one that existed, whatever became of it.
        """
        keys = ", ".join(self.raw_key)
        if self.is_full:
            # Days that lost all their rows are in curated, not in raw.
            gone = f" union select event_day from {self.curated}" if self.is_append else ""
            return f"select distinct {keys} from {self.raw}{gone}"
        selects = [f"select {keys} from {self.raw} where _run_sequence > {self.position}"]
        if self.is_append:
            selects.append(
                f"select event_day from {self.control}.changed_day"
                f" where table_name = {literal(self.table.source)} and run_sequence > {self.position}"
            )
        child_keys = ", ".join(f"_rp_child.{key}" for key in self.raw_key)
        selects += [
            f"select {child_keys} from {self.raw} as _rp_child inner join ({self._appeared(reference)}) as _rp_appeared"
            f" on {self.is_alike(reference, '_rp_child', '_rp_appeared')}"
            for reference in self.table.references
        ]
        return " union ".join(selects)

    def _appeared(self, reference: Reference) -> str:
        """Return the select of the parents that raw has for the first time since the table's position."""
        raw, key = self.raw_parent(reference), quote_identifier(reference.parent_key)
        return (
            f"select _rp_parent.{key} from {raw} as _rp_parent inner join"
            f" (select distinct _rp_raw.{key} from {raw} as _rp_raw where _rp_raw._run_sequence > {self.position}) as _rp_arrived"
            f" on _rp_parent.{key} = _rp_arrived.{key} where _rp_parent._operation = 'U'"
            f" group by _rp_parent.{key} having min(_rp_parent._run_sequence) > {self.position}"
        )

"""Which keys of a curated table a run judges: those that changed in raw, and rows without a parent, where one has come."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rental_pipeline.definitions.curated_table import CuratedTable, Reference
from rental_pipeline.model.raw_tables import quote_identifier
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.warehouse.steps.curated_build import CuratedBuild, write_row_key
from rental_pipeline.warehouse.steps.joined import JoinedTables
from rental_pipeline.warehouse.steps.step import StepRequest

_WHOLE = ("smallint", "int", "bigint")


class TouchedKeys(CuratedBuild):
    """The select of the table `_rp_touched`, and the statement that makes `_rp_orphan` before it."""

    def find_orphans(self) -> list[str]:
        """Return the statement that finds the rows without a parent whose parent has come; none where `pending` found none."""
        if not self.arrivals.orphans:
            return []
        columns = ("row_key", "event_day as _event_day", "row_hash as _row_hash", "is_rejected")
        return [f"create temp table _rp_orphan as {select_orphans(self.request, self.table, self.position, columns)}"]

    def select_touched(self) -> str:
        """Keys (or days) that may now be judged otherwise: changed themselves, or in a joined row, or without a parent until now.

        A parent counts as known once raw has had it, since raw keeps all versions: later changes of a parent touch no child
        that has it. Of an append table, rejected rows are judged by themselves, not with their day.
        """
        keys = ", ".join(self.raw_key)
        if self.is_full:
            # Days that lost all their rows are in curated, not in raw.
            gone = f" union select event_day from {self.curated}" if self.is_append else ""
            return f"select distinct {keys} from {self.raw}{gone}"
        selects = self._select_arrived()
        if self.arrivals.orphans and self.is_append:
            selects.append("select _event_day from _rp_orphan where not is_rejected")
        elif self.arrivals.orphans:
            child_keys = ", ".join(f"_rp_child.{key}" for key in self.raw_key)
            selects.append(
                f"select {child_keys} from {self.raw} as _rp_child"
                f" inner join _rp_orphan on {write_row_key('_rp_child', self.raw_key)} = _rp_orphan.row_key"
                f" where {self.bound_raw('_rp_child')}"
            )
        if self.arrivals.joined:
            selects += JoinedTables(self.request, self.table, self.position, self.arrivals).select_touched(self.raw_key)
        return " union ".join(selects)

    def bound_written(self, table: CuratedTable) -> str:
        """Return the condition on rows of the curated table, or of one that is derived from the same raw table, that excludes
        none that the build judged, nor the history of one; `true` where that is certain of all rows alone.

        It is for the steps after the build: `control.orphan` has then forgotten which rows had no parent. Those that were judged
        because their parent has come are among all that refer to it.
        """
        if not self.arrivals.orphan_parents or self.arrivals.joined:
            return "true"
        if self.is_append:
            arrived = " union ".join(self._select_arrived())
            is_day = f"{table.name}.{table.key[0]} in ({arrived})"
            # A row that is there without its parent makes its day judged again, and not only the rows of that parent.
            is_told = not table.is_derived and all(map(self._keeps_its_text, self.table.references))
            is_certain = is_told and not self.arrivals.orphans_accepted
            # Redshift takes a subquery behind OR that is not correlated: query 45 of AWS's benchmark derived from TPC-DS has one.
            return f"({is_day} or {self._is_referring(table.name, is_raw=False)})" if is_certain else "true"
        if len(self.raw_key) > 1:
            return "true"
        (key,) = self.raw_key
        return (
            f"{table.name}.{table.key[0]} in (select _rp_child.{key} from {self.raw} as _rp_child"
            f" where {self.bound_raw('_rp_child')}"
            f" and (_rp_child._run_sequence > {self.position} or {self._is_referring('_rp_child', is_raw=True)}))"
        )

    def _select_arrived(self) -> list[str]:
        """Return the selects of the keys, or days, that changed themselves."""
        keys = ", ".join(self.raw_key)
        # A run that stopped may have left a version beside the one of this run.
        selects = [f"select distinct {keys} from {self.raw} where _run_sequence > {self.position}"]
        if self.is_append:
            selects.append(
                f"select event_day from {self.control}.changed_day"
                f" where table_name = {literal(self.table.source)} and run_sequence > {self.position}"
            )
        return selects

    def _is_referring(self, rows: str, is_raw: bool) -> str:
        """Return the condition that a row refers to a parent that has come."""
        hashes = ", ".join(map(literal, self.arrivals.orphan_parents))
        columns = [reference.column if is_raw else reference.curated_column for reference in self.table.references]
        return " or ".join(f"{hash_key(rows, column)} in ({hashes})" for column in columns)

    def _keeps_its_text(self, reference: Reference) -> bool:
        """Whether a reference has the same text in the curated table as in raw: both are whole numbers. A text may be cleaned."""
        kind = self.planned(self.table.source).types.get(reference.column, "")
        is_whole = kind.startswith(_WHOLE) or re.fullmatch(r"decimal\(\d+, ?0\)", kind) is not None
        return is_whole and self.table.type_of(reference.curated_column).startswith(_WHOLE)


def select_orphans(request: StepRequest, table: CuratedTable, position: int, columns: Sequence[str]) -> str:
    """Return the select of the rows of a table without a parent, to which one that arrived above a position may be the parent.

    Parents are told by a hash of their key, without case and blanks at its end, which the source may take for equal.
    """
    selects = []
    for reference in table.references:
        raw = f"{request.schemas.raw}.{quote_identifier(request.marketplace.curated_table(reference.parent).source)}"
        selects.append(
            f"select {', '.join(f'orphan.{column}' for column in columns)} from {request.schemas.control}.orphan inner join"
            f" (select {hash_key('_rp_parent', reference.parent_key)} as _rp_parent_hash from {raw} as _rp_parent"
            f" where _rp_parent._run_sequence > {position} and _rp_parent._operation = 'U') as _rp_arrived"
            f" on orphan.parent_hash = _rp_arrived._rp_parent_hash"
            f" where orphan.table_name = {literal(table.name)} and orphan.parent = {literal(reference.parent)}"
        )
    return " union ".join(selects)


def hash_key(rows: str, column: str) -> str:
    """Return the expression of a key's hash, the same for keys that differ in case, or in blanks at the end, alone."""
    return f"md5(lower(rtrim(cast({rows}.{quote_identifier(column)} as varchar(65535)))))"

"""What is known of a curated table's build before its first statement: its keys, its position, whether all of it is judged."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.definitions.curated_table import CuratedTable, Reference
from rental_pipeline.model.arrivals import Arrivals, sorts_as, write_bounds
from rental_pipeline.model.raw_tables import quote_identifier
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.model.strategies import Append
from rental_pipeline.model.table_plan import PlannedTable
from rental_pipeline.warehouse.steps.step import StepRequest

_WHOLE_NUMBER = re.compile(r"-?\d{1,38}")
_BEYOND_KEYS = "9" * 38
_ROW_KEY_BYTES = 512  # of the control schema's tables
_ROW_KEY_START = 110  # characters, of up to four bytes each


def needs_full_build(request: StepRequest, table: CuratedTable) -> bool:
    """Whether every key is judged: a rebuild was asked for, or what the rows are made with has changed (or never ran)."""
    return (
        request.is_rebuilt("curated", request.marketplace.sources(table))
        or is_forgotten(request, table)
        or not request.ledger.is_made_from("curated", table.name, request.marketplace.curated_hash(table))
    )


def is_reshaped(request: StepRequest, table: CuratedTable) -> bool:
    """Whether the table does not exist with the definition that its file has now."""
    return not request.ledger.is_defined_as("curated", table.name, request.marketplace.definition_hash(table.file))


def is_forgotten(request: StepRequest, table: CuratedTable) -> bool:
    """Whether the run reloads a raw table in full that the table's rows are judged by; prepare has then reset its position."""
    return not request.marketplace.sources(table).isdisjoint(request.plan.erased)


class CuratedBuild:
    """One curated table in one run; the statements about it are composed by those that derive from this.

    Attributes:
        run: The run's sequence.
        control: The control schema.
        curated, rejected, raw: Names of the table itself, of its marketplace's rejected rows, and of the raw table it is made of.
        position: The run up to which raw is in the table; 0 where it is to be built from nothing.
        is_full: Whether every key is judged.
        is_append: Whether rows have no key, so that whole days are judged.
        raw_key: The key's columns as raw has them, quoted; of an append table its day.
        arrivals: What raw has above the position; nothing where every key is judged.
    """

    def __init__(self, request: StepRequest, table: CuratedTable):
        self.request = request
        self.table = table
        self.run = request.run_sequence
        self.control = request.schemas.control
        self.curated = f"{request.schemas.curated}.{table.name}"
        self.rejected = f"{request.schemas.curated}.rejected_rows"
        self.raw = self.raw_table(table.source)
        # Prepare has made a table of another shape again, without a position, and reset that of a forgotten one.
        is_unbuilt = is_reshaped(request, table) or is_forgotten(request, table)
        self.position = 0 if is_unbuilt else request.ledger.applied_run("curated", table.name)
        self.is_full = needs_full_build(request, table)
        self.is_append = isinstance(self.planned(table.source).strategy, Append)
        self.raw_key = ["_event_day"] if self.is_append else self._source_key(table)
        self.arrivals = Arrivals(rows=0) if self.is_full else request.pending.arrivals[table.name]
        if len(self.raw_key) != len(table.key):
            raise FixConfiguration(
                f"{table.name}.sql: key names {len(table.key)} columns, source.yaml names {len(self.raw_key)} for {table.source}"
            )

    @property
    def is_untouched(self) -> bool:
        """Whether no row is judged: nothing changed but parents, and no row has waited for one of these."""
        return not (self.is_full or self.arrivals.rows or self.arrivals.orphans or self.arrivals.joined)

    def on_touched(self, curated: str) -> str:
        """Return the condition that a row of the curated table has a touched key."""
        return " and ".join(
            f"{curated}.{column} = _rp_touched.{key}" for column, key in zip(self.table.key, self.raw_key, strict=True)
        )

    def on_touched_raw(self, alias: str) -> str:
        """Return the condition that a row of the raw table has a touched key."""
        return " and ".join(f"{alias}.{key} = _rp_touched.{key}" for key in self.raw_key)

    def bound_raw(self, alias: str) -> str:
        """Return the condition on a row of the raw table that excludes none that is judged, in literals.

        The newest version of a key that changed, and every row of a day that was replaced, is among the rows above the position.
        Older ones are read for rows whose parent has come or whose joined rows changed, and for a key that is gone but keeps its
        last values.
        """
        if self.is_full or self.arrivals.joined:
            return "true"
        since = self.position
        if self.arrivals.orphans_since is not None:
            since = min(since, self.arrivals.orphans_since - 1)
        if self.table.is_derived or (self.table.keeps_removed and self.arrivals.removed):
            # The keys of orphans may be any.
            return "true" if self.arrivals.orphans else self._bound_key(f"{alias}.{self.raw_key[0]}")
        return f"{alias}._run_sequence > {since}"

    @property
    def judges_new_rows(self) -> bool:
        """Whether every row that is judged is one above the position."""
        is_older = self.table.is_derived or (self.table.keeps_removed and self.arrivals.removed)
        return not (self.is_full or self.arrivals.joined or self.arrivals.orphans or is_older)

    def bound_curated(self) -> str:
        """Return the condition on a row of the curated table that excludes none with a touched key, in literals."""
        column = self.table.key[0]
        kind = self.table.type_of(column)
        # A text sorts otherwise than the number that it is cast to.
        if not kind or sorts_as(kind) != sorts_as(self._key_type):
            return "true"
        return (
            "true" if self.arrivals.orphans_accepted or self.arrivals.joined else self._bound_key(f"{self.table.name}.{column}")
        )

    def bound_parents(self, references: Sequence[Reference], alias: str) -> str:
        """Return the condition on a row of raw parents that excludes none that a judged row refers to, in literals: where a row's
        key is its parent's, as of what has one row to a listing."""
        arrived, column = self.arrivals, references[0].parent_key
        kind = self.planned(self.request.marketplace.curated_table(references[0].parent).source).types.get(column, "")
        may_be_any = self.is_full or arrived.orphans or arrived.joined
        is_own_key = all(quote_identifier(reference.column) == self.raw_key[0] for reference in references)
        if may_be_any or not is_own_key or {sorts_as(kind), sorts_as(self._key_type)} != {"number"}:
            return "true"
        return write_bounds(f"{alias}.{quote_identifier(column)}", kind, arrived.least, arrived.greatest)

    def fill_in_keys(self, sql: str) -> str:
        """Write whole numbers between which the keys of all changed rows lie as literals, in place of `:least_key` and
        `:greatest_key`; open-ended where that is not known, or a key is no whole number."""
        ends = (self.arrivals.least or "", self.arrivals.greatest or "")
        is_known = not self.is_full and self.bound_curated() != "true" and sorts_as(self._key_type) == "number"
        if not is_known or not all(map(_WHOLE_NUMBER.fullmatch, ends)):
            ends = (f"-{_BEYOND_KEYS}", _BEYOND_KEYS)
        for name, end in zip(("least_key", "greatest_key"), ends, strict=True):
            sql = re.sub(rf"(?<!:):{name}\b", end, sql)
        return sql

    def _bound_key(self, column: str) -> str:
        return write_bounds(column, self._key_type, self.arrivals.least, self.arrivals.greatest)

    @property
    def _key_type(self) -> str:
        planned = self.planned(self.table.source)
        return "date" if self.is_append else planned.types.get(planned.key[0], "")

    def raw_table(self, table: str) -> str:
        """Return a raw table's name, with its schema."""
        return f"{self.request.schemas.raw}.{quote_identifier(table)}"

    def raw_parent(self, reference: Reference) -> str:
        """Return the name of the raw table that a reference's parent is made of."""
        return self.raw_table(self.request.marketplace.curated_table(reference.parent).source)

    def planned(self, name: str) -> PlannedTable:
        """Return what the plan says of a raw table; raise FixConfiguration where source.yaml has none of that name."""
        planned = self.request.plan.find(name)
        if planned is None:
            raise FixConfiguration(f"{self.table.name}.sql: source {name!r} is no table of source.yaml")
        return planned

    def is_alike(self, reference: Reference, child: str, parent: str) -> str:
        """Return the condition that a child refers to a parent, be it by another spelling."""
        names = (f"{child}.{quote_identifier(reference.column)}", f"{parent}.{quote_identifier(reference.parent_key)}")
        if not self.may_be_misspelled(reference):
            return " = ".join(names)
        return " = ".join(f"lower(rtrim(cast({name} as varchar(65535))))" for name in names)

    def may_be_misspelled(self, reference: Reference) -> bool:
        """Whether a reference is a text; also where the plan does not say."""
        columns = {column.name: column.type for column in self.planned(self.table.source).columns}
        return columns.get(reference.column, "varchar").startswith(("varchar", "char"))

    def amount_of(self, rows: str) -> tuple[str, str]:
        """Return the expressions of what a row of `judged` or `_rp_before` is worth, and of its currency; null: unknown."""
        columns = self.table.amount if not (self.is_append and rows == "_rp_before") else None
        if not columns:
            return "cast(null as decimal(38, 2))", "cast(null as varchar(3))"
        value = f"{rows}.{columns.amount}"
        # A broken row may be worth more than any number of the ledger; as double precision it may be asked.
        amount = f"case when abs(cast({value} as double precision)) < 1e35 then cast(round({value}, 2) as decimal(38, 2)) end"
        if columns.currency:
            return amount, f"cast({rows}.{columns.currency} as varchar(3))"
        currency = literal(self.request.settings.reporting_currency)
        return amount, f"case when {rows}.{columns.amount} is not null then cast({currency} as varchar(3)) end"

    def _source_key(self, table: CuratedTable) -> list[str]:
        return [quote_identifier(column) for column in self.planned(table.source).key]


def write_row_key(alias: str, key: list[str]) -> str:
    """Return a key as one text, `_row_key` of `newest`: different for different keys.

    A single column is its text. Of several, what joins them is escaped in each (| as ~1, and ~ as ~0, as in JSON Pointers), or
    `a|b, c` would be `a, b|c`. A key of more bytes than tables of row keys hold is cut, and told from others by its MD5.
    """
    parts = [f"cast({alias}.{column} as varchar(65535))" for column in key]
    if len(parts) > 1:
        parts = [f"replace(replace({part}, '~', '~0'), '|', '~1')" for part in parts]
    joined = " || '|' || ".join(parts)
    short = f"left({joined}, {_ROW_KEY_START}) || '~' || md5({joined})"
    return (
        f"cast(case when octet_length({joined}) <= {_ROW_KEY_BYTES} then {joined} else {short} end as varchar({_ROW_KEY_BYTES}))"
    )

"""Which tables are stays, listings, customers, places and views, and how they hang together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from local.adopt import words
from local.adopt.guess_columns import find_column, find_reference, is_keyed, list_references, list_words
from local.adopt.guess_words import CUSTOMERS, LISTINGS, PLACES, STAYS, VIEWS
from local.adopt.taken import TakenTable

_NEARBY = 12  # points by which a table has to be likelier to be taken at all
_NO_STAYS = {"review", "message", "comment", "image", "photo", "price", "log", "history", "rule", "discount", "tax", "cart"}


@dataclass
class Stay:
    """The table of stays or rentals.

    Attributes:
        listing: The table of what is rented.
        reference: The column that refers to it.
        joins: As mapping.yaml writes them, by the table that each leads to.
        fields: Columns that were told by their values, by what they are; the others are known by their names.
    """

    table: TakenTable
    listing: TakenTable
    reference: str
    joins: dict[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)

    def find_column(self, field_name: str) -> str | None:
        """Return the column of a field."""
        return self.fields.get(field_name) or find_column(self.table, field_name)


@dataclass(frozen=True)
class Joined:
    """A table beside another one, and how a row of the one leads to its row.

    Attributes:
        join: As mapping.yaml writes it.
    """

    table: TakenTable
    join: str


class RoleTables:
    """The tables that a source has, searched for the roles of a marketplace."""

    def __init__(self, tables: Mapping[str, TakenTable]):
        """Search tables, by their names in the contract."""
        self._by_name = tables
        self._tables = list(tables.values())

    def named(self, name: str) -> TakenTable:
        """Return the table of a name in the contract."""
        return self._by_name[name]

    def __iter__(self) -> Iterator[TakenTable]:
        """Iterate over all tables."""
        return iter(self._tables)

    def find_stay(self) -> Stay | None:
        """Return the likeliest table of stays, by its words, its dates, and its reference to listings."""
        found = [
            (self._score_stay(table, listing, column), table.source.rows, -len(table.contract.name), Stay(table, listing, column))
            for table in self._tables
            if table.contract.key
            for listing, column in self.find_parents(table, LISTINGS)
        ]
        best = max(found, key=lambda each: each[:3], default=None)
        return best[3] if best and best[0] >= _NEARBY else None

    def _score_stay(self, table: TakenTable, listing: TakenTable, reference: str) -> int:
        own = list_words(table)
        has_end = find_column(table, "checkout") or find_column(table, "nights")
        has_own_dates = bool(find_column(table, "checkin") and has_end)
        if not has_own_dates and not self.find_companion(table, "checkin"):
            return 0
        score = 6 * bool(own & set(STAYS[:10])) + 2 * bool(own & set(STAYS)) + 4 * bool(list_words(listing) & set(LISTINGS))
        score += 2 * (reference in table.source.parents) + (8 if has_own_dates else 5) - 6 * bool(own & _NO_STAYS)
        score += 3 * (find_column(table, "customer") is not None) + 2 * (find_column(table, "amount") is not None)
        return score + 2 * (find_column(listing, "price") is not None)

    def find_parents(self, table: TakenTable, kinds: Sequence[str]) -> Iterator[tuple[TakenTable, str]]:
        """Yield the tables of some kinds that a table refers to, and the column that does."""
        for other in self._tables:
            if list_words(other) & set(kinds):
                yield from ((other, column) for column in list_references(table, other))

    def find_companion(self, table: TakenTable, field_name: str) -> Joined | None:
        """Return a table that refers to another one and has a field that the latter has not."""
        for other in self._tables:
            reference = find_reference(other, table) if other.contract.key else None
            if reference and find_column(other, field_name):
                return Joined(other, f"{table.contract.key[0]} -> {other.contract.name}.{reference}")
        return None

    def find_owner(self, stay: Stay, field_name: str) -> Joined | None:
        """Return a table beside the stays that has a field: one that refers to them, or an order that they are part of."""
        if companion := self.find_companion(stay.table, field_name):
            return companion
        for parent, reference in self.find_parents(stay.table, STAYS):
            if reference != stay.reference and find_column(parent, field_name):
                return Joined(parent, f"{reference} -> {parent.contract.name}.{parent.contract.key[0]}")
        return None

    def find_customer(self, stay: Stay) -> TakenTable | None:
        """Return the table of customers: what the stay's customer refers to, or the likeliest by its words."""
        named = self._find_parent_of(stay.table, stay.find_column("customer"))
        found = named or next((table for table, _ in self.find_parents(stay.table, CUSTOMERS)), None)
        return found or self.find_likeliest(CUSTOMERS)

    def find_place(self, stay: TakenTable) -> TakenTable | None:
        """Return the table to which the places refer where hourly rentals begin and end."""
        pickup = find_column(stay, "pickup")
        named = (place for place, reference in self.find_parents(stay, PLACES) if reference == pickup)
        return self._find_parent_of(stay, pickup) or next(named, None)

    def _find_parent_of(self, table: TakenTable, column: str | None) -> TakenTable | None:
        """Return the table to whose key a column refers."""
        return next((each for each in self._tables if column in list_references(table, each)), None)

    def find_address(self, listing: TakenTable) -> Joined | None:
        """Return a table that has a listing's city: one that it refers to, or one that refers to it."""
        for other in self._tables:
            if other is listing or not other.contract.key or not find_column(other, "city"):
                continue
            name = other.contract.name
            if reference := find_reference(listing, other):
                return Joined(other, f"{reference} -> {name}.{other.contract.key[0]}")
            if reference := find_reference(other, listing):
                return Joined(other, f"{listing.contract.key[0]} -> {name}.{reference}")
        return None

    def find_transitions(self, stay: TakenTable) -> tuple[Joined, str] | None:
        """Return a table of a stay's states one after another, and the column of the state."""
        for other in self._tables:
            states = [name for name in other.types if words.squeeze(name) in ("tostate", "newstate", "newstatus", "tostatus")]
            reference = find_reference(other, stay)
            if not is_keyed(other) or not states or not reference:
                continue
            by_name = {words.squeeze(name): name for name in other.types}
            ordered = [by_name[name] for name in ("sortkey", "position", "sequence", "createdat", "dateadd") if name in by_name]
            order = next(chain(ordered, other.contract.key))
            return Joined(other, f"{stay.contract.key[0]} -> {other.contract.name}.{reference}, latest by {order}"), states[0]
        return None

    def find_view(self, listing: TakenTable) -> tuple[TakenTable, str] | None:
        """Return the table of viewings of listings, and the column that refers to them."""
        for table in self._tables:
            reference = find_reference(table, listing)
            if list_words(table) & set(VIEWS) and find_column(table, "viewed_at") and reference and is_keyed(table):
                return table, reference
        return None

    def find_likeliest(self, kinds: Sequence[str], fits: Callable[[TakenTable], bool] = lambda table: True) -> TakenTable | None:
        """Return the table of some kinds that has the fewest words beside, of those the kind that comes first."""
        found = [table for table in self._tables if is_keyed(table) and list_words(table) & set(kinds) and fits(table)]

        def rank(table: TakenTable) -> tuple[int, int, str]:
            own = list_words(table)
            return len(own), min(kinds.index(word) for word in own & set(kinds)), table.contract.name

        return min(found, key=rank, default=None)

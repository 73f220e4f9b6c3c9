"""The first mapping.yaml: which tables are listings, stays, customers and views, by names, references and sampled states."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

from local.adopt import words
from local.adopt.guess_words import ACTIVE, CUSTOMERS, GONE, KINDS, LISTINGS, MEANINGS, NAMES, PLACES, STAYS, VIEWS
from local.adopt.mapping import Column
from local.adopt.taken import TakenTable, key_kind
from rental_pipeline.model.column_types import can_be_cursor

_ENOUGH_STAYS = 5  # to tell by their lengths whether hours are rented
_NEARBY = 12  # points by which a table or column has to be likelier to be taken at all


@dataclass(frozen=True)
class Guess:
    """A guessed mapping.

    Attributes:
        text: Of mapping.yaml.
        state: Table (in the source) and column whose values the stays' states are; None where none was found.
    """

    text: str
    state: tuple[str, str] | None = None


@dataclass
class _Stay:
    table: TakenTable
    listing: TakenTable
    listing_column: str
    score: int
    joins: list[str] = field(default_factory=list)
    is_hourly: bool = False


def guess_mapping(
    name: str,
    tables: Mapping[str, TakenTable],
    count_values: Callable[[str, str], Mapping[str, int]],
    list_pairs: Callable[[str, str, str], Mapping[str, str]],
) -> Guess:
    """Return the guess, with a comment wherever somebody has to look.

    Args:
        name: The marketplace's.
        tables: By their names in the contract.
        count_values: Returns the rows of each value of a column, by the source's names.
        list_pairs: Returns a column's values by another's, by the source's names.
    """
    guesser = _Guesser(tables, count_values, list_pairs)
    return Guess(guesser.write(name), guesser.state)


class _Guesser:
    def __init__(
        self,
        tables: Mapping[str, TakenTable],
        count_values: Callable[[str, str], Mapping[str, int]],
        list_pairs: Callable[[str, str, str], Mapping[str, str]],
    ):
        self._tables = tables
        self._count_values = count_values
        self._list_pairs = list_pairs
        self.state: tuple[str, str] | None = None

    def write(self, name: str) -> str:
        lines = [
            f"# What the tables of {name} mean; guessed by `make adopt`, and yours from now on: correct it, and run `make"
            f" adopt` again.",
            "# A column is written column, or joined_table.column where a line of joins leads to that table. A row that"
            " several rows of a",
            "# joined table fit takes the one with the greatest key, or the greatest of the column behind `latest by`.",
            "# divide_by: 100 for money in cents. Values of active, only and state: as the warehouse shows them, in any case"
            " of letters; null",
            "# is no value, present is any. A state that none of the lists has sets the row aside until you say what it means.",
            "currency:  # of money where no column says it, as EUR",
            "time_zone: UTC  # of the clock that DATETIME columns show",
        ]
        stay = self._find_stay()
        if not stay:
            listing = self._best(LISTINGS, lambda table: self._column(table, "price") is not None)
            lines += [
                "",
                "# No table was found that refers to listings and has the dates of stays: write `stay:` (docs/how-to/adopt.md).",
            ]
            if listing:
                lines += ["", *self._write_listing(listing)]
            return "\n".join(lines) + "\n"
        written = self._write_stay(stay)
        lines += ["", *self._write_listing(stay.listing, stay.is_hourly), "", *written]
        if customer := self._find_customer(stay.table):
            lines += ["", "customer:", f"  table: {customer.contract.name}", f"  id: {customer.contract.key[0]}"]
            if created := self._column(customer, "created_at"):
                lines.append(f"  created_at: {created}")
        if place := self._find_place_role(stay):
            lines += ["", *place]
        if view := self._find_view(stay.listing):
            lines += ["", *view]
        return "\n".join(lines) + "\n"

    # ------------------------------------------------------------------------------------------------------ tables

    def _find_stay(self) -> _Stay | None:
        found = [
            _Stay(table, listing, column, score)
            for table in self._tables.values()
            if table.contract.key
            for listing, column in self._find_references(table, LISTINGS)
            if (score := self._score_stay(table, listing, column)) >= _NEARBY
        ]
        return max(found, key=lambda stay: (stay.score, stay.table.source.rows, -len(stay.table.contract.name)), default=None)

    def _score_stay(self, table: TakenTable, listing: TakenTable, column: str) -> int:
        own = _words(table)
        score = 6 * bool(own & set(STAYS[:10])) + 2 * bool(own & set(STAYS)) + 4 * bool(_words(listing) & set(LISTINGS))
        score -= 6 * bool(
            own & {"review", "message", "comment", "image", "photo", "price", "log", "history", "rule", "discount", "tax", "cart"}
        )
        score += 2 * (column in table.source.parents)
        has_own_dates = bool(
            self._column(table, "checkin") and (self._column(table, "checkout") or self._column(table, "nights"))
        )
        has_dates = has_own_dates or self._find_companion(table, "checkin") is not None
        score += 8 * has_own_dates + 5 * (has_dates and not has_own_dates)
        score += 3 * (self._column(table, "customer") is not None) + 2 * (self._column(table, "amount") is not None)
        score += 2 * (self._column(listing, "price") is not None)
        return score if has_dates else 0

    def _find_references(self, table: TakenTable, kinds: Sequence[str]) -> Iterable[tuple[TakenTable, str]]:
        """Yield the tables of some kinds that a table refers to, and the column: a foreign key, or a name such as listing_id."""
        for column in table.types:
            parent = table.source.parents.get(column)
            for other in self._tables.values():
                if other is table or not _is_keyed(other) or not (_words(other) & set(kinds)):
                    continue
                key = Column(other.contract.key[0])
                refers = parent is not None and parent[0] == other.source.name and parent[1] == key.name
                named = parent is None and column in _reference_names(other)
                if (refers or named) and key_kind(table, Column(column)) == key_kind(other, key):
                    yield other, column

    def _find_companion(self, table: TakenTable, field_name: str) -> tuple[TakenTable, str, str] | None:
        """Return a table that refers to a stay's and has a field that the stay has not: it, its reference, the column."""
        for other in self._tables.values():
            if other is table or not other.contract.key or not _is_keyed(table):
                continue
            reference = next(
                (
                    column
                    for column in other.types
                    if (parent := other.source.parents.get(column)) == (table.source.name, table.contract.key[0])
                    or (parent is None and column in _reference_names(table))
                ),
                None,
            )
            if reference and (column := self._column(other, field_name)):
                return other, reference, column
        return None

    def _find_parent(self, table: TakenTable, field_name: str, skip: str) -> tuple[TakenTable, str, str] | None:
        """Return a table that a stay refers to and that has a field: the parent, the stay's column, the field's column."""
        for parent, reference in self._find_references(table, STAYS):
            if reference != skip and (column := self._column(parent, field_name)):
                return parent, reference, column
        return None

    def _find_customer(self, stay: TakenTable) -> TakenTable | None:
        named = self._find_parent_of(stay, self._column(stay, "customer"))
        found = named or next((table for table, _ in self._find_references(stay, CUSTOMERS)), None)
        return found or self._best(CUSTOMERS, _is_keyed)

    def _find_parent_of(self, table: TakenTable, column: str | None) -> TakenTable | None:
        """Return the table to whose key a column refers by a foreign key, however it is called."""
        parent = table.source.parents.get(column or "")
        return next(
            (
                other
                for other in self._tables.values()
                if parent and _is_keyed(other) and (other.source.name, other.contract.key[0]) == parent
            ),
            None,
        )

    def _best(self, kinds: Sequence[str], fits: Callable[[TakenTable], bool]) -> TakenTable | None:
        found = [table for table in self._tables.values() if _is_keyed(table) and _words(table) & set(kinds) and fits(table)]
        order = {kind: number for number, kind in enumerate(kinds)}
        return min(
            found,
            key=lambda table: (len(_words(table)), min(order[word] for word in _words(table) & set(kinds)), table.contract.name),
            default=None,
        )

    # ------------------------------------------------------------------------------------------------------ fields

    def _column(self, table: TakenTable, field_name: str) -> str | None:
        """Return the likeliest column of a field; of times and money only by columns that can be such."""
        names = NAMES[field_name]
        found = {words.squeeze(column): column for column in table.types if self._fits(table, column, field_name)}
        return next((found[name] for name in names if name in found), None)

    @staticmethod
    def _fits(table: TakenTable, column: str, field_name: str) -> bool:
        source = table.source.columns[column]
        is_time = can_be_cursor(source)
        if field_name in ("made_at", "created_at", "viewed_at", "checkin", "checkout"):
            return is_time or source.data_type in ("varchar", "char")
        if field_name in ("category", "payment_status", "call_to_action", "brand"):
            return source.data_type in ("varchar", "char", "enum")
        if field_name == "model_year":
            return source.data_type == "year" or "int" in source.data_type
        if field_name in ("price", "amount", "nights", "bedrooms"):
            return not is_time and not (
                source.length and source.data_type.endswith(("char", "text")) and field_name in ("nights", "bedrooms")
            )
        return not is_time

    def _write_money(self, table: TakenTable, column: str) -> str:
        name = words.squeeze(column)
        source = table.source.columns[column]
        is_minor = name.endswith(("cents", "minor", "pence")) and source.data_type in ("int", "bigint", "mediumint", "smallint")
        return f"column: {column}, divide_by: {100 if is_minor else 1}"

    def _write_currency(self, table: TakenTable, prefix: str = "") -> list[str]:
        column = self._column(table, "currency")
        if not column:
            return []
        if key_kind(table, Column(column)) == "text":
            return [f"  currency: {prefix}{column}"]
        for other in self._tables.values():
            codes = [
                name for name in other.types if words.squeeze(name) in ("isocode", "code", "iso", "currency", "currencycode")
            ]
            if "currency" in _words(other) and _is_keyed(other) and codes:
                pairs = self._list_pairs(other.source.name, other.contract.key[0], codes[0])
                listed = {code.upper(): number for number, code in pairs.items() if re.fullmatch("[A-Za-z]{3}", code)}
                if listed:
                    values = ", ".join(f"{code}: [{number}]" for code, number in listed.items())
                    return [f"  currency: {{column: {prefix}{column}, {values}}}"]
        return []

    def _write_listing(self, listing: TakenTable, is_hourly: bool = False) -> list[str]:
        lines = ["listing:", f"  table: {listing.contract.name}"]
        joins, place = ([], []) if is_hourly else self._find_place(listing)
        kinds = self._find_kinds(listing, joins, ("category", "brand", "model_year") if is_hourly else ("category", "bedrooms"))
        if joins:
            lines += ["  joins:", *(f"    - {join}" for join in joins)]
        lines.append(f"  id: {listing.contract.key[0]}")
        if title := self._column(listing, "title"):
            lines.append(f"  title: {title}")
        lines += _tell_undecided_title(listing)
        if created := self._column(listing, "created_at"):
            lines.append(f"  created_at: {created}")
        else:
            lines.append("  # created_at: (a column that says since when it is offered; without it no past is assumed)")
        if not is_hourly and (price := self._column(listing, "price")):
            unit = "nightly" if "hour" not in price else "unknown"
            lines.append(
                f"  price: {{{self._write_money(listing, price)}, unit: {unit}}}  # unit: nightly, weekly, monthly, yearly"
            )
            lines += self._write_currency(listing)
        return [*lines, *_write_active(listing), *place, *kinds]

    def _find_kinds(self, listing: TakenTable, joins: list[str], names: Sequence[str]) -> list[str]:
        """Return the fields that say what kind of listing one is: columns of its own, or of a table of kinds that it refers to.

        Args:
            joins: Of the listing; what leads to such a table is added.
        """
        fields = {name: column for name in names if (column := self._column(listing, name))}
        for kind, reference in self._find_references(listing, KINDS):
            table = kind.contract.name
            if any(f"-> {table}." in join for join in joins):
                continue
            found = {name: column for name in names if name not in fields and (column := self._column(kind, name))}
            if "category" not in {*fields, *found} and (title := self._column(kind, "title")):
                found["category"] = title
            if found:
                joins.append(f"{reference} -> {table}.{kind.contract.key[0]}")
                fields |= {name: f"{table}.{column}" for name, column in found.items()}
        return [f"  {name}: {fields[name]}" for name in names if name in fields]

    def _find_place_role(self, stay: _Stay) -> list[str]:
        """Return the role of where hourly rentals begin and end: the table that they refer to."""
        pickup = self._column(stay.table, "pickup") if stay.is_hourly else None
        named = (place for place, reference in self._find_references(stay.table, PLACES) if reference == pickup)
        place = self._find_parent_of(stay.table, pickup) or next(named, None)
        if not place:
            return []
        fields = [("title", "title"), ("city", "city"), ("state", "region")]
        found = [f"  {name}: {column}" for name, words_of in fields if (column := self._column(place, words_of))]
        undecided = _tell_undecided_title(place)
        return ["place:", f"  table: {place.contract.name}", f"  id: {place.contract.key[0]}", *undecided, *found]

    def _is_hourly(self, table: TakenTable, begin: str | None, end: str | None) -> bool:
        """Whether most stays are shorter than a day, by the clock."""
        if not begin or not end:
            return False
        columns = [table.source.columns[name] for name in (begin, end)]
        if any(column.data_type not in ("datetime", "timestamp") for column in columns):
            return False
        lengths = []
        for start, finish in self._list_pairs(table.source.name, columns[0].name, columns[1].name).items():
            with suppress(ValueError):
                lengths.append((datetime.fromisoformat(finish) - datetime.fromisoformat(start)).total_seconds())
        return len(lengths) >= _ENOUGH_STAYS and median(lengths) < 86400

    def _find_place(self, listing: TakenTable) -> tuple[list[str], list[str]]:
        """Return the joins to, and the fields of, the place of a listing: its own columns, or a table's that it refers to."""
        if city := self._column(listing, "city"):
            region = self._column(listing, "region")
            return [], [f"  city: {city}", *([f"  state: {region}"] if region else [])]
        candidates: list[tuple[TakenTable, str]] = []
        for other in self._tables.values():
            if other is listing or not other.contract.key:
                continue
            if found := self._column(other, "city"):
                refers = [
                    c
                    for c in other.types
                    if other.source.parents.get(c, ("", ""))[0] == listing.source.name or c in _reference_names(listing)
                ]
                refers = [
                    column
                    for column in refers
                    if column not in other.source.parents or other.source.parents[column][0] == listing.source.name
                ]
                to = [
                    c
                    for c in listing.types
                    if listing.source.parents.get(c, ("", ""))[0] == other.source.name or c in _reference_names(other)
                ]
                region = self._column(other, "region")
                name = other.contract.name
                place = [f"  city: {name}.{found}", *([f"  state: {name}.{region}"] if region else [])]
                if to and _is_keyed(other):
                    return [f"{to[0]} -> {name}.{other.contract.key[0]}"], place
                if refers:
                    candidates.append((other, refers[0]))
                    return [f"{listing.contract.key[0]} -> {name}.{refers[0]}"], place
        return [], ["  # city: (no column of it, nor of a table beside it, is a city that is read)"]

    def _write_stay(self, stay: _Stay) -> list[str]:
        table, joins = stay.table, stay.joins
        key = ", ".join(table.contract.key)
        fields: list[str] = [f"  id: {key if _is_keyed(table) else f'[{key}]'}", f"  listing: {stay.listing_column}"]
        missing: list[str] = []
        stay.is_hourly = self._is_hourly(table, self._column(table, "checkin"), self._column(table, "checkout"))
        if stay.is_hourly:
            fields.insert(0, "  unit: hours  # most are shorter than a day; nights counts days")
            fields += [f"  {name}: {column}" for name in ("pickup", "dropoff") if (column := self._column(table, name))]
        for name in ("customer", "made_at", "checkin", "checkout"):
            if column := self._find_field(stay, name):
                fields.append(f"  {name}: {column}")
            elif name == "checkout" and (nights := self._find_field(stay, "nights")):
                fields.append(f"  nights: {nights}")
            elif name == "made_at" and (beginning := self._find_field(stay, "checkin")):
                fields.append(f"  made_at: {beginning}  # no column says when it was booked: its beginning stands for that")
            else:
                missing.append(f"  # {name}: (not found)")
        if amount := self._find_field(stay, "amount"):
            owner = self._tables[amount.split(".")[0]] if "." in amount else table
            money = self._write_money(owner, amount.split(".")[-1])
            prefix = f"{owner.contract.name}." if owner is not table else ""
            fields.append(f"  amount: {{{money.replace('column: ', f'column: {prefix}', 1)}}}")
        else:
            missing.append("  # amount: (not found)")
        if payment := self._column(table, "payment_status"):
            fields.append(f"  payment_status: {payment}")
        fields += self._find_currency(stay)
        fields += self._write_state(stay)
        fields += _write_only(table)
        head = ["stay:", f"  table: {table.contract.name}"]
        return [*head, *(["  joins:", *(f"    - {join}" for join in joins)] if joins else []), *fields, *missing]

    def _find_field(self, stay: _Stay, name: str) -> str | None:
        """Return a field's column, joining the table that has it where the stay itself has not."""
        if column := self._column(stay.table, name):
            return column
        if found := self._find_companion(stay.table, name):
            other, reference, column = found
            self._add_join(stay, f"{stay.table.contract.key[0]} -> {other.contract.name}.{reference}")
            return f"{other.contract.name}.{column}"
        if found := self._find_parent(stay.table, name, stay.listing_column):
            other, reference, column = found
            self._add_join(stay, f"{reference} -> {other.contract.name}.{other.contract.key[0]}")
            return f"{other.contract.name}.{column}"
        return None

    def _find_currency(self, stay: _Stay) -> list[str]:
        if lines := self._write_currency(stay.table):
            return lines
        for join in stay.joins:
            other = self._tables[join.split("-> ")[1].split(".")[0]]
            if lines := self._write_currency(other, f"{other.contract.name}."):
                return lines
        return []

    @staticmethod
    def _add_join(stay: _Stay, join: str) -> None:
        table = join.split("-> ")[1].split(".")[0]
        if table not in [each.split("-> ")[1].split(".")[0] for each in stay.joins]:
            stay.joins.append(join)

    def _write_state(self, stay: _Stay) -> list[str]:
        transitions = self._find_transitions(stay.table)
        if transitions:
            other, reference, column, order = transitions
            self._add_join(stay, f"{stay.table.contract.key[0]} -> {other.contract.name}.{reference}, latest by {order}")
            return self._list_states(other, column, f"{other.contract.name}.{column}")
        if not (found := self._find_field(stay, "state")):
            return ["  # state: (no column found: every stay counts as confirmed)", *self._advise_on_open_ends(stay)]
        owner = self._tables[found.split(".")[0]] if "." in found else stay.table
        return self._list_states(owner, found.split(".")[-1], found)

    def _advise_on_open_ends(self, stay: _Stay) -> list[str]:
        """Say how stays that have not ended are kept out of the figures, where the source may have such."""
        column = self._column(stay.table, "checkout")
        if column is None or not stay.table.source.columns[column].nullable:
            return []
        return [
            f"  # A stay without {column} is set aside; of those that go on, this keeps them out of the figures instead:",
            f"  # state: {{column: {column}, confirmed: [present], ignored: [null]}}",
        ]

    def _find_transitions(self, table: TakenTable) -> tuple[TakenTable, str, str, str] | None:
        """Return a table of a stay's states one after another: it, its reference, the state, and what orders them."""
        for other in self._tables.values():
            states = [name for name in other.types if words.squeeze(name) in ("tostate", "newstate", "newstatus", "tostatus")]
            refers = [
                c
                for c in other.types
                if c in _reference_names(table) or other.source.parents.get(c, ("",))[0] == table.source.name
            ]
            orders = [
                name for name in other.types if words.squeeze(name) in ("sortkey", "createdat", "dateadd", "position", "sequence")
            ]
            if other is not table and _is_keyed(other) and _is_keyed(table) and states and refers:
                return (
                    other,
                    refers[0],
                    states[0],
                    (sorted(orders, key=lambda name: words.squeeze(name) != "sortkey") or [other.contract.key[0]])[0],
                )
        return None

    def _list_states(self, table: TakenTable, column: str, shown: str) -> list[str]:
        """Return the field `state`, each value under what its word, or that of the row it refers to, looks like."""
        self.state = (table.source.name, table.source.columns[column].name)
        counts = self._count_values(*self.state)
        names = self._name_states(table, column)
        meanings: dict[str, list[str]] = {name: [] for name in ("confirmed", "pending", "canceled", "ignored")}
        undecided: list[str] = []
        for value in counts:
            meaning = next((name for name, pattern in MEANINGS if re.search(pattern, names.get(value, value).lower())), None)
            (meanings[meaning] if meaning else undecided).append(value)
        lines = ["  state:", f"    column: {shown}"]
        lines += [
            f"    {name}: [{', '.join(map(_as_yaml, values))}]"
            for name, values in meanings.items()
            if values or name == "confirmed"
        ]
        lines += [
            f"    # to decide: {_as_yaml(value)} ({counts[value]:,} rows{', ' + names[value] if value in names else ''})"
            for value in undecided
        ]
        if names:
            lines += [f"    # {value} is {names[value]}" for value in counts if value in names and value not in undecided]
        return lines

    def _name_states(self, table: TakenTable, column: str) -> Mapping[str, str]:
        """Return the names of states that are numbers, from a small table of states."""
        if key_kind(table, Column(column)) == "text":
            return {}
        parent = table.source.parents.get(column)
        for other in self._tables.values():
            is_parent = parent is not None and parent[0] == other.source.name
            is_named = "state" in _words(other) or "status" in _words(other)
            if not is_parent and not is_named:
                continue
            # Read for the comments of this file alone, whether or not a run reads it.
            names = [name for name in other.source.columns if words.squeeze(name) in ("name", "label", "code", "title", "slug")]
            keys = [key for key in (*other.contract.key, *other.types) if key_kind(other, Column(key)) == "number"]
            if names and keys and other.source.rows <= 500:
                return self._list_pairs(other.source.name, keys[0], names[0])
        return {}

    def _find_view(self, listing: TakenTable) -> list[str]:
        for table in self._tables.values():
            if not _words(table) & set(VIEWS) or not (viewed := self._column(table, "viewed_at")):
                continue
            refers = [
                c
                for c in table.types
                if c in _reference_names(listing) or table.source.parents.get(c, ("",))[0] == listing.source.name
            ]
            if refers and _is_keyed(table):
                lines = ["view:", f"  table: {table.contract.name}", f"  id: {table.contract.key[0]}", f"  listing: {refers[0]}"]
                more = [(name, self._column(table, name)) for name in ("customer", "wishlisted", "call_to_action")]
                return [*lines, f"  viewed_at: {viewed}", *(f"  {name}: {column}" for name, column in more if column)]
        return []


def _tell_undecided_title(table: TakenTable) -> list[str]:
    """Return the comment that a table's title is there, and not read."""
    kept = [name for name in table.contract.undecided if words.squeeze(name) in NAMES["title"]]
    return [f"  # title: {kept[0]}  # undecided in source.yaml"] if kept else []


def _words(table: TakenTable) -> set[str]:
    return {words.singular(word) for name in (table.contract.name, table.source.name) for word in words.split_name(name)}


def _is_keyed(table: TakenTable) -> bool:
    return len(table.contract.key) == 1


def _reference_names(table: TakenTable) -> set[str]:
    """Return how columns that refer to a table are called: listing_id, id_listing, or its own key where that says the table."""
    name = table.contract.name
    parts = name.split("_")
    single = "_".join([*parts[:-1], words.singular(parts[-1])])
    names = {f"{single}_id", f"id_{single}", f"{single}_uuid"}
    key = table.contract.key[0] if table.contract.key else ""
    return names | ({key} if key not in ("id", "uuid", "guid", "code") else set())


def _write_active(listing: TakenTable) -> list[str]:
    conditions = []
    for column in listing.types:
        name = words.squeeze(column)
        if name in ACTIVE:
            conditions.append(f"{column}: [1]")
        elif name in GONE:
            conditions.append(f"{column}: [0]")
        elif name in ("deletedat", "archivedat", "closedat"):
            conditions.append(f"{column}: [null]")
    told = (
        f"  active: {{{', '.join(conditions)}}}"
        if conditions
        else "  # active: (no flag found: every listing counts as active while it is there)"
    )
    return [told]


def _write_only(table: TakenTable) -> list[str]:
    conditions = []
    for column in table.types:
        name = words.squeeze(column)
        if name in ("deleted", "isdeleted", "istest", "test"):
            conditions.append(f"{column}: [0]")
        elif name == "deletedat":
            conditions.append(f"{column}: [null]")
    return [f"  only: {{{', '.join(conditions)}}}  # other rows are ignored"] if conditions else []


def _as_yaml(value: str) -> str:
    return value if re.fullmatch(r"[A-Za-z0-9][\w\-]*", value) else '"' + value.replace('"', '\\"') + '"'

"""The first mapping.yaml: which tables are listings, stays, customers and views, by names, references and sampled states."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from local.adopt import words
from local.adopt.guess_by_values import find_stay_by_values
from local.adopt.guess_columns import find_column, is_keyed, list_words
from local.adopt.guess_tables import RoleTables, Stay
from local.adopt.guess_words import ACTIVE, GONE, KINDS, LISTINGS, MEANINGS, NAMES
from local.adopt.mapping import Column
from local.adopt.taken import TakenTable, key_kind

_ENOUGH_STAYS = 5  # to tell by their lengths whether hours are rented


@dataclass(frozen=True)
class Guess:
    """A guessed mapping.

    Attributes:
        text: Of mapping.yaml.
        state: Table (in the source) and column whose values the stays' states are; None where none was found.
    """

    text: str
    state: tuple[str, str] | None = None


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
        self._tables = RoleTables(tables)
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
        stay = self._tables.find_stay() or find_stay_by_values(self._tables, self._list_pairs)
        if not stay:
            listing = self._tables.find_likeliest(LISTINGS, lambda table: find_column(table, "price") is not None)
            lines += [
                "",
                "# No table was found that refers to listings and has the dates of stays: write `stay:` (docs/how-to/adopt.md).",
            ]
            if listing:
                lines += ["", *self._write_listing(listing)]
            return "\n".join(lines) + "\n"
        is_hourly = self._is_hourly(stay)
        lines += ["", *self._write_listing(stay.listing, is_hourly), "", *self._write_stay(stay, is_hourly)]
        if customer := self._tables.find_customer(stay):
            lines += ["", "customer:", f"  table: {customer.contract.name}", f"  id: {customer.contract.key[0]}"]
            if created := find_column(customer, "created_at"):
                lines.append(f"  created_at: {created}")
        if is_hourly and (place := self._tables.find_place(stay.table)):
            lines += ["", *_write_place(place)]
        if view := self._tables.find_view(stay.listing):
            lines += ["", *_write_view(*view)]
        return "\n".join(lines) + "\n"

    def _is_hourly(self, stay: Stay) -> bool:
        """Whether most stays are shorter than a day, by the clock."""
        table = stay.table
        names = [name for name in (stay.find_column("checkin"), stay.find_column("checkout")) if name]
        columns = [table.source.columns[name] for name in names]
        if len(columns) < 2 or any(column.data_type not in ("datetime", "timestamp") for column in columns):
            return False
        lengths = []
        for start, finish in self._list_pairs(table.source.name, columns[0].name, columns[1].name).items():
            with suppress(ValueError):
                lengths.append((datetime.fromisoformat(finish) - datetime.fromisoformat(start)).total_seconds())
        return len(lengths) >= _ENOUGH_STAYS and median(lengths) < 86400

    def _write_currency(self, table: TakenTable, column: str | None, prefix: str = "") -> list[str]:
        if not column:
            return []
        if key_kind(table, Column(column)) == "text":
            return [f"  currency: {prefix}{column}"]
        for other in self._tables:
            codes = [
                name for name in other.types if words.squeeze(name) in ("isocode", "code", "iso", "currency", "currencycode")
            ]
            if "currency" in list_words(other) and is_keyed(other) and codes:
                pairs = self._list_pairs(other.source.name, other.contract.key[0], codes[0])
                listed = {code.upper(): number for number, code in pairs.items() if re.fullmatch("[A-Za-z]{3}", code)}
                if listed:
                    values = ", ".join(f"{code}: [{number}]" for code, number in listed.items())
                    return [f"  currency: {{column: {prefix}{column}, {values}}}"]
        return []

    def _write_listing(self, listing: TakenTable, is_hourly: bool = False) -> list[str]:
        lines = ["listing:", f"  table: {listing.contract.name}"]
        joins, place = ([], []) if is_hourly else self._write_city(listing)
        kinds = self._find_kinds(listing, joins, ("category", "brand", "model_year") if is_hourly else ("category", "bedrooms"))
        if joins:
            lines += ["  joins:", *(f"    - {join}" for join in joins)]
        lines.append(f"  id: {listing.contract.key[0]}")
        if title := find_column(listing, "title"):
            lines.append(f"  title: {title}")
        lines += _tell_undecided_title(listing)
        if created := find_column(listing, "created_at"):
            lines.append(f"  created_at: {created}")
        else:
            lines.append("  # created_at: (a column that says since when it is offered; without it no past is assumed)")
        if not is_hourly and (price := find_column(listing, "price")):
            unit = "nightly" if "hour" not in price else "unknown"
            lines.append(f"  price: {{{_write_money(listing, price)}, unit: {unit}}}  # unit: nightly, weekly, monthly, yearly")
            lines += self._write_currency(listing, find_column(listing, "currency"))
        return [*lines, *_write_active(listing), *place, *kinds]

    def _find_kinds(self, listing: TakenTable, joins: list[str], names: Sequence[str]) -> list[str]:
        """Return the fields that say what kind of listing one is: columns of its own, or of a table of kinds that it refers to.

        Args:
            joins: Of the listing; what leads to such a table is added.
        """
        fields = {name: column for name in names if (column := find_column(listing, name))}
        for kind, reference in self._tables.find_parents(listing, KINDS):
            table = kind.contract.name
            if any(f"-> {table}." in join for join in joins):
                continue
            found = {name: column for name in names if name not in fields and (column := find_column(kind, name))}
            if "category" not in {*fields, *found} and (title := find_column(kind, "title")):
                found["category"] = title
            if found:
                joins.append(f"{reference} -> {table}.{kind.contract.key[0]}")
                fields |= {name: f"{table}.{column}" for name, column in found.items()}
        return [f"  {name}: {fields[name]}" for name in names if name in fields]

    def _write_city(self, listing: TakenTable) -> tuple[list[str], list[str]]:
        """Return the joins to, and the fields of, where a listing is: its own columns, or those of a table beside it."""
        address = None if find_column(listing, "city") else self._tables.find_address(listing)
        table, prefix = (address.table, f"{address.table.contract.name}.") if address else (listing, "")
        fields = [("city", "city"), ("state", "region")]
        found = [f"  {name}: {prefix}{column}" for name, place in fields if (column := find_column(table, place))]
        if not find_column(table, "city"):
            return [], ["  # city: (no column of it, nor of a table beside it, is a city that is read)"]
        return [address.join] if address else [], found

    def _write_stay(self, stay: Stay, is_hourly: bool) -> list[str]:
        table = stay.table
        key = ", ".join(table.contract.key)
        fields: list[str] = [f"  id: {key if is_keyed(table) else f'[{key}]'}", f"  listing: {stay.reference}"]
        missing: list[str] = []
        if is_hourly:
            fields.insert(0, "  unit: hours  # most are shorter than a day; nights counts days")
            fields += [f"  {name}: {column}" for name in ("pickup", "dropoff") if (column := stay.find_column(name))]
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
            fields.append(f"  amount: {{{_write_money(*self._split(table, amount), amount)}}}")
        else:
            missing.append("  # amount: (not found)")
        if payment := find_column(table, "payment_status"):
            fields.append(f"  payment_status: {payment}")
        fields += self._find_currency(stay)
        fields += self._write_state(stay)
        fields += _write_only(table)
        told = (
            ["# No name says what is a stay: this was guessed by dates and other values. Look at each line."]
            if stay.fields
            else []
        )
        head = [*told, "stay:", f"  table: {table.contract.name}"]
        joins = ["  joins:", *(f"    - {join}" for join in stay.joins.values())] if stay.joins else []
        return [*head, *joins, *fields, *missing]

    def _find_field(self, stay: Stay, name: str) -> str | None:
        """Return a field's column, joining the table that has it where the stay itself has not."""
        if column := stay.find_column(name):
            return column
        if found := self._tables.find_owner(stay, name):
            stay.joins.setdefault(found.table.contract.name, found.join)
            return f"{found.table.contract.name}.{find_column(found.table, name)}"
        return None

    def _split(self, table: TakenTable, field: str) -> tuple[TakenTable, str]:
        """Return the table and the column of a field, as a role of the table writes it."""
        owner, _, column = field.rpartition(".")
        return self._tables.named(owner) if owner else table, column

    def _find_currency(self, stay: Stay) -> list[str]:
        if lines := self._write_currency(stay.table, stay.find_column("currency")):
            return lines
        for name in stay.joins:
            owner = self._tables.named(name)
            if lines := self._write_currency(owner, find_column(owner, "currency"), f"{name}."):
                return lines
        return []

    def _write_state(self, stay: Stay) -> list[str]:
        if transitions := self._tables.find_transitions(stay.table):
            (joined, column), name = transitions, transitions[0].table.contract.name
            stay.joins.setdefault(name, joined.join)
            return self._list_states(joined.table, column, f"{name}.{column}")
        if not (found := self._find_field(stay, "state")):
            return ["  # state: (no column found: every stay counts as confirmed)", *_advise_on_open_ends(stay)]
        return self._list_states(*self._split(stay.table, found), found)

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
        for other in self._tables:
            is_parent = parent is not None and parent[0] == other.source.name
            is_named = "state" in list_words(other) or "status" in list_words(other)
            if not is_parent and not is_named:
                continue
            # Read for the comments of this file alone, whether or not a run reads it.
            names = [name for name in other.source.columns if words.squeeze(name) in ("name", "label", "code", "title", "slug")]
            keys = [key for key in (*other.contract.key, *other.types) if key_kind(other, Column(key)) == "number"]
            if names and keys and other.source.rows <= 500:
                return self._list_pairs(other.source.name, keys[0], names[0])
        return {}


def _advise_on_open_ends(stay: Stay) -> list[str]:
    """Say how stays that have not ended are kept out of the figures, where the source may have such."""
    column = stay.find_column("checkout")
    if column is None or not stay.table.source.columns[column].nullable:
        return []
    return [
        f"  # A stay without {column} is set aside; of those that go on, this keeps them out of the figures instead:",
        f"  # state: {{column: {column}, confirmed: [present], ignored: [null]}}",
    ]


def _write_place(place: TakenTable) -> list[str]:
    fields = [("title", "title"), ("city", "city"), ("state", "region")]
    found = [f"  {name}: {column}" for name, words_of in fields if (column := find_column(place, words_of))]
    return ["place:", f"  table: {place.contract.name}", f"  id: {place.contract.key[0]}", *_tell_undecided_title(place), *found]


def _write_view(view: TakenTable, listing: str) -> list[str]:
    lines = ["view:", f"  table: {view.contract.name}", f"  id: {view.contract.key[0]}", f"  listing: {listing}"]
    fields = ("viewed_at", "customer", "wishlisted", "call_to_action")
    return [*lines, *(f"  {name}: {column}" for name in fields if (column := find_column(view, name)))]


def _write_money(table: TakenTable, column: str, shown: str | None = None) -> str:
    source = table.source.columns[column]
    is_minor = words.squeeze(column).endswith(("cents", "minor", "pence"))
    is_minor = is_minor and source.data_type in ("int", "bigint", "mediumint", "smallint")
    return f"column: {shown or column}, divide_by: {100 if is_minor else 1}"


def _tell_undecided_title(table: TakenTable) -> list[str]:
    """Return the comment that a table's title is there, and not read."""
    kept = [name for name in table.contract.undecided if words.squeeze(name) in NAMES["title"]]
    return [f"  # title: {kept[0]}  # undecided in source.yaml"] if kept else []


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

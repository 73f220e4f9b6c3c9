"""mapping.yaml: which tables and columns of a source mean what. Short, guessed by `make adopt`, and a person's from then on."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from rental_pipeline.model.contract import suggest

PRESENT = "present"  # in a list of values: whatever is not NULL
STATES = ("confirmed", "pending", "canceled", "ignored")
DIVISORS = (1, 10, 100, 1000)
UNITS = ("nightly", "weekly", "monthly", "yearly", "unknown")
# A name may hold blanks and dashes, as MySQL's may; what tells the parts of a line apart it may not hold.
_COLUMN = re.compile(r"(?:([a-z][a-z0-9_]*)\.)?([^.,>\s](?:[^.,>]*[^.,>\s])?)")
_JOIN = re.compile(r"([^>,]+?) *-> *([a-z][a-z0-9_]*)\.([^.,>]*[^.,>\s])(?: *, *latest by +([^.,>]*[^.,>\s]))?")
_CURRENCY = re.compile("[A-Z]{3}")
NIGHTS, HOURS = "nights", "hours"
_ROLES = ("listing", "stay", "customer", "view", "place")
_TOP = ("currency", "time_zone", *_ROLES)
_FIELDS = {
    "listing": (
        *("table", "joins", "id", "title", "created_at", "price", "currency", "active", "city", "state", "category", "bedrooms"),
        *("brand", "model_year"),
    ),
    "stay": (
        *(
            "table",
            "joins",
            "id",
            "listing",
            "customer",
            "made_at",
            "checkin",
            "checkout",
            "nights",
            "amount",
            "currency",
            "state",
            "payment_status",
        ),
        *("only", "unit", "pickup", "dropoff"),
    ),
    "customer": ("table", "joins", "id", "created_at"),
    "view": ("table", "joins", "id", "listing", "customer", "viewed_at", "wishlisted", "call_to_action"),
    "place": ("table", "joins", "id", "title", "city", "state"),
}
_REQUIRED = {
    "listing": ("table", "id"),
    "stay": ("table", "id", "listing", "made_at"),
    "customer": ("table", "id"),
    "view": ("table", "listing", "viewed_at"),
    "place": ("table", "id"),
}
# The columns of a role that are those of its own table: by them rows are told apart, dated, or found without a parent.
_OWN = {
    "listing": ("id", "created_at", "price", "currency", "active"),
    "stay": ("id", "listing"),
    "customer": ("id",),
    "place": ("id",),
}
_OWN["view"] = ("id", "listing")


class MappingRefused(Exception):
    """mapping.yaml cannot be followed; the message has a line for each mistake."""


@dataclass(frozen=True)
class Column:
    """A column of a role's table, or (table is not None) of one that it joins."""

    name: str
    table: str | None = None

    def __str__(self) -> str:
        return f"{self.table}.{self.name}" if self.table else self.name


@dataclass(frozen=True)
class Join:
    """`left -> table.to`: a row of another table; of several, that of the greatest `latest_by`, else of the greatest key."""

    left: Column
    table: str
    to: str
    latest_by: str | None = None


@dataclass(frozen=True)
class Money:
    """A column of money, in units of which so many are one of the currency's; `unit`: what a price is for."""

    column: Column
    divide_by: int = 1
    unit: str = "unknown"


@dataclass(frozen=True)
class Choice:
    """A column whose values stand for others: a state's, or a currency's."""

    column: Column
    values: Mapping[str, tuple[str | None, ...]]


# Columns whose values all have to be among these; None is NULL, PRESENT anything else.
Conditions = Mapping[Column, tuple[str | None, ...]]


@dataclass(frozen=True)
class Role:
    """One role's table.

    Attributes:
        name: listing, stay, customer, view or place.
        table: By its name in source.yaml.
        columns: By field; of those that are a column and nothing else.
        more_key: The other columns of a stay's `id`, where it has several.
        unit: How long a stay is, in words: nights, or hours.
        money: The price or amount; None where it is not mapped.
        currency: A column, a choice of codes, or None (the mapping's own).
        state: How stays are counted; None: each is confirmed.
        conditions: What makes a listing active, or a stay one that counts.
        more_key: The other columns of a stay's id, where it has several.
        unit: In what a stay is counted: nights or hours.
    """

    name: str
    table: str
    joins: tuple[Join, ...] = ()
    columns: Mapping[str, Column] = field(default_factory=dict)
    money: Money | None = None
    currency: Column | Choice | None = None
    state: Choice | None = None
    conditions: Conditions = field(default_factory=dict)
    more_key: tuple[Column, ...] = ()
    unit: str = NIGHTS

    @property
    def key(self) -> tuple[Column, ...]:
        """The columns of its id; none where it has no id, as events may."""
        return (self.columns["id"], *self.more_key) if "id" in self.columns else ()

    def list_columns(self) -> list[tuple[str, Column]]:
        """Return every column that the role reads, each with the field that names it."""
        found = [*self.columns.items(), *(("id", column) for column in self.more_key)]
        if self.money:
            found.append(("price" if self.name == "listing" else "amount", self.money.column))
        if self.currency:
            found.append(("currency", self.currency.column if isinstance(self.currency, Choice) else self.currency))
        if self.state:
            found.append(("state", self.state.column))
        found += [("active" if self.name == "listing" else "only", column) for column in self.conditions]
        for join in self.joins:
            found += [("joins", join.left), ("joins", Column(join.to, join.table))]
            found += [("joins", Column(join.latest_by, join.table))] if join.latest_by else []
        return found


@dataclass(frozen=True)
class MappingFile:
    """What mapping.yaml says.

    Attributes:
        currency: Of money for which no column says it; None: unknown.
        time_zone: Of the clock that DATETIME columns show.
        roles: By name; only those that are mapped.
    """

    currency: str | None
    time_zone: str
    roles: Mapping[str, Role]

    @property
    def is_hourly(self) -> bool:
        """Whether what is rented is rented by the hour: its SQL is then that of the cars."""
        return "stay" in self.roles and self.roles["stay"].unit == HOURS


def read_mapping(text: str) -> MappingFile:
    """Return what a mapping.yaml says.

    Raises:
        MappingRefused: it is no YAML, or says what cannot be followed; a line for each mistake, with what may stand there.
    """
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise MappingRefused(f"mapping.yaml is no valid YAML: {error}") from error
    if not isinstance(document, dict):
        raise MappingRefused(f"mapping.yaml holds no fields; it may have: {', '.join(_TOP)}")
    mistakes = [f"there is no field {name}{suggest(name, _TOP)}" for name in document if name not in _TOP]
    currency = document.get("currency")
    if currency is not None and not (isinstance(currency, str) and _CURRENCY.fullmatch(currency)):
        mistakes.append(f"currency: {currency!r} is no code of three capitals, such as EUR")
    zone = document.get("time_zone", "UTC")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        mistakes.append(f"time_zone: {zone!r} is no time zone, such as UTC or Europe/Paris")
    roles = {}
    for name in _ROLES:
        if (given := document.get(name)) is not None:
            roles[name] = _RoleReader(name, mistakes).read(given)
    # A guess would be a wrong figure that nobody notices.
    mistakes += [
        f"{role.name}: no column says in which currency its money is: write it at the top, as `currency: EUR`, or name the column"
        for role in roles.values()
        if role and role.money and role.currency is None and currency is None
    ]
    mistakes += _judge_hours(roles, currency)
    if mistakes:
        raise MappingRefused("\n".join(f"mapping.yaml: {mistake}" for mistake in mistakes))
    return MappingFile(currency, zone, {name: role for name, role in roles.items() if role})


def _judge_hours(roles: Mapping[str, Role | None], currency: Any) -> list[str]:
    """Return what a mapping lacks, or has too much, as its stays are counted in hours or in nights."""
    stay = roles.get("stay")
    if not stay:
        return []
    if stay.unit == NIGHTS:
        return [f"stay, {name}: is for `unit: hours`" for name in ("pickup", "dropoff") if name in stay.columns]
    mistakes = [f"stay, {name}: is required where `unit: hours`" for name in ("checkin", "checkout") if name not in stay.columns]
    if "nights" in stay.columns:
        mistakes.append("stay, nights: counts days; with `unit: hours`, name checkout")
    if not stay.money:
        mistakes.append("stay, amount: is required where `unit: hours`")
    elif stay.currency and currency is None:
        mistakes.append(
            "stay, currency: hourly figures are in one currency: write it at the top, as `currency: EUR`; rentals in any other"
            " are set aside"
        )
    return mistakes


class _RoleReader:
    """Reads one role, and notes what is wrong with it."""

    def __init__(self, role: str, mistakes: list[str]):
        self._role = role
        self._mistakes = mistakes

    def read(self, given: Any) -> Role | None:
        known = _FIELDS[self._role]
        if not isinstance(given, dict):
            self._refuse("", f"expected fields: {', '.join(known)}")
            return None
        for name in given:
            if name not in known:
                self._refuse(name, f"there is no such field{suggest(str(name), known)}")
        given = {name: value for name, value in given.items() if value is not None}
        for name in _REQUIRED[self._role]:
            if name not in given:
                self._refuse(name, "is required")
        unit = given.pop("unit", NIGHTS) if self._role == "stay" else NIGHTS
        if unit not in (NIGHTS, HOURS):
            self._refuse("unit", f"{unit!r} is neither {NIGHTS} nor {HOURS}")
        if self._role == "stay" and "checkout" in given and "nights" in given:
            self._refuse("nights", "stands for checkout: name one of them")
        joins = self._read_joins(given.pop("joins", []))
        money = self._read_money(given, "price" if self._role == "listing" else "amount")
        currency = self._read_currency(given.pop("currency", None))
        state = self._read_state(given.pop("state", None)) if self._role == "stay" else None
        conditions = self._read_conditions(given, "active" if self._role == "listing" else "only")
        table = given.pop("table", "")
        more_key = self._read_more_key(given) if self._role == "stay" else ()
        columns = {name: column for name, value in given.items() if name in known and (column := self._read_column(name, value))}
        role = Role(self._role, str(table), joins, columns, money, currency, state, conditions, more_key, unit)
        joined = {join.table for join in joins}
        for name, column in role.list_columns():
            if column.table and column.table not in joined:
                self._refuse(name, f"{column} is of a table that no join leads to")
            elif column.table and name in _OWN[self._role]:
                self._refuse(name, f"{column} is of a joined table; it has to be a column of {table or 'the table'} itself")
        return role

    def _refuse(self, name: str, message: str) -> None:
        self._mistakes.append(f"{self._role}{f', {name}' if name else ''}: {message}")

    def _read_column(self, name: str, value: Any) -> Column | None:
        match = _COLUMN.fullmatch(value) if isinstance(value, str) else None
        if not match:
            self._refuse(name, f"{value!r} is no column: write column, or joined_table.column")
            return None
        return Column(match[2].lower(), match[1])

    def _read_more_key(self, given: dict[str, Any]) -> tuple[Column, ...]:
        """Leave the first column of an id that is a list, and return the others."""
        if not isinstance(given.get("id"), list) or not given["id"]:
            return ()
        given["id"], *more = given["id"]
        return tuple(column for value in more if (column := self._read_column("id", value)))

    def _read_joins(self, given: Any) -> tuple[Join, ...]:
        joins: list[Join] = []
        for line in given if isinstance(given, list) else [given]:
            match = _JOIN.fullmatch(line) if isinstance(line, str) else None
            left = self._read_column("joins", match[1]) if match else None
            if not match or not left:
                self._refuse(
                    "joins", f"{line!r}: write `column -> table.column`, and behind it `, latest by column` where several fit"
                )
            elif left.table and left.table not in [join.table for join in joins]:
                self._refuse("joins", f"{line!r} leads from {left.table}, to which no line before it leads")
            elif match[2] in [join.table for join in joins]:
                self._refuse("joins", f"{line!r}: {match[2]} is joined already")
            else:
                joins.append(Join(left, match[2], match[3].lower(), match[4] and match[4].lower()))
        return tuple(joins)

    def _read_money(self, given: dict[str, Any], name: str) -> Money | None:
        value = given.pop(name, None)
        if value is None:
            return None
        fields = value if isinstance(value, dict) else {"column": value}
        column = self._read_column(name, fields.get("column"))
        divide_by, unit = fields.get("divide_by", 1), fields.get("unit", "unknown")
        if set(fields) - {"column", "divide_by", "unit"}:
            self._refuse(name, "may have column, divide_by and unit")
        if isinstance(divide_by, bool) or divide_by not in DIVISORS:
            self._refuse(
                name, f"divide_by is one of {', '.join(map(str, DIVISORS))} (100: the column is in cents); found {divide_by!r}"
            )
            divide_by = 1
        if unit not in UNITS:
            self._refuse(name, f"unit is one of {', '.join(UNITS)}; found {unit!r}")
        return Money(column, divide_by, str(unit)) if column else None

    def _read_currency(self, given: Any) -> Column | Choice | None:
        if given is None:
            return None
        if not isinstance(given, dict):
            return self._read_column("currency", given)
        choice = self._read_choice("currency", given, None)
        for code in choice.values if choice else ():
            if not _CURRENCY.fullmatch(code):
                self._refuse("currency", f"{code!r} is no code of three capitals, such as EUR")
        return choice

    def _read_state(self, given: Any) -> Choice | None:
        if given is None:
            return None
        if not isinstance(given, dict):
            self._refuse("state", f"expected column, and a list of values for each of {', '.join(STATES)}")
            return None
        choice = self._read_choice("state", given, STATES)
        if choice and not choice.values.get("confirmed"):
            self._refuse("state", "no value means confirmed, so no stay would count")
        return choice

    def _read_choice(self, name: str, given: dict[str, Any], allowed: Collection[str] | None) -> Choice | None:
        column = self._read_column(name, given.get("column"))
        values: dict[str, tuple[str | None, ...]] = {}
        seen: set[str | None] = set()
        for meaning, listed in given.items():
            if meaning == "column":
                continue
            if allowed is not None and meaning not in allowed:
                self._refuse(name, f"{meaning!r} is none of {', '.join(allowed)}")
                continue
            values[str(meaning)] = self._read_values(name, listed)
            if twice := seen & set(values[str(meaning)]):
                self._refuse(name, f"{sorted(map(str, twice))[0]} is given twice")
            seen |= set(values[str(meaning)])
        return Choice(column, values) if column else None

    def _read_conditions(self, given: dict[str, Any], name: str) -> Conditions:
        conditions = given.pop(name, None)
        if conditions is None:
            return {}
        if not isinstance(conditions, dict):
            self._refuse(name, "expected a list of values for each column, such as `deleted: [0]`")
            return {}
        read = {column: values for column, values in conditions.items() if (self._read_column(name, column))}
        return {_split(column): self._read_values(name, values) for column, values in read.items()}

    def _read_values(self, name: str, given: Any) -> tuple[str | None, ...]:
        values = given if isinstance(given, list) else [given]
        if any(isinstance(value, list | dict) for value in values):
            self._refuse(name, f"{given!r} is no list of values")
            return ()
        return tuple(None if value is None else _as_text(value) for value in values)


def _split(column: str) -> Column:
    table, _, name = column.rpartition(".")
    return Column(name.lower(), table or None)


def _as_text(value: Any) -> str:
    """Return a value as the warehouse's text of it: a flag is 1 or 0."""
    return str(int(value)) if isinstance(value, bool) else str(value).strip().lower()

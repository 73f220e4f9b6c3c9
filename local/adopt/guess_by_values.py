"""Which table has the stays where no name says so: one that refers to others, with two dates in the same order in each row."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import permutations
from statistics import median

from local.adopt import words
from local.adopt.guess_columns import list_references, list_words
from local.adopt.guess_tables import RoleTables, Stay
from local.adopt.guess_words import CUSTOMERS
from local.adopt.taken import TakenTable

_ENOUGH_STAYS = 5  # whose dates were compared
_LONGEST_DAYS = 400  # of half of the stays
_FEW_STATES = 12
_CHANGED = {"changed", "updated", "modified", "synced", "deleted", "geaendert", "modificado", "modifie"}
_MONEY = ("decimal", "double", "float")


def find_stay_by_values(tables: RoleTables, list_pairs: Callable[[str, str, str], Mapping[str, str]]) -> Stay | None:
    """Return the table that has most of what a stay has, and most rows; its columns stand in `fields`.

    Args:
        list_pairs: Returns a column's values by another's, by the source's names.
    """
    found = [stay for table in tables for stay in _read_stay(tables, table, list_pairs)]
    return max(found, key=lambda stay: (len(stay.fields), stay.table.source.rows, stay.table.contract.name), default=None)


def _read_stay(tables: RoleTables, table: TakenTable, list_pairs: Callable[[str, str, str], Mapping[str, str]]) -> Iterator[Stay]:
    parents = [(other, column) for other in tables for column in list_references(table, other)]
    things = [(other, column) for other, column in parents if not _is_of_customers(other)]
    if not table.contract.key or not things:
        return
    times = _order_times(table, list_pairs)
    if len(times) < 2:
        return
    # What is rented is described by less that is somebody's than who rents it.
    listing, reference = min(things, key=lambda each: _count_personal(each[0]))
    others = [(other, column) for other, column in parents if column != reference]
    fields = {"checkin": times[-2], "checkout": times[-1]}
    if len(times) > 2:
        fields["made_at"] = times[0]
    if others:
        fields["customer"] = max(others, key=lambda each: (_is_of_customers(each[0]), _count_personal(each[0])))[1]
    texts = {name: set(values) for name, values in table.source.samples.items() if name in table.types and values}
    for name, values in texts.items():
        if all(re.fullmatch("[A-Z]{3}", value) for value in values):
            fields.setdefault("currency", name)
        elif len(values) <= _FEW_STATES and len(values) < len(table.source.samples[name]):
            fields.setdefault("state", name)
    columns = table.source.columns
    if money := [name for name in table.types if columns[name].data_type in _MONEY and columns[name].scale != 0]:
        fields["amount"] = money[0]
    yield Stay(table, listing, reference, fields=fields)


def _order_times(table: TakenTable, list_pairs: Callable[[str, str, str], Mapping[str, str]]) -> list[str]:
    """Return the columns of a beginning and its end, and before them that of the booking, if there is one; [] where none are.

    The end is what is after most others: never before them, and for half of the stays not much later.
    """
    columns = table.source.columns
    times = [
        name
        for name in table.types
        if columns[name].data_type in ("date", "datetime", "timestamp")
        and name not in table.source.moves_itself
        and not set(words.split_name(name)) & _CHANGED
    ]
    before: dict[str, list[str]] = {name: [] for name in times}
    for one, other in permutations(times, 2):
        lengths = _measure(list_pairs(table.source.name, columns[one].name, columns[other].name))
        is_later = len(lengths) >= _ENOUGH_STAYS and any(lengths) and min(lengths) >= 0
        if is_later and median(lengths) <= _LONGEST_DAYS:
            before[other].append(one)
    end = max(times, key=lambda name: len(before[name]), default="")
    if not end or not before[end]:
        return []
    beginning = max(before[end], key=lambda name: len(before[name]))
    booked = sorted(before[beginning], key=lambda name: len(before[name]))[:1]
    return [*booked, beginning, end]


def _measure(pairs: Mapping[str, str]) -> list[float]:
    """Return the days from one to the other.

    Beside a mere day, a time counts as its day: one may come on the day of the booking.
    """
    lengths = []
    for texts in pairs.items():
        shortest = min(len(text) for text in texts)
        with suppress(ValueError):
            one, other = (datetime.fromisoformat(text[:10] if shortest == len("2026-11-27") else text) for text in texts)
            lengths.append((other - one) / timedelta(days=1))
    return lengths


def _is_of_customers(table: TakenTable) -> bool:
    return bool(list_words(table) & set(CUSTOMERS))


def _count_personal(table: TakenTable) -> int:
    return len(table.contract.personal.keys() - set(table.contract.undecided))

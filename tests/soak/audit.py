"""Whether the layers hold what the source's history says, no row less and none twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from tests.fixtures.world import World
from tests.metrics.agreement import compare
from tests.metrics.apartments.judge import judge, judge_rows
from tests.metrics.records import History as VersionHistory
from tests.metrics.records import Rate, Verdict, Version
from tests.soak.history import BAD_COLUMNS, EVENTS, KEYS, TABLES, History, Row, State

_METADATA = ("_run_sequence", "_operation", "_row_hash", "_observed_at", "_bad_columns", "_event_day")
_NO_DAY = date(1, 1, 1)
# Curated columns, and what the judge calls them.
_COMPARED = {
    "apartments": {"price": "price", "currency": "currency", "listing_created_at": "created_at", "is_active": "is_active"},
    "apartment_attributes": {"city": "city", "state": "state"},
    "bookings": {
        "user_id": "user",
        "apartment_id": "listing",
        "booking_date": "booking_date",
        "checkin_date": "checkin_date",
        "checkout_date": "checkout_date",
        "total_price": "price",
        "currency": "currency",
        "booking_status": "status",
    },
}


@dataclass
class Audit:
    """Compares after good runs, and counts.

    Attributes:
        lost: Rows that a layer should show and does not, or shows in an old state.
        doubled: Rows that a layer shows beyond those, and versions in raw that repeat the one before.
        findings: What was wrong, in words.
    """

    world: World
    history: History
    lost: int = 0
    doubled: int = 0
    findings: list[str] = field(default_factory=list)
    # The state that raw was last seen to show, by table and key: an index into its states, -1 for before the first.
    _shown: dict[str, dict[Any, int]] = field(default_factory=lambda: {table: {} for table in TABLES})
    _audited_run: int = 0

    def check(self, as_of: date, owed_until: int, is_reconciled: bool = False) -> None:
        """Compare all layers.

        Args:
            as_of: The day of the run.
            owed_until: Changes of the source up to this number were made before the run was planned.
            is_reconciled: The run compared everything, so all of them are owed.
        """
        learned: VersionHistory = {}
        unreadable: dict[str, set[Any]] = {}
        for table in KEYS:
            versions = self._read_versions(table)
            self._check_versions(table, versions)
            newest = {key: found[-1].row for key, found in versions.items()}
            self._check_newest(table, newest, owed_until, is_reconciled)
            learned[table] = {key: [_readable(version) for version in found] for key, found in versions.items()}
            unreadable[table] = {key for key, found in versions.items() if _is_unreadable(found)}
        self._check_newest(EVENTS, self._read_days(), owed_until, is_reconciled)
        newest_run = self._read("select coalesce(max(run_sequence), 0) as run from apartments_control.run")
        self._audited_run = int(newest_run.run[0])
        if self.findings:
            return  # what is built on it is judged by what it should be, which is not there

        tables = {table: self._show(table) for table in TABLES}
        verdict = judge_rows(tables, learned)
        for table, keys in unreadable.items():
            for key in keys:
                verdict.accepted[table].pop(key, None)
                verdict.rejected[table][key] = "unreadable_row"
        self._check_curated(verdict)
        self._check_money(tables["bookings"])
        rates = [Rate(*row) for row in self._read("select * from apartments_control.exchange_rate").itertuples(index=False)]
        for metric, expected in judge(tables, learned, rates, as_of).items():
            self._check_metric(metric, expected)

    # ------------------------------------------------------------------------------------------------------------- raw

    def _check_versions(self, table: str, versions: dict[Any, list[Version]]) -> None:
        """Each version that is new is one that the source held, later than the one before, and other than it."""
        for key, found in versions.items():
            states = self.history.states[table].get(key, [])
            position = self._shown[table].get(key, -1)
            for number, version in enumerate(found):
                if version.run_sequence <= self._audited_run:
                    continue
                if number and _canonical(found[number - 1].row) == _canonical(version.row):
                    self._find(f"raw.{table} {key}: run {version.run_sequence} repeats the version before it", doubled=1)
                    continue
                position = next(
                    (at for at in range(max(position, 0), len(states)) if _same(states[at], version.row)), len(states)
                )
                if position == len(states):
                    self._find(f"raw.{table} {key}: run {version.run_sequence} brought what the source never held", doubled=1)

    def _check_newest(self, table: str, newest: dict[Any, Any], owed_until: int, is_reconciled: bool) -> None:
        states, shown = self.history.states[table], self._shown[table]
        for key in states.keys() | newest.keys():
            past = states.get(key, [])
            lowest = shown.get(key, -1)
            planned = [number for number, state in enumerate(past) if state.change <= owed_until]
            if planned and (past[planned[-1]].is_owed or is_reconciled):
                lowest = max(lowest, planned[-1])
            found = newest.get(key)
            if lowest == -1 and found is None:
                continue
            match = next((number for number in range(max(lowest, 0), len(past)) if _same(past[number], found)), None)
            if match is None:
                match = lowest if lowest >= 0 else len(past) - 1
                self._count(table, key, past[match].content if past else None, found)
            shown[key] = match

    def _count(self, table: str, key: Any, expected: Any, found: Any) -> None:
        if table == EVENTS:
            expected, found = expected or Counter(), found or Counter()
            lost, surplus = expected - found, found - expected
            self._find(
                f"raw.{table} {key}: {lost.total()} events missing, {surplus.total()} too many", lost.total(), surplus.total()
            )
        elif expected is None:
            self._find(f"raw.{table} {key}: shown, and the source has it no more", doubled=1)
        else:
            self._find(f"raw.{table} {key}: {'in an old state' if found else 'missing'}", lost=1)

    def _read_versions(self, table: str) -> dict[Any, list[Version]]:
        versions: dict[Any, list[Version]] = {}
        for record in self._records(f"select * from apartments_raw.{table} order by _run_sequence, _operation desc"):
            row = {name: value for name, value in record.items() if name not in _METADATA}
            if record[BAD_COLUMNS] is not None:
                row[BAD_COLUMNS] = record[BAD_COLUMNS]
            content = row if record["_operation"] == "U" else None
            version = Version(record["_run_sequence"], record["_observed_at"], content)
            versions.setdefault(record[KEYS[table]], []).append(version)
        return versions

    def _read_days(self) -> dict[date | None, Counter]:
        days: dict[date | None, Counter] = {}
        for record in self._records(f"select * from apartments_raw.{EVENTS}"):
            day = None if record["_event_day"] == _NO_DAY else record["_event_day"]
            row = {name: value for name, value in record.items() if name not in _METADATA}
            days.setdefault(day, Counter())[tuple(sorted(row.items(), key=str))] += 1
        return days

    def _show(self, table: str) -> list[Row]:
        """Return the rows of the states that raw shows."""
        contents = [self.history.states[table][key][number].content for key, number in self._shown[table].items() if number >= 0]
        if table == EVENTS:
            return [dict(row) for rows in contents if rows for row in rows.elements()]
        return [_without_price(row) if BAD_COLUMNS in row else row for row in contents if row is not None]

    # ------------------------------------------------------------------------------------------------ curated, presentation

    def _check_curated(self, verdict: Verdict) -> None:
        rejected = self._read("select * from apartments_curated.rejected_rows")
        for table, key in KEYS.items():
            curated = self._read(f"select * from apartments_curated.{table}")
            rules = rejected[rejected.table_name == table]
            columns = _COMPARED[table]
            self._compare(
                f"curated.{table}",
                zip(curated[key], *(curated[name] for name in columns), strict=True),
                [(number, *(row[name] for name in columns.values())) for number, row in verdict.accepted[table].items()],
            )
            self._compare(
                f"rejected {table}",
                list(zip(rules.row_key, rules.broken_rule, strict=True)),
                [(str(number), rule) for number, rule in verdict.rejected[table].items()],
            )
        viewings = self._read(f"select viewed_at from apartments_curated.{EVENTS}")
        self._compare(
            f"curated.{EVENTS}", list(viewings.viewed_at), [row["viewed_at"] for row in verdict.accepted[EVENTS].values()]
        )
        rules = rejected[rejected.table_name == EVENTS]
        self._compare(f"rejected {EVENTS}", list(rules.broken_rule), list(verdict.rejected[EVENTS].values()))
        if not rules.row_key.is_unique:
            self._find(f"rejected {EVENTS}: a key comes twice", doubled=1)

    def _check_money(self, bookings: list[Row]) -> None:
        """Published and set aside are the source's, to the cent; each row that is set aside is counted once."""
        source = sum(row["total_price"] for row in bookings if row["total_price"] is not None)
        accepted = self._read("select coalesce(sum(total_price), 0) as amount from apartments_curated.bookings").amount[0]
        aside = self._read(
            "select coalesce(sum(amount), 0) as amount from apartments_curated.rejected_rows where table_name = 'bookings'"
        ).amount[0]
        if accepted + aside != source:
            self._find(f"money: {accepted} accepted and {aside} set aside are not the {source} of the source", lost=1)
        self._compare(
            "control.set_aside_row",
            self._read("select table_name, row_key from apartments_control.set_aside_row").itertuples(index=False, name=None),
            self._read("select table_name, row_key from apartments_curated.rejected_rows").itertuples(index=False, name=None),
        )

    def _check_metric(self, metric: str, expected: pd.DataFrame) -> None:
        actual = self._read(f"select * from apartments_presentation.{metric}")
        try:
            compare(actual, expected, metric)
        except AssertionError as difference:
            lost, surplus = _rows(expected) - _rows(actual), _rows(actual) - _rows(expected)
            self._find(f"presentation.{difference}", max(lost.total(), 1), surplus.total())

    def _compare(self, title: str, actual: Iterable[Any], expected: Iterable[Any]) -> None:
        found, wanted = Counter(actual), Counter(expected)
        lost, surplus = wanted - found, found - wanted
        if lost or surplus:
            examples = f"{next(iter(lost), None)} for {next(iter(surplus), None)}"
            self._find(f"{title}: {lost.total()} missing, {surplus.total()} too many: {examples}", lost.total(), surplus.total())

    # ---------------------------------------------------------------------------------------------------------- pieces

    def _find(self, text: str, lost: int = 0, doubled: int = 0) -> None:
        self.findings.append(text)
        self.lost += lost
        self.doubled += doubled

    def _records(self, sql: str) -> list[Row]:
        with self.world.warehouse.connect() as connection:
            cursor = connection.execute(sql)
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _read(self, sql: str) -> pd.DataFrame:
        with self.world.warehouse.connect() as connection:
            cursor = connection.execute(sql)
            return pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description], dtype=object)


def _is_unreadable(versions: list[Version]) -> bool:
    """Whether of the last row that the source had, a value could not be held; its key is set aside, also when it is deleted."""
    rows = [version.row for version in versions if version.row is not None]
    return bool(rows) and rows[-1].get(BAD_COLUMNS) is not None


def _readable(version: Version) -> Version:
    """Return a version as the judge is to take it: one with a value that could not be held is a gap since it was seen."""
    if version.row is None or version.row.get(BAD_COLUMNS) is None:
        return version
    return Version(version.run_sequence, version.observed_at, _without_price(version.row))


def _without_price(row: Row) -> Row:
    return row | {"price": None, "changed_at": None}


def _canonical(content: Any) -> Any:
    """Return a row in a form that does not tell a column that was not yet there from one without a value."""
    if not isinstance(content, dict):
        return content
    return frozenset((name, value) for name, value in content.items() if value is not None)


def _same(state: State, content: Any) -> bool:
    return _canonical(state.content) == _canonical(content)


def _rows(frame: pd.DataFrame) -> Counter:
    return Counter(
        tuple(f"{cell:.8g}" if isinstance(cell, float) else cell for cell in row)
        for row in frame.itertuples(index=False, name=None)
    )

"""The pipeline's own engine over raw tables that a test fills itself: no source, no Parquet, the real SQL steps."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd

from local_redshift.translate import translate
from rental_pipeline.base.object_store import PLAN, run_key, write_json
from rental_pipeline.base.settings import WarehouseSettings
from rental_pipeline.definitions.generic_checks import list_generic_checks
from rental_pipeline.definitions.marketplace import Check, Marketplace
from rental_pipeline.definitions.metric import FIRST_DAY, LAST_DAY, fill_in_days
from rental_pipeline.definitions.read_marketplace import read_marketplace
from rental_pipeline.model.plan_document import Plan, RawChanges, Rebuild
from rental_pipeline.model.run_request import LAYERS
from rental_pipeline.model.strategies import Append, Merge, Snapshot
from rental_pipeline.model.table_plan import PlannedColumn, PlannedTable
from rental_pipeline.warehouse import run_step
from tests.metrics.records import History, Rate, Row, Version
from tests.metrics.subject import Subject

SQL_ROOT = Path(__file__).parents[2] / "sql"
# What a plan says of a table that raw had before.
_METADATA = "_run_sequence bigint, _operation char(1), _row_hash bigint, _observed_at timestamp, _bad_columns varchar(65535)"


@dataclass
class Engine:
    """One warehouse, built run by run.

    Attributes:
        warehouse: The tests' warehouse (tests/fixtures/warehouse.py), empty at the beginning.
        bucket: Where the steps find the run's files.
        subject: The marketplace.
        columns: Raw's columns by table.
        sql_root: The folder sql/, or a copy of it.
        currency: The one that figures are in.
        max_rejected_fraction: Of every table, as source.yaml would say it.
        run_sequence: The last run.
        tables: The source's rows as they are now, as the runs so far have brought them.
        history: The versions of each row, by table and key, for the judge; not of tables without a key.
        first_runs: The run that first brought rows of each table.
        compared_at: The source's clock at the last comparison of all tables.
    """

    warehouse: Any
    bucket: str
    subject: Subject
    columns: dict[str, str]
    sql_root: Path = SQL_ROOT
    currency: str = "USD"
    max_rejected_fraction: float = 1
    run_sequence: int = 0
    tables: dict[str, list[Row]] = field(default_factory=dict)
    history: History = field(default_factory=dict)
    first_runs: dict[str, int] = field(default_factory=dict)
    compared_at: datetime | None = None

    def __post_init__(self) -> None:
        self.tables = {table: [] for table in self.subject.keys}
        self.history = {table: {} for table, key in self.subject.keys.items() if key}

    @property
    def files(self) -> Marketplace:
        return read_marketplace(self.sql_root, self.subject.marketplace, self.currency)

    def names(self, table: str) -> list[str]:
        """Return the column names of a raw table, without the pipeline's own."""
        return [column.name for column in self._list_columns(table)]

    def run(
        self,
        as_of: date,
        upserts: dict[str, Iterable[Row]] | None = None,
        deletes: dict[str, Iterable[Any]] | None = None,
        observed_at: datetime | None = None,
        rebuild: bool = False,
    ) -> None:
        """Bring changes into raw as the loads would, then build, check and publish everything that is behind.

        Args:
            as_of: The day of the run.
            upserts: New rows, or newer ones of known keys, by table. Those of a table without a key are all of their days.
            deletes: Keys that are gone, by table.
            observed_at: The source's clock at the run; noon of as_of by default.
            rebuild: Build everything again.
        """
        observed_at = observed_at or datetime.combine(as_of, datetime.min.time()) + timedelta(hours=12)
        execution = {"id": f"arn:aws:states:eu-west-1:123456789012:execution:metrics:{uuid.uuid4()}", "name": uuid.uuid4().hex}
        self.run_sequence = self._step("open", run_sequence=None, execution=execution)["run_sequence"]
        plan = Plan(
            marketplace=self.subject.marketplace,
            run_sequence=self.run_sequence,
            kind="rebuild" if rebuild else "incremental",
            rebuild=Rebuild(LAYERS, None) if rebuild else None,
            erased=(),
            as_of=as_of.isoformat(),
            source_time=observed_at.isoformat(timespec="microseconds"),
            force_deletes=False,
            dry_run=False,
            raw_changes=RawChanges(tuple(self._define(table) for table in self.subject.keys), ()),
            tables=tuple(self._plan(table) for table in self.subject.keys),
        )
        write_json(self.bucket, run_key(self.subject.marketplace, self.run_sequence, PLAN), plan.to_json())
        self._step("prepare")
        for table in self.subject.keys:
            self._load(table, list((upserts or {}).get(table, [])), list((deletes or {}).get(table, [])), observed_at)
        pending = self._step("pending")
        for table in pending["curated"]:
            self._step("curate", table)
        if pending["anything"]:
            self._step("stage")
            self._keep_staged()
            self._step("check")
            self._step("publish")
        self._step("close")

    def compare(self, compared_at: datetime) -> None:
        """Note that the last run was a comparison, which found raw to be equal to the source."""
        self.compared_at = compared_at
        with self.warehouse.connect() as connection, connection.cursor() as cursor:
            for table in self.subject.keys:
                cursor.execute(
                    f"insert into {self.subject.marketplace}_control.reconciliation (run_sequence, table_name, is_whole, ranges,"
                    " ranges_different, source_rows, raw_rows, source_rows_after, raw_rows_after, compared_at)"
                    " values (%s, %s, true, 1, 0, 0, 0, 0, 0, %s)",
                    (self.run_sequence, table, compared_at),
                )

    def remember(self, source_database: Any, run_sequence: int, observed_at: datetime) -> None:
        """Note what a real source holds at a run of the whole pipeline, in place of what a run of this engine brings."""
        for table in self.subject.keys:
            columns = source_database.query(
                f"select column_name from information_schema.columns where table_name = '{table}'"
                " and table_schema = database() order by ordinal_position"
            )
            names = [name for (name,) in columns]
            rows = source_database.query(f"select {', '.join(names)} from {table}")
            self.tables[table] = [dict(zip(names, row, strict=True)) for row in rows]
        for table, known in self.history.items():
            now = {row[self.subject.keys[table]]: row for row in self.tables[table]}
            for key in now.keys() | known.keys():
                versions = known.setdefault(key, [])
                if not versions or versions[-1].row != now.get(key):
                    versions.append(Version(run_sequence, observed_at, now.get(key)))

    def read(self, table: str) -> pd.DataFrame:
        """Return all rows of a table, `schema.table` without the marketplace's prefix."""
        with self.warehouse.connect() as connection:
            cursor = connection.execute(f"select * from {self.subject.marketplace}_{table}")
            return pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description], dtype=object)

    def rates(self) -> list[Rate]:
        """Return the exchange rates that the warehouse converts with."""
        return [Rate(*row) for row in self.read("control.exchange_rate").itertuples(index=False)]

    def warnings(self) -> dict[str, str]:
        """Return an example of each check of the last run that found something."""
        results = self.read("control.check_result")
        found = results[(results.run_sequence == self.run_sequence) & (results.violations > 0)]
        return dict(zip(found.check_name, found.example, strict=True))

    def list_checks(self) -> list[Check]:
        """Return the checks of the marketplace's files, and those that are made from the headers of all tables."""
        return [*self.files.checks, *list_generic_checks(self.files)]

    def find_violations(self, as_of: date, check: str, fault: str = "select 1") -> list[str]:
        """Make a fault (its schemas without the marketplace's prefix), run a check, and take the fault back.

        Returns:
            The example of each row that the check finds.
        """
        looked_for = next(found for found in self.list_checks() if found.name == check)
        made = [f"create temp table {each.name} as {each.file.section('rows')}" for each in looked_for.intermediates]
        for schema in ("curated", "staging"):
            fault = fault.replace(f"{schema}.", f"{self.subject.marketplace}_{schema}.")
        with self.warehouse.connect() as connection:
            connection.autocommit = False
            connection.execute("set search_path to redshift, pg_catalog")
            self._stage_again(connection)
            connection.execute(fault)
            for sql in (*made, looked_for.violations):
                sql = translate(fill_in_days(sql, FIRST_DAY, LAST_DAY)).bind({"as_of": as_of.isoformat()})
                cursor = connection.execute(sql)
            rows = cursor.fetchall()
            connection.rollback()
        return [row[0] for row in rows]

    @property
    def staged(self) -> pd.DataFrame:
        """The periods that the last run with anything to do rebuilt, as control.staged_period had them until it published."""
        with self.warehouse.connect() as connection:
            cursor = connection.execute("table public.kept_staged_period")
            return pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description], dtype=object)

    def _keep_staged(self) -> None:
        with self.warehouse.connect() as connection:
            connection.execute("drop table if exists public.kept_staged_period")
            connection.execute(
                f"create table public.kept_staged_period as table {self.subject.marketplace}_control.staged_period"
            )

    def _stage_again(self, connection: Any) -> None:
        """Note the staged periods as they were when the checks ran: a publication forgets them."""
        connection.execute(f"insert into {self.subject.marketplace}_control.staged_period table public.kept_staged_period")

    def _step(self, step: str, name: str | None = None, **more: Any) -> dict[str, Any]:
        settings = WarehouseSettings(
            marketplace=self.subject.marketplace,
            bucket=self.bucket,
            redshift_database="dev",
            redshift_workgroup="test-workgroup",
            copy_role_arn="arn:aws:iam::123456789012:role/copy",
            sql_root=self.sql_root,
            reporting_currency=self.currency,
        )
        event = {"step": step, "name": name, "run_sequence": self.run_sequence, **more}
        # What a run leaves of its times and cost for people is no figure, and takes a tenth of it.
        with patch.object(run_step, "record_run"):
            while (answer := run_step.run_step(event, settings, lambda: 600.0))["status"] == "RUNNING":
                event["progress"] = answer["progress"]
        return answer["result"]

    def _define(self, table: str) -> str:
        event_day = "" if self.subject.keys[table] else ", _event_day date"
        return (
            f"create table if not exists {self.subject.marketplace}_raw.{table} ({self.columns[table]}, {_METADATA}{event_day})"
        )

    def _list_columns(self, table: str) -> tuple[PlannedColumn, ...]:
        found = re.findall(r"(\w+) ([^,(]+(?:\([^)]*\))?)", self.columns[table])
        return tuple(PlannedColumn(name, kind, name, kind) for name, kind in found)

    def _plan(self, table: str) -> PlannedTable:
        key = self.subject.keys[table]
        cursor = next((name for name in ("changed_at", "recorded_at") if name in self.names(table)), None)
        strategy = Append(str(cursor)) if not key else Merge((key,), cursor) if cursor else Snapshot((key,))
        return PlannedTable(table, table, strategy, self._list_columns(table), max_rejected_fraction=self.max_rejected_fraction)

    def _load(self, table: str, rows: list[Row], gone: list[Any], observed_at: datetime) -> None:
        """Add to raw what a load would: a version for each row that differs, a tombstone for each that is gone, whole days."""
        names, key = self.names(table), self.subject.keys[table]
        if key:
            known = {row[key]: row for row in self.tables[table]}
            rows = [row for row in rows if known.get(row[key]) != row]
            tombstones = [{key: number} for number in gone if number in known]
            known |= {row[key]: row for row in rows}
            self.tables[table] = [row for row in known.values() if row[key] not in gone]
        else:
            days = {row["recorded_at"].date() for row in rows}
            self.tables[table] = [row for row in self.tables[table] if row["recorded_at"].date() not in days] + rows
            tombstones = []
        if key:
            for row in [*rows, *tombstones]:
                version = Version(self.run_sequence, observed_at, row if len(row) > 1 else None, self.compared_at)
                self.history[table].setdefault(row[key], []).append(version)
        records = []
        for row, operation in [*((row, "U") for row in rows), *((row, "D") for row in tombstones)]:
            values = [row.get(name) for name in names]
            record = [
                *values,
                self.run_sequence,
                operation,
                int(md5(repr(values).encode()).hexdigest()[:15], 16),
                observed_at,
                None,
            ]
            records.append(record if key else [*record, row["recorded_at"].date()])
        if not records:
            return
        raw, control = (f"{self.subject.marketplace}_{schema}" for schema in ("raw", "control"))
        with self.warehouse.connect() as connection, connection.cursor() as cursor:
            if not key:
                cursor.execute(f"delete from {raw}.{table} where _event_day = any(%s)", (sorted(days),))
                for day in days:
                    cursor.execute(f"insert into {control}.changed_day values (%s, %s, %s)", (table, day, self.run_sequence))
            marks = ", ".join(["%s"] * len(records[0]))
            cursor.executemany(f"insert into {raw}.{table} values ({marks})", records)
            cursor.execute(f"delete from {control}.layer_position where layer = 'raw' and name = %s", (table,))
            cursor.execute(
                f"insert into {control}.layer_position (layer, name, run_sequence, first_run_sequence)"
                " values ('raw', %s, %s, %s)",
                (table, self.run_sequence, self.first_runs.setdefault(table, self.run_sequence)),
            )

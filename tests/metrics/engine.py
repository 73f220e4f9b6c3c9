"""The pipeline's own engine over raw tables that a test fills itself: no source, no Parquet, the real SQL steps."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import Any

import pandas as pd

from rental_pipeline.object_store import PLAN, run_key, write_json
from rental_pipeline.run_step import run_step
from rental_pipeline.settings import WarehouseSettings
from rental_pipeline.warehouse_files import Warehouse, read_warehouse
from tests.metrics.judge import Rate, Row, Version

SQL_ROOT = Path(__file__).parents[2] / "sql"
KEYS = {"apartments": "id", "apartment_attributes": "id", "bookings": "booking_id", "user_viewing": None}

# The columns of raw as the sample schema gives them, and as a source with real types would. What they have in common comes first.
_METADATA = "_run_sequence bigint, _operation char(1), _row_hash char(32), _observed_at timestamp"
TEXT_COLUMNS = {
    "apartments": "id bigint, title varchar(1020), source varchar(400), price decimal(10, 2), currency varchar(12),"
    " listing_created_on varchar(128), is_active varchar(32), last_modified_timestamp varchar(128), changed_at timestamp",
    "apartment_attributes": "id bigint, category varchar(400), body varchar(65535), amenities varchar(65535),"
    " bathrooms varchar(64), bedrooms varchar(64), fee varchar(128), has_photo varchar(64), pets_allowed varchar(256),"
    " price_display varchar(256), price_type varchar(128), square_feet integer, address varchar(1020), cityname varchar(400),"
    " state varchar(400), latitude decimal(10, 7), longitude decimal(10, 7)",
    "bookings": "booking_id bigint, user_id bigint, apartment_id bigint, booking_date varchar(128), checkin_date varchar(128),"
    " checkout_date varchar(128), total_price decimal(10, 2), currency varchar(12), booking_status varchar(80),"
    " payment_status varchar(80), num_guests integer, changed_at timestamp",
    "user_viewing": "user_id bigint, apartment_id bigint, viewed_at varchar(128), is_wishlisted varchar(32),"
    " call_to_action varchar(200), recorded_at timestamp",
}
TYPED_COLUMNS = {
    **TEXT_COLUMNS,
    "apartments": "id bigint, title varchar(1020), source varchar(400), price decimal(10, 2), currency char(3),"
    " listing_created_on timestamp, is_active smallint, last_modified_timestamp timestamp, changed_at timestamp",
    "apartment_attributes": "id bigint, category varchar(400), body varchar(65535), amenities varchar(65535),"
    " bathrooms decimal(4, 1), bedrooms smallint, fee decimal(8, 2), has_photo smallint, pets_allowed varchar(256),"
    " price_display varchar(256), price_type varchar(128), square_feet integer, address varchar(1020), cityname varchar(400),"
    " state varchar(400), latitude double precision, longitude double precision",
    "bookings": "booking_id bigint, user_id varchar(64), apartment_id bigint, booking_date timestamp, checkin_date date,"
    " checkout_date date, total_price decimal(10, 2), currency char(3), booking_status varchar(80),"
    " payment_status varchar(80), num_guests smallint, changed_at timestamp",
    "user_viewing": "user_id varchar(64), apartment_id bigint, viewed_at timestamp, is_wishlisted smallint,"
    " call_to_action varchar(200), recorded_at timestamp",
}


@dataclass
class Engine:
    """One warehouse, built run by run.

    Attributes:
        warehouse: The tests' warehouse (tests/fixtures/warehouse.py), empty at the beginning.
        bucket: Where the steps find the run's files.
        columns: Raw's columns by table.
        rates: Content of exchange_rates.csv; None: the project's own file.
        run_sequence: The last run.
        tables: The source's rows as they are now, as the runs so far have brought them.
        history: The versions of each listing, for the judge.
    """

    warehouse: Any
    bucket: str
    columns: dict[str, str]
    sql_root: Path
    run_sequence: int = 0
    tables: dict[str, list[Row]] = field(default_factory=lambda: {table: [] for table in KEYS})
    history: dict[int, list[Version]] = field(default_factory=dict)

    @property
    def files(self) -> Warehouse:
        return read_warehouse(self.sql_root, "apartments")

    def names(self, table: str) -> list[str]:
        """Return the column names of a raw table, without the pipeline's own."""
        depth, names, part = 0, [], ""
        for character in self.columns[table] + ",":
            depth += {"(": 1, ")": -1}.get(character, 0)
            if character == "," and not depth:
                names.append(part.split()[0])
                part = ""
            else:
                part += character
        return names

    def run(
        self,
        as_of: date,
        upserts: dict[str, Iterable[Row]] | None = None,
        deletes: dict[str, Iterable[int]] | None = None,
        observed_at: datetime | None = None,
        rebuild: bool = False,
    ) -> None:
        """Bring changes into raw as the loads would, then build, check and publish everything that is behind.

        Args:
            as_of: The day of the run.
            upserts: New rows, or newer ones of known keys, by table. The rows of user_viewing are all those of their days.
            deletes: Keys that are gone, by table.
            observed_at: The source's clock at the run; noon of as_of by default.
            rebuild: Build everything anew.
        """
        observed_at = observed_at or datetime.combine(as_of, datetime.min.time()) + timedelta(hours=12)
        execution = {"id": f"arn:aws:states:eu-west-1:123456789012:execution:metrics:{uuid.uuid4()}", "name": uuid.uuid4().hex}
        self.run_sequence = self._step("open", run_sequence=None, execution=execution)["run_sequence"]
        plan = {
            "marketplace": "apartments",
            "run_sequence": self.run_sequence,
            "kind": "rebuild" if rebuild else "incremental",
            "as_of": as_of.isoformat(),
            "source_time": observed_at.isoformat(timespec="microseconds"),
            "force_deletes": False,
            "dry_run": False,
            "raw_changes": {"batch": [self._define(table) for table in KEYS], "single": []},
            "tables": [self._plan(table) for table in KEYS],
        }
        write_json(self.bucket, run_key("apartments", self.run_sequence, PLAN), plan)
        self._step("prepare")
        for table in KEYS:
            self._load(table, list((upserts or {}).get(table, [])), list((deletes or {}).get(table, [])), observed_at)
        pending = self._step("pending")
        for table in pending["curated"]:
            self._step("curate", table)
        for metric in pending["metrics"]:
            self._step("stage", metric)
        if pending["anything"]:
            self._step("check")
            self._step("publish")
        self._step("close")

    def read(self, table: str) -> pd.DataFrame:
        """Return all rows of a table, `schema.table` without the marketplace's prefix."""
        with self.warehouse.connect() as connection:
            cursor = connection.execute(f"select * from apartments_{table}")
            return pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description], dtype=object)

    def rates(self) -> list[Rate]:
        """Return the exchange rates that the warehouse converts with."""
        return [Rate(*row) for row in self.read("control.exchange_rate").itertuples(index=False)]

    def warnings(self) -> dict[str, str]:
        """Return an example of each check of the last run that found something."""
        results = self.read("control.check_result")
        found = results[(results.run_sequence == self.run_sequence) & (results.violations > 0)]
        return dict(zip(found.check_name, found.example, strict=True))

    def _step(self, step: str, name: str | None = None, **more: Any) -> dict[str, Any]:
        settings = WarehouseSettings(
            marketplace="apartments",
            bucket=self.bucket,
            redshift_database="dev",
            redshift_workgroup="test-workgroup",
            copy_role_arn="arn:aws:iam::123456789012:role/copy",
            sql_root=self.sql_root,
        )
        event = {"step": step, "name": name, "run_sequence": self.run_sequence, **more}
        while (answer := run_step(event, settings, lambda: 600.0))["status"] == "RUNNING":
            event["progress"] = answer["progress"]
        return answer["result"]

    def _define(self, table: str) -> str:
        event_day = "" if KEYS[table] else ", _event_day date"
        return f"create table if not exists apartments_raw.{table} ({self.columns[table]}, {_METADATA}{event_day})"

    def _plan(self, table: str) -> dict[str, Any]:
        strategy, key = ("merge", [KEYS[table]]) if KEYS[table] else ("append", [])
        return {"name": table, "strategy": strategy, "key": key, "read": False}

    def _load(self, table: str, rows: list[Row], gone: list[int], observed_at: datetime) -> None:
        """Add to raw what a load would: a version for each row that differs, a tombstone for each that is gone, whole days."""
        names, key = self.names(table), KEYS[table]
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
        if table == "apartments":
            for row in [*rows, *tombstones]:
                version = Version(self.run_sequence, observed_at, row if len(row) > 1 else None)
                self.history.setdefault(row["id"], []).append(version)
        records = []
        for row, operation in [*((row, "U") for row in rows), *((row, "D") for row in tombstones)]:
            values = [row.get(name) for name in names]
            record = [*values, self.run_sequence, operation, md5(repr(values).encode()).hexdigest(), observed_at]
            records.append(record if key else [*record, row["recorded_at"].date()])
        if not records:
            return
        with self.warehouse.connect() as connection, connection.cursor() as cursor:
            if not key:
                cursor.execute("delete from apartments_raw.user_viewing where _event_day = any(%s)", (sorted(days),))
                for day in days:
                    cursor.execute(
                        "insert into apartments_control.changed_day values ('user_viewing', %s, %s)", (day, self.run_sequence)
                    )
            marks = ", ".join(["%s"] * len(records[0]))
            cursor.executemany(f"insert into apartments_raw.{table} values ({marks})", records)
            cursor.execute("delete from apartments_control.layer_position where layer = 'raw' and name = %s", (table,))
            cursor.execute(
                "insert into apartments_control.layer_position (layer, name, run_sequence) values ('raw', %s, %s)",
                (table, self.run_sequence),
            )

"""plan.json and slices.json say all that the objects hold, and DDL is what the architecture lists."""

from __future__ import annotations

import json

import pytest
import sqlglot

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.model.contract import TableContract
from rental_pipeline.model.document import read_as
from rental_pipeline.model.raw_tables import METADATA, plan_raw_table
from rental_pipeline.model.strategies import Append, Merge, Snapshot
from rental_pipeline.model.table_plan import PlannedColumn, PlannedTable, Slice
from rental_pipeline.source.queries import compose_slice_query, slice_condition

ID = PlannedColumn("id", "bigint", "Id", "bigint")
DAY = PlannedColumn("day", "date", "day", "date")
EMAIL = PlannedColumn("email", "varchar(64)", "email", "varchar", is_hashed=True)
AT = PlannedColumn("at", "timestamp", "at", "datetime")


def test_a_table_and_a_slice_survive_json() -> None:
    """What one function writes, the other reads back as it was."""
    table = PlannedTable("t", "T", Merge(("id", "day"), "at"), (ID, DAY, EMAIL, AT), read=True, lower="2026-01-01T00:00:00")
    assert read_as(PlannedTable, json.loads(json.dumps(table.to_json()))) == table
    for part in (Slice(1, "t", 0), Slice(1, "t", 1, ("5", "2026-01-01"), ("7", "2026-01-01"))):
        assert read_as(Slice, json.loads(json.dumps(part.to_json()))) == part


def test_a_composite_range_is_written_out() -> None:
    """By the first column that differs, and typed as the columns are."""
    table = PlannedTable("t", "t", Snapshot(("id", "day")), (ID, DAY), complete=True)
    assert slice_condition(table, Slice(1, "t", 1, ("5", "2026-01-01"), None)) == (
        "(_rp_source.`Id` >= %s and (_rp_source.`Id` > %s or _rp_source.`day` >= %s))",
        [5, 5, "2026-01-01"],
    )


def test_only_the_text_of_a_hashed_column_is_selected() -> None:
    """Its type on the way is text whatever it is in the source."""
    table = PlannedTable("t", "t", Snapshot(("id",)), (ID, EMAIL), complete=True)
    query, arguments = compose_slice_query(table, Slice(1, "t", 0), "grain of salt")
    assert query.startswith(
        "select _rp_source.`Id`, cast(_rp_source.`email` as char),"
        " cast(conv(left(sha2(concat(%s, quote(convert(_rp_source.`email` using utf8mb4)), quote(_rp_source.`Id`)), 256), 15)"
    )
    assert query.endswith(" from `t` as _rp_source where true order by _rp_source.`Id`")
    assert arguments == ["grain of salt"]


def test_texts_can_grow_whatever_the_warehouse_chooses() -> None:
    """ENCODE AUTO may choose an encoding of which ALTER COLUMN TYPE is refused; a sort key has none (Redshift, "ALTER TABLE")."""
    code, remark = (
        PlannedColumn("code", "varchar(20)", "code", "varchar"),
        PlannedColumn("remark", "varchar(40)", "remark", "varchar"),
    )
    contract = TableContract("t", Merge(("code",), "at"))
    (create, _) = plan_raw_table("m_raw", contract, (code, remark, AT), None, may_evolve=True).batch
    assert '"code" varchar(20), "remark" varchar(40) encode zstd, "at" timestamp,' in create
    assert "_bad_columns varchar(65535) encode zstd" in create
    existing = {"code": "varchar(20)", "at": "timestamp", **{name: kind.split()[0] for name, kind in METADATA.items()}}
    changes = plan_raw_table("m_raw", contract, (code, remark, AT), existing, may_evolve=True)
    assert changes.batch == ('alter table "m_raw"."t" add column "remark" varchar(40) encode zstd',)


@pytest.mark.parametrize(
    ("contract", "storage"),
    [
        (TableContract("t", Merge(("id", "day"), "at")), 'distkey ("id") sortkey ("id", "day", _run_sequence)'),
        (TableContract("t", Append("at")), "diststyle even sortkey (_event_day)"),
    ],
)
def test_a_raw_table_is_created_with_its_metadata(contract: TableContract, storage: str) -> None:
    """Source columns, then the metadata of the architecture; distributed and sorted for how it is read."""
    raw_table = plan_raw_table("m_raw", contract, (ID, DAY, AT), None, may_evolve=True)
    statement, _ = raw_table.batch
    assert statement.endswith(storage)
    (parsed,) = sqlglot.parse(statement, dialect="redshift")
    columns = [column.name for column in parsed.find_all(sqlglot.exp.ColumnDef)]
    assert columns == ["id", "day", "at", *METADATA, *(["_event_day"] if isinstance(contract.strategy, Append) else [])]


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (tuple(PlannedColumn(f"c{number}", "integer", "", "int") for number in range(1581)), "1581 columns"),
        (tuple(PlannedColumn(f"{number:0120}", "integer", "", "int") for number in range(800)), r"take 10\d{4} bytes"),
    ],
)
def test_a_table_that_no_request_can_name_is_refused(columns: tuple[PlannedColumn, ...], found: str) -> None:
    """New, or grown by a column: before anything is read, with the way out."""
    contract = TableContract("t", Append("at"))
    grown = {column.name: column.type for column in columns[1:]} | {"_event_day": "date"}
    for existing in (None, grown):
        with pytest.raises(FixConfiguration, match=rf"table t has .*{found}.*Nothing was read.*personal: \{{column: drop\}}"):
            plan_raw_table("m_raw", contract, columns, existing, may_evolve=True)


def test_a_frozen_table_is_first_loaded_with_what_somebody_decided_on_alone() -> None:
    """A column that came between the decision and the first run is not taken, whatever it holds."""
    contract = TableContract("t", Merge(("id",), "at"), drift="freeze", requires=("id", "at", "note"), personal={"mail": "hash"})
    columns = tuple(PlannedColumn(name, "varchar(40)", name, "varchar") for name in ("id", "at", "note", "mail"))
    assert plan_raw_table("m_raw", contract, columns, None, may_evolve=True).columns == columns
    new = PlannedColumn("backup_address", "varchar(40)", "backup_address", "varchar")
    with pytest.raises(FixConfiguration, match=r"nobody has decided: backup_address\. Nothing was read.*`requires: \[column\]`"):
        plan_raw_table("m_raw", contract, (*columns, new), None, may_evolve=True)


@pytest.mark.parametrize(("requires", "added"), [((), None), (("note",), ("note",))])
def test_a_frozen_table_takes_a_new_column_only_by_name(requires: tuple[str, ...], added: tuple[str, ...] | None) -> None:
    """Somebody has decided on what `requires` names; anything else waits, and the message says both ways."""
    contract = TableContract("t", Merge(("id",), "at"), drift="freeze", requires=requires)
    columns = (ID, AT, PlannedColumn("note", "varchar(40)", "note", "varchar"))
    existing = {"id": ID.type, "at": AT.type, "_row_hash": "varchar(64)"}
    if added is None:
        with pytest.raises(FixConfiguration, match=r"freeze: note.*`requires: \[column\]`.*`personal: \{column: drop\}`"):
            plan_raw_table("m_raw", contract, columns, existing, may_evolve=True)
    else:
        assert plan_raw_table("m_raw", contract, columns, existing, may_evolve=True).added == added

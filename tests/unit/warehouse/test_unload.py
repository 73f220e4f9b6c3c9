"""Which rows of a table a run unloads, of the months or years that differ, in literals; and by which key they are encrypted."""

import pytest

from rental_pipeline.base.settings import WarehouseSettings
from rental_pipeline.definitions.marketplace import Schemas
from rental_pipeline.model.lake_document import StaleTable
from rental_pipeline.model.strategies import Snapshot
from rental_pipeline.model.table_plan import PlannedColumn, PlannedTable, Slice
from rental_pipeline.warehouse.steps import unload, unload_known
from rental_pipeline.warehouse.steps.step import StepRequest
from rental_pipeline.warehouse.steps.unload import _bound_parts


@pytest.mark.parametrize(
    ("unit", "parts", "condition"),
    [
        ("year", (2026,), "(day >= '2026-01-01' and day < '2027-01-01')"),
        ("year", (2024, 2026, 2025), "(day >= '2024-01-01' and day < '2027-01-01')"),
        ("month", (202611,), "(day >= '2026-11-01' and day < '2026-12-01')"),
        ("month", (202701, 202612), "(day >= '2026-12-01' and day < '2027-02-01')"),
        (
            "month",
            (202610, 202612),
            "(day >= '2026-10-01' and day < '2026-11-01') or (day >= '2026-12-01' and day < '2027-01-01')",
        ),
        ("month", (0, 202612), "day is null or (day >= '2026-12-01' and day < '2027-01-01')"),
        ("month", (999912,), "(day >= '9999-12-01')"),
        ("year", (9999,), "(day >= '9999-01-01')"),
        ("month", (0,), "day is null"),
    ],
)
def test_parts_that_follow_each_other_are_one_range(unit, parts, condition):
    """Rows without a date are part 0; behind the last day of a date there is nothing."""
    assert _bound_parts(unit, "day", parts) == condition


KEY = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"


class Files:
    schemas = Schemas("market")


@pytest.mark.parametrize(("key", "is_told"), [(KEY, True), (None, False)])
def test_under_a_key_of_ones_own_unload_is_told_to_take_the_buckets(key, is_told):
    """The lake, and what slices are compared with; without one, S3's own is what it takes, and the bucket has no other."""
    settings = WarehouseSettings("market", "bucket", "dev", "arn:aws:iam::1:role/copy", "workgroup", kms_key_arn=key)
    request = StepRequest(settings, Files(), "unload", run_sequence=2)
    code = PlannedColumn("code", "varchar(20)", "code", "varchar")
    planned = PlannedTable("t", "t", Snapshot(key=("code",)), (code,))
    lake, *_ = unload._unload(request, StaleTable("curated_t", "curated", "t", "market_curated.t", None, None, None, 0, "", ()))
    known = unload_known._unload(request, planned, Slice(2, "t", 0, None, None, known=0))
    assert [each.endswith(" encrypted auto") for each in (lake, known)] == [is_told, is_told]
    assert [" encrypted" in each for each in (lake, known)] == [is_told, is_told]

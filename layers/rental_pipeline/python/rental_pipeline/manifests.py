"""Manifests: the results of all slices become, per table, the exact list of files that COPY loads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rental_pipeline.errors import FixData
from rental_pipeline.object_store import (
    LOADS,
    PLAN,
    SLICES,
    address,
    find_json,
    gone_manifest_key,
    manifest_key,
    object_size,
    read_json,
    result_key,
    run_key,
    write_json,
)
from rental_pipeline.settings import ManifestSettings, read_settings
from rental_pipeline.table_plan import Slice
from rental_pipeline.telemetry import count, logger

_THREADS = 16

Json = dict[str, Any]


def write_manifests(event: Json) -> Json:
    """Check that every slice of a run was read, and write its COPY manifests and loads.json.

    Args:
        event: `run_sequence` (int).

    Returns:
        `run_sequence` and `rows_read`, the sum over all tables.

    Raises:
        FixData: a slice has no result, lost rows between the source and its files, or misses a file.
        RetryLater: S3 could not be reached.
    """
    settings = read_settings(ManifestSettings)
    run_sequence = event["run_sequence"]
    plan = read_json(settings.bucket, run_key(settings.marketplace, run_sequence, PLAN))
    items = read_json(settings.bucket, run_key(settings.marketplace, run_sequence, SLICES))
    slices = [Slice.from_json(item) for item in items]
    with ThreadPoolExecutor(_THREADS) as threads:
        pieces = threads.map(lambda part: list(_read_pieces(settings, part, plan["source_time"])), slices)
        results = [result for each in pieces for result in each]
        files = [file for each in results for file in [*each["parts"], *_list_gone(each)]]
        list(threads.map(lambda file: _check_size(settings.bucket, file), files))

    loads = {}
    for table in [entry["name"] for entry in plan["tables"] if entry["read"]]:
        loads[table] = _write_manifests(settings, run_sequence, table, [each for each in results if each["table"] == table])
        if plan["kind"] == "reconcile":
            different = loads[table]["rows_read"] + loads[table]["rows_gone"]
            count("RowsDifferent", different, marketplace=settings.marketplace, table=table)
    write_json(settings.bucket, run_key(settings.marketplace, run_sequence, LOADS), loads)
    return {"run_sequence": run_sequence, "rows_read": sum(load["rows_read"] for load in loads.values())}


def _read_pieces(settings: ManifestSettings, part: Slice, source_time: str) -> Iterator[Json]:
    """Yield the results of all pieces of a slice: each says where it left off, and there the next one must begin."""
    rest: Slice | None = part
    while rest:
        result = _read_result(settings, rest, source_time)
        yield result
        rest = Slice.from_json(result["rest"]) if result["rest"] else None


def _read_result(settings: ManifestSettings, part: Slice, source_time: str) -> Json:
    result = find_json(settings.bucket, result_key(settings.marketplace, part.run_sequence, part.table, part.slice, part.piece))
    if result is None or result["source_time"] != source_time or result["from"] != part.to_json()["from"]:
        piece = f", from its piece {part.piece} on," if part.piece else ""
        raise FixData(
            f"slice {part.slice} of {part.table}{piece} has no result of this plan of run {part.run_sequence}: its extract_slice"
            " failed; see the map run for the cause, then start a new execution"
        )
    in_parts = sum(each["rows"] for each in result["parts"])
    if not result["rows_read"] == result["rows_in_parquet"] == in_parts:
        raise FixData(
            f"slice {part.slice} of {part.table} read {result['rows_read']} rows, but its Parquet files hold {in_parts}:"
            " start a new execution"
        )
    return result


def _list_gone(result: Json) -> list[Json]:
    return [result["gone"]] if result["gone"] else []


def _check_size(bucket: str, file: Json) -> None:
    size = object_size(bucket, file["key"])
    if size != file["bytes"]:
        raise FixData(
            f"{address(bucket, file['key'])} is {size} bytes long, was written with {file['bytes']}: start a new execution"
        )


def _write_manifests(settings: ManifestSettings, run_sequence: int, table: str, results: Iterable[Json]) -> Json:
    """Write the manifests of one table, of its rows and of its gone keys, and return its entry of loads.json."""
    results = list(results)
    parts = [part for result in results for part in result["parts"]]
    gone = [file for result in results for file in _list_gone(result)]
    zero_dates = sum(sum(result["zero_dates"].values()) for result in results)
    if zero_dates:
        columns = sorted({column for result in results for column in result["zero_dates"]})
        logger.warning("impossible dates became NULL", extra={"table": table, "columns": columns, "values": zero_dates})
        count("ImpossibleDates", zero_dates, marketplace=settings.marketplace, table=table)
    return {
        "manifest": write_manifest(settings.bucket, manifest_key(settings.marketplace, run_sequence, table), parts),
        "gone_manifest": write_manifest(settings.bucket, gone_manifest_key(settings.marketplace, run_sequence, table), gone),
        "rows_gone": sum(file["rows"] for file in gone),
        "rows_read": sum(result["rows_read"] for result in results),
        "rows_in_parquet": sum(result["rows_in_parquet"] for result in results),
        "bytes": sum(part["bytes"] for part in parts),
        "parts": len(parts),
        "slices": sum(result["piece"] == 0 for result in results),
        "zero_dates": zero_dates,
        "seconds": round(sum(result["seconds"] for result in results), 3),
    }


def write_manifest(bucket: str, key: str, files: list[Json]) -> str | None:
    """Write a COPY manifest of files (`key`, `bytes`), and return its address; None where there is nothing to copy.

    Without `mandatory` COPY passes over a missing file; Parquet needs `content_length` (Redshift, "Using a manifest").
    """
    if not files:
        return None
    entries = [
        {"url": address(bucket, file["key"]), "mandatory": True, "meta": {"content_length": file["bytes"]}} for file in files
    ]
    write_json(bucket, key, {"entries": entries})
    return address(bucket, key)

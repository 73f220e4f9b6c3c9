"""The execution's input: what a person (or the schedule) may ask of a run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.model.contract import suggest
from rental_pipeline.model.plan_document import Layer

EXAMPLES = {
    "tables": '{"tables": ["bookings"]}',
    "window": '{"window": {"from": "2026-11-01", "to": "2026-11-02T06:00:00"}}',
    "reconcile": '{"reconcile": true}',
    "rebuild": '{"rebuild": true}, {"rebuild": "curated"} or {"rebuild": "presentation"}',
    "replay": '{"replay": true}',
    "erase": '{"erase": ["bookings"]}',
    "after_restore": '{"after_restore": true}',
    "dry_run": '{"dry_run": true}',
    "as_of": '{"as_of": "2026-11-21"}',
    "force_deletes": '{"force_deletes": true}',
    "started_by": '{"started_by": "Ada, to fill the gap of November 3"}',
}
# What a rebuild makes again, each from the layer before it.
LAYERS: tuple[Layer, ...] = ("curated", "presentation")
# Characters; the control table's column has room for four bytes each.
STARTED_BY_LENGTH = 256


@dataclass(frozen=True)
class Window:
    """Half-open range of a cursor, in UTC without offset: from <= cursor < to."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class RunInput:
    """What a run is asked to do; all defaults together are an incremental run.

    Attributes:
        tables: Only these tables are read (or replayed, or what is made of them rebuilt); None is all of the contract.
        window: Read this range of the cursors again; adds versions, moves no watermark.
        reconcile: Compare whole tables with raw, and read what differs: deletes, and changes that moved no cursor.
        rebuild: Read nothing; make these layers whole, curated from raw, presentation from curated. Empty: none is asked for.
        replay: Read nothing; make raw from the archived files again (of `tables`, or all), and the layers from it.
        erase: Tables whose raw rows, and the files they came from, are deleted, and which are reloaded in full.
        after_restore: The warehouse was restored to an earlier state. Number this run behind those that it lost, compare whole
            tables with the source, and make every layer and the lake whole.
        dry_run: Plan, and stop there.
        as_of: The date for which presentation is made; None is the source's current date.
        force_deletes: Publish even where suspiciously many rows are gone.
        started_by: Who (or which schedule) started the run and why, for the ledger; Step Functions does not tell.
    """

    tables: tuple[str, ...] | None = None
    window: Window | None = None
    reconcile: bool = False
    rebuild: tuple[Layer, ...] = ()
    replay: bool = False
    erase: tuple[str, ...] = ()
    after_restore: bool = False
    dry_run: bool = False
    as_of: date | None = None
    force_deletes: bool = False
    started_by: str | None = None

    @property
    def kind(self) -> str:
        """`incremental`, `window`, `reconcile`, `erase`, `replay` or `rebuild`, as plan.json names it."""
        asked = [name for name in ("rebuild", "replay", "window", "reconcile", "erase") if getattr(self, name)]
        return asked[0] if asked else "incremental"


def read_run_input(document: Any, known_tables: Iterable[str]) -> RunInput:
    """Check an execution's input against the contract's tables.

    Raises:
        FixConfiguration: a key or a table is unknown, or a value malformed; the message shows the right form.
    """
    known = list(known_tables)
    if document is None:
        document = {}
    if not isinstance(document, dict):
        raise FixConfiguration(f"the input must be an object, such as {{}} or {EXAMPLES['tables']}; found {json.dumps(document)}")
    for key in document:
        if key not in EXAMPLES:
            raise FixConfiguration(
                f"the input has an unknown key {key!r}{suggest(key, tuple(EXAMPLES))}; {{}} is an incremental run"
            )
    after_restore = _read_flag(document, "after_restore")
    if after_restore and document.keys() - {"after_restore", "force_deletes", "started_by"}:
        raise FixConfiguration("after_restore compares all tables and makes all layers whole: give it alone")
    run_input = RunInput(
        tables=_read_tables("tables", document.get("tables"), known),
        window=_read_window(document.get("window")),
        reconcile=_read_flag(document, "reconcile") or after_restore,
        rebuild=_read_layers(document.get("rebuild")),
        replay=_read_flag(document, "replay"),
        erase=_read_tables("erase", document.get("erase"), known) or (),
        after_restore=after_restore,
        dry_run=_read_flag(document, "dry_run"),
        as_of=_read_as_of(document.get("as_of")),
        force_deletes=_read_flag(document, "force_deletes"),
        started_by=_read_starter(document.get("started_by")),
    )
    if run_input.reconcile and (run_input.window or run_input.rebuild):
        raise FixConfiguration("reconcile compares whole tables: leave out window and rebuild")
    if run_input.rebuild and run_input.window:
        raise FixConfiguration("rebuild reads nothing from the source: leave out window")
    if run_input.replay and (run_input.window or run_input.reconcile or run_input.rebuild or run_input.erase):
        raise FixConfiguration("replay reads nothing from the source and rebuilds by itself: give with it tables at most")
    if run_input.erase and (run_input.tables or run_input.window or run_input.reconcile or run_input.rebuild):
        raise FixConfiguration("erase reloads its tables in full, and the others as usual: give it alone")
    return run_input


def _read_tables(key: str, value: Any, known: list[str]) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise _malformed(key, value)
    for name in value:
        if name not in known:
            raise FixConfiguration(f"the input names an unknown table {name!r}; the contract's tables are: {', '.join(known)}")
    return tuple(dict.fromkeys(value))


def _read_layers(value: Any) -> tuple[Layer, ...]:
    if value is None or value is False:
        return ()
    asked = LAYERS if value is True else [value] if isinstance(value, str) else value
    if not isinstance(asked, (list, tuple)) or not asked or any(layer not in LAYERS for layer in asked):
        raise _malformed("rebuild", value)
    return tuple(layer for layer in LAYERS if layer in asked)


def _read_window(value: Any) -> Window | None:
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != {"from", "to"}:
        raise _malformed("window", value)
    start, end = (_read_instant(value[name], value) for name in ("from", "to"))
    if start >= end:
        raise FixConfiguration(f"the input's window ends before it begins (from must be before to): {json.dumps(value)}")
    return Window(start, end)


def _read_instant(text: Any, window: Any) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise _malformed("window", window) from None
    return instant.astimezone(UTC).replace(tzinfo=None) if instant.tzinfo else instant


def _read_as_of(value: Any) -> date | None:
    if value is None:
        return None
    try:
        return datetime.strptime(value, "%Y-%m-%d").date()
    except (TypeError, ValueError):
        raise _malformed("as_of", value) from None


def _read_starter(value: Any) -> str | None:
    if value is not None and (not isinstance(value, str) or not 0 < len(value) <= STARTED_BY_LENGTH):
        raise _malformed("started_by", value)
    return value


def _read_flag(document: dict[str, Any], name: str) -> bool:
    value = document.get(name, False)
    if not isinstance(value, bool):
        raise _malformed(name, value)
    return value


def _malformed(key: str, value: Any) -> FixConfiguration:
    return FixConfiguration(f"the input's {key} is malformed: {json.dumps(value)}; the right form is {EXAMPLES[key]}")

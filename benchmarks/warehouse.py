"""What a run costs the warehouse, by what has changed: `python -m benchmarks.warehouse --help`.

Two years of a marketplace are made in the source, taken by a first load, and changed in eight ways, with a run after each.
Counted are the rows that its statements visit (benchmarks.rows_visited says how), the rows written, and what it asks of AWS.
With --before, the same is done first with another version of the pipeline, from git, on the same machine.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.machine import server_version
from benchmarks.rows_visited import BLOCK_ROWS, Block, Name, Recorder, count_visited
from benchmarks.run import count_transitions
from benchmarks.warehouse_cost import WarehouseTime, model_time
from benchmarks.warehouse_report import draw_picture, write_table
from benchmarks.warehouse_source import (
    Sizes,
    add_bookings,
    change_random,
    change_recent,
    edit_listing,
    fill_history,
    list_missing_listing,
)
from benchmarks.warehouse_storage import Storage
from local.marketplace.schema import create_sample_schema
from local.stack import ROOT, Stack
from local.standins.eventbridge.status_events import ENDED
from local.started_execution import StartedExecution

RESULTS = Path(__file__).parent / "results"
MARKETPLACE = "apartments"
SCHEMAS = tuple(f"{MARKETPLACE}_{layer}" for layer in ("raw", "curated", "presentation", "control", "staging"))
RUN_SECONDS = 4 * 3600
FIRST, RECENT = "first load", "0.1 % recent"
OLDER = 4  # times the history, with --older
_TOLD_SECONDS = 2.0
_SHARE = 0.001
_LEAST_BLOCK_ROWS = 100


@dataclass(frozen=True)
class Change:
    """What happens before a measured run.

    Attributes:
        title: Of it.
        make: Changes the source, by the sizes of which a change is a share, and says what it did; with it the rows that refer to
            what it changed, where that is of interest.
        edit: Changes the pipeline's files; it is deployed again then.
        asks: The run's input.
    """

    title: str
    make: Callable[[Any, Sizes], tuple[str, int]] | None = None
    edit: Callable[[Path], str] | None = None
    asks: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Figures:
    """What one run did.

    Attributes:
        title: FIRST, or of the change before it.
        change: What had been done, in words.
        children: Rows that refer to what was changed; 0 where nobody asks.
        seconds: From its start to its end, on this machine.
        stored: Rows of all tables after it.
        visited: Rows visited, by step and table.
        written, deleted: Rows by table.
        submissions, statements: To the Data API, and the SQL in them.
        writes: Submissions that changed something lasting.
        transitions: Of Step Functions, as billed.
        warehouse: By the model.
        not_understood: Statements whose rows are missing above.
    """

    title: str
    change: str
    children: int
    seconds: float
    stored: int
    visited: dict[str, dict[str, int]]
    written: dict[str, int]
    deleted: dict[str, int]
    submissions: int
    statements: int
    writes: int
    transitions: int
    warehouse: WarehouseTime
    not_understood: list[str]

    @property
    def rows_visited(self) -> int:
        """Over all steps and tables."""
        return sum(sum(tables.values()) for tables in self.visited.values())

    @property
    def rows_written(self) -> int:
        """To the layers: what the pipeline notes about its runs in the control schema is left out."""
        return sum(rows for table, rows in self.written.items() if not table.startswith(("control.", "staging.")))

    @property
    def rows_curated(self) -> int:
        """Of those, written to curated tables."""
        return sum(rows for table, rows in self.written.items() if table.startswith("curated."))


def list_changes() -> list[Change]:
    """Return what is measured, in order: first what the source's changes cost, then those of the pipeline's files."""
    return [
        Change("nothing changed"),
        Change("one new booking", lambda source, sizes: (f"{add_bookings(source, 1)} booking", 0)),
        Change("one listing edited", lambda source, sizes: (f"{edit_listing(source)} listing", 0)),
        Change(RECENT, lambda source, sizes: (f"{change_recent(source, sizes, _SHARE):,} rows", 0)),
        Change("0.1 % at random keys", lambda source, sizes: (f"{change_random(source, sizes, _SHARE):,} rows", 0)),
        Change("a verdict flipped", _flip_verdict),
        Change("a new day", asks={"as_of": (datetime.now().astimezone().date() + timedelta(days=1)).isoformat()}),
        Change("a comment edited", edit=_edit_comment),
        Change("a rate added", edit=_add_rate),
    ]


def main(words: Sequence[str] | None = None) -> int:
    """Run what the command line asks for."""
    arguments = _build_parser().parse_args(words)
    folder = ROOT / ".local" / "benchmark" / "warehouse"
    shutil.rmtree(folder, ignore_errors=True)
    sizes = Sizes.scaled(arguments.rows)
    # Of a smaller history as many blocks, or each table would be one, and no literal exclude anything.
    block_rows = max(_LEAST_BLOCK_ROWS, round(BLOCK_ROWS * min(1.0, arguments.rows)))
    load_before = os.getloadavg()[0]
    trees = {f"before ({arguments.before})": arguments.before} if arguments.before else {}
    trees["now"] = ""
    measured: dict[str, list[Figures]] = {}
    older: list[Figures] = []
    version = ""
    begun = time.monotonic()
    try:
        for label, reference in trees.items():
            print(f"{label}: {sizes.describe()}; blocks of {block_rows:,} rows", flush=True)
            place = folder / label.split()[0]
            _export_tree(place / "tree", reference)
            measured[label], version = _measure_tree(place, sizes, sizes, block_rows, arguments.only, arguments.statements)
            shutil.rmtree(place)
        if arguments.older:
            print(f"{OLDER} times the history: {sizes.older(OLDER).describe()}", flush=True)
            place = folder / "older"
            _export_tree(place / "tree", "")
            older, _ = _measure_tree(place, sizes.older(OLDER), sizes, block_rows, [RECENT], arguments.statements)
    finally:
        shutil.rmtree(folder, ignore_errors=True)

    arguments.results.mkdir(parents=True, exist_ok=True)
    file = arguments.results / arguments.name
    seconds = time.monotonic() - begun
    table = file.with_suffix(".md")
    write_table(table, measured, older, sizes.describe(), block_rows, version, load_before, seconds)
    draw_picture(file.with_suffix(".svg"), measured)
    every = {**measured, f"{OLDER} times the history": older}
    facts = {label: [asdict(run) for run in runs] for label, runs in every.items()}
    file.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    print(f"\n{table.read_text(encoding='utf-8')}\nwritten to {arguments.results}")
    return 0


def _export_tree(folder: Path, reference: str) -> None:
    """Copy the checkout as it stands, or as it was at a reference, into a folder, in which it can be changed."""
    folder.mkdir(parents=True)
    if reference:
        packed = subprocess.run(["git", "archive", reference], cwd=ROOT, check=True, capture_output=True).stdout
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(folder, filter="data")
        return
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def _measure_tree(
    place: Path, sizes: Sizes, changed: Sizes, block_rows: int, only: Sequence[str], told_visits: int
) -> tuple[list[Figures], str]:
    """Measure one version of the pipeline from an empty warehouse on; return the figures and the source's version.

    Args:
        sizes: Of the source.
        changed: The sizes of which changes are shares.
    """
    tree, state = place / "tree", place / "state"
    bench = _Bench(tree, state, changed, block_rows, told_visits)
    with bench.started():
        with closing(bench.stack.source.connect()) as source:
            version = server_version(source)
            create_sample_schema(source, MARKETPLACE)
            fill_history(source, sizes, lambda text: print(text, flush=True))
        changes = [change for change in list_changes() if not only or change.title in only]
        figures = [bench.measure(change) for change in (Change(FIRST), *(each for each in changes if not each.edit))]
    for change in changes:
        if change.edit:
            said = change.edit(tree)
            with bench.started():
                figures.append(bench.measure(change, said))
    return figures, version


class _Bench:
    """A stack that is deployed again when its files change, and the measure, which lives on meanwhile."""

    def __init__(self, tree: Path, state: Path, changed: Sizes, block_rows: int, told_visits: int) -> None:
        self._tree, self._state, self._changed, self._block_rows = tree, state, changed, block_rows
        self.recorder = Recorder(f"{MARKETPLACE}_control")
        self.stack: Stack
        self.storage: Storage
        self._storage: Storage | None = None
        self._told_visits = told_visits
        self._visits: list[tuple[int, str, str, str]] = []

    @contextmanager
    def started(self) -> Iterator[None]:
        with Stack(self._state, MARKETPLACE, root=self._tree) as self.stack, self.stack.warehouse.connect() as connection:
            connection.execute("set work_mem = '256MB'")
            if self._storage is None:
                self._storage = Storage(connection, SCHEMAS, self._block_rows)
            self._storage.connection = connection
            self.storage = self._storage
            yield

    def measure(self, change: Change, said: str = "") -> Figures:
        """Make a change in the source and run the state machine once.

        Raises:
            SystemExit: the run did not succeed; the text says why.
        """
        print(f"{change.title} …", flush=True)
        stack, children = self.stack, 0
        if change.make:
            with closing(stack.source.connect()) as source:
                said, children = change.make(source, self._changed)
        rows_before, mark = self.storage.count_rows(), self.storage.mark()
        known = {each["Id"] for each in self._list_statements()}
        execution = stack.start_execution(dict(change.asks))
        _wait(execution)
        if execution.status != "SUCCEEDED":
            raise SystemExit(
                f"{change.title}: {execution.status}: {execution.error}: {execution.cause}\nlogs: {stack.folder / 'logs'}"
            )
        requests = [each for each in self._list_statements() if each["Id"] not in known]
        differences = self.storage.compare(rows_before, mark)
        visited, writes, not_understood = self._visit(requests, self.storage.read_blocks())
        rows_visited = sum(sum(tables.values()) for tables in visited.values())
        history = execution.history()
        times = [each["CreatedAt"] for each in requests]
        readings = [event["timestamp"] for event in history if event["type"] == "MapRunStarted"]
        pauses = sum(bool(times) and min(times) < moment < max(times) for moment in readings)
        nested = sum(event["type"] == "TaskSubmitted" for event in history)
        figures = Figures(
            title=change.title,
            change=said,
            children=children,
            seconds=execution.seconds,
            stored=sum(self.storage.count_rows().values()),
            visited=visited,
            written={_shorten(name): each.written for name, each in differences.items() if each.written},
            deleted={_shorten(name): each.deleted for name, each in differences.items() if each.deleted},
            submissions=len(requests),
            statements=sum(len(each.get("QueryStrings", [""])) for each in requests),
            writes=writes,
            transitions=sum(count_transitions(stack.aws.client("stepfunctions"), execution.arn).values()),
            warehouse=model_time(len(requests), writes, nested, pauses, rows_visited),
            not_understood=not_understood,
        )
        print(
            f"  {figures.seconds:.1f} s; {rows_visited:,} rows visited, {rows_visited / max(1, figures.stored):.2f} times"
            f" the rows stored; {figures.rows_written:,} written; {figures.submissions} submissions",
            flush=True,
        )
        asked = Counter(name_step(each.get("StatementName") or "") for each in requests)
        print(f"  submissions: {', '.join(f'{step} {number}' for step, number in reversed(asked.items()))}", flush=True)
        for rows, step, table, sql in sorted(self._visits, key=lambda visit: -visit[0])[: self._told_visits]:
            print(f"  {rows:>12,} {step} {table}: {' '.join(sql.split())}", flush=True)
        self._visits.clear()
        for name in self.storage.sort(self.recorder.sort_keys):
            if figures.written.get(_shorten(name), 0) > 1_000_000:
                print(f"  sorted {_shorten(name)}", flush=True)
        return figures

    def _visit(
        self, requests: list[dict[str, Any]], blocks: Mapping[Name, list[Block]]
    ) -> tuple[dict[str, dict[str, int]], int, list[str]]:
        visited: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        writes, told = 0, len(self.recorder.not_understood)
        for request in reversed(requests):  # which the API lists newest first
            parameters = {each["name"]: each["value"] for each in request.get("QueryParameters") or []}
            sqls = request.get("QueryStrings") or [request["QueryString"]]
            uses = self.recorder.read_request(sqls, parameters)
            writes += any(use.is_write for use in uses)
            for sql, use in zip(sqls, uses, strict=True):
                for read in use.reads:
                    rows = count_visited(read.predicate, blocks.get(read.table, []))
                    if rows:
                        visited[name_step(request.get("StatementName") or "")][_shorten(read.table)] += rows
                        self._visits.append((rows, request.get("StatementName") or "", _shorten(read.table), sql))
        return {step: dict(tables) for step, tables in visited.items()}, writes, self.recorder.not_understood[told:]

    def _list_statements(self) -> list[dict[str, Any]]:
        pages = self.stack.warehouse.client().get_paginator("list_statements").paginate(Status="ALL")
        return [statement for page in pages for statement in page["Statements"]]


def name_step(statement_name: str) -> str:
    """Return the step that a statement's name says: `apartments/000002/load/bookings/write/` is of `load`."""
    parts = [part for part in statement_name.split("/") if part and not part.isdigit()]
    return parts[1] if len(parts) > 1 else statement_name or "unnamed"


def _shorten(name: Name) -> str:
    return f"{name[0].removeprefix(f'{MARKETPLACE}_')}.{name[1]}"


def _wait(execution: StartedExecution) -> None:
    """Wait for an execution, and tell each state that took a while."""
    told, deadline = 0, time.monotonic() + RUN_SECONDS
    while True:
        has_ended = execution.status in ENDED
        left = [state for state in execution.visited_states() if state.seconds is not None]
        for state in left[told:]:
            if (state.seconds or 0) >= _TOLD_SECONDS:
                print(f"  {state.seconds:6.1f} s  {state.name}{f': {state.subject}' if state.subject else ''}", flush=True)
        told = len(left)
        if has_ended:
            break
        if time.monotonic() > deadline:
            raise SystemExit(f"{execution.arn} still runs after {RUN_SECONDS} s")
        time.sleep(1)
    execution.wait()


def _flip_verdict(source: Any, sizes: Sizes) -> tuple[str, int]:
    added, children = list_missing_listing(source, sizes)
    return f"{added} listing, with {children} bookings and viewings from before", children


def _edit_comment(tree: Path) -> str:
    files = [
        tree / "sql" / MARKETPLACE / "curated" / "bookings.sql",
        tree / "sql" / MARKETPLACE / "presentation" / "top_listings_weekly.sql",
    ]
    for file in files:
        file.write_text(f"{file.read_text(encoding='utf-8').rstrip()}\n-- (a remark)\n", encoding="utf-8")
    return " and ".join(file.name for file in files)


def _add_rate(tree: Path) -> str:
    """Add a rate of the euro for ten days ago."""
    file = tree / "sql" / "control" / "exchange_rates.csv"
    day = (date.today() - timedelta(days=10)).isoformat()
    file.write_text(f"{file.read_text(encoding='utf-8').rstrip()}\n{day},EUR,1.23450000\n", encoding="utf-8")
    return f"of the euro, from {day} on"


def _read_scale(text: str) -> float:
    try:
        scale = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        scale = 0
    if not 0 < scale <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no factor above 0 and up to 100, nor a percentage: 0.02, 2%, 4")
    return scale


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.warehouse", description=__doc__.split("\n\n")[1])
    parser.add_argument(
        "--rows",
        type=_read_scale,
        default=1.0,
        help="factor on 200,000 listings, 2,000,000 bookings, 5,000,000 viewings: 0.02, 2%%, 4",
    )
    parser.add_argument("--before", default="", metavar="REF", help="measure this version first, too: a branch, tag or commit")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        choices=[change.title for change in list_changes()],
        help="measure this change alone, after the first load (may be given several times)",
    )
    parser.add_argument(
        "--statements", type=int, default=0, metavar="N", help="print so many statements of each run, those that visit most first"
    )
    parser.add_argument(
        "--older",
        action="store_true",
        help=f"measure the same recent change in {OLDER} times the history, too: as many bookings and viewings a day, more years",
    )
    parser.add_argument("--name", default="warehouse", help="of the results' files (default warehouse)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the table, the picture and the JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""What a run of the whole pipeline takes on this machine: `python -m benchmarks.run --help`.

Four executions of the state machine, one after the other, on a source of the original sizes: the first load; a run that finds
nothing changed; an increment after one row in a hundred changed; and one right after it, which finds nothing new but reads again
what lies within the contract's overlap.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.changes import change_one_percent
from benchmarks.machine import server_version
from benchmarks.run_report import draw_picture, write_table
from local.commands.report import Hops, read_hops
from local.marketplace.generator import fill
from local.marketplace.schema import create_sample_schema
from local.stack import ROOT, Stack
from local.standins.aws_lambda.service import Invocation, LambdaService
from local.started_execution import StartedExecution

RESULTS = Path(__file__).parent / "results"
MARKETPLACE = "apartments"
RUN_SECONDS = 7200
FIRST, UNCHANGED, INCREMENT, AGAIN = "first load", "nothing changed", "1 % changed", "once more at once"
_SOURCE_COUNTERS = {"Rows_read": "rows_examined", "Bytes_sent": "bytes_sent"}


@dataclass(frozen=True)
class Hop:
    """What went into one layer in a run; bytes are those of the source's answers, of the files, or of the stand-in's rows."""

    rows: int
    bytes: int


@dataclass(frozen=True)
class State:
    """A state of the run's machine that was visited; `subject` is the table or metric it worked on."""

    name: str
    subject: str | None
    seconds: float


@dataclass(frozen=True)
class FunctionUse:
    """A function's invocations in a run, `billed_ms` together; GB-seconds by the template's memory."""

    invocations: int
    billed_ms: int
    gb_seconds: float


@dataclass(frozen=True)
class Figures:
    """What one execution did and took.

    Attributes:
        title: One of FIRST, UNCHANGED, INCREMENT, AGAIN.
        seconds: From its start to its end.
        states: In the order in which they were left.
        transitions: Of the run itself, of its nested SQL steps, and of the children of its map, as Step Functions bills them.
        submissions: Calls of ExecuteStatement and BatchExecuteStatement.
        statements: The SQL statements in them.
        source_rows_examined: Rows that the source's server looked at, to plan and to answer.
        hops: By name, in order.
        tables: Rows per hop, table by table, from the ledger.
        written: Rows written to each curated table and metric.
        functions: By name.
    """

    title: str
    seconds: float
    states: list[State]
    transitions: dict[str, int]
    submissions: int
    statements: int
    source_rows_examined: int
    hops: dict[str, Hop]
    tables: list[Hops]
    written: dict[str, int]
    functions: dict[str, FunctionUse]


def main(words: Sequence[str] | None = None) -> int:
    """Run what the command line asks for."""
    arguments = _build_parser().parse_args(words)
    folder = ROOT / ".local" / "benchmark" / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    load_before = os.getloadavg()[0]
    with Stack(folder, MARKETPLACE) as stack:
        with closing(stack.source.connect()) as connection:
            version = server_version(connection)
            create_sample_schema(connection, MARKETPLACE)
            sizes = fill(connection, arguments.scale, arguments.seed, progress=print)
        print(", ".join(f"{rows:,} {table}" for table, rows in sizes.items()), flush=True)
        runs = [_measure(stack, FIRST), _measure(stack, UNCHANGED)]
        with closing(stack.source.connect()) as connection:
            changes = change_one_percent(connection)
        print(", ".join(f"{rows:,} {what}" for what, rows in changes.items()), flush=True)
        runs += [_measure(stack, INCREMENT), _measure(stack, AGAIN)]
    shutil.rmtree(folder)

    arguments.results.mkdir(parents=True, exist_ok=True)
    file = arguments.results / arguments.name
    write_table(file.with_suffix(".md"), runs, sizes, changes, version, load_before)
    draw_picture(file.with_suffix(".svg"), runs)
    facts = {"sizes": sizes, "changes": changes, "runs": [asdict(run) for run in runs]}
    file.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    print(f"\n{file.with_suffix('.md').read_text(encoding='utf-8')}\nwritten to {arguments.results}")
    return 0


def _measure(stack: Stack, title: str) -> Figures:
    """Execute the state machine once.

    Raises:
        SystemExit: it did not succeed; the text says why.
    """
    print(f"{title} …", flush=True)
    source_before = _read_source_counters(stack)
    submitted_before = {each["Id"] for each in _list_statements(stack)}
    invoked_before = len(_invocations(stack))
    execution = stack.start_execution({}).wait(seconds=RUN_SECONDS)
    if execution.status != "SUCCEEDED":
        raise SystemExit(f"{title}: {execution.status}: {execution.error}: {execution.cause}\nlogs: {stack.folder / 'logs'}")
    source_after = _read_source_counters(stack)
    submitted = [each for each in _list_statements(stack) if each["Id"] not in submitted_before]
    hops, tables, written = _read_layers(stack, execution, source_after["bytes_sent"] - source_before["bytes_sent"])
    print(f"  {execution.seconds:.1f} s", flush=True)
    return Figures(
        title=title,
        seconds=execution.seconds,
        states=[State(state.name, state.subject, state.seconds or 0.0) for state in execution.visited_states()],
        transitions=count_transitions(stack.aws.client("stepfunctions"), execution.arn),
        submissions=len(submitted),
        statements=sum(len(each.get("QueryStrings", [""])) for each in submitted),
        source_rows_examined=source_after["rows_examined"] - source_before["rows_examined"],
        hops=hops,
        tables=tables,
        written=written,
        functions=_sum_invocations(stack, invoked_before),
    )


def count_transitions(states: Any, execution_arn: str) -> dict[str, int]:
    """Count what Step Functions bills: each state entered, each retry of one, and each child that a Distributed Map starts.

    AWS Step Functions Developer Guide, "Transitions in state machines", and its pricing page ("including retries"). Iterations
    of an inline map are not billed by themselves; of a nested execution, its own states are.
    """
    history = _read_history(states, execution_arn)
    nested = [
        json.loads(event["taskSubmittedEventDetails"]["output"])["ExecutionArn"]
        for event in history
        if event["type"] == "TaskSubmitted"
    ]
    map_runs = [event["mapRunStartedEventDetails"]["mapRunArn"] for event in history if event["type"] == "MapRunStarted"]
    children = [
        child["executionArn"]
        for map_run in map_runs
        for page in states.get_paginator("list_executions").paginate(mapRunArn=map_run)
        for child in page["executions"]
    ]
    return {
        "run": _count_steps(history),
        "SQL steps": sum(_count_steps(_read_history(states, arn)) for arn in nested),
        "slices": len(children) + sum(_count_steps(_read_history(states, arn)) for arn in children),
    }


def _count_steps(history: list[dict[str, Any]]) -> int:
    entered: int = sum(str(event["type"]).endswith("StateEntered") for event in history)
    # A task is scheduled once for each try.
    tries = sum(event["type"] in ("TaskScheduled", "LambdaFunctionScheduled") for event in history)
    tasks = sum(event["type"] == "TaskStateEntered" for event in history)
    return entered + max(0, int(tries) - int(tasks))


def _read_history(states: Any, execution_arn: str) -> list[dict[str, Any]]:
    pages = states.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
    return [event for page in pages for event in page["events"]]


def _list_statements(stack: Stack) -> list[dict[str, Any]]:
    pages = stack.warehouse.client().get_paginator("list_statements").paginate(Status="ALL")
    return [statement for page in pages for statement in page["Statements"]]


def _invocations(stack: Stack) -> list[Invocation]:
    assert isinstance(stack.functions, LambdaService)  # which Stack takes by itself
    return stack.functions.invocations


def _sum_invocations(stack: Stack, since: int) -> dict[str, FunctionUse]:
    sums: dict[str, FunctionUse] = {}
    for each in _invocations(stack)[since:]:
        name = each.function.removeprefix("rental-pipeline-").removesuffix("Function")
        billed = math.ceil(each.milliseconds)
        before = sums.get(name, FunctionUse(0, 0, 0.0))
        gb_seconds = before.gb_seconds + billed / 1000 * each.memory_megabytes / 1024
        sums[name] = FunctionUse(before.invocations + 1, before.billed_ms + billed, gb_seconds)
    return dict(sorted(sums.items()))


def _read_source_counters(stack: Stack) -> dict[str, int]:
    with closing(stack.source.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("show global status where variable_name in %s", [tuple(_SOURCE_COUNTERS)])
        return {_SOURCE_COUNTERS[name]: int(value) for name, value in cursor.fetchall()}


def _read_layers(stack: Stack, execution: StartedExecution, bytes_sent: int) -> tuple[dict[str, Hop], list[Hops], dict[str, int]]:
    """Return rows and bytes that went into each layer, the ledger's rows per table, and those of each table that was built."""
    control = f"{MARKETPLACE}_control"
    with stack.warehouse.connect() as warehouse:

        def ask(sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
            return warehouse.execute(sql, arguments).fetchall()

        opened = ask(f"select run_sequence from {control}.run where execution_id = %s", execution.arn)
        run = opened[0][0] if opened else 0  # an unchanged source opens no run, and there is none of this number
        tables = read_hops(warehouse, MARKETPLACE, run)
        ((parquet_bytes,),) = ask(f"select coalesce(sum(bytes), 0) from {control}.table_load where run_sequence = %s", run)
        raw = [
            ask(f"select count(*), coalesce(sum(pg_column_size(t)), 0) from {schema}.{table} as t where _run_sequence = %s", run)[
                0
            ]
            for schema, table in ask(
                "select table_schema, table_name from information_schema.columns"
                " where table_schema = %s and column_name = '_run_sequence'",
                f"{MARKETPLACE}_raw",
            )
        ]
        curated = ask(f"select table_name, rows_accepted from {control}.curated_build where run_sequence = %s", run)
        metrics = ask(f"select metric, metric_rows from {control}.metric_build where run_sequence = %s", run)

        def size(layer: str, written: list[tuple[str, int]]) -> Hop:
            """Take a row to be as wide as the table's rows are on average."""
            width = "select coalesce(avg(pg_column_size(t)), 0) from (select * from {}.{} limit 10000) as t"
            widths = [ask(width.format(f"{MARKETPLACE}_{layer}", name))[0][0] for name, _ in written]
            rows = [count for _, count in written]
            return Hop(sum(rows), round(sum(count * float(each) for count, each in zip(rows, widths, strict=True))))

        hops = {
            "read from the source": Hop(sum(table.read for table in tables), bytes_sent),
            "Parquet on S3": Hop(sum(table.in_parquet for table in tables), int(parquet_bytes)),
            "added to raw": Hop(sum(rows for rows, _ in raw), int(sum(size for _, size in raw))),
            "written to curated": size("curated", curated),
            "written to presentation": size("presentation", metrics),
        }
    return hops, tables, dict(curated + metrics)


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__.split("\n\n")[0])
    parser.add_argument("--scale", type=float, default=1.0, help="of the source; 1.0 is the original sizes (default)")
    parser.add_argument("--seed", type=int, default=1, help="of the generated source (default 1)")
    parser.add_argument("--name", default="run", help="of the results' files (default run)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the table, the picture and the JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""`make run`: the whole path on this machine, from a source database to metrics, with progress and a report at the end."""

from __future__ import annotations

import json
import re
import sys
import textwrap
import time
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from local.commands.execution_stages import ExecutionStages, name_stage
from local.commands.progress import Progress
from local.commands.report import (
    ROWS_PER_METRIC,
    Headline,
    Standing,
    lay_out,
    make_headlines,
    read_currency,
    read_hops,
    read_metrics,
    read_standing,
    write_hops,
    write_metric,
)
from local.commands.samples import (
    LAB,
    MARKET,
    Journal,
    RunFailed,
    Sample,
    find_next_day,
    make_source,
    play,
    play_next_day,
    refuse_another_source,
)
from local.marketplace.csv_folder import load_folder
from local.marketplace.csv_format import check_encoding, parse_delimiter
from local.stack import ROOT, Stack
from local.standins.athena.lake import Lake, answer_questions
from local.started_execution import StartedExecution
from rental_pipeline.base.object_store import FIGURES
from rental_pipeline.definitions.read_marketplace import read_marketplace
from rental_pipeline.model.document import parse_document
from rental_pipeline.model.figures_document import Figures
from rental_pipeline.source.connection import SourceAddress

FROM_CSV, FROM_SOURCE = "csv", "source"
_NEXT = {
    FROM_SOURCE: "the next increment",
    MARKET: "the next day; DAYS=7 the next seven",
    LAB: "another day and increment",
    FROM_CSV: "generated data; CSV=folder again for the files",
}
_SHOWN_WIDTH = 18  # characters of a headline's value
_SCREEN_WIDTH = 100  # of the last screen, in characters


@dataclass(frozen=True)
class CsvFormat:
    """How a user says that CSV files are written; None: it is found for each file."""

    delimiter: str | None = None
    encoding: str | None = None


FOUND = CsvFormat()


def run_pipeline(
    state: Path,
    marketplace: str,
    sample: Sample,
    csv_folder: Path | None,
    json_path: Path | None,
    currency: str | None = None,
    csv_format: CsvFormat = FOUND,
    is_verbose: bool = False,
    source: SourceAddress | None = None,
) -> None:
    """Run what `make run` promises.

    Args:
        state: Folder of all state; each kind of generated data and CSV files have a source of their own in it.
        marketplace: A folder of sql/.
        sample: The generated source that is wanted, where it is neither of CSV files nor a database that exists.
        csv_folder: Load these CSV files instead of generated data.
        json_path: Write the report there as JSON, too.
        csv_format: How the CSV files are written.
        currency: In which the figures are (the template's ReportingCurrency); None keeps that of the folder's last run.
        is_verbose: Whether each state, each hop of the rows and the newest values of every metric are told as well.
        source: A database that exists, which is only read, instead of one of this machine.

    Raises:
        RunFailed: with the reason and the way out.
        InputRefused: a delimiter or an encoding is none, or the CSV files are not what they have to be.
    """
    started = time.monotonic()
    if csv_folder and not csv_folder.is_dir():
        raise RunFailed(f"there is no folder {csv_folder}")
    if csv_format != FOUND and not csv_folder:
        raise RunFailed("CSV_DELIMITER and CSV_ENCODING say how CSV files are written: name their folder, too, as CSV=folder")
    if csv_format.delimiter:
        parse_delimiter(csv_format.delimiter)
    if csv_format.encoding:
        check_encoding(csv_format.encoding)
    if currency and not re.fullmatch("[A-Z]{3}", currency):
        raise RunFailed(f"{currency!r} is no currency: give its ISO 4217 code, as CURRENCY=EUR")
    if source and (csv_folder or sample != Sample()):
        raise RunFailed("SOURCE is a database that exists: leave out CSV, DATA, SCALE, SEED and DAYS")
    if csv_folder and sample != Sample():
        raise RunFailed("CSV brings the data: leave out DATA, SCALE, SEED and DAYS")
    if json_path and not json_path.parent.is_dir():
        raise RunFailed(f"JSON={json_path}: there is no folder {json_path.parent}")
    if not source and not list((ROOT / "sql" / marketplace / "source").glob("*.sql")):
        raise RunFailed(
            f"nothing here makes data up for the marketplace {marketplace!r}: name the database that has it, as"
            f" make run SOURCE=mysql://user@host/database MARKETPLACE={marketplace} (docs/how-to/adopt.md)"
        )
    folder = state / marketplace / (FROM_SOURCE if source else FROM_CSV if csv_folder else sample.data)
    folder.mkdir(parents=True, exist_ok=True)
    (state / "last").write_text(str(folder.relative_to(state)))
    journal = Journal(folder)
    refuse_another_source(journal, sample)
    if source:
        refuse_another_database(journal, str(source))
    if currency:
        journal.note(currency=currency)
    with Progress(is_verbose) as progress, ExitStack() as until_told:
        with progress.stage("Start the services"):
            parameters = read_parameters(folder)
            stack = until_told.enter_context(Stack(folder, marketplace, parameters=parameters, existing=source, initialize=True))
        reports = []
        if source:
            reports.append(execute(stack, "Increment" if journal.facts.get("is_loaded") else "First load", progress))
            journal.note(is_loaded=True)
        elif csv_folder:
            load_csv_files(stack, csv_folder, csv_format, progress)
            reports.append(execute(stack, "Load of the CSV files", progress))
        else:
            if make_source(stack, journal, sample, progress):
                reports.append(execute(stack, "First load", progress))
                journal.note(is_loaded=True)
            if sample.days == 1:
                play_next_day(stack, journal, sample.data, progress)
                reports.append(execute(stack, "Increment", progress))
            else:
                reports += play_days(stack, journal, sample, progress)
        stack.save_objects()
        report = {"executions": reports, **describe_warehouse(stack), "answers": ask_lake(stack)}
        standing = [Standing(**table) for table in report["standing"]]
        report["headlines"] = [asdict(headline) for headline in read_headlines(stack, standing)]
        page = copy_page(stack, state / "report")
        note = stack.functions.memory_note
    report |= {"seconds": round(time.monotonic() - started, 1), "state_folder": str(folder), "page": page and str(page)}
    if is_verbose:
        tell_details(report)
    tell(report, folder, note)
    if json_path:
        json_path.write_text(json.dumps(report, default=str, indent=2) + "\n")
        print(f"The same as JSON: {json_path}")


def play_days(stack: Stack, journal: Journal, sample: Sample, progress: Progress) -> list[dict[str, Any]]:
    """Play days one after another, each with a run, and tell a line of each; return what the runs did.

    Raises:
        RunFailed: a run did not succeed; the days before it are loaded.
    """
    progress.say(f"\n{sample.days} days, a run after each")
    reports = []
    for _ in range(sample.days):
        day = find_next_day(journal, sample.data)
        with progress.stage(day.title) as told:
            changes = play(stack, journal, sample.data, day)
            execution = stack.start_execution({})
            execution.wait(lambda states: progress.show(name_stage(states)))
            report = describe_execution(stack, f"Increment of {day.title}", execution)
            added, aside = (sum(hop[name] or 0 for hop in report["hops"]) for name in ("added", "rejected"))
            told.append(f"{changes:,} changes, {added:,} rows new or changed, {aside:,} set aside")
        reports.append(report)
    return reports


def read_parameters(folder: Path) -> dict[str, str]:
    """Return the template's parameters that earlier runs of a state folder were given."""
    currency = Journal(folder).facts.get("currency")
    return {"ReportingCurrency": currency} if currency else {}


def refuse_another_database(journal: Journal, address: str) -> None:
    """Refuse another database than the one that the state folder was loaded from: its rows would look deleted.

    Raises:
        RunFailed: naming both.
    """
    known = journal.facts.get("database", address)
    if known != address:
        raise RunFailed(f"the warehouse here was loaded from {known}, not from {address}: `make clean` first")
    journal.note(database=address)


def load_csv_files(stack: Stack, csv_folder: Path, csv_format: CsvFormat, progress: Progress) -> None:
    """Load the user's files into the source.

    Raises:
        RunFailed: a file could not be loaded; figures without it would be wrong.
        InputRefused: the folder or a header is wrong; nothing was loaded.
    """
    progress.say(f"\nLoad the CSV files of {csv_folder}")
    refused = stack.folder / "refused"
    with closing(stack.source.connect()) as connection:
        loaded = load_folder(
            connection,
            csv_folder,
            stack.marketplace,
            refused_folder=refused,
            progress=progress.say,
            encoding=csv_format.encoding,
            delimiter=csv_format.delimiter,
        )
    if loaded.failed:
        reasons = "\n".join(loaded.failed.values())
        raise RunFailed(f"the pipeline did not run, since not every file could be loaded:\n{reasons}")
    if loaded.refused:
        progress.say(f"  {loaded.refused:,} rows were refused: {_shorten(refused)}")


def execute(stack: Stack, title: str, progress: Progress) -> dict[str, Any]:
    """Execute the state machine once, with a line for each stage; return what it did.

    Raises:
        RunFailed: it did not succeed.
    """
    progress.say(f"\n{title}")
    execution = stack.start_execution({})
    stages = ExecutionStages(progress, stack, execution)
    execution.wait(stages.follow)
    report = describe_execution(stack, title, execution)
    stages.end(execution.visited_states())
    if report["status"] != "succeeded":
        progress.say(f"  {report['status']}")
    return report


def describe_execution(stack: Stack, title: str, execution: StartedExecution) -> dict[str, Any]:
    """Return what an execution that has ended did.

    Raises:
        RunFailed: it did not succeed; the message is the one its subscribers get.
    """
    if execution.status != "SUCCEEDED":
        raise RunFailed(explain(stack, execution))
    output = execution.output
    with stack.warehouse.connect() as warehouse:
        opened = warehouse.execute(
            f"select run_sequence from {stack.marketplace}_control.run where execution_id = %s", [execution.arn]
        ).fetchall()
        # Where the source is as the last run left it, none is opened, and no row moves.
        hops = [each for (run,) in opened for each in read_hops(warehouse, stack.marketplace, run)]
    return {
        "title": title,
        "run_sequence": output["run_sequence"],
        "status": output["status"],
        "message": output["message"],
        "seconds": execution.seconds,
        "states": [
            {"state": state.name, "subject": state.subject, "seconds": state.seconds} for state in execution.visited_states()
        ],
        "hops": [asdict(row) for row in hops],
        "table": write_hops(hops),
    }


def explain(stack: Stack, execution: StartedExecution) -> str:
    """Say why an execution failed, in the words its subscribers get."""
    messages = [message["Message"] for message in stack.messages() if execution.arn in message["Message"]]
    told = "\n".join(messages) or f"{execution.status}: {execution.error}: {execution.cause}"
    return f"{told}\n\nLogs of every part: {stack.folder / 'logs'}"


def describe_warehouse(stack: Stack) -> dict[str, Any]:
    """Return where the tables stand and the newest values of the metrics."""
    with stack.warehouse.connect() as warehouse:
        # A raw table may have no curated one, or several.
        curated = read_marketplace(ROOT / "sql", stack.marketplace).curated
        standing = read_standing(warehouse, stack.marketplace, sorted(table.name for table in curated if not table.is_derived))
        metrics = read_metrics(warehouse, stack.marketplace, ROOT / "sql")
        currency = read_currency(warehouse, stack.marketplace)
    return {
        "currency": currency,
        "standing": [asdict(row) for row in standing],
        "metrics": [asdict(metric) for metric in metrics],
        "metric_tables": [write_metric(metric) for metric in metrics],
    }


def ask_lake(stack: Stack) -> list[dict[str, Any]]:
    """Return the answers to the marketplace's questions, from the Parquet files that the catalogue lists, as they were saved."""
    (found,) = stack.deployment.template.resources("AWS::Glue::Database").values()
    database = found["DatabaseInput"]["Name"]
    lake = Lake(stack.aws.client("glue"), stack.s3, database, stack.objects_folder)
    return [asdict(answer) for answer in answer_questions(lake, ROOT / "sql" / stack.marketplace / "lake")]


def copy_page(stack: Stack, folder: Path) -> Path | None:
    """Copy the page that the newest run with news has written out of the bucket; None where none has yet."""
    pages = stack.s3.get_paginator("list_objects_v2").paginate(Bucket=stack.bucket, Prefix=f"{stack.marketplace}/reports/")
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    if not keys:
        return None
    folder.mkdir(exist_ok=True)
    path = folder / f"{stack.marketplace}.html"
    stack.s3.download_file(stack.bucket, max(keys), str(path))
    return path


def read_headlines(stack: Stack, standing: list[Standing]) -> list[Headline]:
    """Return the figures that the newest report leads with; none where no run has written one."""
    pages = stack.s3.get_paginator("list_objects_v2").paginate(Bucket=stack.bucket, Prefix=f"{stack.marketplace}/runs/")
    keys = [item["Key"] for page in pages for item in page.get("Contents", []) if item["Key"].endswith(f"/{FIGURES}")]
    if not keys:
        return []
    content = stack.s3.get_object(Bucket=stack.bucket, Key=max(keys))["Body"].read()
    return make_headlines(parse_document(Figures, content), standing)


def tell_details(report: dict[str, Any]) -> None:
    """Print what became of the rows hop by hop, every metric's newest values, and what was asked of the lake."""
    print("\nRows per hop")
    for execution in report["executions"]:
        print(f"\n{execution['title']} (run {execution['run_sequence']}, {execution['status']}, {execution['seconds']:.1f} s)")
        print(execution["table"])
        print("\n".join(f"  {line}" for line in execution["message"].splitlines() if line.startswith(("warning", "Cost"))))
    print(f"\nThe newest values of every metric (a few rows of its newest period; amounts in {report['currency']})\n")
    print("\n\n".join(report["metric_tables"]))
    print("\n\nAsked of the lake (Parquet on S3, by DuckDB; on AWS by Athena)")
    for answer in report["answers"]:
        rows = [list(row) for row in answer["rows"][:ROWS_PER_METRIC]]
        print(f"\n{answer['question']}\n{lay_out(answer['columns'], rows) if rows else '(no rows)'}")


def tell(report: dict[str, Any], folder: Path, note: str | None) -> None:
    """Print what is loaded, the headline figures and what to do next, in one screen; takes the texts out of the report."""
    warnings = 0
    for execution in report["executions"]:
        execution.pop("table")
        warnings = sum(line.startswith("warning") for line in execution["message"].splitlines())
    report.pop("metric_tables")
    print("\nIn the warehouse now")
    print(lay_out(["table", "accepted", "set aside"], [list(row.values()) for row in report["standing"]]))
    if report["headlines"]:
        print(f"\nHeadline figures ({report['currency']})")
        width = max(len(headline["title"]) for headline in report["headlines"])
        for headline in report["headlines"]:
            shown = textwrap.shorten(headline["shown"], _SHOWN_WIDTH, placeholder=" …")
            about = textwrap.shorten(headline["note"], _SCREEN_WIDTH - width - _SHOWN_WIDTH - 6, placeholder=" …")
            print(f"  {headline['title']:<{width}}  {shown:<{_SHOWN_WIDTH}}  {about}".rstrip())
    told = f" {warnings} warnings are in the report." if warnings else ""
    print(f"\nTook {report['seconds']:.0f} s; nothing is left running.{told}{f' Note: {note}.' if note else ''} Next:")
    # A marketplace other than the default one has to be named again.
    again = "make run" if folder.parent.name == "apartments" else f"make run MARKETPLACE={folder.parent.name}"
    again += " SOURCE=…" if folder.name == FROM_SOURCE else ""
    steps = {
        again: f"{_NEXT[folder.name]}; VERBOSE=1 tells more",
        "make psql": "SQL on the warehouse",
        "make notebooks": "the figures as plots",
        "make clean": "forget everything and start again",
    }
    print("\n".join(f"  {command:<26}  {what}" for command, what in steps.items()))
    if report["page"]:
        print(f"report: {_shorten(Path(report['page']))}")


def _shorten(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def fail(text: str) -> None:
    """Print what went wrong, apart from the progress."""
    print(f"\n{text}", file=sys.stderr, flush=True)

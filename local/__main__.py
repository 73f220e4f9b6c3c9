"""`python -m local run|adopt|check|psql|notebooks|jupyter|doctor|certify|remove|stop`: the commands behind the Makefile."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.commands.command_line import CommandLine, count_days, list_marketplaces, one_of, read_scale, read_seed
from local.commands.run import FROM_SOURCE, CsvFormat, fail, read_parameters, run_pipeline
from local.commands.samples import DATA, MARKET, RunFailed, Sample
from local.folder_lock import LOCK, stop_left_behind
from local.refusal import Refused
from local.stack import ROOT, Stack
from local.standins.redshift.postgres import Postgres
from rental_pipeline.base.errors import PipelineError

if TYPE_CHECKING:
    from rental_pipeline.source.connection import SourceAddress


def main() -> int:
    """Parse the command line and run the command; return the exit code."""
    parser = CommandLine(prog="python -m local", description=__doc__)
    parser.add_argument("--state", type=Path, default=ROOT / ".local", help="folder of all state (%(default)s)")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="from a source database to metrics, on this machine")
    marketplace = one_of(list_marketplaces(ROOT / "sql"), "; `make adopt` makes another of your database")
    run.add_argument("--marketplace", type=marketplace, default="apartments", help="a folder of sql/ (%(default)s)")
    run.add_argument(
        "--data",
        type=one_of(DATA),
        default=MARKET,
        help="which generated source: a market that one believes, or the laboratory, in shape and dirt as the original files",
    )
    run.add_argument(
        "--scale",
        type=read_scale,
        help="of the market 1 is some 400 listings (default); of the lab the original size (default 0.01)",
    )
    run.add_argument("--seed", type=read_seed, help="of the generated source (default 1)")
    run.add_argument(
        "--days", type=count_days, default=1, metavar="N", help="how many days are played, each with a run (%(default)s)"
    )
    run.add_argument("--csv", type=Path, metavar="FOLDER", help="load these CSV files instead of generated data")
    run.add_argument("--csv-delimiter", metavar="CHARACTER", help="between their fields, or tab (found by default)")
    run.add_argument("--csv-encoding", metavar="NAME", help="of the CSV files, as cp1252 (found by default)")
    run.add_argument("--currency", metavar="CODE", help="of all figures, as EUR (default USD, or that of the last run)")
    run.add_argument("-v", "--verbose", action="store_true", help="tell each state, each hop of the rows, every metric")
    run.add_argument(
        "--source", metavar="URL", help="a MySQL database that exists, as mysql://user@host:port/database; only read"
    )
    run.add_argument("--json", type=Path, metavar="PATH", help="write the report as JSON, too")
    adopt = commands.add_parser(
        "adopt", help="make a marketplace's folder from a MySQL database that exists; nothing in it changes"
    )
    adopt.add_argument("--source", required=True, metavar="URL", help="mysql://user@host:port/database, without the password")
    adopt.add_argument("--name", required=True, help="of the folder under sql/")
    check = commands.add_parser("check", help="look at a marketplace's contract and SQL, by Redshift's rules, without a run")
    check.add_argument("--marketplace", type=marketplace, required=True, help="a folder of sql/")
    commands.add_parser("psql", help="SQL on the warehouse of the last run")
    commands.add_parser("notebooks", help="execute the notebooks over the warehouse of the last run, and write them as pages")
    commands.add_parser("jupyter", help="open the notebooks, over the warehouse of the last run")
    doctor = commands.add_parser("doctor", help="look at what a run needs, and say what to do")
    doctor.add_argument("--source", metavar="URL", help="a MySQL database that exists, and --marketplace beside it")
    doctor.add_argument("--marketplace", type=marketplace, help="of --source")
    doctor.add_argument("--stack", help="a stack deployed in AWS, instead of the one of the last run on this machine")
    certify = commands.add_parser("certify", help="ask AWS all on which the pipeline relies, and say where it answers otherwise")
    certify.add_argument("--stack", help="a stack deployed in AWS; without it and --workgroup the stand-ins of this machine")
    certify.add_argument("--workgroup", help="a Redshift Serverless workgroup, of which SQL and the Data API are asked")
    certify.add_argument("--database", default="dev", help="of the workgroup (%(default)s)")
    certify.add_argument("--yes", action="store_true", help="do not ask whether to go on")
    remove = commands.add_parser("remove", help="take a stack away that is deployed in AWS; run again, it goes on")
    remove.add_argument("--stack", required=True, help="its name")
    remove.add_argument("--data", choices=("keep", "destroy"), required=True, help="of its bucket")
    commands.add_parser("stop", help="end what runs, and what an interrupted run left behind")
    arguments = parser.parse_args()
    arguments.state.mkdir(exist_ok=True)
    for stream in (sys.stdout, sys.stderr):  # what is told may have letters that this terminal does not
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Ending by a signal goes through the same clean-up as ending by itself.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    # Each command imports what only it needs: a run would wait for all of it.
    try:
        if arguments.command == "run":
            run_pipeline(
                arguments.state.resolve(),
                arguments.marketplace,
                Sample(arguments.data, arguments.scale, arguments.seed, arguments.days),
                arguments.csv,
                arguments.json,
                arguments.currency,
                CsvFormat(arguments.csv_delimiter, arguments.csv_encoding),
                arguments.verbose,
                _read_source(arguments.source),
            )
        elif arguments.command == "adopt":
            from local.commands.adopt import adopt_source

            return 0 if adopt_source(arguments.source, arguments.name, ROOT / "sql") else 1
        elif arguments.command == "check":
            from local.commands.check import check_marketplace

            return 0 if check_marketplace(arguments.marketplace, ROOT / "sql") else 1
        elif arguments.command == "psql":
            return open_psql(arguments.state)
        elif arguments.command == "notebooks":
            execute_notebooks(arguments.state)
        elif arguments.command == "jupyter":
            from local.commands import notebooks

            with Postgres(find_last_run(arguments.state) / "postgres") as postgres, notebooks.serve_warehouse(postgres) as found:
                return notebooks.open_jupyter(found)
        elif arguments.command == "certify":
            from local.commands.certify.command import run_certify

            answers = arguments.state.resolve() / "certificate.json"
            return run_certify(arguments.stack, arguments.workgroup, arguments.database, arguments.yes, answers)
        elif arguments.command == "doctor":
            source = _read_source(arguments.source)
            return 0 if see_doctor(arguments.state.resolve(), arguments.stack, source, arguments.marketplace) else 1
        elif arguments.command == "remove":
            from local.commands.remove import remove_stack

            remove_stack(arguments.stack, arguments.data == "keep", print)
        else:
            stop_everything(arguments.state)
    except (Refused, PipelineError) as error:
        fail(str(error))
        return 1
    except KeyboardInterrupt:
        fail("Interrupted; everything was stopped. `make run` continues from here.")
        return 130
    return 0


def find_last_run(state: Path) -> Path:
    """Return the folder of the last run.

    Raises:
        RunFailed: there was no run yet.
    """
    last = state / "last"
    if not last.exists():
        raise RunFailed("there is no warehouse yet: `make run` first")
    return state / last.read_text()


def execute_notebooks(state: Path) -> None:
    """Execute the notebooks of the last run's marketplace over its warehouse, and print where their pages are.

    Raises:
        RunFailed: there was no run yet, or a cell failed.
    """
    from nbclient.exceptions import CellExecutionError

    from local.commands import notebooks  # of a group that other commands do without

    folder = find_last_run(state)
    with Postgres(folder / "postgres") as postgres, notebooks.serve_warehouse(postgres) as environment:
        try:
            pages = notebooks.write_pages(folder.parent.name, folder / "notebooks", environment)
        except CellExecutionError as error:
            raise RunFailed(f"a notebook failed: {error}") from error
    schema = f"{folder.parent.name}_presentation"
    nothing = f"no file of notebooks/ reads {schema}: copy one that is there, and name that schema in it"
    print("\n".join(str(page) for page in pages) or nothing)


def open_psql(state: Path) -> int:
    """Start the warehouse of the last run alone, give psql the terminal, and stop it again.

    Raises:
        RunFailed: there was no run yet.
    """
    with Postgres(find_last_run(state) / "postgres") as postgres:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for psql
        command = postgres.psql_command()
        return subprocess.run(command, check=False, env={**os.environ, "PGTZ": "UTC"}).returncode


def see_doctor(state: Path, stack_name: str | None, source: SourceAddress | None = None, marketplace: str | None = None) -> bool:
    """Print what the doctor finds, in a deployed stack, before a database that exists, or in the stack of the last run.

    Returns:
        Whether a run could start.

    Raises:
        RunFailed: there was no run yet, or it was of a database that has to be named.
    """
    from local.commands.doctor import examine, invoke_deployed, read_answer, tell

    if stack_name:
        return tell(examine(invoke_deployed(stack_name)))
    last = state / "last"
    if source and not marketplace:
        raise RunFailed("SOURCE needs MARKETPLACE=name beside it: the folder of sql/ whose contract is looked at")
    if not source and not last.exists():
        raise RunFailed(
            "there is no source yet: `make run` first, SOURCE=… MARKETPLACE=name, or STACK=name for one that is deployed"
        )
    folder = state / str(marketplace) / FROM_SOURCE if source else state / last.read_text()
    if not source and folder.name == FROM_SOURCE:
        raise RunFailed(f"the last run was of a database that exists: say SOURCE=… MARKETPLACE={folder.parent.name}")
    folder.mkdir(parents=True, exist_ok=True)
    with Stack(folder, folder.parent.name, parameters=read_parameters(folder), existing=source) as stack:

        def invoke(function: str, event: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
            answer = stack.invoke(function, event)
            return read_answer(answer.payload, answer.function_error)

        return tell(examine(invoke))


def stop_everything(state: Path) -> None:
    """Stop every stack of a state folder."""
    folders = [lock.parent for lock in state.glob(f"*/*/{LOCK}")]
    stopped = [folder for folder in folders if stop_left_behind(folder)]
    print("\n".join(f"stopped what ran in {folder}" for folder in stopped) or "nothing was running")


def _read_source(url: str | None) -> SourceAddress | None:
    if not url:
        return None
    from local.adopt.address import read_address

    return read_address(url)


def _end(number: int, _frame: object) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())

"""docs/sql shows what each step sends to the warehouse, as its own functions write it; `make golden` writes the files again."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from textwrap import dedent

import pytest

from rental_pipeline.base.settings import WarehouseSettings
from rental_pipeline.definitions.marketplace import Marketplace
from rental_pipeline.definitions.sql_files import read_sql_folder
from rental_pipeline.warehouse import run_step
from rental_pipeline.warehouse.steps import open_run
from tests.unit.warehouse.example_runs import BUCKET, MARKETPLACE, SQL_ROOT, copy_sql, write_runs

FOLDER = Path(__file__).parents[3] / "docs" / "sql"
HASH = re.compile(r"[0-9a-f]{64}")
MOST_LETTERS = 110
# Where a long line is broken, outside of its texts.
CLAUSE = re.compile(
    r"(?<!delete)(?<!year) (?=(?:from|where|and|or|on|inner join|left join|full outer join|cross join|union(?: all)?|group by"
    r"|order by|having|values|select|set|using|iam_role|format as|to|when|else)\b)"
)
WORD = re.compile(r"(?:'(?:[^']|'')*'|\S)+")
EXECUTION = {"id": "arn:aws:states:eu-west-1:123456789012:execution:run:2", "name": "2"}
# By step: which of the example's runs, and of which table (or metric).
CASES: dict[str, list[tuple[str, dict]]] = {
    "open": [("", {"run_sequence": None, "execution": EXECUTION})],
    "fingerprint": [
        ("an increment: the tables that are compared in every run", {"run_sequence": 2}),
        ("a reconcile run: all tables, whole", {"run_sequence": 3, "input": {"reconcile": True}}),
    ],
    "prepare": [
        ("a first load", {"run_sequence": 1}),
        ("an increment that finds nothing in one table, and widens a column", {"run_sequence": 2}),
        ("a reconcile run that finds one range different", {"run_sequence": 3}),
        ("a run that reloads a table in full", {"run_sequence": 5}),
    ],
    "load": [
        ("keyed, a window: versions are added", {"run_sequence": 2, "name": "bookings"}),
        ("keyed, read whole: what did not arrive is gone", {"run_sequence": 1, "name": "bookings"}),
        ("keyed, compared: then raw is compared again", {"run_sequence": 3, "name": "apartments"}),
        ("events: whole days are replaced", {"run_sequence": 2, "name": "user_viewing"}),
    ],
    "replay": [("", {"run_sequence": 4, "name": "bookings", "first": 0, "last": 1})],
    "pending": [("", {"run_sequence": 2})],
    "curate": [
        ("an increment", {"run_sequence": 2, "name": "bookings"}),
        ("a first load", {"run_sequence": 1, "name": "bookings"}),
        ("removed rows are kept", {"run_sequence": 2, "name": "apartments"}),
        ("events, by day", {"run_sequence": 2, "name": "user_viewing"}),
    ],
    "stage": [("an increment", {"run_sequence": 2}), ("a first load", {"run_sequence": 1})],
    "check": [("", {"run_sequence": 2})],
    "publish": [("", {"run_sequence": 2})],
    "plan_lake": [("", {"run_sequence": 2})],
    "unload": [("", {"run_sequence": 2})],
    "commit_lake": [("", {"run_sequence": 2})],
    "close": [("", {"run_sequence": 2})],
    "report": [("", {"run_sequence": 2})],
}
OPENING = {
    "prepare": "The exchange rates, too, which come as a file.",
    "load": "What stands behind `_rp_verified` comes of steps/verify_load.py.",
}


@pytest.fixture(scope="module")
def rendered(aws, tmp_path_factory) -> dict[str, str]:
    """The text of each step's file."""
    s3 = aws.client("s3")
    if BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    sql_root = copy_sql(tmp_path_factory.mktemp("sql"))
    write_runs(sql_root)
    settings = WarehouseSettings(
        marketplace=MARKETPLACE,
        bucket=BUCKET,
        redshift_database="dev",
        redshift_workgroup="example",
        copy_role_arn="arn:aws:iam::123456789012:role/copy",
        sql_root=sql_root,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(open_run, "find_kept_run", lambda settings: (1, datetime(2026, 11, 20, 3, 15)))
        return {step: "\n".join(render_step(step, settings)) for step in CASES}


def render_step(step: str, settings: WarehouseSettings) -> Iterator[str]:
    """Return the lines of one file."""
    yield f"-- What step `{step}` sends to the warehouse, by the example of three tables: its functions write it, do not edit."
    yield "-- `make golden` writes it again. A hash stands as `…`; each batch is one transaction."
    if step in OPENING:
        yield f"-- {OPENING[step]}"
    shown: set[str] = set()
    for title, event in CASES[step]:
        request = run_step.read_request({"step": step, **event}, settings)
        composed = run_step.compose(request)
        yield f"\n-- {'=' * 100}"
        yield f"-- {composed.name}{f': {title}' if title else ''}"
        for submission in composed.submissions:
            values = "".join(f", {each['name']} = {each['value']}" for each in submission.used_parameters().get("Parameters", []))
            yield f"\n-- {'batch' if len(submission.statements) > 1 else 'statement'} `{submission.label}`{values}\n"
            if submission.skip_if:
                yield f"-- not sent where this finds a row:\n{render(submission.skip_if)}\n"
            for sql in submission.statements:
                yield f"{CONTROL.get(sql) or render(refer(sql, request.marketplace, shown))}\n"
        reads = composed.snapshot.selects if composed.snapshot else composed.reads
        if reads:
            yield "\n-- read " + ("together, of one publication:" if composed.snapshot else "when all of it is committed:") + "\n"
        for sql in reads:
            yield f"{render(sql)}\n"


def refer(sql: str, warehouse: Marketplace, shown: set[str]) -> str:
    """Put the address of a section of the SQL files in its place, where the file has shown it before."""
    for table in (*warehouse.curated, *warehouse.metrics):
        for name, section in table.file.sections.items():
            if section in sql and section in shown:
                sql = sql.replace(
                    section,
                    f"\n-- (sql/{MARKETPLACE}/{table.file.path.parent.name}/{table.name}.sql, section {name}: see above)\n",
                )
            elif section in sql:
                shown.add(section)
    return sql


CONTROL = {
    sql: f"-- (sql/control/{file.path.name}, section {name})"
    for file in read_sql_folder(SQL_ROOT / "control").values()
    for name, sql in file.sections.items()
}


def render(sql: str) -> str:
    """Write a statement with its long lines broken; but for blanks between words and the hashes, it is what is sent."""
    lines = [piece for line in HASH.sub("…", dedent(sql)).strip().splitlines() for piece in break_line(line.rstrip())]
    return "\n".join(lines) + ";"


def break_line(line: str) -> list[str]:
    """Break a long line before its clauses, each as deep as the parentheses that it stands in."""
    if len(line) <= MOST_LETTERS or line.lstrip().startswith("--"):
        return [line]
    indent = len(line) - len(line.lstrip())
    lines, depth, current = [], 0, ""
    for position, part in enumerate(re.split(r"('(?:[^']|'')*')", line.strip())):
        if position % 2:
            current += part
            continue
        pieces = CLAUSE.split(part)
        for number, piece in enumerate(pieces):
            if number:
                lines.append(current)
                current = " " * (indent + 4 * (depth + 1))
            current += piece
            depth = max(0, depth + piece.count("(") - piece.count(")"))
    broken = [" " * indent + lines[0], *lines[1:], current] if lines else [line]
    return [filled for each in broken for filled in fill_line(each)]


def fill_line(line: str) -> list[str]:
    """Break a line that is still long wherever a blank stands outside of texts."""
    indent = " " * (len(line) - len(line.lstrip()))
    lines = [""]
    for word in WORD.findall(line):
        if lines[-1] and len(indent) + len(lines[-1]) + len(word) > MOST_LETTERS:
            lines.append("   ")
        lines[-1] += f" {word}" if lines[-1] else word
    return [indent + each for each in lines]


@pytest.mark.parametrize("step", CASES)
def test_the_file_shows_what_the_step_sends(rendered, step):
    """A change of what is sent changes docs/sql, where it is read before it is committed."""
    path, text = FOLDER / f"{step}.sql", rendered[step].rstrip() + "\n"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    known = path.read_text(encoding="utf-8") if path.exists() else ""
    difference = "\n".join(difflib.unified_diff(known.splitlines(), text.splitlines(), f"docs/sql/{step}.sql", "what is sent"))
    assert not difference, f"`make golden` writes docs/sql again:\n{difference}"


def test_every_step_has_a_file():
    """And nothing else is among them."""
    assert sorted(CASES) == sorted(run_step.STEPS) == sorted(path.stem for path in FOLDER.glob("*.sql"))


def test_a_broken_line_says_the_same():
    """Only blanks between words differ, none within a text."""
    sql = (
        "select a, b from (select a from t where b = ' from  where ' union all select a from t where c in (1, 2)) as x" + " " * 60
    )
    sql += "where a in (select a from u)"
    assert len(sql) > MOST_LETTERS
    assert " from  where " in render(sql) and "\n" in render(sql)
    assert " ".join(render(sql).split()) == " ".join(sql.split()) + ";"

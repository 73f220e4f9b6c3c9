"""The product's SQL, by the rules of the local Redshift: what `python -m local_redshift check` says of each file."""

from pathlib import Path

import pytest

from local_redshift.check import check_script, find_functions

SQL = Path(__file__).parents[3] / "sql"
# sql/*/source is MySQL's, sql/*/lake Athena's. An administrator runs two more by hand: grants and catalogues, not offered here.
BY_HAND = ("bootstrap.sql", "change_owner.sql")
FILES = [path for path in sorted(SQL.rglob("*.sql")) if path.parent.name not in ("lake", "source") and path.name not in BY_HAND]
FUNCTIONS = frozenset().union(*(find_functions(path.read_text(encoding="utf-8")) for path in FILES))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SQL)))
def test_redshift_would_take_a_file(path: Path):
    """Nothing in it is refused, or unknown to the rules; a file has at least one statement."""
    findings, statements = check_script(path.read_text(encoding="utf-8"), FUNCTIONS)
    assert findings == []
    assert statements > 0

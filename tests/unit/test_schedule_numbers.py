"""docs/proofs.md promises a test for each of its schedules."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_schedule_of_the_page_has_a_test_of_its_number():
    """And no test has a number that the page does not explain."""
    page = (ROOT / "docs" / "proofs.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| (\d\d) \|", page, flags=re.MULTILINE))
    tested = {
        number for file in (ROOT / "tests").rglob("test_*.py") for number in re.findall(r"def test_(\d\d)_", file.read_text())
    }
    assert len(listed) == 26 and tested == listed

"""What README shows of a run is what a run prints."""

from __future__ import annotations

import pytest

from tests.integration.report.pictures import choose_lines, write_lines

PRINTED = """  Start the services     4.1 s

First load
  Read the source        2.0 s  45,000 rows

Play 27 Nov 2026
Increment
  Plan                   1.0 s
  Read the source        1.0 s  320 rows

In the warehouse now
  table     accepted  set aside

Headline figures (USD)
  Occupancy   62.2%   in Nov 2026; 61.0% the same month last year

Took 70 s; nothing is left running. Next:
"""


def test_the_readme_takes_the_lines_of_a_run(tmp_path):
    """The increment and the figures, in place of those of before; all else stays."""
    readme = tmp_path / "README.md"
    readme.write_text("# Title\n\n```text\nIncrement\n  Plan  9 s\n…\n```\n\n```text\nelse\n```\n")
    write_lines(readme, choose_lines(PRINTED))
    stages, figures = "  Plan                   1.0 s\n  Read the source        1.0 s  320 rows\n", PRINTED.splitlines()[-3]
    expected = f"Increment\n{stages}…\nHeadline figures (USD)\n{figures}\n"
    assert readme.read_text() == f"# Title\n\n```text\n{expected}```\n\n```text\nelse\n```\n"
    with pytest.raises(AssertionError):
        choose_lines("Interrupted")

"""The example of the README, run as it is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from packages.mysql_arrow.tests.servers import Database

README = Path(__file__).parents[1] / "README.md"


def test_the_example_prints_what_the_readme_says(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a folder with a my.cnf, and a table of bookings."""
    text = README.read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (output,) = re.findall(r"```\n\n((?:    .*\n)+)", text)
    assert len(example.splitlines()) <= 10
    database.make_table("bookings", "id int primary key, price decimal(10, 2), made datetime")
    database.execute("insert into bookings values (1, 120.5, '2026-11-21 10:00:00'), (2, null, null), (3, 80, '2026-11-21')")
    (tmp_path / "my.cnf").write_text(
        f"[client]\nhost={database.host}\nport={database.port}\nuser={database.user}\npassword={database.password}\n"
        f"database={database.name}\n"
    )
    monkeypatch.chdir(tmp_path)
    exec(compile(example, str(README), "exec"), {})
    assert capsys.readouterr().out == "".join(line[4:] for line in output.splitlines(keepends=True))

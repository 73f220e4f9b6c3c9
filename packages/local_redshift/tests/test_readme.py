"""The README's examples, run exactly as they are printed."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import local_redshift

README = Path(__file__).parents[1] / "README.md"
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
    "PYTHONPATH": str(Path(local_redshift.__file__).parents[1]),
}


def read_blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_example_prints_what_the_readme_says():
    """A person who copies it gets the same answer, without an account."""
    (example,), (output,) = read_blocks("python"), read_blocks("text")
    # Not pytest's own folder: every pytest that starts closes that to other users, and a root's PostgreSQL runs as one.
    with tempfile.TemporaryDirectory(prefix="local-redshift-", ignore_cleanup_errors=True) as folder:
        answer = subprocess.run(
            [sys.executable, "-c", example], cwd=folder, capture_output=True, text=True, env=ENVIRONMENT, timeout=120
        )
    assert (answer.returncode, answer.stdout) == (0, output), answer.stderr


def test_the_check_prints_what_the_readme_says(tmp_path):
    """The console block is a real one."""
    (block,) = read_blocks("console")
    command, output = block.split("\n", 1)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "orders.sql").write_text("select 1;\n\n\n\n\n\nselect distinct on (a) a from t;\n")
    answer = subprocess.run(
        command.removeprefix("$ ").replace("python", sys.executable, 1),
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
    )
    assert answer.stdout == output


def test_every_module_is_described():
    """The table of files has them all, and no other."""
    table = README.read_text(encoding="utf-8").split("## Where what is")[1]
    told = {
        name for line in table.splitlines() if line.startswith("|") for name in re.findall(r"`(\w+\.\w+)`", line.split("|")[1])
    }
    source = Path(local_redshift.__file__).parent
    assert told == {path.name for path in source.iterdir() if path.is_file()} - {"__init__.py", "__main__.py", "py.typed"}

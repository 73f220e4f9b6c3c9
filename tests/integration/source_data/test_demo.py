"""examples/sample_data: the demonstration's data, made from the layers as Lambda lays them out."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.fixtures.mariadb import APPLICATION_PASSWORD, APPLICATION_USER

ROOT = Path(__file__).parents[3]
PROGRAM = """
import json, sys
import app, pymysql
arguments = json.loads(sys.argv[1])
connection = pymysql.connect(**arguments, charset="utf8mb4", autocommit=True)
first = app.fill_source(connection, 0.1, 1)
again = app.fill_source(connection, 0.1, 1)
print(json.dumps([first, again]))
"""


def test_the_sample_data_is_put_in_once(source_database, tmp_path):
    """The generator runs from the layers alone, without the checkout; a second invocation changes nothing."""
    for layer in ("local", "sql"):
        shutil.copytree(ROOT / layer, tmp_path / "opt", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "examples/sample_data", tmp_path / "task", ignore=shutil.ignore_patterns("*.pem", "__pycache__"))
    address = {
        "host": source_database.host,
        "port": source_database.port,
        "user": APPLICATION_USER,
        "password": APPLICATION_PASSWORD,
        "database": source_database.database,
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(address)],
        cwd=tmp_path / "task",
        env={"PATH": "/usr/bin:/bin", "OPT": str(tmp_path / "opt")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, again = json.loads(done.stdout.splitlines()[-1])
    assert first == again
    assert first["bookings"] > 0


def test_the_pipelines_user_may_read_and_see_transactions(mariadb, source_database):
    """Made again it stays as it is; only IAM's plugin exists on Aurora alone, and a password stands for it here."""
    spec = importlib.util.spec_from_file_location("sample_data_app", ROOT / "examples/sample_data/app.py")
    app = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    with closing(mariadb.connect(source_database.database)) as connection, connection.cursor() as cursor:
        try:
            for _ in range(2):
                app.make_user(connection, source_database.database, "identified by 'x'")
            cursor.execute(f"show grants for {app.USER}")
            granted = " ".join(line for (line,) in cursor.fetchall())
        finally:
            cursor.execute(f"drop user if exists {app.USER}")
    assert f"GRANT SELECT ON `{source_database.database}`.*" in granted
    assert "GRANT PROCESS ON *.*" in granted
    assert "INSERT" not in granted and "ALL PRIVILEGES" not in granted

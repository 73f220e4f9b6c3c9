"""The handlers are thin, and light: planning must not wait for pandas to load."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("function", ["plan_run", "write_manifests"])
def test_a_light_function_loads_nothing_heavy(function: str) -> None:
    """A cold start loads what is imported, not what is used."""
    code = (
        f"import functions.{function}.app, sys;"
        "print([name for name in ('pandas', 'pyarrow', 'numpy', 'awswrangler') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PATH": ""}, cwd=ROOT)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", sorted((ROOT / "functions").glob("*/app.py")), ids=lambda path: path.parent.name)
def test_a_handler_imports_what_it_calls(path: Path) -> None:
    """A package and the function in it may share a name (`plan.plan_run.plan_run`): a module is never what a handler means."""
    app = importlib.import_module(f"functions.{path.parent.name}.app")
    assert [name for name, value in vars(app).items() if isinstance(value, ModuleType)] == []


def test_the_extraction_knows_how_much_time_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it hands a slice on before Lambda ends it; what it answers goes to the state machine."""
    from functions.extract_slice import app

    given = []
    monkeypatch.setattr(app, "extract_slice", lambda event, remaining: given.append((event, remaining())) or {"rest": None})
    context = SimpleNamespace(
        function_name="extract", memory_limit_in_mb=1, invoked_function_arn="arn", aws_request_id="id",
        get_remaining_time_in_millis=lambda: 1234,
    )  # fmt: skip
    assert app.lambda_handler({"table": "t"}, context) == {"rest": None}
    assert given == [({"table": "t"}, 1234)]

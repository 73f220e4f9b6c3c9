"""The handlers are thin, and light: planning must not wait for pandas to load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("function", ["plan_run", "write_manifests"])
def test_a_light_function_loads_nothing_heavy(function: str) -> None:
    """A cold start loads what is imported, not what is used."""
    code = (
        f"import functions.{function}.app, sys;"
        "print([name for name in ('pandas', 'pyarrow', 'numpy', 'awswrangler') if name in sys.modules])"
    )
    path = f"{ROOT}:{ROOT / 'layers/rental_pipeline/python'}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": path, "PATH": ""}, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"

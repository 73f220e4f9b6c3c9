"""docs/architecture.svg: it is drawn from docs/architecture.d2, and names what there is."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "docs/architecture.d2"
PICTURE = ROOT / "docs/architecture.svg"


def test_the_picture_is_its_sources():
    """After a change of the source: `make picture`."""
    assert f"sha256 of its source: {hashlib.sha256(SOURCE.read_bytes()).hexdigest()}<" in PICTURE.read_text()


def test_the_picture_names_functions_that_exist():
    """And shows all its words: each name in the source is in what is drawn."""
    named = set(re.findall(r"\b[a-z]+_[a-z]+\b", SOURCE.read_text().replace("\\n", " ")))
    assert {"plan_run", "extract_slice", "run_sql"} <= named <= {path.name for path in (ROOT / "functions").iterdir()}
    assert all(name in PICTURE.read_text() for name in named)


def test_the_picture_is_shown():
    """To whom reads the README, and the architecture."""
    assert "](docs/architecture.svg)" in (ROOT / "README.md").read_text()
    assert "](architecture.svg)" in (ROOT / "docs/architecture.md").read_text()

"""docs/glossary.md: few words, each once, and each in use."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORDS = re.findall(r"^\| ([a-z ]+) \| (.+) \|$", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)[1:]


def test_the_glossary_is_short_and_in_order():
    """A reader learns it in five minutes."""
    words = [word for word, _ in WORDS]
    assert 30 <= len(words) <= 40
    assert words == sorted(set(words))
    assert all(meaning.endswith(".") for _, meaning in WORDS)


def test_every_word_is_in_use():
    """A word that is nowhere else is no entry."""
    paths = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "layers").rglob("*.py"), *(ROOT / "sql").rglob("*.sql")]
    text = " ".join(path.read_text(encoding="utf-8").lower() for path in paths if path.name != "glossary.md")
    assert [word for word, _ in WORDS if not re.search(rf"\b{word.replace(' ', '[ _-]')}", text)] == []

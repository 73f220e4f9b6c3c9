"""docs/architecture.md shows the documents as their types are, and a document is read by them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from local.commands.json_shapes import DOCUMENTS, PAGE, write_page
from rental_pipeline.model.document import AS_TEXT, FLAT, IF_SET, Document, WrongShape, named, read_as, write
from rental_pipeline.model.strategies import Append, Merge, Snapshot, Strategy


@dataclass(frozen=True)
class Sum(Document):
    rows: int
    checksum: int = field(metadata=AS_TEXT)


@dataclass(frozen=True)
class Everything(Document):
    start: str | None = field(metadata=named("from"))
    sum: Sum = field(metadata=FLAT)
    days: tuple[tuple[str | None, str], ...]
    words: dict[str, list[Literal["a", "b"]]]
    at: datetime
    share: float = 0.5
    follows: int = field(default=0, metadata=IF_SET)


WHOLE = Everything("x", Sum(2, 2**70), ((None, "1"), ("1", "2")), {"one": ["a", "b"]}, datetime(2026, 11, 26, 3))
WRITTEN: dict[str, Any] = {
    "from": "x",
    "rows": 2,
    "checksum": str(2**70),
    "days": [[None, "1"], ["1", "2"]],
    "words": {"one": ["a", "b"]},
    "at": "2026-11-26T03:00:00",
    "share": 0.5,
}


def test_the_page_shows_the_documents_as_their_types_are():
    """`make json-shapes` writes it."""
    page = PAGE.read_text(encoding="utf-8")
    assert write_page(page) == page
    for name in DOCUMENTS:
        assert f"\n{name}: " in page


def test_a_document_is_written_and_read_as_its_type_says():
    """Under the names of JSON, a nested part beside the others, a large number as text, and what is usual left out."""
    assert write(WHOLE) == WRITTEN
    assert read_as(Everything, json.loads(json.dumps(WRITTEN))) == WHOLE


def test_a_field_with_a_default_may_be_missing_and_a_strange_one_is_left_aside():
    """Documents of other versions: an archived plan may know less, or more."""
    known = {name: value for name, value in WRITTEN.items() if name != "share"}
    assert read_as(Everything, {**known, "unknown": 1}) == WHOLE


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"from": None, "rows": "2"}, "rows is not a whole number"),
        ({"rows": True}, "rows is not a whole number"),
        ({"checksum": "2.5"}, "checksum is not a whole number"),
        ({"from": 1}, "from is not a text"),
        ({"days": [["1"]]}, r"days\[\] has not 2 elements"),
        ({"days": "12"}, "days is not an array"),
        ({"words": {"one": ["a", "secret"]}}, r"words.one\[\] is not one of a, b"),
        ({"at": "yesterday"}, "at is not a time"),
        ({"share": "0.5"}, "share is not a number"),
    ],
)
def test_what_is_of_another_type_is_refused_by_its_place(changes: dict[str, Any], message: str):
    """And never with what stands there."""
    with pytest.raises(WrongShape, match=f"^{message}$") as error:
        read_as(Everything, {**WRITTEN, **changes})
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("name", ["from", "rows", "checksum", "days", "words", "at"])
def test_what_has_to_be_there_is_missed(name: str):
    """Nothing is made up; a bound that JSON does not have is no open one."""
    with pytest.raises(WrongShape, match=f"has no {name}"):
        read_as(Everything, {key: value for key, value in WRITTEN.items() if key != name})


@pytest.mark.parametrize("strategy", [Merge(("id",), "at"), Append("at"), Snapshot(("id", "day"))])
def test_a_strategy_is_told_by_its_word(strategy: Strategy):
    """With the fields that it has; those of another, as older plans hold them, are left aside."""
    document = {"key": [], "cursor": None, **write(strategy)}
    assert read_as(Strategy, document) == strategy  # type: ignore[arg-type]


def test_the_page_is_that_of_the_repository():
    """So that the test looks where the command writes."""
    assert Path(__file__).parents[3] / "docs" / "architecture.md" == PAGE

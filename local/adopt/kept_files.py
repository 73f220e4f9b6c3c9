"""Writing a folder again without losing what a person has edited: what was generated is remembered by its hash."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path

from local.adopt.contract_file import split_blocks
from rental_pipeline.definitions.sql_files import hash_texts

RECORD = "adopted.json"
_MOST_LINES = 40  # of a difference that is shown


@dataclass
class Written:
    """What became of the files.

    Attributes:
        written: New, or generated otherwise than before.
        kept: Edited by a person, and so left; with the difference to what would be generated now.
        gone: Generated once, and not any more; unedited ones were deleted.
    """

    written: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)


class KeptFolder:
    """A marketplace's folder, and the record of what `make adopt` wrote there."""

    def __init__(self, folder: Path):
        self._folder = folder
        path = folder / RECORD
        self._record: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def write_contract(self, head: str, blocks: Mapping[str, str], report: Written) -> None:
        """Write source.yaml table by table: a block that a person edited, or wrote, stays."""
        name = "source.yaml"
        path = self._folder / name
        old_head, old = split_blocks(path.read_text(encoding="utf-8")) if path.exists() else ("", {})
        merged: dict[str, str] = {}
        for table in dict.fromkeys((*blocks, *old)):
            key = f"{name}: {table}"
            new, current = blocks.get(table), old.get(table)
            if current is None and key in self._record and old_head:
                continue  # a person took the table out
            chosen = self._choose(key, current, new, report)
            if chosen is not None:
                merged[table] = chosen
        kept_head = self._choose(f"{name}: (head)", old_head or None, head, report)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{kept_head}{chr(10).join(merged.values())}", encoding="utf-8")

    def write_once(self, name: str, text: str, report: Written) -> str:
        """Write a file that is a person's from then on, unless it was not touched since; return what stands in it now."""
        self._write_file(name, text, report)
        return (self._folder / name).read_text(encoding="utf-8")

    def write_files(self, texts: Mapping[str, str], report: Written) -> None:
        """Write generated files, and delete those that are generated no more and were not edited."""
        for name, text in texts.items():
            self._write_file(name, text, report)
        for name in [name for name in self._record if name.endswith(".sql") and name not in texts]:
            path = self._folder / name
            if path.exists() and hash_texts(path.read_text(encoding="utf-8")) == self._record[name]:
                path.unlink()
                report.gone.append(name)
            elif path.exists():
                report.kept[name] = "(it is generated no more; delete it if you do not need it)"
            del self._record[name]

    def save(self) -> None:
        """Write the record."""
        text = json.dumps(self._record, indent=1, sort_keys=True)
        (self._folder / RECORD).write_text(f"{text}\n", encoding="utf-8")

    def _write_file(self, name: str, text: str, report: Written) -> None:
        path = self._folder / name
        current = path.read_text(encoding="utf-8") if path.exists() else None
        if current is None and name in self._record:
            report.kept[name] = "(you deleted it; take its line out of adopted.json to have it again)"
            return
        chosen = self._choose(name, current, text, report)
        if chosen is not None and chosen != current:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(chosen, encoding="utf-8")

    def _choose(self, key: str, current: str | None, new: str | None, report: Written) -> str | None:
        """Return the text that stays: the new one, unless a person has changed what was generated before."""
        if new is None:
            if current is not None and self._record.get(key) == hash_texts(current):
                report.gone.append(key)
                del self._record[key]
                return None
            return current
        if current is None or self._record.get(key) == hash_texts(current):
            if current != new:
                report.written.append(key)
            self._record[key] = hash_texts(new)
            return new
        if current != new:
            report.kept[key] = _tell_difference(current, new)
        return current


def _tell_difference(current: str, new: str) -> str:
    lines = list(unified_diff(current.splitlines(), new.splitlines(), "as it is", "as it would be generated", lineterm="", n=0))
    shown = lines[:_MOST_LINES]
    more = [f"... and {len(lines) - _MOST_LINES} lines more"] if len(lines) > _MOST_LINES else []
    return "\n".join([*shown, *more])

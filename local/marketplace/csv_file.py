"""Reading one CSV file: its header against a table's columns, and its rows with the lines they stand on."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from local.marketplace.csv_columns import Column

# A field longer than this is a quote that nobody closed.
LONGEST_FIELD = 1_000_000


class InputRefused(Exception):
    """The folder, a file or its header cannot be loaded; the message names it and the way out. Nothing was written."""


@dataclass(frozen=True)
class Header:
    """What a file's header says about a table.

    Attributes:
        names: The header as it stands in the file.
        positions: Field numbers by column name, in the table's order; more than one if the header repeats the name.
        ignored: Names in the file that the table does not have, or that the database writes itself (`(nameless)`: no name).
        missing: The table's columns that the file does not have.
    """

    names: list[str]
    positions: dict[str, list[int]]
    ignored: list[str]
    missing: list[str]


@dataclass(frozen=True)
class Row:
    """A row of a file.

    Attributes:
        line: The line it begins on; the header begins on line 1.
        fields: Its texts.
        broken: Why it could not be divided into fields, and then `fields` holds its lines as they are.
    """

    line: int
    fields: list[str]
    broken: str | None = None


class _Lines:
    """A file's lines, with those since the last row kept, so that a broken row can be shown as it stands."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.kept: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._file)
        self.kept.append(line)
        return line


def open_csv(path: Path, encoding: str) -> TextIO:
    """Open a file for reading; a byte order mark is skipped, bytes outside the encoding are kept and refused by row."""
    name = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
    return path.open(encoding=name, errors="surrogateescape", newline="")


def read_header(path: Path, columns: list[Column], encoding: str = "utf-8", delimiter: str = ",") -> Header:
    """Read a file's first row and match it with a table's columns, whatever their order and case.

    Raises:
        InputRefused: the file is empty or cannot be read, or lacks a column of the key, or has none that the table knows.
    """
    try:
        with open_csv(path, encoding) as file:
            names = next(csv.reader(file, delimiter=delimiter, strict=True), None)
    except (OSError, UnicodeError, csv.Error) as error:
        raise InputRefused(f"{path}: the header cannot be read: {error}") from error
    if not names:
        raise InputRefused(f"{path} is empty: it needs a header line, such as {delimiter.join(c.name for c in columns[:3])}…")
    loadable = {column.name.lower(): column.name for column in columns if not column.is_stamp}
    positions: dict[str, list[int]] = {name: [] for name in loadable.values()}
    ignored = []
    for position, name in enumerate(names):
        if known := loadable.get(name.strip().lower()):
            positions[known].append(position)
        else:
            ignored.append(name.strip() or "(nameless)")
    missing = [name for name, found in positions.items() if not found]
    required = [column.name for column in columns if column.is_key and column.name in missing]
    if required or len(missing) == len(positions):
        hint = "" if delimiter in "".join(names) or len(names) > 1 else " Are its fields divided by something else than a comma?"
        what = f"the key {', '.join(required)}" if required else "any column of the table"
        raise InputRefused(
            f"{path}: the header lacks {what}. It reads: {delimiter.join(names)[:300]!r}; the table's columns are:"
            f" {', '.join(loadable.values())}.{hint}"
        )
    return Header(names, {name: found for name, found in positions.items() if found}, ignored, missing)


def read_rows(path: Path, header: Header, encoding: str = "utf-8", delimiter: str = ",") -> Iterator[Row]:
    """Read the rows below the header, one at a time; empty lines are no rows.

    Raises:
        InputRefused: a quote is opened and never closed, so that where the rows end cannot be known.
    """
    csv.field_size_limit(LONGEST_FIELD)
    with open_csv(path, encoding) as file:
        lines = _Lines(file)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        next(reader)
        while True:
            line = reader.line_num + 1
            lines.kept.clear()
            try:
                fields = next(reader, None)
            except csv.Error as error:
                if "unexpected end" in str(error) or "larger than field limit" in str(error):
                    raise InputRefused(
                        f"{path}, line {line}: a quote is opened and not closed; nothing of this file is loaded"
                    ) from error
                yield Row(line, ["".join(lines.kept)], f"the line is not CSV: {error}")
                continue
            if fields is None:
                return
            if not fields:
                continue
            if len(fields) != len(header.names):
                yield Row(line, fields, f"the row has {len(fields)} fields, the header {len(header.names)}")
                continue
            yield Row(line, fields)

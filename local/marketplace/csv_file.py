"""Reading one CSV file: its header against a table's columns, and its rows with the lines they stand on."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from local.marketplace.csv_columns import Column
from local.marketplace.csv_format import Format, InputRefused, open_text, skip_to_header

# Characters: as many as MySQL's MEDIUMTEXT holds bytes. What is longer is mostly a quote that nobody closed.
LONGEST_FIELD = 16_777_215


@dataclass(frozen=True)
class Header:
    """What a file's header says about a table.

    Attributes:
        names: The header as it stands in the file.
        positions: Field numbers by column name, in the table's order; more than one if the header repeats the name.
        ignored: Names in the file that the table does not have, or that the database writes itself (`(nameless)`: no name).
        missing: The table's columns that the file does not have.
        format: How the file is written.
    """

    names: list[str]
    positions: dict[str, list[int]]
    ignored: list[str]
    missing: list[str]
    format: Format


@dataclass(frozen=True)
class Row:
    """A row of a file.

    Attributes:
        line: The line of the file that it begins on, from 1.
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


def read_header(path: Path, columns: list[Column], written: Format) -> Header:
    """Read a file's first row that holds anything, and match it with a table's columns, whatever their order and case.

    Raises:
        InputRefused: the file is empty or cannot be read, or lacks a column of the key, or has none that the table knows.
    """
    delimiter = written.delimiter
    try:
        with open_text(path, written.encoding) as file:
            names = skip_to_header(csv.reader(file, delimiter=delimiter, strict=True))
    except (OSError, EOFError, UnicodeError, csv.Error) as error:
        raise InputRefused(f"{path}: the header cannot be read: {error}") from error
    if names is None:
        raise InputRefused(f"{path} is empty: it needs a header line, such as {delimiter.join(c.name for c in columns[:3])}…")
    names = [show_text(name) for name in names]
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
        hint = "" if len(names) > 1 else " Say CSV_DELIMITER (--delimiter) if its fields are divided by something else."
        what = f"the key {', '.join(required)}" if required else "any column of the table"
        raise InputRefused(
            f"{path}: the header lacks {what}. It reads: {delimiter.join(names)[:300]!r}; the table's columns are:"
            f" {', '.join(loadable.values())}.{hint}"
        )
    return Header(names, {name: found for name, found in positions.items() if found}, ignored, missing, written)


def read_rows(path: Path, header: Header) -> Iterator[Row]:
    """Read the rows below the header, one at a time; empty lines are no rows.

    Raises:
        InputRefused: a quote is opened and never closed, so that where the rows end cannot be known; or the file breaks off.
    """
    csv.field_size_limit(LONGEST_FIELD)
    with open_text(path, header.format.encoding) as file:
        lines = _Lines(file)
        reader = csv.reader(lines, delimiter=header.format.delimiter, strict=True)
        skip_to_header(reader)
        while True:
            line = reader.line_num + 1
            lines.kept.clear()
            try:
                fields = next(reader, None)
            except csv.Error as error:
                if "unexpected end" in str(error):
                    raise InputRefused(
                        f"{path}, line {line}: a quote is opened and not closed; nothing of this file is loaded"
                    ) from error
                if "larger than field limit" in str(error):
                    raise InputRefused(
                        f"{path}, line {line}: a field has more than {LONGEST_FIELD:,} characters, or a quote before it is not"
                        " closed; nothing of this file is loaded"
                    ) from error
                yield Row(line, ["".join(lines.kept)], f"the line is not CSV: {error}")
                continue
            except (OSError, EOFError, UnicodeError) as error:
                raise InputRefused(f"{path}, line {line}: {error}; nothing of this file is loaded") from error
            if fields is None:
                return
            if not fields:
                continue
            if len(fields) != len(header.names):
                yield Row(line, fields, f"the row has {len(fields)} fields, the header {len(header.names)}")
                continue
            yield Row(line, fields)


def show_text(text: str) -> str:
    """Return a text of a file as any terminal can take it: bytes that are not of its encoding are written as \\xNN."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")

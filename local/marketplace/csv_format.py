"""How a CSV file is written: its compression, encoding and delimiter, as they are given or found.

Nothing is guessed in silence: what is not plain UTF-8 with commas is said, and what cannot be told is refused with the way out.
"""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TextIO

from local.refusal import Refused

SUFFIXES = (".csv", ".tsv")
_COMPRESSED: dict[str, Callable[[Path], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_ZIP = ".zip"
_UNREADABLE = (OSError, EOFError, lzma.LZMAError, zlib.error, zipfile.BadZipFile)
# Of several that find as many of the table's columns, the first is taken.
_DELIMITERS = (",", ";", "\t", "|")
_NAMES_OF_DELIMITERS = {"\t": "tab", ",": "comma", ";": "semicolon"}
_SEPARATOR_LINE = re.compile(r"sep=(.)")  # the first line that Excel writes, and reads

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHUNK = 1_000_000  # characters
_SAMPLE = 10_000  # words
# With surrogateescape a byte that is not of the encoding becomes one of these.
_FOREIGN = re.compile("[\udc80-\udcff]")
_FOREIGN_WORD = re.compile("[A-Za-z\udc80-\udcff]*[\udc80-\udcff][A-Za-z\udc80-\udcff]*")
_WESTERN = "cp1252"
# Within a word, these are letters of another encoding (cp1250 has ³ for ł, ¹ for ą).
_SIGN_WITHIN_WORD = re.compile("[A-Za-z\u00c0-\u00ff][\u00a1-\u00ac\u00ae-\u00bf\u00d7\u00f7][A-Za-z\u00c0-\u00ff]")
# In Western words few letters have accents; in Cyrillic or Greek ones every letter is above ASCII.
_MOST_ACCENTS = 0.6


class InputRefused(Refused):
    """The folder, a file or its header cannot be loaded; the message names it and the way out. Nothing of it was written."""


@dataclass(frozen=True)
class Format:
    """How one file is written.

    Attributes:
        encoding: Python's name of it; `utf-8-sig` and `utf-16` take a byte order mark away.
        delimiter: One character.
        note: What was found and a person may want to correct; None where all is as usual or was given.
    """

    encoding: str
    delimiter: str
    note: str | None = None


def table_name(path: Path) -> str | None:
    """Return the table that a file is named after, in lower case; None where this is no file that can be read as CSV."""
    name = path.name.lower()
    for suffix in (*_COMPRESSED, _ZIP):
        if name.endswith(suffix):
            name = name.removesuffix(suffix)
            return next((name.removesuffix(each) for each in SUFFIXES if name.endswith(each)), name if suffix == _ZIP else None)
    return next((name.removesuffix(each) for each in SUFFIXES if name.endswith(each)), None)


def parse_delimiter(text: str) -> str:
    r"""Return the delimiter that a person gave: a character, or a tab as `tab` or `\t`.

    Raises:
        InputRefused: it is no single character.
    """
    delimiter = {"tab": "\t", "\\t": "\t"}.get(text.lower(), text)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise InputRefused(f"CSV_DELIMITER (--delimiter) must be one character, or tab; it is {text!r}")
    return delimiter


def check_encoding(name: str) -> str:
    """Return the name of an encoding that a person gave; a byte order mark of UTF-8 is taken away by it.

    Raises:
        InputRefused: Python knows no encoding of text of this name.
    """
    try:
        "".encode(name)  # refuses what is no encoding of text (hex, rot13), too
        known = codecs.lookup(name).name
    except (LookupError, UnicodeError):
        raise InputRefused(
            f"CSV_ENCODING (--encoding): there is no encoding {name!r}; write utf-8, cp1252, utf-16 or the like"
        ) from None
    return "utf-8-sig" if known == "utf-8" else known


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[TextIO]:
    """Open a file for reading, also a compressed one; bytes outside the encoding are kept, for they are refused by row."""
    with _open_bytes(path) as file, io.TextIOWrapper(file, encoding, errors="surrogateescape", newline="") as text:
        yield text


def find_format(path: Path, names: Collection[str], encoding: str | None, delimiter: str | None) -> Format:
    """Find what is not given.

    Args:
        names: Of the table's columns, by which the delimiter is told.

    Raises:
        InputRefused: the file cannot be read, or its encoding cannot be told.
    """
    try:
        found = encoding or _find_encoding(path)
        divided = delimiter or _find_delimiter(path, found, names)
    except (*_UNREADABLE, UnicodeError) as error:
        raise InputRefused(f"{path} cannot be read: {error}") from error
    notes = []
    if not encoding and found not in ("utf-8", "utf-8-sig"):
        notes.append(f"read as {found}, since it is not UTF-8 (say CSV_ENCODING if letters come out wrong)")
    if not delimiter and divided != ",":
        notes.append(f"divided by {_NAMES_OF_DELIMITERS.get(divided, divided)}")
    return Format(found, divided, "; ".join(notes) or None)


def skip_to_header(reader: Iterator[list[str]]) -> list[str] | None:
    """Return the first row that holds anything and is not Excel's `sep=` line; None where there is none."""
    for number, fields in enumerate(reader):
        is_separator = number == 0 and "".join(fields).strip().lower() == "sep="
        if number == 0 and len(fields) == 1:
            is_separator = is_separator or _SEPARATOR_LINE.fullmatch(fields[0].strip().lower()) is not None
        if any(field.strip() for field in fields) and not is_separator:
            return fields
    return None


@contextmanager
def _open_bytes(path: Path) -> Iterator[IO[bytes]]:
    suffix = path.suffix.lower()
    if suffix == _ZIP:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.namelist() if Path(member).suffix.lower() in SUFFIXES]
            members = [member for member in members if not member.startswith("__MACOSX/")]
            if len(members) != 1:
                raise InputRefused(f"{path} holds {len(members)} CSV files; unpack it, or let it hold the one of its table")
            with archive.open(members[0]) as file:
                yield file
    else:
        with _COMPRESSED[suffix](path) if suffix in _COMPRESSED else path.open("rb") as file:
            yield file


def _find_encoding(path: Path) -> str:
    """Return the encoding by byte order mark, else UTF-8 where the bytes are (mostly) of it, else cp1252 where they can be.

    Raises:
        InputRefused: they can be neither.
    """
    with _open_bytes(path) as file:
        start = file.read(1000)
    for mark, name in _BYTE_ORDER_MARKS:
        if start.startswith(mark):
            return name
    if start.count(0) > len(start) / 4:
        return "utf-16-le" if start[1:2] == b"\0" else "utf-16-be"
    inside = outside = 0
    words: list[str] = []
    with open_text(path, "utf-8") as text:
        while chunk := text.read(_CHUNK):
            if not chunk.isascii():
                foreign = len(_FOREIGN.findall(chunk))
                outside += foreign
                inside += sum(not character.isascii() for character in chunk) - foreign
                if len(words) < _SAMPLE:
                    words += _FOREIGN_WORD.findall(chunk)[: _SAMPLE - len(words)]
    # A few bytes that are not UTF-8 in a text that is: those rows are refused one by one.
    if inside >= outside:
        return "utf-8"
    if not _may_be_western(words):
        raise InputRefused(
            f"{path} is not UTF-8, and its encoding cannot be told: give CSV_ENCODING (--encoding), such as cp1250, cp1251 or"
            " shift_jis"
        )
    return _WESTERN


def _may_be_western(words: list[str]) -> bool:
    """Whether words with bytes above ASCII read as words in cp1252, which is what Western Windows and Excel write."""
    try:
        texts = [word.encode("ascii", "surrogateescape").decode(_WESTERN) for word in words]
    except UnicodeDecodeError:  # five bytes mean nothing in it
        return False
    if any(_SIGN_WITHIN_WORD.search(text) for text in texts):
        return False
    long = [text for text in texts if len(text) > 2]
    accents = sum(not character.isascii() for text in long for character in text)
    return accents <= _MOST_ACCENTS * sum(map(len, long))


def _find_delimiter(path: Path, encoding: str, names: Collection[str]) -> str:
    """Return the delimiter by which the header gives most of the table's columns, or the one that Excel's first line names."""
    with open_text(path, encoding) as text:
        if match := _SEPARATOR_LINE.fullmatch(text.readline().strip().lower()):
            return match[1]
    known = {name.lower() for name in names}

    def count_known(delimiter: str) -> int:
        with open_text(path, encoding) as text:
            try:
                header = skip_to_header(csv.reader(text, delimiter=delimiter)) or []
            except csv.Error:
                return 0
        return len(known & {name.strip().lower() for name in header})

    return max(_DELIMITERS, key=count_known)

"""SQL files, found by their path: a comment header of `key: value` lines, then statements under `-- name:` lines."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path

from rental_pipeline.base.errors import FixConfiguration

_NAME = re.compile(r"^-- name: *(\w+) *$", re.MULTILINE)
# Redshift folds names that are not quoted, and takes 127 bytes (Database Developer Guide, "Names and identifiers"), of which the
# rest is for what the pipeline appends.
_FILE_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_HEADER_LINE = re.compile(r"^-- (\w+): +(.*)$")
_HEADER_CONTINUED = re.compile(r"^-- {4,}(\S.*)$")
# What is quoted, in which blanks and dashes mean something; what stands for a blank; brackets and commas; the rest.
_TOKEN = re.compile(
    r"""(?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"""
    r"""|(?P<blank>(?:--[^\n]*|/\*.*?\*/|\s)+)|(?P<mark>[(),])|(?P<rest>[^\s(),'"$/-]+|.)""",
    re.DOTALL,
)
# What a part of a table's definition begins with that is no column (Database Developer Guide, "CREATE TABLE").
_CONSTRAINTS = frozenset({"constraint", "foreign", "like", "primary", "unique"})
# A backslash before a quote ends a text in standard SQL, and does not in Redshift: where such a text ends is not sure.
_AMBIGUOUS = "\\'"


@dataclass(frozen=True)
class SqlFile:
    """One .sql file.

    Attributes:
        path: Where it was read from, for errors.
        header: The `key: value` lines before the first section, continued lines joined.
        sections: Statement by section name, in file order, without comments before the first.
        text: The whole file.
    """

    path: Path
    header: dict[str, str]
    sections: dict[str, str]
    text: str

    @cached_property
    def name(self) -> str:
        """The file's stem, which is the table's (or check's) name."""
        return self.path.stem

    def section(self, name: str) -> str:
        """Return one statement; raise FixConfiguration naming the file where it is missing."""
        if name not in self.sections:
            raise FixConfiguration(f"{self.path} has no section `-- name: {name}`; it has: {', '.join(self.sections)}")
        return self.sections[name]

    @cached_property
    def table_columns(self) -> tuple[str, ...]:
        """The columns of the table that the section `table` defines, in their order."""
        definition = strip_statement(self.section("table"))
        depth, parts = 0, [""]
        for mark in definition[definition.index("(") + 1 :]:
            depth += (mark == "(") - (mark == ")")
            if depth < 0:
                break
            if mark == "," and not depth:
                parts.append("")
            else:
                parts[-1] += mark
        return tuple(name for part in parts if (name := part.split()[0]).lower() not in _CONSTRAINTS)

    def hash_meaning(self, *header: str) -> str:
        """Hash the statements and some lines of the header: what neither a comment nor another formatting changes."""
        lines = [f"{key}: {' '.join(self.header[key].split())}" for key in header if key in self.header]
        return hash_texts(*lines, *(f"{name}: {strip_statement(sql)}" for name, sql in self.sections.items()))

    def header_line(self, key: str) -> str:
        """Return what the header says under a key; raise FixConfiguration naming the file where it says nothing."""
        if key not in self.header:
            raise FixConfiguration(f"{self.path} has no `-- {key}: …` line in its header")
        return self.header[key]


def read_sql_file(path: Path) -> SqlFile:
    """Read and divide one file.

    Raises:
        FixConfiguration: the file has no sections, or two of one name; or prose and header cannot be told apart.
    """
    text = path.read_text(encoding="utf-8")
    pieces = _NAME.split(text)
    if len(pieces) == 1:
        raise FixConfiguration(f"{path} has no `-- name: …` line, so nothing in it would run")
    names, statements = pieces[1::2], [statement.strip() for statement in pieces[2::2]]
    if len(set(names)) != len(names):
        raise FixConfiguration(f"{path} names a section twice: {', '.join(names)}")
    if empty := [name for name, statement in zip(names, statements, strict=True) if not statement]:
        raise FixConfiguration(f"{path}: section {empty[0]} is empty")
    return SqlFile(path, _read_header(path, pieces[0]), dict(zip(names, statements, strict=True)), text)


def read_sql_folder(folder: Path) -> dict[str, SqlFile]:
    """Read every .sql file of a folder, by stem, in name order (an absent folder is empty).

    Raises:
        FixConfiguration: as `read_sql_file`; or a file's name cannot be a table's without quotes.
    """
    paths = sorted(folder.glob("*.sql"))
    if wrong := [path for path in paths if not _FILE_NAME.fullmatch(path.stem)]:
        raise FixConfiguration(
            f"{wrong[0]}: the file's name is the table's or check's; it begins with a small letter, and has small letters, digits"
            " and underscores only, at most 100 of them: rename it"
        )
    return {path.stem: read_sql_file(path) for path in paths}


# A step hashes the same statements many times.
@lru_cache(maxsize=2048)
def strip_statement(sql: str) -> str:
    """Return a statement without comments, each stretch of blanks outside of quotes as one, none at brackets and commas.

    Two statements of one result mean the same; what may mean something else stays as it is.
    """
    if _AMBIGUOUS in sql:
        return sql
    kept: list[str] = []
    for token in _TOKEN.finditer(sql):
        is_blank = token.lastgroup == "blank"
        if kept and kept[-1] == " " and token.lastgroup == "mark":
            kept.pop()
        if not is_blank:
            kept.append(token[0])
        elif kept and kept[-1] not in ("(", ")", ","):
            kept.append(" ")
    return "".join(kept).strip()


def hash_texts(*texts: str) -> str:
    """Return one SHA-256 (hex) over texts, each of them delimited by its length."""
    digest = hashlib.sha256()
    for text in texts:
        encoded = text.encode()
        digest.update(str(len(encoded)).encode() + b":" + encoded)
    return digest.hexdigest()


def _read_header(path: Path, comments: str) -> dict[str, str]:
    """Return the keys of the header: of the one paragraph that begins with such a line, and has no others.

    Raises:
        FixConfiguration: a line of prose could be taken for a key, or a key for prose.
    """
    header: dict[str, str] = {}
    key, is_inside, is_over = None, False, False
    for before, line in pairwise(["--", *comments.splitlines()]):
        if match := _HEADER_LINE.match(line):
            is_inside = is_inside or (not is_over and before.strip() in ("--", ""))
            if not is_inside:
                first = f", as `-- {next(iter(header))}: …` does, in another paragraph" if header else ", within prose"
                raise FixConfiguration(
                    f"{path}: the line `{line}` looks like a key of the header{first}; all keys stand in one paragraph of"
                    " `-- key: value` lines: put it there, or begin the line of prose with another word"
                )
            key = match[1]
            if key in header:
                raise FixConfiguration(f"{path}: the header says {key} twice")
            header[key] = match[2].strip()
        elif is_inside and line.strip() in ("--", ""):
            is_inside, is_over = False, True
        elif is_inside:
            if not (key and (match := _HEADER_CONTINUED.match(line))):
                raise FixConfiguration(
                    f"{path}: the line `{line}` of the header is no `-- key: value`; what goes on with the line above begins with"
                    " four blanks, and prose stands after a line `--`"
                )
            header[key] += " " + match[1].strip()
    return header

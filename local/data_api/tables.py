"""CREATE TABLE and ALTER TABLE of Redshift: what its storage is told falls away, what its values must obey is enforced.

Primary, unique and foreign keys are accepted and not enforced (page t_Defining_constraints). VARCHAR(n) and CHAR(n) hold n bytes (page
r_Character_types): PostgreSQL counts characters, so each such column gets a check of its bytes, named `<column>_bytes_<n>`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import ParseError
from sqlglot.tokens import Token, TokenType

from local.data_api.dialect import Source, fold_name, write
from local.data_api.expressions import check_type, rewrite_expressions
from local.data_api.reading import Reader, depth_change, split_list
from local.data_api.refusal import Refused

# Words after a column's type that say how it is stored: with how many words or lists follow each.
_STORAGE_WORDS = ("DISTKEY", "SORTKEY")


@dataclass(frozen=True)
class TableDefinition:
    """The part of CREATE TABLE before AS, and the query after it."""

    text: str
    query: str | None


@dataclass(frozen=True)
class TableChange:
    """ALTER TABLE for PostgreSQL, and why it may not stand in a transaction (or None)."""

    text: str
    alone: str | None


def read_table(sql: str, tokens: list[Token]) -> TableDefinition:
    """Read CREATE TABLE (page r_CREATE_TABLE_NEW) or CREATE TABLE AS (page r_CREATE_TABLE_AS).

    Raises:
        Refused: the statement is not Redshift's, or has a type or option that is not offered here.
    """
    reader = Reader(sql, tokens)
    reader.require("CREATE")
    reader.take("LOCAL")
    temporary = reader.take("TEMP") or reader.take("TEMPORARY")
    reader.require("TABLE")
    exists = reader.take("IF", "NOT", "EXISTS")
    name = reader.name()
    temporary = temporary or name.startswith('"#')
    head = f"create {'temporary ' if temporary else ''}table {'if not exists ' if exists else ''}{name}"
    columns = reader.parenthesized() if reader.word() == "(" else None
    reader.take("BACKUP", "YES") or reader.take("BACKUP", "NO")
    _skip_storage(reader)
    if reader.take("AS"):
        names = "" if columns is None else " (" + ", ".join(fold_name(item[0]) for item in split_list(columns)) + ")"
        return TableDefinition(head + names, reader.rest())
    if not reader.ended:
        raise Refused(f'syntax error at or near "{reader.next().text}" in CREATE TABLE')
    if columns is None:
        raise Refused("CREATE TABLE needs columns")
    items = [piece for item in split_list(columns) for piece in _read_item(sql, item)]
    return TableDefinition(f"{head} ({', '.join(items)})", None)


def read_alter(sql: str, tokens: list[Token]) -> TableChange:
    """Read ALTER TABLE (page r_ALTER_TABLE): one action a statement, few of them inside a transaction.

    Raises:
        Refused: the action is not Redshift's, or not offered here.
    """
    reader = Reader(sql, tokens)
    reader.require("ALTER", "TABLE")
    if reader.take("IF", "EXISTS"):
        raise Refused("ALTER TABLE has no IF EXISTS")
    name = reader.name()
    if any(token.text == "," for token in _outside_parentheses(tokens[reader.at :])):
        raise Refused("ALTER TABLE makes one change a statement")
    if reader.take("ADD"):
        if reader.word() in ("PRIMARY", "UNIQUE", "FOREIGN", "CONSTRAINT"):
            return TableChange("", None)
        reader.take("COLUMN")
        if reader.take("IF", "NOT", "EXISTS"):
            raise Refused("ADD COLUMN has no IF NOT EXISTS: look the column up in SVV_COLUMNS first")
        column, *checks = _read_column(Reader(sql, tokens[reader.at :]))
        if " not null" in column and " default " not in column:
            raise Refused("ALTER TABLE ADD COLUMN NOT NULL needs a DEFAULT")
        return TableChange(
            f"alter table {name} " + ", ".join([f"add column {column}", *(f"add {check}" for check in checks)]), None
        )
    if reader.take("DROP", "CONSTRAINT"):
        return TableChange("", None)
    if reader.take("DROP"):
        reader.take("COLUMN")
        column = reader.name()
        cascade = " cascade" if reader.take("CASCADE") else ""
        reader.take("RESTRICT")
        return _finish(reader, f"alter table {name} drop column {column}{cascade}")
    if reader.take("RENAME", "TO"):
        return _finish(reader, f"alter table {name} rename to {reader.name()}")
    if reader.take("RENAME"):
        reader.take("COLUMN")
        column = reader.name()
        reader.require("TO")
        return _finish(reader, f"alter table {name} rename column {column} to {reader.name()}")
    if reader.take("OWNER", "TO"):
        return _finish(reader, f"alter table {name} owner to {reader.name()}")
    if reader.take("APPEND"):
        raise Refused("ALTER TABLE APPEND is not offered here; it cannot run inside a transaction block either")
    if reader.take("ALTER"):
        return _read_alter_column(reader, name)
    raise Refused(f'syntax error at or near "{reader.next().text}" in ALTER TABLE')


def _read_alter_column(reader: Reader, table: str) -> TableChange:
    if reader.word() in ("DISTKEY", "DISTSTYLE", "SORTKEY", "COMPOUND", "ENCODE"):
        return TableChange("", f"ALTER TABLE ALTER {reader.word()} cannot run inside a transaction block")
    reader.take("COLUMN")
    column = reader.name()
    if reader.take("ENCODE"):
        return TableChange("", "ALTER TABLE ALTER COLUMN ENCODE cannot run inside a transaction block")
    reader.require("TYPE")
    kind = _read_type(reader)
    if kind.this is not exp.DType.VARCHAR:
        raise Refused("ALTER COLUMN TYPE changes only the size of a VARCHAR column")
    size = int(kind.expressions[0].name)
    plain = column.strip('"')
    text = f"select redshift.resize_varchar({_text(table)}, {_text(plain)}, {size})"  # checks, then alters
    return _finish(reader, text, "ALTER TABLE ALTER COLUMN cannot run inside a transaction block")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _finish(reader: Reader, text: str, alone: str | None = None) -> TableChange:
    if not reader.ended:
        raise Refused(f'syntax error at or near "{reader.next().text}" in ALTER TABLE')
    return TableChange(text, alone)


def _outside_parentheses(tokens: list[Token]) -> list[Token]:
    kept, depth = [], 0
    for token in tokens:
        depth += depth_change(token)
        if depth == 0:
            kept.append(token)
    return kept


def _skip_storage(reader: Reader) -> None:
    """Read past DISTSTYLE, DISTKEY, SORTKEY, ENCODE AUTO."""
    while True:
        if reader.take("DISTSTYLE"):
            if reader.next().text.upper() not in ("AUTO", "EVEN", "KEY", "ALL"):
                raise Refused("DISTSTYLE is AUTO, EVEN, KEY or ALL")
        elif reader.take("DISTKEY"):
            if len(reader.parenthesized()) != 1:
                raise Refused("DISTKEY names one column")
        elif reader.take("SORTKEY", "AUTO") or reader.take("ENCODE", "AUTO"):
            continue
        elif reader.word() in ("COMPOUND", "INTERLEAVED", "SORTKEY"):
            reader.take("COMPOUND") or reader.take("INTERLEAVED")
            reader.require("SORTKEY")
            for item in split_list(reader.parenthesized()):
                fold_name(item[0])
        else:
            return


def _read_item(sql: str, tokens: list[Token]) -> list[str]:
    reader = Reader(sql, tokens)
    if reader.take("LIKE"):
        source = reader.name()
        defaults = " including defaults" if reader.take("INCLUDING", "DEFAULTS") else ""
        reader.take("EXCLUDING", "DEFAULTS")
        return [f"like {source} including constraints{defaults}"]
    if (
        reader.word() in ("PRIMARY", "UNIQUE", "FOREIGN", "CONSTRAINT") and reader.word(1) in ("KEY", "(")
    ) or reader.word() == "CONSTRAINT":
        return []
    if reader.word() == "CHECK":
        raise Refused("CHECK constraints are not Redshift's")
    return _read_column(reader)


def _read_column(reader: Reader) -> list[str]:
    """Read one column; return its definition and the check of its bytes, if it has one."""
    name = reader.name()
    kind = _read_type(reader)
    definition = [name, kind.sql(dialect="postgres")]
    while not reader.ended:
        if reader.take("NOT", "NULL") or reader.take("PRIMARY", "KEY"):
            if "not null" not in definition:
                definition.append("not null")
        elif reader.take("NULL") or reader.take("UNIQUE") or reader.take("DISTKEY") or reader.take("SORTKEY"):
            continue
        elif reader.take("ENCODE"):
            reader.next()
        elif reader.take("DEFAULT"):
            definition.append("default " + _read_default(reader))
        elif reader.take("IDENTITY"):
            start, step = _read_numbers(reader)
            definition.append(f"generated always as identity (start {start} increment {step})")
        elif reader.take("GENERATED", "BY", "DEFAULT", "AS", "IDENTITY"):
            start, step = _read_numbers(reader)
            definition.append(f"generated by default as identity (start {start} increment {step})")
        elif reader.take("REFERENCES"):
            reader.name()
            if reader.word() == "(":
                reader.parenthesized()
        elif reader.take("COLLATE"):
            if reader.next().text.upper() != "CASE_SENSITIVE":
                raise Refused("COLLATE CASE_INSENSITIVE is not offered here")
        else:
            raise Refused(f'syntax error at or near "{reader.next().text}" in the definition of {name}')
    pieces = [" ".join(definition)]
    if kind.this in (exp.DType.VARCHAR, exp.DType.CHAR):
        size = kind.expressions[0].name
        pieces.append(f'constraint "{name.strip(chr(34))}_bytes_{size}" check (octet_length({name}::text) <= {size})')
    return pieces


def _read_numbers(reader: Reader) -> tuple[int, int]:
    numbers = [token.text for token in reader.parenthesized() if token.token_type is TokenType.NUMBER]
    if len(numbers) != 2:
        raise Refused("IDENTITY takes (seed, step)")
    return int(numbers[0]), int(numbers[1])


def _read_default(reader: Reader) -> str:
    start, depth = reader.at, 0
    while not reader.ended:
        word = reader.word()
        if (
            reader.at > start
            and depth == 0
            and word in ("NOT", "NULL", "ENCODE", "DISTKEY", "SORTKEY", "PRIMARY", "UNIQUE", "REFERENCES")
        ):
            break
        depth += depth_change(reader.next())
    text = reader.sql[reader.tokens[start].start : reader.tokens[reader.at - 1].end + 1]
    try:
        tree = Source().parse(f"select {text}")[0]
    except ParseError as error:
        raise Refused(f"syntax error in the default {text}") from error
    return write(rewrite_expressions(tree).expressions[0])


def _read_type(reader: Reader) -> exp.DataType:
    """Read a type; sizes that Redshift leaves out are written out (VARCHAR is VARCHAR(256), CHAR is CHAR(1))."""
    start = reader.at
    first = reader.next()
    if first.token_type is TokenType.IDENTIFIER:
        raise Refused(f'type "{first.text}" does not exist')
    if first.text.upper() in ("DOUBLE", "CHARACTER", "NATIONAL"):
        reader.take("PRECISION") or reader.take("VARYING")
    if reader.word() == "(":
        reader.parenthesized()
    if reader.word() in ("WITH", "WITHOUT") and reader.word(1) == "TIME":
        reader.at += 3
    text = reader.sql[reader.tokens[start].start : reader.tokens[reader.at - 1].end + 1]
    try:
        kind = check_type(exp.DataType.build(text, dialect=Source))
    except (ParseError, ValueError) as error:
        raise Refused(f'type "{text}" does not exist') from error
    if kind.this in (exp.DType.VARCHAR, exp.DType.CHAR):
        size = kind.expressions[0].name if kind.expressions else {exp.DType.VARCHAR: "256", exp.DType.CHAR: "1"}[kind.this]
        limit = 65535 if kind.this is exp.DType.VARCHAR else 4096
        size = str(limit) if size.lower() == "max" else size
        if not 1 <= int(size) <= limit:
            raise Refused(f"length for type {text} must be between 1 and {limit}")
        kind = exp.DataType(this=kind.this, expressions=[exp.DataTypeParam(this=exp.Literal.number(size))])
    return kind

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


class _Cursor:
    """A walk over tokens."""

    def __init__(self, sql: str, tokens: list[Token]) -> None:
        self.sql, self.tokens, self.at = sql, tokens, 0

    def word(self, ahead: int = 0) -> str:
        index = self.at + ahead
        return (
            self.tokens[index].text.upper()
            if index < len(self.tokens) and self.tokens[index].token_type is not TokenType.IDENTIFIER
            else ""
        )

    def take(self, *words: str) -> bool:
        if tuple(self.word(i) for i in range(len(words))) != words:
            return False
        self.at += len(words)
        return True

    def require(self, *words: str) -> None:
        if not self.take(*words):
            found = self.tokens[self.at].text if self.at < len(self.tokens) else "end of statement"
            raise Refused(f'syntax error at or near "{found}": expected {" ".join(words)}')

    def next(self) -> Token:
        if self.at >= len(self.tokens):
            raise Refused("syntax error at end of statement")
        self.at += 1
        return self.tokens[self.at - 1]

    def name(self) -> str:
        """A name, qualified or not."""
        name = fold_name(self.next())
        while self.take("."):
            name += "." + fold_name(self.next())
        return name

    def parenthesized(self) -> list[Token]:
        """The tokens between this parenthesis and its partner."""
        self.require("(")
        start, depth = self.at, 1
        while depth:
            depth += {"(": 1, ")": -1}.get(self.next().text, 0)
        return self.tokens[start : self.at - 1]

    def rest(self) -> str:
        return self.sql[self.tokens[self.at].start : self.tokens[-1].end + 1]

    @property
    def ended(self) -> bool:
        return self.at >= len(self.tokens)


def read_table(sql: str, tokens: list[Token]) -> TableDefinition:
    """Read CREATE TABLE (page r_CREATE_TABLE_NEW) or CREATE TABLE AS (page r_CREATE_TABLE_AS).

    Raises:
        Refused: the statement is not Redshift's, or has a type or option that is not offered here.
    """
    cursor = _Cursor(sql, tokens)
    cursor.require("CREATE")
    cursor.take("LOCAL")
    temporary = cursor.take("TEMP") or cursor.take("TEMPORARY")
    cursor.require("TABLE")
    exists = cursor.take("IF", "NOT", "EXISTS")
    name = cursor.name()
    temporary = temporary or name.startswith('"#')
    head = f"create {'temporary ' if temporary else ''}table {'if not exists ' if exists else ''}{name}"
    columns = cursor.parenthesized() if cursor.word() == "(" else None
    cursor.take("BACKUP", "YES") or cursor.take("BACKUP", "NO")
    _skip_storage(cursor)
    if cursor.take("AS"):
        names = "" if columns is None else " (" + ", ".join(fold_name(item[0]) for item in _split_list(columns)) + ")"
        return TableDefinition(head + names, cursor.rest())
    if not cursor.ended:
        raise Refused(f'syntax error at or near "{cursor.next().text}" in CREATE TABLE')
    if columns is None:
        raise Refused("CREATE TABLE needs columns")
    items = [piece for item in _split_list(columns) for piece in _read_item(sql, item)]
    return TableDefinition(f"{head} ({', '.join(items)})", None)


def read_alter(sql: str, tokens: list[Token]) -> TableChange:
    """Read ALTER TABLE (page r_ALTER_TABLE): one action a statement, few of them inside a transaction.

    Raises:
        Refused: the action is not Redshift's, or not offered here.
    """
    cursor = _Cursor(sql, tokens)
    cursor.require("ALTER", "TABLE")
    if cursor.take("IF", "EXISTS"):
        raise Refused("ALTER TABLE has no IF EXISTS")
    name = cursor.name()
    if any(token.text == "," for token in _outside_parentheses(tokens[cursor.at :])):
        raise Refused("ALTER TABLE makes one change a statement")
    if cursor.take("ADD"):
        if cursor.word() in ("PRIMARY", "UNIQUE", "FOREIGN", "CONSTRAINT"):
            return TableChange("", None)
        cursor.take("COLUMN")
        if cursor.take("IF", "NOT", "EXISTS"):
            raise Refused("ADD COLUMN has no IF NOT EXISTS: look the column up in SVV_COLUMNS first")
        column, *checks = _read_column(_Cursor(sql, tokens[cursor.at :]))
        if " not null" in column and " default " not in column:
            raise Refused("ALTER TABLE ADD COLUMN NOT NULL needs a DEFAULT")
        return TableChange(
            f"alter table {name} " + ", ".join([f"add column {column}", *(f"add {check}" for check in checks)]), None
        )
    if cursor.take("DROP", "CONSTRAINT"):
        return TableChange("", None)
    if cursor.take("DROP"):
        cursor.take("COLUMN")
        column = cursor.name()
        cascade = " cascade" if cursor.take("CASCADE") else ""
        cursor.take("RESTRICT")
        return _finish(cursor, f"alter table {name} drop column {column}{cascade}")
    if cursor.take("RENAME", "TO"):
        return _finish(cursor, f"alter table {name} rename to {cursor.name()}")
    if cursor.take("RENAME"):
        cursor.take("COLUMN")
        column = cursor.name()
        cursor.require("TO")
        return _finish(cursor, f"alter table {name} rename column {column} to {cursor.name()}")
    if cursor.take("OWNER", "TO"):
        return _finish(cursor, f"alter table {name} owner to {cursor.name()}")
    if cursor.take("APPEND"):
        raise Refused("ALTER TABLE APPEND is not offered here; it cannot run inside a transaction block either")
    if cursor.take("ALTER"):
        return _read_alter_column(cursor, name)
    raise Refused(f'syntax error at or near "{cursor.next().text}" in ALTER TABLE')


def _read_alter_column(cursor: _Cursor, table: str) -> TableChange:
    if cursor.word() in ("DISTKEY", "DISTSTYLE", "SORTKEY", "COMPOUND", "ENCODE"):
        return TableChange("", f"ALTER TABLE ALTER {cursor.word()} cannot run inside a transaction block")
    cursor.take("COLUMN")
    column = cursor.name()
    if cursor.take("ENCODE"):
        return TableChange("", "ALTER TABLE ALTER COLUMN ENCODE cannot run inside a transaction block")
    cursor.require("TYPE")
    kind = _read_type(cursor)
    if kind.this is not exp.DType.VARCHAR:
        raise Refused("ALTER COLUMN TYPE changes only the size of a VARCHAR column")
    size = int(kind.expressions[0].name)
    plain = column.strip('"')
    text = f"select redshift.resize_varchar({_text(table)}, {_text(plain)}, {size})"  # checks, then alters
    return _finish(cursor, text, "ALTER TABLE ALTER COLUMN cannot run inside a transaction block")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _finish(cursor: _Cursor, text: str, alone: str | None = None) -> TableChange:
    if not cursor.ended:
        raise Refused(f'syntax error at or near "{cursor.next().text}" in ALTER TABLE')
    return TableChange(text, alone)


def _split_list(tokens: list[Token]) -> list[list[Token]]:
    items: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if token.text == "," and depth == 0 and token.token_type is TokenType.COMMA:
            items.append([])
        else:
            items[-1].append(token)
    if any(not item for item in items):
        raise Refused('syntax error at or near ","')
    return items


def _outside_parentheses(tokens: list[Token]) -> list[Token]:
    kept, depth = [], 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.token_type is not TokenType.STRING else 0
        if depth == 0 and token.token_type is not TokenType.STRING:
            kept.append(token)
    return kept


def _skip_storage(cursor: _Cursor) -> None:
    """Read past DISTSTYLE, DISTKEY, SORTKEY, ENCODE AUTO."""
    while True:
        if cursor.take("DISTSTYLE"):
            if cursor.next().text.upper() not in ("AUTO", "EVEN", "KEY", "ALL"):
                raise Refused("DISTSTYLE is AUTO, EVEN, KEY or ALL")
        elif cursor.take("DISTKEY"):
            if len(cursor.parenthesized()) != 1:
                raise Refused("DISTKEY names one column")
        elif cursor.take("SORTKEY", "AUTO") or cursor.take("ENCODE", "AUTO"):
            continue
        elif cursor.word() in ("COMPOUND", "INTERLEAVED", "SORTKEY"):
            cursor.take("COMPOUND") or cursor.take("INTERLEAVED")
            cursor.require("SORTKEY")
            for item in _split_list(cursor.parenthesized()):
                fold_name(item[0])
        else:
            return


def _read_item(sql: str, tokens: list[Token]) -> list[str]:
    cursor = _Cursor(sql, tokens)
    if cursor.take("LIKE"):
        source = cursor.name()
        defaults = " including defaults" if cursor.take("INCLUDING", "DEFAULTS") else ""
        cursor.take("EXCLUDING", "DEFAULTS")
        return [f"like {source} including constraints{defaults}"]
    if (
        cursor.word() in ("PRIMARY", "UNIQUE", "FOREIGN", "CONSTRAINT") and cursor.word(1) in ("KEY", "(")
    ) or cursor.word() == "CONSTRAINT":
        return []
    if cursor.word() == "CHECK":
        raise Refused("CHECK constraints are not Redshift's")
    return _read_column(cursor)


def _read_column(cursor: _Cursor) -> list[str]:
    """Read one column; return its definition and the check of its bytes, if it has one."""
    name = cursor.name()
    kind = _read_type(cursor)
    definition = [name, kind.sql(dialect="postgres")]
    while not cursor.ended:
        if cursor.take("NOT", "NULL") or cursor.take("PRIMARY", "KEY"):
            if "not null" not in definition:
                definition.append("not null")
        elif cursor.take("NULL") or cursor.take("UNIQUE") or cursor.take("DISTKEY") or cursor.take("SORTKEY"):
            continue
        elif cursor.take("ENCODE"):
            cursor.next()
        elif cursor.take("DEFAULT"):
            definition.append("default " + _read_default(cursor))
        elif cursor.take("IDENTITY"):
            start, step = _read_numbers(cursor)
            definition.append(f"generated always as identity (start {start} increment {step})")
        elif cursor.take("GENERATED", "BY", "DEFAULT", "AS", "IDENTITY"):
            start, step = _read_numbers(cursor)
            definition.append(f"generated by default as identity (start {start} increment {step})")
        elif cursor.take("REFERENCES"):
            cursor.name()
            if cursor.word() == "(":
                cursor.parenthesized()
        elif cursor.take("COLLATE"):
            if cursor.next().text.upper() != "CASE_SENSITIVE":
                raise Refused("COLLATE CASE_INSENSITIVE is not offered here")
        else:
            raise Refused(f'syntax error at or near "{cursor.next().text}" in the definition of {name}')
    pieces = [" ".join(definition)]
    if kind.this in (exp.DType.VARCHAR, exp.DType.CHAR):
        size = kind.expressions[0].name
        pieces.append(f'constraint "{name.strip(chr(34))}_bytes_{size}" check (octet_length({name}::text) <= {size})')
    return pieces


def _read_numbers(cursor: _Cursor) -> tuple[int, int]:
    numbers = [token.text for token in cursor.parenthesized() if token.token_type is TokenType.NUMBER]
    if len(numbers) != 2:
        raise Refused("IDENTITY takes (seed, step)")
    return int(numbers[0]), int(numbers[1])


def _read_default(cursor: _Cursor) -> str:
    start, depth = cursor.at, 0
    while not cursor.ended:
        word = cursor.word()
        if (
            cursor.at > start
            and depth == 0
            and word in ("NOT", "NULL", "ENCODE", "DISTKEY", "SORTKEY", "PRIMARY", "UNIQUE", "REFERENCES")
        ):
            break
        depth += {"(": 1, ")": -1}.get(cursor.next().text, 0)
    text = cursor.sql[cursor.tokens[start].start : cursor.tokens[cursor.at - 1].end + 1]
    try:
        tree = Source().parse(f"select {text}")[0]
    except ParseError as error:
        raise Refused(f"syntax error in the default {text}") from error
    return write(rewrite_expressions(tree).expressions[0])


def _read_type(cursor: _Cursor) -> exp.DataType:
    """Read a type; sizes that Redshift leaves out are written out (VARCHAR is VARCHAR(256), CHAR is CHAR(1))."""
    start = cursor.at
    first = cursor.next()
    if first.token_type is TokenType.IDENTIFIER:
        raise Refused(f'type "{first.text}" does not exist')
    if first.text.upper() in ("DOUBLE", "CHARACTER", "NATIONAL"):
        cursor.take("PRECISION") or cursor.take("VARYING")
    if cursor.word() == "(":
        cursor.parenthesized()
    if cursor.word() in ("WITH", "WITHOUT") and cursor.word(1) == "TIME":
        cursor.at += 3
    text = cursor.sql[cursor.tokens[start].start : cursor.tokens[cursor.at - 1].end + 1]
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

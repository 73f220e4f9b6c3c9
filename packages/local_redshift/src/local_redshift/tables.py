"""CREATE TABLE and ALTER TABLE of Redshift: what its storage is told falls away, what its values must obey is enforced.

Primary, unique and foreign keys are accepted and not enforced (page t_Defining_constraints). VARCHAR(n) and CHAR(n) hold n bytes,
CHAR of single-byte characters only (page r_Character_types): PostgreSQL counts characters, so each such column gets a check of
its bytes, named `<column>_bytes_<n>`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.errors import ParseError
from sqlglot.tokenizer_core import Token, TokenType

from local_redshift.dialect import Source, fold_name, parse, write
from local_redshift.expressions import check_type, rewrite_expressions
from local_redshift.parameters import quote_text
from local_redshift.reading import Reader, depth_change, on_its_lines, split_list, text_of, word_of
from local_redshift.refusal import NotOffered, Refused

# Of every table, hidden: those of PostgreSQL 8.0, of which later ones have given up `oid`, and two of Redshift's own.
_SYSTEM_COLUMNS = ("cmax", "cmin", "ctid", "deletexid", "insertxid", "oid", "tableoid", "xmax", "xmin")
# Page c_Compression_encodings.
_ENCODINGS = frozenset(
    "AUTO AZ64 BYTEDICT DELTA DELTA32K LZO MOSTLY8 MOSTLY16 MOSTLY32 RAW RUNLENGTH TEXT255 TEXT32K ZSTD".split()  # noqa: SIM905
)
_MOST_INTERLEAVED = 8
_TABLE_CONSTRAINTS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK")
_AFTER_DEFAULT = ("NOT", "NULL", "ENCODE", "DISTKEY", "SORTKEY", "PRIMARY", "UNIQUE", "REFERENCES")


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
    storage = _read_storage(reader)
    if reader.take("AS"):
        names = "" if columns is None else " (" + ", ".join(fold_name(item[0]) for item in split_list(columns)) + ")"
        return TableDefinition(head + names, reader.rest())
    if not reader.ended:
        raise Refused(f'syntax error at or near "{reader.next().text}" in CREATE TABLE')
    if columns is None:
        raise Refused("CREATE TABLE needs columns")
    _check_storage(columns, storage)
    return TableDefinition(f"{head} ({', '.join(_read_items(sql, columns))})", None)


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
        told = {word_of(token) for token in _outside_parentheses(tokens[reader.at + 1 :])}
        if refused := told & {"UNIQUE", "PRIMARY", "REFERENCES", "IDENTITY", "DISTKEY", "SORTKEY"}:
            raise Refused(f"ALTER TABLE ADD COLUMN takes no {min(refused)}")
        column, *checks = _read_column(Reader(sql, tokens[reader.at :]))
        if " not null" in column and " default " not in column:
            raise Refused("ALTER TABLE ADD COLUMN NOT NULL needs a DEFAULT")
        actions = [f"add column {column}", *(f"add {check}" for check in checks)]
        return TableChange(f"alter table {name} {', '.join(actions)}", None)
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
        raise NotOffered("ALTER TABLE APPEND is not offered here; it cannot run inside a transaction block either")
    if reader.take("ALTER"):
        return _read_alter_column(reader, name)
    raise Refused(f'syntax error at or near "{reader.next().text}" in ALTER TABLE')


def _read_alter_column(reader: Reader, table: str) -> TableChange:
    if reader.word() in ("DISTKEY", "DISTSTYLE", "SORTKEY", "COMPOUND", "ENCODE"):
        return TableChange("", None)
    reader.take("COLUMN")
    column = reader.name()
    if reader.take("ENCODE"):
        return TableChange("", None)
    reader.require("TYPE")
    kind = _read_type(reader)
    if kind.this is not exp.DType.VARCHAR:
        raise Refused("ALTER COLUMN TYPE changes only the size of a VARCHAR column")
    size = int(kind.expressions[0].name)
    text = f"select redshift.resize_varchar({quote_text(table)}, {quote_text(column[1:-1])}, {size})"
    return _finish(reader, text, "ALTER TABLE ALTER COLUMN cannot run inside a transaction block")


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


@dataclass
class _Storage:
    """What stands behind a table's columns."""

    style: str | None = None
    distribution_keys: list[str] = field(default_factory=list)
    sort_keys: list[str] = field(default_factory=list)
    is_interleaved: bool = False


def _read_storage(reader: Reader) -> _Storage:
    """Read DISTSTYLE, DISTKEY, SORTKEY, ENCODE AUTO."""
    storage = _Storage()
    while True:
        if reader.take("DISTSTYLE"):
            storage.style = reader.next().text.upper()
            if storage.style not in ("AUTO", "EVEN", "KEY", "ALL"):
                raise Refused("DISTSTYLE is AUTO, EVEN, KEY or ALL")
        elif reader.take("DISTKEY"):
            columns = reader.parenthesized()
            if len(columns) != 1:
                raise Refused("DISTKEY names one column")
            storage.distribution_keys.append(fold_name(columns[0]))
        elif reader.take("SORTKEY", "AUTO") or reader.take("ENCODE", "AUTO"):
            continue
        elif reader.word() in ("COMPOUND", "INTERLEAVED", "SORTKEY"):
            storage.is_interleaved = reader.take("INTERLEAVED")
            reader.take("COMPOUND")
            reader.require("SORTKEY")
            storage.sort_keys += [fold_name(item[0]) for item in split_list(reader.parenthesized())]
        else:
            return storage


def _check_storage(columns: list[Token], storage: _Storage) -> None:
    """Refuse storage that Redshift does not take (page r_CREATE_TABLE_NEW): keys without a column, styles against keys."""
    items = [[word_of(token) for token in item] for item in split_list(columns)]
    if any(item[0] == "LIKE" for item in items):
        return  # whose columns are known to the database only
    names = {fold_name(item[0]) for item in split_list(columns) if word_of(item[0]) not in _TABLE_CONSTRAINTS}
    keys = storage.distribution_keys + ["" for item in items if "DISTKEY" in item[1:]]
    if len(keys) > 1:
        raise Refused("a table has one DISTKEY")
    if keys and storage.style not in (None, "KEY"):
        raise Refused(f"DISTKEY cannot be specified with DISTSTYLE {storage.style}")
    if storage.style == "KEY" and not keys:
        raise Refused("DISTSTYLE KEY needs a DISTKEY")
    if missing := {*storage.distribution_keys, *storage.sort_keys} - names:
        raise Refused(f"column {min(missing)} named in key does not exist")
    if storage.is_interleaved and len(storage.sort_keys) > _MOST_INTERLEAVED:
        raise Refused(f"an INTERLEAVED SORTKEY has at most {_MOST_INTERLEAVED} columns")
    identities = [item for item in items if "IDENTITY" in item[1:]]
    if len(identities) > 1:
        raise Refused("a table has one IDENTITY column")
    if identities and identities[0][1] not in ("INT", "INTEGER", "INT4", "BIGINT", "INT8"):
        raise Refused("an IDENTITY column is INT or BIGINT")


def _read_items(sql: str, tokens: list[Token]) -> list[str]:
    """Read the list between the parentheses of CREATE TABLE; the columns of a primary key cannot be NULL."""
    columns: dict[str, list[str]] = {}
    others: list[str] = []
    keys: list[str] = []
    for item in split_list(tokens):
        reader = Reader(sql, item)
        if reader.take("LIKE"):
            others.append(_read_like(reader))
        elif reader.take("CONSTRAINT"):
            reader.name()
            keys += _read_table_constraint(reader)
        elif reader.word() in ("PRIMARY", "UNIQUE", "FOREIGN", "CHECK") and reader.word(1) in ("KEY", "("):
            keys += _read_table_constraint(reader)
        else:
            columns[fold_name(item[0])] = _read_column(reader)
    for name in keys:
        if name not in columns:
            raise Refused(f"column {name} named in key does not exist")
        if not columns[name][0].endswith(" not null"):
            columns[name][0] += " not null"
    return [piece for pieces in columns.values() for piece in pieces] + others


def _read_like(reader: Reader) -> str:
    source = reader.name()
    defaults = " including defaults" if reader.take("INCLUDING", "DEFAULTS") else ""
    reader.take("EXCLUDING", "DEFAULTS")
    return f"like {source} including constraints{defaults}"


def _read_table_constraint(reader: Reader) -> list[str]:
    """Read a key, which is not enforced; return the columns of a primary key."""
    if reader.take("PRIMARY", "KEY"):
        return [fold_name(item[0]) for item in split_list(reader.parenthesized())]
    if reader.take("UNIQUE") or reader.take("FOREIGN", "KEY"):
        return []
    raise Refused("CHECK constraints are not Redshift's")


def _read_column(reader: Reader) -> list[str]:
    """Read one column; return its definition and the check of its bytes, if it has one."""
    name = reader.name()
    if name[1:-1] in _SYSTEM_COLUMNS:
        raise Refused(f"column name {name} conflicts with a system column name")
    kind = _read_type(reader)
    pieces = [name, kind.sql(dialect="postgres")]
    is_required = False
    while not reader.ended:
        if reader.take("NOT", "NULL") or reader.take("PRIMARY", "KEY"):
            is_required = True
        elif reader.take("NULL") or reader.take("UNIQUE") or reader.take("DISTKEY") or reader.take("SORTKEY"):
            continue
        elif reader.take("ENCODE"):
            _read_encoding(reader)
        elif reader.take("DEFAULT"):
            pieces.append("default " + _read_default(reader))
        elif reader.take("IDENTITY"):
            pieces.append(f"generated always as identity ({_read_seed(reader)})")
        elif reader.take("GENERATED", "BY", "DEFAULT", "AS", "IDENTITY"):
            pieces.append(f"generated by default as identity ({_read_seed(reader)})")
        elif reader.take("REFERENCES"):
            reader.name()
            if reader.word() == "(":
                reader.parenthesized()
        elif reader.word() == "CHECK":
            raise Refused("CHECK constraints are not Redshift's")
        else:
            raise Refused(f'syntax error at or near "{reader.next().text}" in the definition of the column {name}')
    definition = " ".join(pieces) + (" not null" if is_required else "")
    if kind.this not in (exp.DType.VARCHAR, exp.DType.CHAR):
        return [definition]
    size = kind.expressions[0].name
    single_byte = f" and octet_length({name}::text) = char_length({name})" if kind.this is exp.DType.CHAR else ""
    return [definition, f'constraint "{name[1:-1]}_bytes_{size}" check (octet_length({name}::text) <= {size}{single_byte})']


def _read_encoding(reader: Reader) -> None:
    encoding = reader.next()
    if encoding.text.upper() not in _ENCODINGS:
        raise Refused(f"{encoding.text} is not a compression encoding", "c_Compression_encodings", encoding.line)


def _read_seed(reader: Reader) -> str:
    numbers = [text_of(reader.sql, item) for item in split_list(reader.parenthesized())]
    if len(numbers) != 2 or not all(number.lstrip("-").isdigit() for number in numbers):
        raise Refused("IDENTITY takes (seed, step)")
    return f"start {numbers[0]} increment {numbers[1]}"


def _read_default(reader: Reader) -> str:
    start, depth = reader.at, 0
    while not reader.ended and not (depth == 0 and reader.at > start and reader.word() in _AFTER_DEFAULT):
        depth += depth_change(reader.next())
    tree = parse(on_its_lines(reader.sql, reader.tokens[start : reader.at], "select "))
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
    text = text_of(reader.sql, reader.tokens[start : reader.at])
    try:
        kind = check_type(exp.DataType.build(text, dialect=Source))
    except (ParseError, ValueError) as error:
        raise Refused(f'type "{text}" does not exist') from error
    if kind.this in (exp.DType.VARCHAR, exp.DType.CHAR):
        size = kind.expressions[0].name if kind.expressions else "1" if kind.this is exp.DType.CHAR else "256"
        limit = 65535 if kind.this is exp.DType.VARCHAR else 4096
        size = str(limit) if size.lower() == "max" else size
        if not 1 <= int(size) <= limit:
            raise Refused(f"length for type {text} must be between 1 and {limit}")
        kind = exp.DataType(this=kind.this, expressions=[exp.DataTypeParam(this=exp.Literal.number(size))])
    return kind

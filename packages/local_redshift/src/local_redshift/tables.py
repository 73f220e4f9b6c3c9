"""CREATE TABLE of Redshift: what its storage is told falls away, what its values must obey is enforced.

Primary, unique and foreign keys are accepted and not enforced (page t_Defining_constraints). What Redshift remembers of them,
and of how a table is stored, decides what may be done later: it stands in the table as checks that are always true
(functions.sql, "Storage").
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from local_redshift.dialect import fold_name
from local_redshift.function_calls import call
from local_redshift.reading import Reader, split_list, word_of
from local_redshift.refusal import Refused
from local_redshift.table_columns import TABLE_CONSTRAINTS, Marks, read_column, read_table_constraint, read_type

_MOST_INTERLEAVED = 8
MOST_SORTED = 400
_MOST_COLUMNS = 1600
_MOST_FIXED_BYTES = 65535  # page r_CREATE_TABLE_usage, "Wide tables"
_FIXED_BYTES = {
    exp.DType.SMALLINT: 2,
    exp.DType.INT: 4,
    exp.DType.FLOAT: 4,
    exp.DType.DATE: 4,
    exp.DType.BOOLEAN: 1,
    exp.DType.DECIMAL: 16,
}


@dataclass(frozen=True)
class TableDefinition:
    """The part of CREATE TABLE before AS, the query after it, and what PostgreSQL is asked before and after it."""

    text: str
    query: str | None
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


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
    if temporary and "." in name.replace('"."', ".").strip('"'):
        raise Refused("a temporary table takes no schema: it stands in one of its session's own")
    temporary = temporary or name.startswith('"#')
    head = f"create {'temporary ' if temporary else ''}table {'if not exists ' if exists else ''}{name}"
    columns = reader.parenthesized() if reader.word() == "(" else None
    has_backup = reader.take("BACKUP", "YES") or reader.take("BACKUP", "NO")
    storage = _read_storage(reader)
    if reader.take("AS"):
        if exists:
            raise Refused("CREATE TABLE AS has no IF NOT EXISTS", "r_CREATE_TABLE_AS")
        return _read_table_as(reader, head, name, columns, storage)
    if not reader.ended:
        raise Refused(f'syntax error at or near "{reader.next().text}" in CREATE TABLE')
    if columns is None:
        raise Refused("CREATE TABLE needs columns")
    items = _split_items(columns)
    is_like = any(word_of(item[0]) == "LIKE" for item in items)
    if is_like and (has_backup or storage != _Storage()):
        raise Refused("storage cannot be set beside LIKE, which takes its parent's")
    marks = Marks()
    pieces = _read_items(sql, items, marks)
    if not is_like:
        _check_storage(items, storage, marks)
    text = f"{head} ({', '.join([*pieces, *marks.constraints()])})"
    asked = {reference.require(): reference.table == name for reference in marks.references}
    before = tuple(question for question, is_own in asked.items() if not is_own)
    after = tuple(question for question, is_own in asked.items() if is_own)
    if is_like:
        after += (call("forget", name, ["primary", "unique", "foreign"]),)
    return TableDefinition(text, None, before, after)


def _split_items(columns: list[Token]) -> list[list[Token]]:
    if not columns:
        raise Refused("CREATE TABLE needs columns")
    return split_list(columns)


def _read_table_as(reader: Reader, head: str, table: str, columns: list[Token] | None, storage: _Storage) -> TableDefinition:
    """Read what stands from AS on (page r_CREATE_TABLE_AS): the columns are names, without types or encodings."""
    items = [] if columns is None else _split_items(columns)
    if long := next((item for item in items if len(item) > 1), None):
        reason = f'syntax error at or near "{long[1].text}": the columns of CREATE TABLE AS are names only'
        raise Refused(reason, "r_CREATE_TABLE_AS", long[1].line)
    _check_style(storage, storage.distribution_keys)
    names = [fold_name(item[0]) for item in items]
    marks = [("distkey", storage.distribution_keys)] if storage.distribution_keys else []
    marks += [("interleaved" if storage.is_interleaved else "sortkey", [key]) for key in storage.sort_keys]
    listed = f" ({', '.join(names)})" if names else ""
    after = tuple(call("mark", table, role, None, keys) for role, keys in marks if not all(key[1:-1].isdigit() for key in keys))
    return TableDefinition(head + listed, reader.rest(), (), after)


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


def _check_style(storage: _Storage, keys: list[str]) -> None:
    if len(keys) > 1:
        raise Refused("a table has one DISTKEY")
    if keys and storage.style not in (None, "KEY"):
        raise Refused(f"DISTKEY cannot be specified with DISTSTYLE {storage.style}")
    if storage.style == "KEY" and not keys:
        raise Refused("DISTSTYLE KEY needs a DISTKEY")
    if storage.is_interleaved and len(storage.sort_keys) > _MOST_INTERLEAVED:
        raise Refused(f"an INTERLEAVED SORTKEY has at most {_MOST_INTERLEAVED} columns")
    if len(storage.sort_keys) > MOST_SORTED:
        raise Refused(f"a SORTKEY has at most {MOST_SORTED} columns")


def _check_storage(items: list[list[Token]], storage: _Storage, marks: Marks) -> None:
    """Refuse storage that Redshift does not take (page r_CREATE_TABLE_NEW), and mark what the table's end says."""
    names = {fold_name(item[0]) for item in items if word_of(item[0]) not in TABLE_CONSTRAINTS}
    keys = storage.distribution_keys + [columns[0] for columns in marks.columns_of("distkey")]
    _check_style(storage, keys)
    if missing := {*storage.distribution_keys, *storage.sort_keys} - names:
        raise Refused(f"column {min(missing)} named in key does not exist")
    sorted_columns = marks.columns_of("sortkey")
    if len(sorted_columns) > 1 or (sorted_columns and storage.sort_keys):
        raise Refused("a SORTKEY of several columns stands behind the list of columns", "r_CREATE_TABLE_usage")
    words = [[word_of(token) for token in item] for item in items]
    identities = [item for item in words if "IDENTITY" in item[1:]]
    for is_generated in (False, True):  # one of either kind, as on page r_CREATE_TABLE_examples
        if sum(("GENERATED" in item) == is_generated for item in identities) > 1:
            raise Refused("a table has one IDENTITY column")
    if any(item[1] not in ("INT", "INTEGER", "INT4", "BIGINT", "INT8") for item in identities):
        raise Refused("an IDENTITY column is INT or BIGINT")
    for key in storage.distribution_keys:
        marks.add("distkey", [key])
    for key in storage.sort_keys:
        marks.add("interleaved" if storage.is_interleaved else "sortkey", [key])


def _read_items(sql: str, items: list[list[Token]], marks: Marks) -> list[str]:
    """Read the list between the parentheses of CREATE TABLE; the columns of a primary key cannot be NULL."""
    columns: dict[str, list[str]] = {}
    others: list[str] = []
    for item in items:
        reader = Reader(sql, item)
        if reader.take("LIKE"):
            others.append(_read_like(reader))
        elif reader.word() == "CONSTRAINT" or (
            reader.word() in ("PRIMARY", "UNIQUE", "FOREIGN", "CHECK", "EXCLUDE") and reader.word(1) in ("KEY", "(", "USING")
        ):
            read_table_constraint(reader, marks)
        else:
            name = fold_name(item[0])
            if name in columns:
                raise Refused(f"column {name} is specified more than once", line=item[0].line)
            columns[name] = read_column(reader, marks)
    if len(columns) > _MOST_COLUMNS:
        raise Refused(f"a table has at most {_MOST_COLUMNS} columns")
    if (width := sum(_fixed_bytes(sql, item) for item in items)) > _MOST_FIXED_BYTES:
        raise Refused(f"the columns of fixed width have {width} bytes: at most {_MOST_FIXED_BYTES}", "r_CREATE_TABLE_usage")
    if len(marks.columns_of("primary")) > 1:
        raise Refused("a table has one primary key")
    named = marks.columns_of("primary", "unique", "foreign")
    for name in [name for key in named for name in key] if not others else []:
        if name not in columns:
            raise Refused(f"column {name} named in key does not exist")
    unique = [frozenset(key) for key in marks.columns_of("primary", "unique")]
    if len(set(unique)) < len(unique):
        raise Refused("each unique key names a set of columns of its own")
    for name in [name for key in marks.columns_of("primary") for name in key]:
        if name in columns and not columns[name][0].endswith(" not null"):
            columns[name][0] += " not null"
    return [piece for pieces in columns.values() for piece in pieces] + others


def _fixed_bytes(sql: str, item: list[Token]) -> int:
    """Return the bytes that a column takes whatever it holds; 0 for VARCHAR, and for what is no column."""
    if word_of(item[0]) in (*TABLE_CONSTRAINTS, "LIKE"):
        return 0
    kind = read_type(Reader(sql, item[1:]))
    if kind.this is exp.DType.VARCHAR:
        return 0
    return int(kind.expressions[0].name) if kind.this is exp.DType.CHAR else _FIXED_BYTES.get(kind.this, 8)


def _read_like(reader: Reader) -> str:
    source = reader.name()
    defaults = " including defaults" if reader.take("INCLUDING", "DEFAULTS") else ""
    reader.take("EXCLUDING", "DEFAULTS")
    if not reader.ended:
        raise Refused(f'syntax error at or near "{reader.next().text}": LIKE takes INCLUDING or EXCLUDING DEFAULTS')
    return f"like {source} including constraints{defaults}"

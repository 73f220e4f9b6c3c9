"""ALTER TABLE of Redshift (page r_ALTER_TABLE): one change a statement, of storage several."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from local_redshift.dialect import fold_name
from local_redshift.function_calls import bare, call
from local_redshift.parameters import quote_text
from local_redshift.reading import Reader, depth_change, split_list, word_of
from local_redshift.refusal import NotOffered, Refused
from local_redshift.table_columns import Marks, read_column, read_encoding, read_table_constraint, read_type
from local_redshift.tables import MOST_SORTED


@dataclass(frozen=True)
class TableChange:
    """ALTER TABLE for PostgreSQL, what is asked before and after it, and why it may not stand in a transaction (or None)."""

    text: str
    alone: str | None
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


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
    actions = split_list(tokens[reader.at :])
    if len(actions) > 1 and not all(_is_storage(action) for action in actions):
        raise Refused("ALTER TABLE makes one change a statement")
    if reader.word() == "ALTER" and all(_is_storage(action) for action in actions):
        return TableChange("", None, tuple(_read_alter_storage(Reader(sql, action), name) for action in actions))
    if "PARTITION" in (reader.word(1), reader.word(4)) and reader.word() in ("ADD", "DROP"):
        raise NotOffered("external tables are not offered here", "r_ALTER_TABLE_external-table")
    if reader.word() == "ROW" or "MASKING" in (reader.word(1), reader.word(2)):
        raise NotOffered("row-level security and masking are not offered here")
    if reader.take("ADD"):
        if reader.word() in ("PRIMARY", "UNIQUE", "FOREIGN", "CONSTRAINT"):
            return _read_add_key(reader, name)
        reader.take("COLUMN")
        if reader.take("IF", "NOT", "EXISTS"):
            raise Refused("ADD COLUMN has no IF NOT EXISTS: look the column up in SVV_COLUMNS first")
        return _read_add_column(reader, name)
    if reader.take("DROP", "CONSTRAINT"):
        dropped = reader.name()
        reader.take("CASCADE") or reader.take("RESTRICT")
        return _finish(reader, call("drop_key", name, bare(dropped)))
    if reader.take("DROP"):
        reader.take("COLUMN")
        column = reader.name()
        cascade = reader.take("CASCADE")
        reader.take("RESTRICT")
        change = _finish(reader, f"alter table {name} drop column {column}{' cascade' if cascade else ''}")
        return replace(change, before=(call("check_drop", name, bare(column), cascade),))
    if reader.take("RENAME", "TO"):
        renamed = reader.name()
        if renamed.startswith('"#') and not name.startswith('"#'):
            raise Refused("a permanent table cannot take a name that begins with #")
        return _finish(reader, f"alter table {name} rename to {renamed}")
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


def _read_add_key(reader: Reader, table: str) -> TableChange:
    marks = Marks()
    read_table_constraint(reader, marks)
    ((role, name, columns),) = marks.found
    text = call("add_key", table, role, None if name is None else bare(name), list(columns))
    return replace(_finish(reader, text), before=tuple(reference.require() for reference in marks.references))


def _read_add_column(reader: Reader, table: str) -> TableChange:
    told = {word_of(token) for token in _outside_parentheses(reader.tokens[reader.at + 1 :])}
    if refused := told & {"UNIQUE", "PRIMARY", "REFERENCES", "IDENTITY", "DISTKEY", "SORTKEY"}:
        raise Refused(f"ALTER TABLE ADD COLUMN takes no {min(refused)}")
    marks = Marks()
    column, *checks = read_column(Reader(reader.sql, reader.tokens[reader.at :]), marks)
    if " not null" in column and " default " not in column:
        raise Refused("ALTER TABLE ADD COLUMN NOT NULL needs a DEFAULT")
    actions = [f"add column {column}", *(f"add {check}" for check in checks)]
    after = tuple(call("mark", table, role, None, list(columns)) for role, _, columns in marks.found)
    return TableChange(f"alter table {table} {', '.join(actions)}", None, after=after)


def _is_storage(action: list[Token]) -> bool:
    """Say whether an action changes how a table is stored: of these several may stand in one statement (page r_ALTER_TABLE)."""
    words = [word_of(token) for token in action[:5]]
    if words[:1] != ["ALTER"] or len(words) < 2:
        return False
    if words[1] in ("DISTKEY", "DISTSTYLE", "SORTKEY", "COMPOUND", "ENCODE"):
        return True
    return "ENCODE" in (words[3:4] if words[1] == "COLUMN" else words[2:3])


def _read_alter_storage(reader: Reader, table: str) -> str:
    reader.require("ALTER")
    if reader.take("DISTKEY"):
        text = call("alter_distribution", table, "KEY", bare(reader.name()))
    elif reader.take("DISTSTYLE"):
        style = reader.next().text.upper()
        if style not in ("AUTO", "EVEN", "KEY", "ALL"):
            raise Refused("DISTSTYLE is AUTO, EVEN, KEY or ALL")
        if style == "KEY":
            reader.require("DISTKEY")
        text = call("alter_distribution", table, style, bare(reader.name()) if style == "KEY" else None)
    elif reader.take("ENCODE", "AUTO"):
        text = call("require_table", table, "ALTER ENCODE AUTO", "r_ALTER_TABLE")
    elif reader.take("SORTKEY", "AUTO"):
        text = call("require_table", table, "ALTER SORTKEY", "r_ALTER_TABLE")
    elif reader.take("SORTKEY", "NONE"):
        text = call("alter_sort_key", table, None)
    elif reader.word() in ("COMPOUND", "SORTKEY"):
        reader.take("COMPOUND")
        reader.require("SORTKEY")
        keys = [fold_name(item[0]) for item in split_list(reader.parenthesized())]
        if len(keys) > MOST_SORTED:
            raise Refused(f"a SORTKEY has at most {MOST_SORTED} columns")
        text = call("alter_sort_key", table, keys)
    else:
        reader.take("COLUMN")
        column = reader.name()
        reader.require("ENCODE")
        text = call("alter_encoding", table, bare(column), read_encoding(reader))
    if not reader.ended:
        raise Refused(f'syntax error at or near "{reader.next().text}" in ALTER TABLE')
    return text


def _read_alter_column(reader: Reader, table: str) -> TableChange:
    reader.take("COLUMN")
    column = reader.name()
    reader.require("TYPE")
    kind = read_type(reader)
    if kind.this is not exp.DType.VARCHAR:
        raise Refused("ALTER COLUMN TYPE changes only the size of a VARCHAR column")
    size = int(kind.expressions[0].name)
    text = f"select redshift.resize_varchar({quote_text(table)}, {quote_text(bare(column))}, {size})"
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

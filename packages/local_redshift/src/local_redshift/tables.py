"""CREATE TABLE and ALTER TABLE of Redshift: what its storage is told falls away, what its values must obey is enforced.

Primary, unique and foreign keys are accepted and not enforced (page t_Defining_constraints). What Redshift remembers of them,
and of how a table is stored, decides what may be done later: it stands in the table as checks that are always true
(functions.sql, "Storage"). VARCHAR(n) and CHAR(n) hold n bytes,
CHAR of single-byte characters only (page r_Character_types): PostgreSQL counts characters, so each such column gets a check of
its bytes, named `<column>_bytes_<n>`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sqlglot import exp
from sqlglot.errors import ParseError
from sqlglot.tokenizer_core import Token, TokenType

from local_redshift.dialect import Source, Target, fold_name, parse, write
from local_redshift.expressions import called_functions, check_type, rewrite_expressions
from local_redshift.parameters import quote_text
from local_redshift.reading import Reader, depth_change, on_its_lines, split_list, text_of, word_of
from local_redshift.refusal import NotOffered, Refused

# Of every table, hidden: those of PostgreSQL 8.0, of which later ones have given up `oid`, and two of Redshift's own.
_SYSTEM_COLUMNS = ("cmax", "cmin", "ctid", "deletexid", "insertxid", "oid", "tableoid", "xmax", "xmin")
# Page c_Compression_encodings.
_ENCODINGS = frozenset(
    "AUTO AZ64 BYTEDICT DELTA DELTA32K LZO MOSTLY8 MOSTLY16 MOSTLY32 RAW RUNLENGTH TEXT255 TEXT32K ZSTD".split()  # noqa: SIM905
)
_FEATURES = "c_unsupported-postgresql-features"
_T = exp.DType
_TIMES = (_T.DATE, _T.TIMESTAMP, _T.TIMESTAMPTZ, _T.TIME, _T.TIMETZ)
# Page c_Compression_encodings, its table: what is not named here (RAW, RUNLENGTH, ZSTD) suits every type.
_ENCODED_TYPES: dict[str, tuple[exp.DType, ...]] = {
    "AZ64": (_T.SMALLINT, _T.INT, _T.BIGINT, _T.DECIMAL, *_TIMES),
    "BYTEDICT": (_T.SMALLINT, _T.INT, _T.BIGINT, _T.DECIMAL, _T.FLOAT, _T.DOUBLE, _T.CHAR, _T.VARCHAR, *_TIMES),
    "DELTA": (_T.SMALLINT, _T.INT, _T.BIGINT, _T.DECIMAL, *_TIMES),
    "DELTA32K": (_T.INT, _T.BIGINT, _T.DECIMAL, *_TIMES),
    "LZO": (_T.SMALLINT, _T.INT, _T.BIGINT, _T.DECIMAL, _T.CHAR, _T.VARCHAR, *_TIMES),
    "MOSTLY8": (_T.SMALLINT, _T.INT, _T.BIGINT, _T.DECIMAL),
    "MOSTLY16": (_T.INT, _T.BIGINT, _T.DECIMAL),
    "MOSTLY32": (_T.BIGINT, _T.DECIMAL),
    "TEXT255": (_T.VARCHAR,),
    "TEXT32K": (_T.VARCHAR,),
}
_MOST_INTERLEAVED = 8
_MOST_SORTED = 400
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
_TABLE_CONSTRAINTS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK")
_AFTER_DEFAULT = ("NOT", "NULL", "ENCODE", "DISTKEY", "SORTKEY", "PRIMARY", "UNIQUE", "REFERENCES")


@dataclass(frozen=True)
class TableDefinition:
    """The part of CREATE TABLE before AS, the query after it, and what PostgreSQL is asked before and after it."""

    text: str
    query: str | None
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableChange:
    """ALTER TABLE for PostgreSQL, what is asked before and after it, and why it may not stand in a transaction (or None)."""

    text: str
    alone: str | None
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Reference:
    """What a foreign key refers to; no columns: the primary key."""

    table: str
    columns: tuple[str, ...]

    def require(self) -> str:
        return call("require_key", self.table, list(self.columns) or None)


@dataclass
class _Marks:
    """Keys and storage of a table's columns, as its definition says them: role, the key's own name, columns."""

    found: list[tuple[str, str | None, tuple[str, ...]]] = field(default_factory=list)
    references: list[_Reference] = field(default_factory=list)

    def add(self, role: str, columns: list[str], name: str | None = None) -> None:
        self.found.append((role, name, tuple(columns)))

    def columns_of(self, *roles: str) -> list[tuple[str, ...]]:
        return [columns for role, _, columns in self.found if role in roles]

    def constraints(self) -> list[str]:
        """Return the checks that keep the marks."""
        numbers: dict[str, int] = {}
        texts = []
        for role, name, columns in self.found:
            numbers[role] = numbers.get(role, 0) + 1
            named = f"redshift_{role}_{numbers[role]}" + (f":{name[1:-1]}" if name else "")
            if len(named.encode()) > 63:
                raise NotOffered(f"the name {name} of a key is too long for this stand-in")
            are_null = " and ".join(f"{column} is null" for column in columns)
            texts.append(f'constraint "{named}" check (({are_null}) or true)')
        return texts


def call(function: str, *arguments: str | bool | list[str] | None) -> str:
    """Return a query that calls a function of functions.sql; the names of a list are taken out of their quotes."""
    return f"select redshift.{function}({', '.join(_argument(argument) for argument in arguments)})"


def _argument(value: str | bool | list[str] | None) -> str:
    if isinstance(value, list):
        return "array[" + ", ".join(quote_text(_bare(name)) for name in value) + "]::pg_catalog.text[]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return quote_text(value)


def _bare(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


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
    marks = _Marks()
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
        return _finish(reader, call("drop_key", name, _bare(dropped)))
    if reader.take("DROP"):
        reader.take("COLUMN")
        column = reader.name()
        cascade = reader.take("CASCADE")
        reader.take("RESTRICT")
        change = _finish(reader, f"alter table {name} drop column {column}{' cascade' if cascade else ''}")
        return replace(change, before=(call("check_drop", name, _bare(column), cascade),))
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
    marks = _Marks()
    _read_table_constraint(reader, marks)
    ((role, name, columns),) = marks.found
    text = call("add_key", table, role, None if name is None else _bare(name), list(columns))
    return replace(_finish(reader, text), before=tuple(reference.require() for reference in marks.references))


def _read_add_column(reader: Reader, table: str) -> TableChange:
    told = {word_of(token) for token in _outside_parentheses(reader.tokens[reader.at + 1 :])}
    if refused := told & {"UNIQUE", "PRIMARY", "REFERENCES", "IDENTITY", "DISTKEY", "SORTKEY"}:
        raise Refused(f"ALTER TABLE ADD COLUMN takes no {min(refused)}")
    marks = _Marks()
    column, *checks = _read_column(Reader(reader.sql, reader.tokens[reader.at :]), marks)
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
        text = call("alter_distribution", table, "KEY", _bare(reader.name()))
    elif reader.take("DISTSTYLE"):
        style = reader.next().text.upper()
        if style not in ("AUTO", "EVEN", "KEY", "ALL"):
            raise Refused("DISTSTYLE is AUTO, EVEN, KEY or ALL")
        if style == "KEY":
            reader.require("DISTKEY")
        text = call("alter_distribution", table, style, _bare(reader.name()) if style == "KEY" else None)
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
        if len(keys) > _MOST_SORTED:
            raise Refused(f"a SORTKEY has at most {_MOST_SORTED} columns")
        text = call("alter_sort_key", table, keys)
    else:
        reader.take("COLUMN")
        column = reader.name()
        reader.require("ENCODE")
        text = call("alter_encoding", table, _bare(column), _read_encoding(reader))
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
    text = f"select redshift.resize_varchar({quote_text(table)}, {quote_text(_bare(column))}, {size})"
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


def _check_style(storage: _Storage, keys: list[str]) -> None:
    if len(keys) > 1:
        raise Refused("a table has one DISTKEY")
    if keys and storage.style not in (None, "KEY"):
        raise Refused(f"DISTKEY cannot be specified with DISTSTYLE {storage.style}")
    if storage.style == "KEY" and not keys:
        raise Refused("DISTSTYLE KEY needs a DISTKEY")
    if storage.is_interleaved and len(storage.sort_keys) > _MOST_INTERLEAVED:
        raise Refused(f"an INTERLEAVED SORTKEY has at most {_MOST_INTERLEAVED} columns")
    if len(storage.sort_keys) > _MOST_SORTED:
        raise Refused(f"a SORTKEY has at most {_MOST_SORTED} columns")


def _check_storage(items: list[list[Token]], storage: _Storage, marks: _Marks) -> None:
    """Refuse storage that Redshift does not take (page r_CREATE_TABLE_NEW), and mark what the table's end says."""
    names = {fold_name(item[0]) for item in items if word_of(item[0]) not in _TABLE_CONSTRAINTS}
    keys = storage.distribution_keys + [columns[0] for columns in marks.columns_of("distkey")]
    _check_style(storage, keys)
    if missing := {*storage.distribution_keys, *storage.sort_keys} - names:
        raise Refused(f"column {min(missing)} named in key does not exist")
    sorted_columns = marks.columns_of("sortkey")
    if len(sorted_columns) > 1 or (sorted_columns and storage.sort_keys):
        raise Refused("a SORTKEY of several columns stands behind the list of columns", "r_CREATE_TABLE_usage")
    words = [[word_of(token) for token in item] for item in items]
    identities = [item for item in words if "IDENTITY" in item[1:]]
    if len(identities) > 1:
        raise Refused("a table has one IDENTITY column")
    if identities and identities[0][1] not in ("INT", "INTEGER", "INT4", "BIGINT", "INT8"):
        raise Refused("an IDENTITY column is INT or BIGINT")
    for key in storage.distribution_keys:
        marks.add("distkey", [key])
    for key in storage.sort_keys:
        marks.add("interleaved" if storage.is_interleaved else "sortkey", [key])


def _read_items(sql: str, items: list[list[Token]], marks: _Marks) -> list[str]:
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
            _read_table_constraint(reader, marks)
        else:
            columns[fold_name(item[0])] = _read_column(reader, marks)
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
    if word_of(item[0]) in (*_TABLE_CONSTRAINTS, "LIKE"):
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


def _read_table_constraint(reader: Reader, marks: _Marks) -> None:
    """Read a key, which is not enforced."""
    name = reader.name() if reader.take("CONSTRAINT") else None
    if reader.take("PRIMARY", "KEY"):
        role = "primary"
    elif reader.take("UNIQUE"):
        role = "unique"
    elif reader.take("FOREIGN", "KEY"):
        role = "foreign"
    else:
        raise Refused("a constraint is PRIMARY KEY, UNIQUE or FOREIGN KEY: CHECK and EXCLUDE are not Redshift's", _FEATURES)
    marks.add(role, [fold_name(item[0]) for item in split_list(reader.parenthesized())], name)
    if role == "foreign":
        reader.require("REFERENCES")
        marks.references.append(_read_reference(reader))
    if not reader.ended:
        raise Refused(f'syntax error at or near "{reader.next().text}" in a constraint')


def _read_reference(reader: Reader) -> _Reference:
    table = reader.name()
    columns = [fold_name(item[0]) for item in split_list(reader.parenthesized())] if reader.word() == "(" else []
    return _Reference(table, tuple(columns))


def _read_column(reader: Reader, marks: _Marks) -> list[str]:
    """Read one column; return its definition and the check of its bytes, if it has one."""
    name = reader.name()
    if name[1:-1] in _SYSTEM_COLUMNS:
        raise Refused(f"column name {name} conflicts with a system column name")
    kind = read_type(reader)
    pieces = [name, kind.sql(dialect=Target)]
    is_required = False
    while not reader.ended:
        if reader.take("NOT", "NULL"):
            is_required = True
        elif reader.take("NULL"):
            continue
        elif reader.take("PRIMARY", "KEY"):
            marks.add("primary", [name])
            is_required = True
        elif reader.take("UNIQUE"):
            marks.add("unique", [name])
        elif reader.take("DISTKEY"):
            marks.add("distkey", [name])
        elif reader.take("SORTKEY"):
            marks.add("sortkey", [name])
        elif reader.take("ENCODE"):
            marks.add("encode_" + _read_encoding(reader, kind), [name])
        elif reader.take("DEFAULT"):
            pieces.append("default " + _read_default(reader))
        elif reader.take("IDENTITY"):
            pieces.append(f"generated always as identity ({_read_seed(reader)})")
        elif reader.take("GENERATED", "BY", "DEFAULT", "AS", "IDENTITY"):
            pieces.append(f"generated by default as identity ({_read_seed(reader)})")
        elif reader.take("REFERENCES"):
            marks.references.append(_read_reference(reader))
            marks.add("foreign", [name])
        elif reader.take("COLLATE"):
            raise NotOffered("COLLATE of a column is not offered here")
        elif reader.word() == "CHECK":
            raise Refused("CHECK constraints are not Redshift's", _FEATURES)
        else:
            raise Refused(f'syntax error at or near "{reader.next().text}" in the definition of the column {name}')
    definition = " ".join(pieces) + (" not null" if is_required else "")
    if kind.this not in (exp.DType.VARCHAR, exp.DType.CHAR):
        return [definition]
    size = kind.expressions[0].name
    octets = f"octet_length({name}::pg_catalog.text)"
    single_byte = f" and {octets} = char_length({name})" if kind.this is exp.DType.CHAR else ""
    return [definition, f'constraint "{name[1:-1]}_bytes_{size}" check ({octets} <= {size}{single_byte})']


def _read_encoding(reader: Reader, kind: exp.DataType | None = None) -> str:
    """Read an encoding, in lower case; raise Refused where there is none of that name, or the type has it not."""
    token = reader.next()
    encoding = token.text.upper()
    if encoding not in _ENCODINGS:
        raise Refused(f"{token.text} is not a compression encoding", "c_Compression_encodings", token.line)
    if kind is not None and kind.this not in _ENCODED_TYPES.get(encoding, (kind.this,)):
        reason = f"the encoding {encoding} does not suit the type {kind.sql(dialect='redshift')}"
        raise Refused(reason, "c_Compression_encodings", token.line)
    return encoding.lower()


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
    if tree.find(exp.From, exp.Column) or len(list(tree.find_all(exp.Select))) > 1:
        raise Refused("a DEFAULT has no subquery and refers to no column", "r_CREATE_TABLE_NEW")
    if own := called_functions(tree):
        raise Refused(f"a DEFAULT calls no user-defined function: {min(own)}", "r_CREATE_TABLE_NEW")
    return write(rewrite_expressions(tree).expressions[0])


def read_type(reader: Reader) -> exp.DataType:
    """Read a type; sizes that Redshift leaves out are written out (VARCHAR is VARCHAR(256), CHAR is CHAR(1)).

    Raises:
        Refused: it is not one of Redshift's types, or has a size that they have not.
    """
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
    if reader.word() == "[":
        raise Refused("arrays are PostgreSQL's", "c_unsupported-postgresql-datatypes", first.line)
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

"""A column of a table as CREATE TABLE and ALTER TABLE define it: type, default, encoding, keys; and keys of the table.

VARCHAR(n) and CHAR(n) hold n bytes, CHAR of single-byte characters only (page r_Character_types): PostgreSQL counts characters,
so each such column gets a check of its bytes, named `<column>_bytes_<n>`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.errors import ParseError
from sqlglot.tokenizer_core import TokenType

from local_redshift.dialect import Source, Target, fold_name, parse_value, write
from local_redshift.expressions import called_functions, check_type, rewrite_expressions
from local_redshift.function_calls import call
from local_redshift.reading import Reader, depth_change, on_its_lines, split_list, text_of
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
TABLE_CONSTRAINTS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK")
_AFTER_DEFAULT = ("NOT", "NULL", "ENCODE", "DISTKEY", "SORTKEY", "PRIMARY", "UNIQUE", "REFERENCES")


@dataclass(frozen=True)
class Reference:
    """What a foreign key refers to; no columns: the primary key."""

    table: str
    columns: tuple[str, ...]

    def require(self) -> str:
        return call("require_key", self.table, list(self.columns) or None)


@dataclass
class Marks:
    """Keys and storage of a table's columns, as its definition says them: role, the key's own name, columns."""

    found: list[tuple[str, str | None, tuple[str, ...]]] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)

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


def read_column(reader: Reader, marks: Marks) -> list[str]:
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
            marks.add("encode_" + read_encoding(reader, kind), [name])
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


def read_table_constraint(reader: Reader, marks: Marks) -> None:
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


def _read_reference(reader: Reader) -> Reference:
    table = reader.name()
    columns = [fold_name(item[0]) for item in split_list(reader.parenthesized())] if reader.word() == "(" else []
    return Reference(table, tuple(columns))


def read_encoding(reader: Reader, kind: exp.DataType | None = None) -> str:
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
    """Read (seed, step), both 1 where they are left out, as the rows on page r_CREATE_TABLE_examples show."""
    numbers = [text_of(reader.sql, item) for item in split_list(reader.parenthesized())] if reader.word() == "(" else ["1", "1"]
    if len(numbers) != 2 or not all(number.lstrip("-").isdigit() for number in numbers):
        raise Refused("IDENTITY takes (seed, step)")
    seed, step = map(int, numbers)
    # PostgreSQL's own bounds begin at 1 and -1.
    bound = f"minvalue {min(seed, 1)}" if step > 0 else f"maxvalue {max(seed, -1)}"
    return f"start {seed} increment {step} {bound}"


def _read_default(reader: Reader) -> str:
    start, depth = reader.at, 0
    while not reader.ended and not (depth == 0 and reader.at > start and reader.word() in _AFTER_DEFAULT):
        depth += depth_change(reader.next())
    tree = parse_value(on_its_lines(reader.sql, reader.tokens[start : reader.at], "select "))
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
        kind = check_type(exp.DataType.build(text, dialect=Source, udt=True))
    except (ParseError, ValueError) as error:
        raise Refused(f'type "{text}" does not exist') from error
    if kind.this in (exp.DType.VARCHAR, exp.DType.CHAR):
        size = kind.expressions[0].name if kind.expressions else "1" if kind.this is exp.DType.CHAR else "256"
        limit = 65535 if kind.this is exp.DType.VARCHAR else 4096
        size = str(limit) if size.lower() == "max" else size
        if not size.isdecimal() or not 1 <= int(size) <= limit:
            raise Refused(f"length for type {text} must be between 1 and {limit}")
        kind = exp.DataType(this=kind.this, expressions=[exp.DataTypeParam(this=exp.Literal.number(size))])
    return kind

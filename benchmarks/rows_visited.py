"""What a statement reads of the stored tables, and how many rows it visits there: a model of Redshift's zone maps.

Redshift keeps the least and the greatest value of each column for each block of a table, and leaves out the blocks that
a statement's literal predicates exclude (Database Developer Guide, "Sort keys": zone maps). The model: blocks of 100,000
consecutive rows, in the order of the sort key, what was appended since the last sort behind it. For each table that a
statement names, the rows of the blocks that no literal predicate excludes are *visited*. What comes by a join excludes
nothing; nor does a predicate outside the subquery or view in which the table stands; temporary tables do not count. It is
pessimistic, and the same on every machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from local_redshift.dialect import parse, tokenize, tokenize_script
from local_redshift.reading import Reader
from local_redshift.refusal import Refused
from local_redshift.tables import read_table
from local_redshift.unload_command import parse_unload

BLOCK_ROWS = 100_000
# Redshift compares the first eight bytes of a text.
TEXT_BYTES = 8

_READING = ("SELECT", "WITH")
_WRITING = ("INSERT", "DELETE", "UPDATE")
_STORAGE = re.compile(r"\bsortkey\s*\(([^)]*)\)", re.IGNORECASE)
_TEMPORARY = re.compile(r"\s*create\s+(?:local\s+)?temp(?:orary)?\s", re.IGNORECASE)
# As it stands, and with its sides exchanged.
_SIGNS: dict[type[exp.Expr], tuple[str, str]] = {
    exp.EQ: ("=", "="),
    exp.LT: ("<", ">"),
    exp.LTE: ("<=", ">="),
    exp.GT: (">", "<"),
    exp.GTE: (">=", "<="),
}

Name = tuple[str, str]


@dataclass(frozen=True)
class Compared:
    """A column against a literal.

    Attributes:
        column: Its name.
        operator: `=`, `<`, `<=`, `>` or `>=`.
        literal: As it is written, a number's digits or a text.
    """

    column: str
    operator: str
    literal: str


@dataclass(frozen=True)
class AllOf:
    """Conditions of which each must hold; without any it is always true."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True)
class AnyOf:
    """Conditions of which one must hold; without any it is never true."""

    parts: tuple[Predicate, ...]


Predicate = Compared | AllOf | AnyOf
ALWAYS = AllOf(())


@dataclass(frozen=True)
class TableRead:
    """One place at which a statement names a table.

    Attributes:
        table: Schema and name.
        predicate: What of the statement's conditions compares the table's columns with literals.
    """

    table: Name
    predicate: Predicate = ALWAYS


@dataclass(frozen=True)
class Block:
    """Consecutive rows of a table, with the least and the greatest value of its columns (a column without values is absent)."""

    rows: int
    ranges: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


def count_visited(predicate: Predicate, blocks: Iterable[Block]) -> int:
    """Return the rows of the blocks that the predicate does not exclude."""
    return sum(block.rows for block in blocks if may_hold(predicate, block))


def may_hold(predicate: Predicate, block: Block) -> bool:
    """Say whether a row of the block can meet the predicate, as far as least and greatest values tell."""
    if isinstance(predicate, AllOf):
        return all(may_hold(part, block) for part in predicate.parts)
    if isinstance(predicate, AnyOf):
        return any(may_hold(part, block) for part in predicate.parts)
    if predicate.column not in block.ranges:
        return True
    least, greatest = block.ranges[predicate.column]
    value = _read_literal(predicate.literal, least)
    if value is None:
        return True
    if isinstance(value, str):
        # What differs behind the first bytes may stand on either side.
        least, greatest, value = least[:TEXT_BYTES], greatest[:TEXT_BYTES], value[:TEXT_BYTES]
        strict = {"<": "<=", ">": ">="}.get(predicate.operator, predicate.operator)
    else:
        strict = predicate.operator
    holds: bool = {
        "=": least <= value <= greatest,
        "<": least < value,
        "<=": least <= value,
        ">": greatest > value,
        ">=": greatest >= value,
    }[strict]
    return holds


def _read_literal(literal: str, like: Any) -> Any:
    """Return a literal as a value of the column's type, None where it is none."""
    try:
        if isinstance(like, datetime):
            return datetime.fromisoformat(literal)
        if isinstance(like, date):
            return datetime.fromisoformat(literal).date()
        if isinstance(like, int | float | Decimal) and not isinstance(like, bool):
            return Decimal(literal)
    except (ValueError, ArithmeticError):
        return None
    return literal if isinstance(like, str) else None


@dataclass(frozen=True)
class StatementUse:
    """What one statement does with stored tables.

    Attributes:
        reads: Each place at which it reads one, those within the views it reads and the procedures it calls among them.
        is_write: It changes something that outlasts its session.
    """

    reads: tuple[TableRead, ...] = ()
    is_write: bool = False


class Recorder:
    """Reads statements in the order in which they are sent, and knows the views and procedures that earlier ones made.

    Args:
        schema: Of the tables that are named without one.

    Attributes:
        sort_keys: Columns by table, from the statements that made it.
        not_understood: The beginning of each statement that could not be read, with the reason: their rows are missing.
    """

    def __init__(self, schema: str) -> None:
        self._schema = schema
        self._views: dict[Name, tuple[TableRead, ...]] = {}
        self._procedures: dict[str, StatementUse] = {}
        self.sort_keys: dict[Name, list[str]] = {}
        self.not_understood: list[str] = []

    def read_request(self, sqls: Sequence[str], parameters: Mapping[str, str] | None = None) -> list[StatementUse]:
        """Return what each statement of a request does; a request is a session with temporary tables of its own."""
        session = _Session(self._schema, dict(parameters or {}))
        uses = []
        for sql in sqls:
            try:
                uses.append(self._read_statement(sql, session))
            except (Refused, SqlglotError) as error:
                self.not_understood.append(f"{' '.join(sql.split())[:120]}: {str(error).splitlines()[0][:200]}")
                uses.append(StatementUse())
        return uses

    def _read_statement(self, sql: str, session: _Session) -> StatementUse:
        tokens = tokenize(sql)
        words = [token.text.upper() for token in tokens[:8]]
        if words[0] in (*_READING, "(", *_WRITING):
            tree = parse(sql)
            return StatementUse(self._expand(find_reads(tree, session)), _is_lasting(tree, session))
        if words[0] == "UNLOAD":
            return StatementUse(self._expand(find_reads(parse(parse_unload(sql, tokens).query), session)))
        if words[0] == "CALL":
            return self._procedures.get(_last_name(words[1:]), StatementUse(is_write=True))
        if words[0] == "COPY":
            return StatementUse(is_write=not session.is_temporary(_table_name(sql, tokens[1:], session)))
        if words[0] == "CREATE" and "PROCEDURE" in words:
            return self._learn_procedure(sql, tokens, session)
        if words[0] == "CREATE" and "VIEW" in words:
            tree = parse(sql)
            self._views[session.name(tree.this)] = find_reads(tree.expression, session)
            return StatementUse(is_write=True)
        if words[0] == "CREATE" and "TABLE" in words:
            return self._learn_table(sql, tokens, session)
        if words[0] == "DROP" and "TABLE" in words:
            start = words.index("TABLE") + 1
            start += 2 if words[start : start + 2] == ["IF", "EXISTS"] else 0
            return StatementUse(is_write=not session.is_temporary(_table_name(sql, tokens[start:], session)))
        return StatementUse(is_write=words[0] not in ("SET", "SHOW", "ANALYZE", "BEGIN", "COMMIT", "END", "RESET"))

    def _learn_table(self, sql: str, tokens: list[Token], session: _Session) -> StatementUse:
        words = [token.text.upper() for token in tokens[:8]]
        start = words.index("TABLE") + 1
        start += 3 if words[start : start + 3] == ["IF", "NOT", "EXISTS"] else 0
        name = _table_name(sql, tokens[start:], session)
        query = read_table(sql, tokens).query
        reads = self._expand(find_reads(parse(query), session)) if query else ()
        if _TEMPORARY.match(sql) or name[1].startswith("#"):
            session.temporary.add(name[1])
            return StatementUse(reads)
        if storage := _STORAGE.search(sql if query is None else sql[: sql.index(query)]):
            self.sort_keys[name] = [column.strip().strip('"').lower() for column in storage[1].split(",")]
        return StatementUse(reads, is_write=True)

    def _learn_procedure(self, sql: str, tokens: list[Token], session: _Session) -> StatementUse:
        body = next(token.text for token in tokens if token.token_type is TokenType.HEREDOC_STRING)
        words = [token.text.upper() for token in tokens]
        name = _last_name(words[words.index("PROCEDURE") + 1 :])
        # Tables that it makes are those of the session that calls it.
        inside = _Session(self._schema, session.parameters, set(session.temporary))
        reads: list[TableRead] = []
        is_write = False
        for statement in divide_body(body):
            use = self._read_statement(statement, inside)
            reads += use.reads
            is_write = is_write or use.is_write
        self._procedures[name] = StatementUse(tuple(reads), is_write)
        return StatementUse(is_write=True)

    def _expand(self, reads: tuple[TableRead, ...]) -> tuple[TableRead, ...]:
        """Put the tables of a view in its place."""
        found: list[TableRead] = []
        for read in reads:
            found += self._expand(self._views[read.table]) if read.table in self._views else (read,)
        return tuple(found)


@dataclass
class _Session:
    """What names mean within a request."""

    schema: str
    parameters: dict[str, str] = field(default_factory=dict)
    temporary: set[str] = field(default_factory=set)

    def name(self, table: exp.Expr) -> Name:
        inner = table if isinstance(table, exp.Table) else table.find(exp.Table)
        assert inner is not None
        return (inner.db or self.schema).lower(), inner.name.lower()

    def is_temporary(self, name: Name) -> bool:
        return name[0] == self.schema and name[1] in self.temporary


def find_reads(tree: exp.Expr, session: _Session) -> tuple[TableRead, ...]:
    """Return the places at which a parsed statement reads a table that is stored."""
    named_by_with = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    target = _target(tree) if isinstance(tree, exp.Insert) else None
    found = []
    for table in tree.find_all(exp.Table):
        if table is target or table.find_ancestor(exp.Into) or not isinstance(table.this, exp.Identifier):
            continue
        if not table.db and (table.name.lower() in named_by_with or table.name.lower() in session.temporary):
            continue
        found.append(TableRead(session.name(table), _find_predicate(table, session.parameters)))
    return tuple(found)


def _find_predicate(table: exp.Table, parameters: Mapping[str, str]) -> Predicate:
    """Return what the WHERE and the inner joins around a table ask of its columns alone."""
    scope = table.find_ancestor(exp.Select, exp.Delete, exp.Update)
    if scope is None:
        return ALWAYS
    conditions: list[exp.Expr] = []
    if where := scope.args.get("where"):
        conditions.append(where.this)
    joins: list[exp.Join] = [
        join for join in scope.find_all(exp.Join) if join.find_ancestor(exp.Select, exp.Delete, exp.Update) is scope
    ]
    for join in joins:
        if (condition := join.args.get("on")) and (not join.side or (join.side == "LEFT" and join.this is table)):
            conditions.append(condition)
    sources = [
        each
        for each in scope.find_all(exp.Table, exp.Subquery)
        if isinstance(each.parent, exp.From | exp.Join | exp.Delete | exp.Update | exp.Table)
        and each.find_ancestor(exp.Select, exp.Delete, exp.Update) is scope
    ]
    names = {table.alias_or_name.lower()} | ({""} if len(sources) == 1 else set())
    parts = [_read_condition(each, names, parameters) for condition in conditions for each in _conjuncts(condition)]
    return AllOf(tuple(part for part in parts if part != ALWAYS))


def _conjuncts(condition: exp.Expr) -> Iterator[exp.Expr]:
    condition = condition.unnest()
    if isinstance(condition, exp.And):
        yield from _conjuncts(condition.left)
        yield from _conjuncts(condition.right)
    else:
        yield condition


def _read_condition(condition: exp.Expr, names: set[str], parameters: Mapping[str, str]) -> Predicate:
    """Return a condition as a predicate; ALWAYS where it says nothing about the table's blocks."""
    condition = condition.unnest()
    if isinstance(condition, exp.Boolean) and not condition.this:
        return AnyOf(())
    if isinstance(condition, exp.And):
        return AllOf(tuple(_read_condition(each, names, parameters) for each in _conjuncts(condition)))
    if isinstance(condition, exp.Or):
        parts = (_read_condition(condition.left, names, parameters), _read_condition(condition.right, names, parameters))
        return ALWAYS if ALWAYS in parts else AnyOf(parts)
    if isinstance(condition, exp.Between):
        bounds = ((">=", condition.args["low"]), ("<=", condition.args["high"]))
        return AllOf(tuple(each for sign, bound in bounds if (each := _compare(condition.this, sign, bound, names, parameters))))
    if isinstance(condition, exp.In) and condition.expressions:
        items = [_compare(condition.this, "=", item, names, parameters) for item in condition.expressions]
        known = [item for item in items if item is not None]
        return AnyOf(tuple(known)) if len(known) == len(items) else ALWAYS
    if isinstance(condition, exp.Binary) and type(condition) in _SIGNS:
        sign, swapped = _SIGNS[type(condition)]
        compared = _compare(condition.left, sign, condition.right, names, parameters)
        return compared or _compare(condition.right, swapped, condition.left, names, parameters) or ALWAYS
    return ALWAYS


def _compare(column: exp.Expr, sign: str, value: exp.Expr, names: set[str], parameters: Mapping[str, str]) -> Compared | None:
    column = column.unnest()
    literal = _find_literal(value, parameters)
    if literal is None or not isinstance(column, exp.Column) or column.table.lower() not in names:
        return None
    return Compared(column.name.lower(), sign, literal)


def _find_literal(value: exp.Expr, parameters: Mapping[str, str]) -> str | None:
    value = value.unnest()
    if isinstance(value, exp.Cast):
        return _find_literal(value.this, parameters)
    if isinstance(value, exp.Neg):
        inner = _find_literal(value.this, parameters)
        return None if inner is None else f"-{inner}"
    if isinstance(value, exp.Sub):
        # A day less some days, which is computed before anything is read.
        day, days = _find_literal(value.this, parameters), _find_literal(value.expression, parameters)
        try:
            return None if day is None or days is None else (date.fromisoformat(day) - timedelta(days=int(days))).isoformat()
        except ValueError:
            return None
    if isinstance(value, exp.Placeholder):
        return parameters.get(value.name)
    return value.name if isinstance(value, exp.Literal) else None


def _target(tree: exp.Expr) -> exp.Table | None:
    target = tree.this
    return target if isinstance(target, exp.Table) else target.find(exp.Table)


def _is_lasting(tree: exp.Expr, session: _Session) -> bool:
    if not isinstance(tree, exp.Insert | exp.Delete | exp.Update):
        return False
    target = _target(tree)
    return target is not None and bool(target.db or not session.is_temporary(session.name(target)))


def _table_name(sql: str, tokens: list[Token], session: _Session) -> Name:
    parts = Reader(sql, tokens).name().replace('"', "").lower().rpartition(".")
    return parts[0] or session.schema, parts[2]


def _last_name(words: Sequence[str]) -> str:
    """Return a routine's name, without its schema, from the words that begin with it."""
    name = words[0]
    for at in range(1, len(words) - 1, 2):
        if words[at] != ".":
            break
        name = words[at + 1]
    return name


def divide_body(body: str) -> Iterator[str]:
    """Yield the SQL statements of a procedure's body, and its conditions as selects; each is taken to run once."""
    tokens = tokenize_script(body)
    start = 0
    for at, token in enumerate([*tokens, None]):
        if token is None or token.token_type is TokenType.SEMICOLON:
            yield from _read_chunk(body, tokens[start:at])
            start = at + 1


def _read_chunk(body: str, tokens: list[Token]) -> Iterator[str]:
    """Yield what is SQL between two semicolons: `if (select …) > 0 then insert …` is a condition and a statement."""
    condition, depth = None, 0
    for at, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        word = token.text.upper()
        if depth or token.token_type in (TokenType.STRING, TokenType.IDENTIFIER):
            continue
        if word in ("DECLARE", "RAISE", "RETURN"):
            return
        if word in ("IF", "ELSIF", "WHILE"):
            condition = at + 1
        elif word in ("THEN", "LOOP") and condition is not None:
            yield f"select {_cut(body, tokens[condition:at])}"
            condition = None
        elif word == "FOR":
            end = next(number for number, each in enumerate(tokens) if each.text.upper() == "LOOP")
            query = next((number for number in range(at, end) if tokens[number].text.upper() in _READING), end)
            if query < end:
                yield _cut(body, tokens[query:end])
            yield from _read_chunk(body, tokens[end + 1 :])
            return
        elif condition is None and word in (*_READING, *_WRITING, "CREATE", "DROP", "CALL", "TRUNCATE", "LOCK", "ALTER"):
            yield _without_into(body, tokens[at:])
            return
        elif word == ":=":
            yield f"select {_cut(body, tokens[at + 1 :])}"
            return


def _without_into(body: str, tokens: list[Token]) -> str:
    """Return a statement without the variables that a SELECT puts its row into."""
    words = [token.text.upper() for token in tokens]
    if words[0] != "SELECT" or "INTO" not in words or "FROM" not in words[words.index("INTO") :]:
        return _cut(body, tokens)
    into = words.index("INTO")
    return f"{_cut(body, tokens[:into])} {_cut(body, tokens[words.index('FROM', into) :])}"


def _cut(text: str, tokens: list[Token]) -> str:
    return text[tokens[0].start : tokens[-1].end + 1] if tokens else "1"

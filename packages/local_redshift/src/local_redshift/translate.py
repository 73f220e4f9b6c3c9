"""A statement of Redshift as the statement PostgreSQL runs for it.

Queries and changes of rows go through sqlglot's trees (`expressions.py`); `tables.py` and `alter_table.py` define tables,
`routines.py` functions and procedures; `copy_parquet.py` reads COPY, `unload_command.py` UNLOAD; what is left differs by a word
at most.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from local_redshift import routines
from local_redshift.alter_table import read_alter
from local_redshift.copy_command import CopyCommand, parse_copy
from local_redshift.dialect import fold_name, parse, parse_value, tokenize, write
from local_redshift.expressions import called_functions, name_columns, rewrite_expressions
from local_redshift.function_calls import call
from local_redshift.grants import check_grant, render_grant
from local_redshift.parameters import find_parameters, quote_text
from local_redshift.reading import Reader, on_its_lines, render, split_list, word_of
from local_redshift.refusal import NotOffered, Refused
from local_redshift.tables import read_table
from local_redshift.translation_cache import open_cache
from local_redshift.unload_command import UnloadCommand, parse_unload
from local_redshift.vocabulary import OTHER_OBJECTS, OTHER_STATEMENTS, POSTGRES_OBJECTS


@dataclass(frozen=True)
class Translation:
    """What to run for one statement.

    Attributes:
        text: PostgreSQL's statement, parameters still marked; empty for a statement that has no effect here (VACUUM, ANALYZE).
        before: What PostgreSQL is asked first: queries that raise where Redshift, which knows the tables, would refuse.
        after: What it is asked afterwards.
        copy: The COPY to run instead.
        unload: The UNLOAD to run; text is then its query.
        returns_rows: Whether the statement is one that has a result.
        alone: Why it may not stand in a transaction block (a batch), or None.
        functions: Unqualified functions that must be a user's own.
    """

    text: str = ""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    copy: CopyCommand | None = None
    unload: UnloadCommand | None = None
    returns_rows: bool = False
    alone: str | None = None
    functions: frozenset[str] = field(default_factory=frozenset)

    def to_fields(self) -> dict[str, Any]:
        """Return the fields for JSON, of one without COPY and UNLOAD."""
        fields = {name: value for name, value in vars(self).items() if name not in ("copy", "unload")}
        return fields | {"functions": sorted(self.functions)}

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Translation:
        """Return what `to_fields` was called of."""
        lists = {"before": tuple(fields["before"]), "after": tuple(fields["after"]), "functions": frozenset(fields["functions"])}
        return cls(**(fields | lists))

    def bind(self, values: dict[str, str]) -> str:
        """Return the text with every parameter as an untyped literal."""
        return re.sub("\x01(\\w+)\x02", lambda match: quote_text(values[match[1]]), self.text)


@lru_cache(maxsize=16_384)
def translate(sql: str) -> Translation:
    """Translate one statement, or read what it was translated to before (LOCAL_REDSHIFT_CACHE: see translation_cache.py).

    Raises:
        Refused: Redshift would not run it; the message says why, and which page says so.
        NotOffered: it cannot be run faithfully here.
    """
    folder = os.environ.get("LOCAL_REDSHIFT_CACHE")
    if not folder:
        return _translate(sql)
    cache = open_cache(folder)
    if (fields := cache.get(sql)) is not None:
        return Translation.from_fields(fields)
    translation = _translate(sql)
    if translation.copy is None and translation.unload is None:  # theirs name files of one run
        cache.put(sql, translation.to_fields())
    return translation


def _translate(sql: str) -> Translation:
    words: list[str] = []
    line = None
    try:
        tokens = tokenize(sql)
        # Six of them, whatever there is: a statement may end with its first.
        words, line = [*(token.text.upper() for token in tokens[:6]), *[""] * 6][:6], tokens[0].line
        translator = _STATEMENTS.get(words[0])
        if translator is None:
            if words[0] in OTHER_STATEMENTS:
                raise NotOffered(f"{words[0]} is not offered here")
            raise Refused(f'syntax error at or near "{tokens[0].text}": not a statement of Redshift')
        return translator(sql, tokens, words)
    except RecursionError as error:
        raise NotOffered("the statement is nested too deeply to be read here", _find_page(words), line) from error
    except Refused as refusal:
        refusal.line = refusal.line or line
        refusal.page = refusal.page or _find_page(words)
        raise


def first_words(tokens: list[Token]) -> list[str]:
    """Return a statement's first two words in upper case, OR REPLACE left out."""
    words = [token.text.upper() for token in tokens[:4]]
    return words[:1] + words[3:] if words[1:3] == ["OR", "REPLACE"] else words[:2]


def _find_page(words: list[str]) -> str:
    """Return the page of a statement."""
    kind = words[3:4] if words[1:3] == ["OR", "REPLACE"] else words[1:2]
    return _PAGES.get(" ".join(words[:1] + kind)) or _PAGES.get("".join(words[:1])) or "c_SQL_commands"


def _translate_query(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    if words[0] == "DELETE" and words[1:2] != ["FROM"]:  # Redshift's FROM is optional, sqlglot's is not (page r_DELETE)
        sql = f"{sql[: tokens[0].end + 1]} from {sql[tokens[0].end + 1 :]}"
    elif words[0] == "INSERT":
        _check_insert(Reader(sql, tokens))
    elif words[0] == "MERGE" and [word_of(token) for token in tokens[-2:]] == ["REMOVE", "DUPLICATES"]:
        raise NotOffered("REMOVE DUPLICATES of MERGE is not offered here")
    return _translate_tree(parse(sql))


def _check_insert(reader: Reader) -> None:
    """Page r_INSERT_30: sqlglot takes MySQL's INSERT INTO t SET, and VALUE, too."""
    reader.require("INSERT", "INTO")
    reader.name()
    if reader.word() == "(":
        reader.parenthesized()
    if reader.word() in ("SET", "VALUE"):
        reader.require("VALUES")


def _translate_tree(tree: exp.Expr) -> Translation:
    if (parameter := tree.find(exp.Parameter)) and isinstance(parameter.this, exp.Literal):
        raise Refused(f"there is no parameter ${parameter.name}: a parameter is written :name", "r_PREPARE")
    returns_rows = isinstance(tree, exp.Query) and not tree.args.get("into")
    functions = frozenset(called_functions(tree))
    before = tuple(_require_tables(tree) + _require_columns(tree))
    name_columns(tree)
    tree = rewrite_expressions(tree)
    return Translation(write(tree), before=before, returns_rows=returns_rows, functions=functions)


# What each statement does to rows, and its page: none does it to a view (page r_CREATE_VIEW: views are read).
_CHANGES: dict[type[exp.Expr], tuple[str, str]] = {
    exp.Insert: ("INSERT", "r_INSERT_30"),
    exp.Update: ("UPDATE", "r_UPDATE"),
    exp.Delete: ("DELETE", "r_DELETE"),
    exp.Merge: ("MERGE", "r_MERGE"),
}


def _require_tables(tree: exp.Expr) -> list[str]:
    change = _CHANGES.get(type(tree))
    if change is None:
        return []
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    found = [target, tree.args["using"]] if isinstance(tree, exp.Merge) else [target]
    return [call("require_table", _qualified(table), *change) for table in found if isinstance(table, exp.Table)]


def _require_columns(tree: exp.Expr) -> list[str]:
    """A name that is also that of a table of its statement must be a column of one of them, or named so in it, and not a row."""
    queries = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    read = [table for table in tree.find_all(exp.Table) if table.db or table.name.lower() not in queries]
    named = {alias.alias.lower() for alias in tree.find_all(exp.Alias)}
    named |= {column.name.lower() for alias in tree.find_all(exp.TableAlias) for column in alias.columns}
    suspects = {table.alias_or_name.lower() for table in read} - named
    names = {column.name.lower() for column in tree.find_all(exp.Column) if not column.table and column.name.lower() in suspects}
    sources = sorted({_qualified(table) for table in read})
    return [f"select redshift.require_no_row_value({_texts(sources)}, {quote_text(name)})" for name in sorted(names)]


def _texts(values: list[str]) -> str:
    return f"array[{', '.join(map(quote_text, values))}]::pg_catalog.text[]"


def _qualified(table: exp.Table) -> str:
    return ".".join('"' + part.name.lower().replace('"', '""') + '"' for part in table.parts)


def _translate_create(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    rest = words[3:] if words[1:3] == ["OR", "REPLACE"] else words[1:]
    if rest[0] in ("PROCEDURE", "FUNCTION"):
        routine = routines.translate_routine(sql, tokens, _translate_inside)
        return Translation(routine.text, functions=routine.functions)
    if rest[0] == "SCHEMA":
        if len(tokens) > 6 or "AUTHORIZATION" in words:
            raise NotOffered("CREATE SCHEMA is offered as CREATE SCHEMA [IF NOT EXISTS] name")
        return Translation(render(sql, tokens))
    if rest[0] == "VIEW":
        return _translate_view(sql, tokens)
    if rest[0] in ("GROUP", "ROLE", "USER"):
        return _translate_principal(sql, tokens, words)
    if rest[0] in ("TABLE", "TEMP", "TEMPORARY", "LOCAL"):
        if words[1] == "OR":
            raise Refused("CREATE OR REPLACE TABLE is not Redshift's")
        definition = read_table(sql, tokens)
        if definition.query is None:
            return Translation(definition.text, definition.before, definition.after)
        tree = parse(definition.query)
        _require_names(tree)
        query = _translate_tree(tree)
        before, after = (*definition.before, *query.before), definition.after
        return Translation(f"{definition.text} as {query.text}", before, after, functions=query.functions)
    raise _refuse_object("CREATE", rest[0])


def _refuse_object(action: str, kind: str) -> Refused:
    if kind in POSTGRES_OBJECTS:
        return Refused(f"{action} {kind} is not Redshift's", "c_unsupported-postgresql-features")
    if kind in OTHER_OBJECTS:
        return NotOffered(f"{action} {kind} is not offered here")
    near = f'at or near "{kind}"' if kind else "at end of statement"
    return Refused(f"syntax error {near}: {' '.join((action, kind)).strip()} is no statement of Redshift", "c_SQL_commands")


def _require_names(tree: exp.Expr) -> None:
    """Page r_CREATE_TABLE_AS: a table's columns have different names."""
    names = [name.lower() for name in tree.named_selects if name != "*"] if isinstance(tree, exp.Query) else []
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise Refused(f'column "{twice}" is specified more than once', "r_CREATE_TABLE_AS")


def _translate_inside(sql: str) -> str:
    """Translate a statement of a procedure's body: it runs inside the caller's transaction."""
    translation = translate(sql)
    if translation.alone:
        # Page stored-procedure-transaction-management: TRUNCATE may stand in a procedure, and commits there.
        raise (NotOffered if sql.lstrip()[:8].upper() == "TRUNCATE" else Refused)(translation.alone)
    if translation.copy or translation.unload:
        raise NotOffered("COPY and UNLOAD in a procedure are not offered here")
    asked = [query.replace("select", "perform", 1) for query in translation.before]
    told = [query.replace("select", "perform", 1) for query in translation.after]
    text = (
        translation.text.replace("select", "perform", 1) if translation.text.startswith("select redshift.") else translation.text
    )
    return "; ".join([*asked, text or "null", *told])


def _translate_view(sql: str, tokens: list[Token]) -> Translation:
    start = next((i for i, token in enumerate(tokens) if token.text.upper() == "AS"), None)
    if start is None:
        raise Refused('syntax error: CREATE VIEW needs "AS"')
    if [token.text.upper() for token in tokens[-4:]] == ["WITH", "NO", "SCHEMA", "BINDING"]:
        raise NotOffered("WITH NO SCHEMA BINDING is not offered here: a view of PostgreSQL is bound to its tables")
    if {"WITH", "EXISTS"} & {token.text.upper() for token in tokens[:start]}:
        raise Refused("CREATE VIEW has neither options nor IF NOT EXISTS: use CREATE OR REPLACE VIEW")
    query = _translate_tree(parse(on_its_lines(sql, tokens[start + 1 :])))
    return Translation(f"{render(sql, tokens[:start])} as {query.text}", query.before, functions=query.functions)


def _translate_principal(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    kind, reader = words[1], Reader(sql, tokens[2:])
    if words[0] == "DROP":
        exists = kind == "USER" and reader.take("IF", "EXISTS")
        names = [reader.name()]
        while kind == "USER" and reader.take(","):
            names.append(reader.name())
        if kind == "ROLE" and reader.take("FORCE"):
            raise NotOffered("DROP ROLE … FORCE is not offered here")
        kind == "ROLE" and reader.take("RESTRICT")
        _require_end(reader)
        return Translation(f"drop role {'if exists ' if exists else ''}{', '.join(names)}")
    name = reader.name()
    if kind == "USER":
        reader.take("WITH")
        has_options = reader.word() != "PASSWORD"
        if has_options:
            reader.until("PASSWORD")
        reader.require("PASSWORD")
        password = reader.next()
        if password.token_type is not TokenType.STRING and password.text.upper() != "DISABLE":
            raise Refused("PASSWORD takes a text, or DISABLE")
        reader.at -= has_options
    if not reader.ended:
        raise NotOffered(f"CREATE {kind} is offered as CREATE {kind} name{' PASSWORD …' if kind == 'USER' else ''}")
    return Translation(f"create role {name}")


def _require_end(reader: Reader) -> None:
    if not reader.ended:
        token = reader.next()
        raise Refused(f'syntax error at or near "{token.text}"', line=token.line)


def _translate_alter(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    if words[1] == "TABLE":
        change = read_alter(sql, tokens)
        return Translation(change.text, change.before, change.after, alone=change.alone)
    if words[1:3] == ["DEFAULT", "PRIVILEGES"]:
        return Translation(render_grant(sql, tokens))
    if words[1] == "SCHEMA":
        return Translation(render(sql, tokens))
    raise _refuse_object("ALTER", words[1])


def _translate_drop(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    if words[1] in ("GROUP", "ROLE", "USER"):
        return _translate_principal(sql, tokens, words)
    if words[1] not in ("TABLE", "VIEW", "SCHEMA", "PROCEDURE", "FUNCTION"):
        raise _refuse_object("DROP", words[1])
    reader = Reader(sql, tokens[2:])
    # Pages r_DROP_FUNCTION and r_DROP_PROCEDURE: no IF EXISTS, one a statement, its arguments in parentheses.
    if words[1] in ("FUNCTION", "PROCEDURE"):
        page = f"r_DROP_{words[1]}"
        if reader.take("IF", "EXISTS"):
            raise Refused(f"DROP {words[1]} has no IF EXISTS", page)
        reader.name()
        if reader.word() != "(":
            raise Refused(f"DROP {words[1]} names the types of the arguments in parentheses, () for none", page)
        routines.read_parameters(sql, reader.parenthesized())
        if words[1] == "FUNCTION":
            reader.take("CASCADE") or reader.take("RESTRICT")
    else:
        reader.take("IF", "EXISTS")
        reader.name()
        while reader.take(","):
            reader.name()
        reader.take("CASCADE") or reader.take("RESTRICT")
    _require_end(reader)
    return Translation(render(sql, tokens))


def _translate_truncate(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    reader = Reader(sql, tokens[1:])
    reader.take("TABLE")
    if reader.word() in ("ONLY", "MATERIALIZED"):
        raise Refused("TRUNCATE takes one table and no option")
    name = reader.name()
    if not reader.ended:
        raise Refused("TRUNCATE takes one table and no option")
    alone = "TRUNCATE commits the transaction it stands in (page r_TRUNCATE): use DELETE in a batch"
    return Translation(f"truncate {name}", (call("require_table", name, "TRUNCATE", "r_TRUNCATE"),), alone=alone)


def _translate_set(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    if len(tokens) < 4:
        raise Refused("SET names a parameter and its value")
    if words[1] == "SEARCH_PATH":
        names = [
            fold_name(token) if token.token_type is not TokenType.STRING else quote_text(token.text)
            for token in tokens[3:]
            if token.text != ","
        ]
        # The schema of Redshift's functions comes last of the named and before pg_catalog, so that they win.
        return Translation(f"set search_path to {', '.join([*names, 'redshift', 'pg_catalog'])}")
    if words[1] in ("QUERY_GROUP", "STATEMENT_TIMEOUT", "TIMEZONE", "ENABLE_RESULT_CACHE_FOR_SESSION"):
        if words[1] in ("STATEMENT_TIMEOUT", "TIMEZONE"):
            return Translation(render(sql, tokens))
        return Translation()
    raise NotOffered(f"SET {words[1].lower()} is not offered here")


def _translate_lock(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    if word_of(tokens[-1]) in ("MODE", "NOWAIT") or "ONLY" in words:
        raise Refused("LOCK names tables only; its one mode is ACCESS EXCLUSIVE", "r_LOCK")
    reader = Reader(sql, tokens[1:])
    reader.take("TABLE")
    names = [reader.name()]
    while reader.take(","):
        names.append(reader.name())
    _require_end(reader)
    # Asked afterwards: a question before would take the transaction's snapshot before the lock is held.
    return Translation(render(sql, tokens), after=tuple(call("require_table", name, "LOCK", "r_LOCK") for name in names))


def _translate_call(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    tree = parse_value(on_its_lines(sql, tokens[1:], "select "))
    if tree.expressions[0].find(exp.Anonymous) is None:
        raise Refused("CALL names a procedure and its arguments in parentheses, () for none")
    return Translation("call " + write(rewrite_expressions(tree).expressions[0]), returns_rows=True)


def _translate_grant(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    check_grant(Reader(sql, tokens[1:]), words[0])
    return Translation(render_grant(sql, tokens))


def _translate_comment(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    if words[1] != "ON" or words[2] not in ("TABLE", "COLUMN", "CONSTRAINT", "DATABASE", "VIEW"):
        raise Refused("COMMENT ON is about a table, column, constraint, database or view", "r_COMMENT")
    if words[2] == "CONSTRAINT":
        raise NotOffered("COMMENT ON CONSTRAINT is not offered here")
    return Translation(render(sql, tokens))


def _translate_vacuum(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    reader = Reader(sql, tokens[1:])
    kinds = (("FULL",), ("SORT", "ONLY"), ("DELETE", "ONLY"), ("REINDEX",), ("RECLUSTER",))
    any(reader.take(*kind) for kind in kinds)
    before = () if reader.ended or reader.word() == "BOOST" else _require_relation(reader.name(), "VACUUM", "r_VACUUM_command")
    if reader.take("TO"):
        reader.next()
        reader.require("PERCENT")
    reader.take("BOOST")
    _require_end(reader)
    return Translation("", before, alone="VACUUM cannot run inside a transaction block (page r_VACUUM_command)")


def _translate_analyze(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    reader = Reader(sql, tokens[1:])
    if reader.take("COMPRESSION"):
        raise NotOffered("ANALYZE COMPRESSION is not offered here")
    reader.take("VERBOSE")
    before: tuple[str, ...] = ()
    if not reader.ended:
        name = reader.name()
        before = _require_relation(name, "ANALYZE", "r_ANALYZE")
        if reader.word() == "(":
            columns = [fold_name(item[0]) for item in split_list(reader.parenthesized())]
            before += (call("require_columns", name, columns, "r_ANALYZE"),)
        reader.take("PREDICATE", "COLUMNS") or reader.take("ALL", "COLUMNS")
    _require_end(reader)
    return Translation("", before)


def _require_relation(name: str, action: str, page: str) -> tuple[str, ...]:
    return (call("require_table", name, action, page),)


def _translate_copy(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    if find_parameters(sql):
        raise Refused("COPY takes no parameters: neither its location nor its role can be one")
    command = parse_copy(sql, tokens)
    return Translation(before=_require_relation(command.table, "COPY", "r_COPY"), copy=command)


def _translate_unload(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    if find_parameters(sql):
        raise Refused("UNLOAD takes no parameters: neither its query nor its location or role can be one")
    command = parse_unload(sql, tokens)
    query = translate(command.query)
    return Translation(query.text, query.before, unload=command, functions=query.functions)


def _translate_explain(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    if words[1] in ("ANALYZE", "(", "ANALYSE"):
        raise Refused("EXPLAIN takes VERBOSE and no other option")
    if len(tokens) == 1:
        raise Refused("syntax error at end of statement: EXPLAIN needs a statement")
    query = translate(on_its_lines(sql, tokens[2:] if words[1] == "VERBOSE" else tokens[1:]))
    return Translation("explain " + query.text, query.before, returns_rows=True, functions=query.functions)


def _refuse_transaction(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    raise Refused(f"{words[0]} has no place in the Data API: a statement or batch is a transaction by itself")


_STATEMENTS: dict[str, Callable[[str, list[Token], list[str]], Translation]] = {
    **dict.fromkeys(("SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "("), _translate_query),
    "CREATE": _translate_create,
    "ALTER": _translate_alter,
    "DROP": _translate_drop,
    "TRUNCATE": _translate_truncate,
    "SET": _translate_set,
    "LOCK": _translate_lock,
    "CALL": _translate_call,
    "GRANT": _translate_grant,
    "REVOKE": _translate_grant,
    "COMMENT": _translate_comment,
    "ANALYZE": _translate_analyze,
    "VACUUM": _translate_vacuum,
    "COPY": _translate_copy,
    "UNLOAD": _translate_unload,
    "EXPLAIN": _translate_explain,
    **dict.fromkeys(("BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT"), _refuse_transaction),
}

# The page of each statement; the longest beginning counts.
_PAGES = {
    "SELECT": "r_SELECT_synopsis",
    "WITH": "r_WITH_clause",
    "INSERT": "r_INSERT_30",
    "UPDATE": "r_UPDATE",
    "DELETE": "r_DELETE",
    "MERGE": "r_MERGE",
    "CREATE PROCEDURE": "r_CREATE_PROCEDURE",
    "CREATE FUNCTION": "r_CREATE_FUNCTION",
    "CREATE SCHEMA": "r_CREATE_SCHEMA",
    "CREATE VIEW": "r_CREATE_VIEW",
    "CREATE GROUP": "r_CREATE_GROUP",
    "CREATE ROLE": "r_CREATE_ROLE",
    "CREATE USER": "r_CREATE_USER",
    **dict.fromkeys(("CREATE TABLE", "CREATE TEMP", "CREATE TEMPORARY", "CREATE LOCAL"), "r_CREATE_TABLE_NEW"),
    **{
        f"DROP {kind}": f"r_DROP_{kind}" for kind in ("FUNCTION", "GROUP", "PROCEDURE", "ROLE", "SCHEMA", "TABLE", "USER", "VIEW")
    },
    "ALTER TABLE": "r_ALTER_TABLE",
    "ALTER DEFAULT": "r_ALTER_DEFAULT_PRIVILEGES",
    "TRUNCATE": "r_TRUNCATE",
    "SET": "r_SET",
    "LOCK": "r_LOCK",
    "CALL": "r_CALL_procedure",
    "GRANT": "r_GRANT",
    "REVOKE": "r_REVOKE",
    "COMMENT": "r_COMMENT",
    "ANALYZE": "r_ANALYZE",
    "VACUUM": "r_VACUUM_command",
    "COPY": "r_COPY",
    "UNLOAD": "r_UNLOAD",
    "EXPLAIN": "r_EXPLAIN",
}

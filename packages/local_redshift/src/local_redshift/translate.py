"""A statement of Redshift as the statement PostgreSQL runs for it.

Queries and changes of rows go through sqlglot's trees (`queries.py`, `expressions.py`); `tables.py` and `alter_table.py` define
tables, `routines.py` functions and procedures; `copy_command.py` reads COPY, `unload_command.py` UNLOAD; `other_statements.py`
has what differs by a word at most.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from local_redshift import routines
from local_redshift.copy_command import parse_copy
from local_redshift.dialect import parse, parse_value, tokenize, write
from local_redshift.expressions import rewrite_expressions
from local_redshift.other_statements import (
    refuse_object,
    refuse_transaction,
    require_relation,
    translate_alter,
    translate_analyze,
    translate_comment,
    translate_drop,
    translate_grant,
    translate_lock,
    translate_principal,
    translate_set,
    translate_truncate,
    translate_vacuum,
)
from local_redshift.parameters import find_parameters
from local_redshift.queries import translate_query, translate_tree
from local_redshift.reading import on_its_lines, render
from local_redshift.refusal import NotOffered, Refused
from local_redshift.tables import read_table
from local_redshift.translation import Translation
from local_redshift.translation_cache import open_cache
from local_redshift.unload_command import parse_unload
from local_redshift.vocabulary import OTHER_STATEMENTS


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
        return translate_principal(sql, tokens, words)
    if rest[0] in ("TABLE", "TEMP", "TEMPORARY", "LOCAL"):
        if words[1] == "OR":
            raise Refused("CREATE OR REPLACE TABLE is not Redshift's")
        definition = read_table(sql, tokens)
        if definition.query is None:
            return Translation(definition.text, definition.before, definition.after)
        tree = parse(definition.query)
        _require_names(tree)
        query = translate_tree(tree)
        before, after = (*definition.before, *query.before), definition.after
        return Translation(f"{definition.text} as {query.text}", before, after, functions=query.functions)
    raise refuse_object("CREATE", rest[0])


def _require_names(tree: exp.Expr) -> None:
    """Page r_CREATE_TABLE_AS: a table's columns have different names."""
    names = [name.lower() for name in tree.named_selects if name != "*"] if isinstance(tree, exp.Query) else []
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise Refused(f'column "{twice}" is specified more than once', "r_CREATE_TABLE_AS")


def _translate_inside(sql: str) -> list[str]:
    """Translate a statement of a procedure's body: what PostgreSQL is asked instead, inside the caller's transaction."""
    try:
        translation = translate(sql.lstrip("\n"))  # known wherever it stood before
    except Refused:
        translation = translate(sql)  # with the line that it stands on
    if translation.alone:
        # Page stored-procedure-transaction-management: TRUNCATE may stand in a procedure, and commits there.
        raise (NotOffered if sql.lstrip()[:8].upper() == "TRUNCATE" else Refused)(translation.alone)
    if translation.copy or translation.unload:
        raise NotOffered("COPY and UNLOAD in a procedure are not offered here")
    return [part for part in (*translation.before, translation.text, *translation.after) if part]


def _translate_view(sql: str, tokens: list[Token]) -> Translation:
    start = next((i for i, token in enumerate(tokens) if token.text.upper() == "AS"), None)
    if start is None:
        raise Refused('syntax error: CREATE VIEW needs "AS"')
    if [token.text.upper() for token in tokens[-4:]] == ["WITH", "NO", "SCHEMA", "BINDING"]:
        raise NotOffered("WITH NO SCHEMA BINDING is not offered here: a view of PostgreSQL is bound to its tables")
    if {"WITH", "EXISTS"} & {token.text.upper() for token in tokens[:start]}:
        raise Refused("CREATE VIEW has neither options nor IF NOT EXISTS: use CREATE OR REPLACE VIEW")
    query = translate_tree(parse(on_its_lines(sql, tokens[start + 1 :])))
    return Translation(f"{render(sql, tokens[:start])} as {query.text}", query.before, functions=query.functions)


def _translate_call(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    tree = parse_value(on_its_lines(sql, tokens[1:], "select "))
    if tree.expressions[0].find(exp.Anonymous) is None:
        raise Refused("CALL names a procedure and its arguments in parentheses, () for none")
    return Translation("call " + write(rewrite_expressions(tree).expressions[0]), returns_rows=True)


def _translate_copy(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    if find_parameters(sql):
        raise Refused("COPY takes no parameters: neither its location nor its role can be one")
    command = parse_copy(sql, tokens)
    return Translation(before=require_relation(command.table, "COPY", "r_COPY"), copy=command)


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


_STATEMENTS: dict[str, Callable[[str, list[Token], list[str]], Translation]] = {
    **dict.fromkeys(("SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "("), translate_query),
    "CREATE": _translate_create,
    "ALTER": translate_alter,
    "DROP": translate_drop,
    "TRUNCATE": translate_truncate,
    "SET": translate_set,
    "LOCK": translate_lock,
    "CALL": _translate_call,
    "GRANT": translate_grant,
    "REVOKE": translate_grant,
    "COMMENT": translate_comment,
    "ANALYZE": translate_analyze,
    "VACUUM": translate_vacuum,
    "COPY": _translate_copy,
    "UNLOAD": _translate_unload,
    "EXPLAIN": _translate_explain,
    **dict.fromkeys(("BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT"), refuse_transaction),
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

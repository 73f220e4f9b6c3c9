"""A statement of Redshift as the statement PostgreSQL runs for it.

Queries and changes of rows go through sqlglot's trees (`expressions.py`); `tables.py` defines tables, `routines.py` functions and
procedures; `copy_parquet.py` reads COPY, `unload_command.py` UNLOAD; what is left differs by a word at most.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from local_redshift import routines, tables
from local_redshift.copy_command import CopyCommand, parse_copy
from local_redshift.dialect import fold_name, parse, tokenize, write
from local_redshift.expressions import called_functions, rewrite_expressions
from local_redshift.parameters import find_parameters, quote_text
from local_redshift.reading import on_its_lines
from local_redshift.refusal import NotOffered, Refused
from local_redshift.unload_command import UnloadCommand, parse_unload
from local_redshift.vocabulary import OTHER_STATEMENTS, POSTGRES_OBJECTS


@dataclass(frozen=True)
class Translation:
    """What to run for one statement.

    Attributes:
        text: PostgreSQL's statement, parameters still marked; empty for a statement that has no effect here (VACUUM, ANALYZE).
        copy: The COPY to run instead.
        unload: The UNLOAD to run; text is then its query.
        returns_rows: Whether the statement is one that has a result.
        alone: Why it may not stand in a transaction block (a batch), or None.
        functions: Unqualified functions that must be a user's own.
    """

    text: str = ""
    copy: CopyCommand | None = None
    unload: UnloadCommand | None = None
    returns_rows: bool = False
    alone: str | None = None
    functions: frozenset[str] = field(default_factory=frozenset)

    def bind(self, values: dict[str, str]) -> str:
        """Return the text with every parameter as an untyped literal."""
        return re.sub("\x01(\\w+)\x02", lambda match: quote_text(values[match[1]]), self.text)


@lru_cache(maxsize=16_384)
def translate(sql: str) -> Translation:
    """Translate one statement.

    Raises:
        Refused: Redshift would not run it; the message says why, and which page says so.
        NotOffered: it cannot be run faithfully here.
    """
    words: list[str] = []
    line = None
    try:
        tokens = tokenize(sql)
        words, line = [token.text.upper() for token in tokens[:6]], tokens[0].line
        translator = _STATEMENTS.get(words[0])
        if translator is None:
            kind = NotOffered if words[0] in OTHER_STATEMENTS else Refused
            raise kind(f'syntax error at or near "{tokens[0].text}": not a statement that is offered here')
        return translator(sql, tokens, words)
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
    return _translate_tree(parse(sql))


def _translate_tree(tree: exp.Expr) -> Translation:
    returns_rows = isinstance(tree, exp.Query) and not tree.args.get("into")
    functions = frozenset(called_functions(tree))
    return Translation(write(rewrite_expressions(tree)), returns_rows=returns_rows, functions=functions)


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
        definition = tables.read_table(sql, tokens)
        if definition.query is None:
            return Translation(definition.text)
        query = _translate_tree(parse(definition.query))
        return Translation(f"{definition.text} as {query.text}", functions=query.functions)
    if rest[0] in POSTGRES_OBJECTS:
        raise Refused(f"CREATE {rest[0]} is not Redshift's", "c_unsupported-postgresql-features")
    raise NotOffered(f"CREATE {rest[0]} is not Redshift's, or not offered here")


def _translate_inside(sql: str) -> str:
    """Translate a statement of a procedure's body: it runs inside the caller's transaction."""
    translation = translate(sql)
    if translation.alone:
        raise Refused(translation.alone)
    if translation.copy or translation.unload:
        raise NotOffered("COPY and UNLOAD in a procedure are not offered here")
    return translation.text or "null"


def _translate_view(sql: str, tokens: list[Token]) -> Translation:
    start = next((i for i, token in enumerate(tokens) if token.text.upper() == "AS"), None)
    if start is None:
        raise Refused('syntax error: CREATE VIEW needs "AS"')
    if [token.text.upper() for token in tokens[-4:]] == ["WITH", "NO", "SCHEMA", "BINDING"]:
        raise NotOffered("WITH NO SCHEMA BINDING is not offered here: a view of PostgreSQL is bound to its tables")
    if {"WITH", "EXISTS"} & {token.text.upper() for token in tokens[:start]}:
        raise Refused("CREATE VIEW has neither options nor IF NOT EXISTS: use CREATE OR REPLACE VIEW")
    query = _translate_tree(parse(on_its_lines(sql, tokens[start + 1 :])))
    return Translation(f"{render(sql, tokens[:start])} as {query.text}", functions=query.functions)


def _translate_principal(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    kind, name = words[1], fold_name(tokens[2])
    if words[0] == "CREATE":
        if len(tokens) > 3 and kind != "USER":
            raise NotOffered(f"CREATE {kind} is offered as CREATE {kind} name")
        return Translation(f"create role {name}")
    return Translation(render(sql, [*tokens[:1], *tokens[2:]]).replace("drop", "drop role", 1))


def _translate_alter(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    if words[1] == "TABLE":
        change = tables.read_alter(sql, tokens)
        return Translation(change.text, alone=change.alone)
    if words[1:3] == ["DEFAULT", "PRIVILEGES"]:
        return Translation(_render_grant(sql, tokens))
    if words[1] == "SCHEMA":
        return Translation(render(sql, tokens))
    raise NotOffered(f"ALTER {words[1]} is not offered here")


def _translate_drop(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    if words[1] in ("GROUP", "ROLE", "USER"):
        return _translate_principal(sql, tokens, words)
    if words[1] not in ("TABLE", "VIEW", "SCHEMA", "PROCEDURE", "FUNCTION"):
        if words[1] in POSTGRES_OBJECTS:
            raise Refused(f"DROP {words[1]} is not Redshift's", "c_unsupported-postgresql-features")
        raise NotOffered(f"DROP {words[1]} is not Redshift's, or not offered here")
    return Translation(render(sql, tokens))


def _translate_truncate(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    if "," in [token.text for token in tokens] or {"CASCADE", "RESTRICT", "ONLY", "IDENTITY"} & set(words):
        raise Refused("TRUNCATE takes one table and no option")
    alone = "TRUNCATE commits the transaction it stands in (page r_TRUNCATE): use DELETE in a batch"
    return Translation(render(sql, tokens), alone=alone)


def _translate_set(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    if words[1] == "SEARCH_PATH":
        names = [
            fold_name(token) if token.token_type is not TokenType.STRING else token.text
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
    if words[-1] in ("MODE", "NOWAIT") or "ONLY" in words:
        raise Refused("LOCK names tables only; its one mode is ACCESS EXCLUSIVE", "r_LOCK")
    return Translation(render(sql, tokens))


def _translate_call(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    tree = rewrite_expressions(parse(on_its_lines(sql, tokens[1:], "select ")))
    return Translation("call " + write(tree.expressions[0]), returns_rows=True)


def _translate_grant(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    return Translation(_render_grant(sql, tokens))


def _render_grant(sql: str, tokens: list[Token]) -> str:
    """GRANT and REVOKE name their receivers as GROUP g or ROLE r; PostgreSQL has roles only."""
    words = [token.text.upper() for token in tokens]
    to = max((i for i, word in enumerate(words) if word in ("TO", "FROM")), default=0)
    kept = [token for i, token in enumerate(tokens) if not (i > to and words[i] in ("GROUP", "ROLE"))]
    return render(sql, kept)


def _translate_comment(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    return Translation(render(sql, tokens))


def _translate_nothing(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    alone = "VACUUM cannot run inside a transaction block" if words[0] == "VACUUM" else None
    return Translation(alone=alone)


def _translate_copy(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    if find_parameters(sql):
        raise Refused("COPY takes no parameters: neither its location nor its role can be one")
    return Translation(copy=parse_copy(sql, tokens))


def _translate_unload(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    if find_parameters(sql):
        raise Refused("UNLOAD takes no parameters: neither its query nor its location or role can be one")
    command = parse_unload(sql, tokens)
    query = translate(command.query)
    return Translation(query.text, unload=command, functions=query.functions)


def _translate_explain(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    query = translate(on_its_lines(sql, tokens[1:]))
    return Translation("explain " + query.text, returns_rows=True, functions=query.functions)


def _refuse_transaction(sql: str, tokens: list[Token], words: list[str]) -> Translation:
    raise Refused(f"{words[0]} has no place in the Data API: a statement or batch is a transaction by itself")


def render(sql: str, tokens: list[Token]) -> str:
    """Return tokens as text for PostgreSQL: delimited names folded, literals without backslash escapes, words in lower case."""
    pieces = []
    for token in tokens:
        if token.token_type is TokenType.STRING:
            pieces.append(quote_text(token.text))
        elif token.token_type is TokenType.IDENTIFIER:
            pieces.append(fold_name(token))
        else:
            pieces.append(sql[token.start : token.end + 1].lower())
    return re.sub(r" ?(\.|,|\(|\)) ?", lambda m: {",": ", ", ")": ") ", "(": " ("}.get(m[1], m[1]), " ".join(pieces)).strip()


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
    "ANALYZE": _translate_nothing,
    "VACUUM": _translate_nothing,
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

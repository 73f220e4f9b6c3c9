"""Redshift's SQL as sqlglot reads it for this warehouse, and PostgreSQL's as it writes it.

Functions are read as plain calls: sqlglot's own ideas of what they mean elsewhere never apply. `expressions.py` rewrites the few
that need it and `functions.sql` defines the rest.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.dialects.redshift import Redshift
from sqlglot.errors import ErrorLevel, ParseError, TokenError, UnsupportedError
from sqlglot.generators.postgres import PostgresGenerator
from sqlglot.parsers.redshift import RedshiftParser
from sqlglot.tokenizer_core import Token, TokenType

from local_redshift.grammar import check_tokens, mark_places
from local_redshift.parameters import find_backslash, find_unended
from local_redshift.refusal import NotOffered, Refused
from local_redshift.vocabulary import OTHER_WORDS, TYPE_WORDS

RESERVED_WORDS = frozenset((Path(__file__).parent / "reserved_words.txt").read_text(encoding="ascii").split())

_NAMED = re.compile(r"^\s*--\s*name\s*:", re.MULTILINE)

_PARSED_CALLS = ("CAST", "CONVERT", "DECODE", "EXTRACT", "POSITION", "SUBSTRING", "TRIM", "TRY_CAST")


# A part of a tree, and a token, as sqlglot's messages show them.
_MISSING = re.compile(r"Required keyword: .*")
_TOKEN = re.compile(r"<Token .*?\btext: (.*?), line: \d+.*?>", re.DOTALL)


class Source(Redshift):
    """What clients send."""

    SUPPORTS_USER_DEFINED_TYPES = True  # so that an unknown type is told by its name; `check_type` knows all there are

    class Tokenizer(Redshift.Tokenizer):
        COMMANDS: ClassVar = set()  # sqlglot would take what follows such words as one opaque text
        KEYWORDS: ClassVar = {
            **{
                word: kind
                for word, kind in Redshift.Tokenizer.KEYWORDS.items()
                if word not in OTHER_WORDS and (kind not in RedshiftParser.TYPE_TOKENS or word in TYPE_WORDS)
            },
            "FLOAT": TokenType.DOUBLE,
            "FLOAT8": TokenType.DOUBLE,
        }

    class Parser(RedshiftParser):
        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar = {name: RedshiftParser.FUNCTION_PARSERS[name] for name in _PARSED_CALLS}
        NO_PAREN_FUNCTION_PARSERS: ClassVar = {
            name: RedshiftParser.NO_PAREN_FUNCTION_PARSERS[name] for name in ("ANY", "CASE", "SYSDATE")
        }


class Target(Postgres):
    """What PostgreSQL gets; parameters stay marked (`PLACEHOLDER`) until their values are known."""

    class Generator(PostgresGenerator):
        TRANSFORMS: ClassVar = {
            **PostgresGenerator.TRANSFORMS,
            exp.Placeholder: lambda _self, node: f"\x01{node.name}\x02",
            exp.Pow: lambda self, node: self.binary(node, "^"),
        }
        # By their schema, as a user's table named so would be found first.
        TYPE_MAPPING: ClassVar = {
            **PostgresGenerator.TYPE_MAPPING,
            exp.DType.DATE: "pg_catalog.date",
            exp.DType.TEXT: "pg_catalog.text",
        }


def tokenize(sql: str) -> list[Token]:
    """Divide one statement into tokens, without a trailing semicolon.

    Raises:
        Refused: it is empty or more than one statement; see tokenize_script.
    """
    tokens = tokenize_script(sql)
    while tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        tokens.pop()
    if not tokens:
        raise Refused("the statement is empty")
    if any(token.token_type is TokenType.SEMICOLON for token in tokens):
        raise Refused("cannot insert multiple commands into a prepared statement")
    return tokens


def tokenize_script(sql: str) -> list[Token]:
    """Divide statements into tokens.

    Raises:
        Refused: a text, name or comment does not end, or a text has a backslash whose meaning differs between the two databases.
    """
    if (literal := find_backslash(sql)) is not None:
        raise NotOffered(f"the text {literal} has a single backslash, which Redshift would swallow: double it")
    return _tokenize(sql)


def split_script(sql: str) -> list[list[Token]]:
    """Divide a script into its statements, each as its tokens.

    A semicolon ends a statement, and so does a comment `-- name: …` at a line's beginning (as aiosql and others divide files).

    Raises:
        Refused: a text, name or comment does not end.
    """
    statements: list[list[Token]] = [[]]
    end = 0
    for token in _tokenize(sql):
        if _NAMED.search(sql, end, token.start):
            statements.append([])
        if token.token_type is TokenType.SEMICOLON:
            statements.append([])
        else:
            statements[-1].append(token)
        end = token.end + 1
    return [statement for statement in statements if statement]


def _tokenize(sql: str) -> list[Token]:
    return [word for token in _read_tokens(sql) for word in _split_words(sql, token)]


def _read_tokens(sql: str) -> list[Token]:
    try:
        return Source().tokenize(sql)
    except TokenError as error:
        line, what = find_unended(sql) or (1, "text")
        raise Refused(f"syntax error: the {what} that begins here has no end", "c_SQL_commands", line) from error


def parse(sql: str) -> exp.Expr:
    """Return a statement's tree; raise Refused with the parser's own words where it is no SQL."""
    tokens = _read_tokens(sql)
    check_tokens(tokens)
    try:
        tree = Source().parser().parse(tokens, sql)[0]
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        said = _MISSING.sub("something is missing here", str(first.get("description", error)))
        said = _TOKEN.sub(lambda token: "the end" if token[1] == "SENTINEL" else f'"{token[1]}"', said)
        reason = f'syntax error at or near "{first.get("highlight") or ""}": {said}'
        raise Refused(reason, line=first.get("line")) from error
    if tree is None or isinstance(tree, exp.Command):
        raise NotOffered(f"this statement is not offered here: {sql[:200]}")
    mark_places(tree, tokens)
    for clause in tree.find_all(exp.When):
        _mend_insert(clause.args["then"])
    for column in list(tree.find_all(exp.Column)):
        if _is_default(column):
            column.replace(exp.Var(this="DEFAULT"))
    return tree


def parse_value(sql: str) -> exp.Expr:
    """Return the tree of a SELECT of one value, its only expression; raise Refused where there is none, or are several."""
    tree = parse(sql)
    if not isinstance(tree, exp.Select) or len(tree.expressions) != 1:
        raise Refused("syntax error: one value is expected here")
    return tree


def _is_default(column: exp.Column) -> bool:
    """Say whether this is the word DEFAULT as a value of INSERT or UPDATE, which sqlglot takes for a column's name."""
    if column.table or column.this.args.get("quoted") or column.name.upper() != "DEFAULT":
        return False
    if isinstance(column.parent, exp.EQ):
        return isinstance(column.parent.parent, (exp.Update, exp.When)) and column.arg_key == "expression"
    return isinstance(column.parent, exp.Tuple) and isinstance(column.parent.parent, (exp.Values, exp.Insert))


def _mend_insert(action: exp.Expr) -> None:
    """sqlglot reads INSERT VALUES (...) of a MERGE, without columns, as one column that is a call of a function `values`."""
    columns = action.this.expressions if isinstance(action, exp.Insert) and isinstance(action.this, exp.Tuple) else []
    if len(columns) == 1 and isinstance(columns[0], exp.Anonymous) and columns[0].name.lower() == "values":
        action.set("this", None)
        action.set("expression", exp.Tuple(expressions=columns[0].expressions))


def _split_words(sql: str, token: Token) -> list[Token]:
    """Divide what sqlglot takes as one token though it is several words (PRIMARY KEY, GROUP BY)."""
    text = sql[token.start : token.end + 1]
    if " " not in token.text or not text[0].isalpha():
        return [token]
    return [
        Token(TokenType.VAR, word[0], token.line, token.col, token.start + word.start(), token.start + word.end() - 1)
        for word in re.finditer(r"\w+", text)
    ]


def write(tree: exp.Expr) -> str:
    """Return a tree, which may be changed by it, as PostgreSQL's text, every name quoted (words reserved there are names here).

    Raises:
        NotOffered: PostgreSQL has no such thing (PIVOT, an outer join by `(+)`), and sqlglot would leave it out.
    """
    try:
        return tree.sql(
            dialect=Target,
            copy=False,
            identify=True,
            normalize_functions=False,
            comments=False,
            unsupported_level=ErrorLevel.RAISE,
        )
    except UnsupportedError as error:
        raise NotOffered(f"this is not offered here: {error}") from error


def fold_name(token: Token) -> str:
    """Return a token's text as a name of PostgreSQL: lower case (Redshift folds even delimited ones), quoted.

    Raises:
        Refused: it is a reserved word and not delimited.
    """
    if token.token_type is not TokenType.IDENTIFIER:
        refuse_reserved(token.text, token.line)
    refuse_long(token.text, token.line)
    return '"' + token.text.lower().replace('"', '""') + '"'


def refuse_reserved(name: str, line: int | None = None, is_label: bool = False) -> None:
    """Raise Refused where a bare name, at this line, is a reserved word (page r_pg_keywords); NotOffered for a label after AS."""
    if name.upper() in RESERVED_WORDS:
        if is_label:
            reason = (
                f'the label "{name}" is a reserved word, which the guide uses so though it forbids it: put it in double quotes'
            )
            raise NotOffered(reason, "r_names", line)
        reason = f'syntax error at or near "{name}": a reserved word of Redshift: rename it or put it in double quotes'
        raise Refused(reason, "r_pg_keywords", line)


def refuse_long(name: str, line: int | None = None) -> None:
    """Raise Refused where a name is too long for Redshift (127 bytes: page r_names), NotOffered where PostgreSQL would cut it."""
    size = len(name.encode())
    if size > 127:
        raise Refused(f'the name "{name}" has over 127 bytes', "r_names", line)
    if size > 63:
        raise NotOffered(f'the name "{name}" has over 63 bytes, the most that this stand-in takes (Redshift: 127)', line=line)

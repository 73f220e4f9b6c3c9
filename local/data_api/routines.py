"""CREATE PROCEDURE (PL/pgSQL) and CREATE FUNCTION (scalar SQL) of Redshift."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.errors import ParseError
from sqlglot.tokens import Token, TokenType

from local.data_api.dialect import Source, write
from local.data_api.expressions import rewrite_expressions
from local.data_api.parameters import quote_text
from local.data_api.refusal import Refused

_DATE_CALLS = {"DATEADD", "DATE_ADD", "DATEDIFF", "DATE_DIFF"}


def translate_routine(sql: str, tokens: list[Token]) -> str:
    """Return CREATE PROCEDURE or CREATE FUNCTION for PostgreSQL.

    Raises:
        Refused: the routine is in another language, or its body does what Redshift does not, or not alike.
    """
    bodies = [token for token in tokens if token.token_type is TokenType.HEREDOC_STRING]
    words = [token.text.upper() for token in tokens if token.token_type is not TokenType.HEREDOC_STRING]
    if len(bodies) != 1:
        raise Refused("a routine has one body, in dollar quotes")
    if "LANGUAGE" not in words:
        raise Refused("a routine names its LANGUAGE")
    language = words[words.index("LANGUAGE") + 1]
    if "PROCEDURE" in words[:4]:
        if language != "PLPGSQL":
            raise Refused("procedures are written in PL/pgSQL")
        if "NONATOMIC" in words:
            raise Refused("NONATOMIC procedures are not offered here")
        body = _translate_procedure_body(bodies[0].text)
    elif language == "SQL":
        body = _translate_function_body(bodies[0].text, words)
    else:
        raise Refused("functions are offered in SQL only")
    start, end = bodies[0].start, bodies[0].end
    if "$routine$" in body:
        raise Refused("a routine's body cannot hold $routine$ here")
    return f"{sql[:start]}$routine${body}$routine${sql[end + 1 : tokens[-1].end + 1]}"


def _translate_function_body(body: str, words: list[str]) -> str:
    """Page udf-creating-a-scalar-sql-udf: one SELECT of one expression, no FROM; arguments are $1, $2, ..."""
    if not {"VOLATILE", "STABLE", "IMMUTABLE"} & set(words):
        raise Refused("a function names its volatility: VOLATILE, STABLE or IMMUTABLE")
    try:
        trees = Source().parse(body)
    except ParseError as error:
        raise Refused(f"syntax error in the function's body: {error}") from error
    trees = [tree for tree in trees if tree is not None]
    if (
        len(trees) != 1
        or not isinstance(trees[0], exp.Select)
        or len(trees[0].expressions) != 1
        or trees[0].find(exp.From, exp.Join)
    ):
        raise Refused("the body of an SQL function is one SELECT of one expression, without FROM")
    return " " + write(rewrite_expressions(trees[0])) + " "


def _translate_procedure_body(body: str) -> str:
    tokens = tokenize_body(body)
    words = [token.text.upper() for token in tokens]
    for word, reason in {
        "EXCEPTION": "EXCEPTION blocks roll back less in PostgreSQL than in Redshift",
        "COMMIT": "a procedure called in a batch cannot COMMIT",
        "ROLLBACK": "a procedure called in a batch cannot ROLLBACK",
        "QUALIFY": "QUALIFY inside a procedure is not offered here",
        "LISTAGG": "LISTAGG inside a procedure is not offered here",
        "DECODE": "DECODE inside a procedure is not offered here; use CASE",
        "EXECUTE": "dynamic SQL is not offered here",
    }.items():
        at = words.index(word) if word in words else -1
        if at >= 0 and not (word == "EXCEPTION" and at and words[at - 1] == "RAISE"):
            raise Refused(f"{reason} (in the procedure's body)")
    pieces, previous = [], 0
    for i, token in enumerate(tokens):
        pieces.append(body[previous : token.start])
        previous = token.end + 1
        text = body[token.start : token.end + 1]
        if token.token_type is TokenType.STRING:
            text = quote_text(token.text)
        elif i >= 2 and words[i - 1] == "(" and words[i - 2] in _DATE_CALLS:
            text = quote_text(token.text.lower())
        elif words[i] == "NVL":
            text = "coalesce"
        elif words[i] == "SYSDATE":
            text = "redshift.sysdate()"
        pieces.append(text)
    return "".join(pieces) + body[previous:]


def tokenize_body(body: str) -> list[Token]:
    """Divide a body into tokens, statements and all."""
    return Source().tokenize(body)

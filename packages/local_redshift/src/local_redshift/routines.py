"""CREATE PROCEDURE (PL/pgSQL) and CREATE FUNCTION (scalar SQL) of Redshift.

A procedure's body is walked statement by statement (page c_PLpgSQL-statements); the SQL in it is translated as if it stood alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from local_redshift.dialect import parse, parse_value, tokenize, tokenize_script, write
from local_redshift.expressions import called_functions, rewrite_expressions
from local_redshift.parameters import quote_text
from local_redshift.reading import Reader, on_its_lines, split_list, text_of, word_of
from local_redshift.refusal import NotOffered, Refused
from local_redshift.table_columns import read_type

_MOST_VARIABLES = 1024
_QUOTE = "$statement$"
_FILLED = re.compile(r'create temporary table ("[^"]+") as ')
_SQL_STATEMENTS = ("INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "DROP", "ALTER", "LOCK", "CALL", "TRUNCATE", "ANALYZE")
_OTHER_STATEMENTS = {
    "EXECUTE": "dynamic SQL (EXECUTE) is not offered here, as it cannot be translated before it runs",
    "COMMIT": "COMMIT in a procedure that a batch calls is an error",
    "ROLLBACK": "ROLLBACK in a procedure that a batch calls is an error",
    "CASE": "CASE as a statement is not offered here; use IF",
    "COPY": "COPY in a procedure is not offered here",
    **dict.fromkeys(("OPEN", "FETCH", "CLOSE", "MOVE"), "cursors are not offered here"),
}


@dataclass(frozen=True)
class Routine:
    """CREATE PROCEDURE or CREATE FUNCTION for PostgreSQL, and the unqualified functions its body calls."""

    text: str
    functions: frozenset[str]


def translate_routine(sql: str, tokens: list[Token], translate_statement: Callable[[str], list[str]]) -> Routine:
    """Translate a definition; `translate_statement` is told each SQL statement of a procedure.

    Raises:
        Refused: the routine is in another language, or its body does what Redshift does not, or not alike.
    """
    bodies = [token for token in tokens if token.token_type is TokenType.HEREDOC_STRING]
    words = [token.text.upper() for token in tokens if token.token_type is not TokenType.HEREDOC_STRING]
    if len(bodies) != 1:
        raise Refused("a routine has one body, in dollar quotes")
    if "LANGUAGE" not in words[:-1]:
        raise Refused("a routine names its LANGUAGE")
    language = words[words.index("LANGUAGE") + 1]
    functions: set[str] = set()
    inside = "\n" * sql.count("\n", 0, bodies[0].start) + bodies[0].text  # its lines keep their numbers
    is_procedure = "PROCEDURE" in words[:4]
    outside = [token for token in tokens if token.token_type is not TokenType.HEREDOC_STRING]
    parameters = _check_header(sql, outside, is_procedure, language)
    if is_procedure:
        if language != "PLPGSQL":
            raise Refused("procedures are written in PL/pgSQL")
        if refused := {"NONATOMIC", "OUT"} & set(words):
            raise NotOffered(f"{refused.pop()} in CREATE PROCEDURE is not offered here")
        body = _Body(inside, translate_statement, functions, bool(parameters)).translate()
    elif language == "SQL":
        body = _translate_function_body(inside, words, functions)
    else:
        raise NotOffered("functions are offered in SQL only")
    if "$routine$" in body:
        raise NotOffered("a routine's body cannot hold $routine$ here")
    start, end = bodies[0].start, bodies[0].end
    text = f"{sql[:start]}$routine$\n{body}\n$routine${sql[end + 1 : tokens[-1].end + 1]}"
    return Routine(text, frozenset(functions))


def _check_header(sql: str, tokens: list[Token], is_procedure: bool, language: str) -> list[Parameter]:
    """Check what stands around the body (pages r_CREATE_PROCEDURE and r_CREATE_FUNCTION): parameters, and a scalar result.

    Returns:
        The parameters.
    """
    reader = Reader(sql, tokens)
    reader.require("CREATE")
    reader.take("OR", "REPLACE")
    reader.next()
    reader.name()
    parameters = read_parameters(sql, reader.parenthesized())
    inputs = [parameter for parameter in parameters if parameter.mode != "OUT"]
    if (
        len(inputs) > _MOST_PARAMETERS
        or len(parameters) - sum(parameter.mode == "IN" for parameter in parameters) > _MOST_PARAMETERS
    ):
        raise Refused(f"a routine has at most {_MOST_PARAMETERS} parameters in, and as many out")
    if is_procedure:
        return parameters
    reader.require("RETURNS")
    if reader.word() in ("TABLE", "SETOF"):
        raise Refused(f"a function returns one value: RETURNS {reader.word()} is PostgreSQL's")
    read_type(reader)
    if named := next((parameter.name for parameter in parameters if parameter.name and language == "SQL"), None):
        raise Refused(
            f"the arguments of an SQL function have no names ({named}): they are $1, $2, …", "udf-creating-a-scalar-sql-udf"
        )
    if any(parameter.mode != "IN" for parameter in parameters):
        raise Refused("the arguments of a function have no modes")
    return parameters


_MOST_PARAMETERS = 32
_MODES = ("IN", "OUT", "INOUT")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a routine: its name, where it has one, and its mode (IN, OUT or INOUT)."""

    name: str | None
    mode: str


def read_parameters(sql: str, tokens: list[Token]) -> list[Parameter]:
    """Read the list between a routine's parentheses: `[name] [mode] type`, name and mode in either order.

    Raises:
        Refused: a parameter is VARIADIC, has a default, or a type that Redshift has not.
    """
    return [_read_parameter(Reader(sql, item)) for item in split_list(tokens)] if tokens else []


def _read_parameter(reader: Reader) -> Parameter:
    mode, name = "IN", None
    if reader.word() == "VARIADIC":
        raise Refused("VARIADIC parameters are PostgreSQL's")
    if reader.word() in _MODES:
        mode = reader.next().text.upper()
    # Two words before the end, a parenthesis or a default: the first is the name.
    if reader.word(1) not in ("", "(", "PRECISION", "VARYING", "WITH", "WITHOUT", "[", "DEFAULT", "=", ":=") or (
        reader.at + 1 < len(reader.tokens) and reader.tokens[reader.at].token_type is TokenType.IDENTIFIER
    ):
        name = reader.name()
    if reader.word() in _MODES:
        mode = reader.next().text.upper()
    if not reader.take("REFCURSOR"):
        read_type(reader)
    if not reader.ended:
        token = reader.next()
        what = (
            "a parameter has no default"
            if token.text.upper() in ("DEFAULT", "=", ":=")
            else f'syntax error at or near "{token.text}"'
        )
        raise Refused(what, line=token.line)
    return Parameter(name, mode)


def _translate_function_body(body: str, words: list[str], functions: set[str]) -> str:
    """Page udf-creating-a-scalar-sql-udf: one SELECT of one expression, no FROM; arguments are $1, $2, ..."""
    if not {"VOLATILE", "STABLE", "IMMUTABLE"} & set(words):
        raise Refused("a function names its volatility: VOLATILE, STABLE or IMMUTABLE")
    tree = parse(on_its_lines(body, tokenize(body)))
    if not isinstance(tree, exp.Select) or len(tree.expressions) != 1 or tree.find(exp.From, exp.Join):
        raise Refused("the body of an SQL function is one SELECT of one expression, without FROM")
    functions |= called_functions(tree)
    return write(rewrite_expressions(tree))


class _Body:
    """One body: translated in one walk from left to right."""

    def __init__(
        self, body: str, translate_statement: Callable[[str], list[str]], functions: set[str], has_parameters: bool
    ) -> None:
        self._body = body
        self._translate_statement = translate_statement
        self._functions = functions
        self._reader = Reader(body, tokenize_script(body))
        self._lines: list[str] = []
        self._variables = 0
        # What names no variable is executed as a text: PostgreSQL keeps a plan of every other statement as long as the session
        # lives, and looks through all of them at each CREATE or DROP of a table. Only FOUND is not set by it.
        named = {"DECLARE", "FOR", "FOUND"} & {token.text.upper() for token in self._reader.tokens}
        self._is_plain = not has_parameters and not named

    def translate(self) -> str:
        reader = self._reader
        while not reader.ended:
            word = reader.word()
            if reader.take("DECLARE"):
                self._lines.append("declare")
                while reader.word() != "BEGIN":
                    self._declaration(self._statement())
            elif word in ("BEGIN", "ELSE", "LOOP"):
                self._lines.append(reader.next().text.lower())
            elif reader.take("<<"):
                self._lines.append(f"<<{reader.next().text}>>")
                reader.require(">>")
            elif word in ("IF", "ELSIF", "ELSEIF"):
                reader.next()
                self._lines.append(f"{'if' if word == 'IF' else 'elsif'} {self._expression(reader.until('THEN'))} then")
                reader.require("THEN")
            elif reader.take("WHILE"):
                self._lines.append(f"while {self._expression(reader.until('LOOP'))} loop")
                reader.require("LOOP")
            elif reader.take("FOR"):
                self._for()
            elif word == "EXCEPTION":
                raise NotOffered("EXCEPTION blocks roll back less in PostgreSQL than in Redshift: not offered here")
            else:
                self._simple(self._statement())
        return "\n".join(self._lines)

    def _statement(self) -> list[Token]:
        """Take the tokens of one statement, and the semicolon behind them."""
        reader, start = self._reader, self._reader.at
        while not reader.ended and reader.tokens[reader.at].token_type is not TokenType.SEMICOLON:
            reader.at += 1
        end = reader.at
        reader.at += 1
        return reader.tokens[start:end]

    def _declaration(self, tokens: list[Token]) -> None:
        at = next((i for i, token in enumerate(tokens) if token.text.upper() in (":=", "=", "DEFAULT")), None)
        self._check_declared(tokens[:at])
        if at is None:
            self._lines.append(text_of(self._body, tokens).lower() + ";")
        else:
            self._lines.append(f"{text_of(self._body, tokens[:at]).lower()} := {self._expression(tokens[at + 1 :])};")

    def _check_declared(self, tokens: list[Token]) -> None:
        """Page c_PLpgSQL-statements: `name [CONSTANT] type [NOT NULL]`; the type may be RECORD, or another's (%TYPE)."""
        reader = Reader(self._body, tokens)
        self._variables += 1
        if self._variables > _MOST_VARIABLES:
            raise Refused(f"a procedure has at most {_MOST_VARIABLES} variables", "stored-procedure-constraints")
        reader.next()
        reader.take("CONSTANT")
        if (
            reader.word() in ("RECORD", "REFCURSOR")
            or any(token.text == "%" for token in tokens)
            or "CURSOR" in map(word_of, tokens)
        ):
            return
        if reader.take("ALIAS"):
            return
        read_type(reader)
        reader.take("NOT", "NULL")
        if not reader.ended:
            token = reader.next()
            raise Refused(f'syntax error at or near "{token.text}" in a declaration', "c_PLpgSQL-statements", token.line)

    def _for(self) -> None:
        reader = self._reader
        target = text_of(self._body, reader.until("IN")).lower()
        reader.require("IN")
        source = reader.until("LOOP")
        reader.require("LOOP")
        first = source[0].text.upper() if source else ""
        if first == "EXECUTE":
            raise NotOffered(_OTHER_STATEMENTS["EXECUTE"], line=source[0].line)
        text = self._query(source) if first in ("SELECT", "WITH") else text_of(self._body, source).lower()
        self._lines.append(f"for {target} in {text} loop")

    def _simple(self, tokens: list[Token]) -> None:
        if not tokens:
            return
        word = tokens[0].text.upper()
        if reason := _OTHER_STATEMENTS.get(word):
            raise NotOffered(reason, line=tokens[0].line)
        if word == "GET" and tokens[1].text.upper() != "DIAGNOSTICS":
            raise Refused("GET STACKED DIAGNOSTICS is PostgreSQL's", "c_PLpgSQL-statements", tokens[0].line)
        if word == "RETURN" and len(tokens) > 1:
            raise Refused("RETURN of a procedure has no value", "c_PLpgSQL-statements", tokens[0].line)
        if word == "PERFORM":
            raise NotOffered(
                "PERFORM is not among the documented statements: use SELECT INTO", "c_PLpgSQL-statements", tokens[0].line
            )
        if word in ("END", "NULL", "RETURN", "GET"):
            line = text_of(self._body, tokens).lower()
        elif word in ("EXIT", "CONTINUE"):
            at = next((i for i, token in enumerate(tokens) if token.text.upper() == "WHEN"), len(tokens))
            when = f" when {self._expression(tokens[at + 1 :])}" if at < len(tokens) else ""
            line = text_of(self._body, tokens[:at]).lower() + when
        elif word == "RAISE":
            line = self._raise(tokens)
        elif word in ("SELECT", "WITH"):
            line = self._select_into(tokens)
        elif word in _SQL_STATEMENTS:
            line = self._statements(self._translate_statement(on_its_lines(self._body, tokens)))
        else:
            line = self._assignment(tokens)
        self._lines.append(line + ";")

    def _statements(self, parts: list[str]) -> str:
        """Return what PostgreSQL is asked for one statement, in a body."""
        if self._is_plain and not any(part.startswith("call ") or _QUOTE in part for part in parts):
            # As Redshift gathers statistics with CREATE TABLE AS: see sessions.py on what PostgreSQL takes a new table for.
            filled = [f"analyze {match[1]}" for part in parts if (match := _FILLED.match(part))]
            return "; ".join(f"execute {_QUOTE}{part}{_QUOTE}" for part in (*parts, *filled)) or "null"
        asked = [part.replace("select", "perform", 1) if part.startswith("select redshift.") else part for part in parts]
        return "; ".join(asked) or "null"

    def _raise(self, tokens: list[Token]) -> str:
        if any(token.text.upper() == "USING" for token in tokens):
            raise Refused("RAISE has no USING in Redshift")
        if len(tokens) < 3 or tokens[2].token_type is not TokenType.STRING:
            raise Refused("RAISE names a level and a format: RAISE EXCEPTION '... %', value")
        _, *arguments = split_list(tokens[2:])
        values = "".join(f", {self._expression(argument)}" for argument in arguments)
        return f"raise {tokens[1].text.lower()} {quote_text(tokens[2].text)}{values}"

    def _select_into(self, tokens: list[Token]) -> str:
        """SELECT INTO target: the target may stand before or behind the list; PostgreSQL takes it at the end too."""
        reader = Reader(self._body, tokens)
        if "INTO" not in map(word_of, tokens):
            raise NotOffered("a SELECT in a procedure is offered with INTO only", "c_PLpgSQL-statements", tokens[0].line)
        before = reader.until("INTO")
        reader.require("INTO")
        start = reader.at
        reader.next()
        while reader.take(".") or reader.take(","):
            reader.next()
        targets = text_of(self._body, tokens[start : reader.at]).lower()
        breaks = self._body.count("\n", before[-1].end, tokens[reader.at].start) if before and not reader.ended else 0
        query = self._sql(f"{on_its_lines(self._body, before)}{' ' + breaks * chr(10)}{text_of(self._body, tokens[reader.at :])}")
        return f"{query} into {targets}"

    def _assignment(self, tokens: list[Token]) -> str:
        at = next((i for i, token in enumerate(tokens) if token.text in (":=", "=")), None)
        if at is None:
            raise Refused(f'syntax error at or near "{tokens[0].text}" in the body of the procedure')
        return f"{text_of(self._body, tokens[:at]).lower()} := {self._expression(tokens[at + 1 :])}"

    def _expression(self, tokens: list[Token]) -> str:
        tree = parse_value(on_its_lines(self._body, tokens, "select "))
        self._functions |= called_functions(tree)
        return write(rewrite_expressions(tree).expressions[0])

    def _query(self, tokens: list[Token], prefix: str = "") -> str:
        return self._sql(on_its_lines(self._body, tokens, prefix))

    def _sql(self, text: str) -> str:
        tree = parse(text)
        self._functions |= called_functions(tree)
        return write(rewrite_expressions(tree))

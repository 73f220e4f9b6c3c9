"""What sqlglot reads though no grammar of Redshift's has it: it reads the SQL of many databases, and more of it than they take.

Some of that is in the tokens only, as the tree is the same with it and without it.
"""

from __future__ import annotations

from itertools import pairwise

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from local_redshift.refusal import NotOffered, Refused

# What cannot follow a comma: nothing, or a word that ends a list and is reserved (page r_pg_keywords).
_AFTER_A_LIST = frozenset(
    (")", ",", ";", "AS", "ELSE", "END", "EXCEPT", "FROM", "GROUP BY", "HAVING", "INTERSECT", "INTO", "LIMIT", "MINUS", "OFFSET",
     "ON", "ORDER BY", "THEN", "UNION", "WHEN", "WHERE")
)  # fmt: skip
_BEFORE_A_QUERY = frozenset(("ALL", "EXCEPT", "INTERSECT", "MINUS", "UNION"))
_AFTER_JOINS = frozenset(
    (";", "EXCEPT", "GROUP BY", "HAVING", "INTERSECT", "LIMIT", "MINUS", "ORDER BY", "QUALIFY", "UNION", "WHEN", "WHERE")
)
_TEMPLATE = "braces are a template's: check the SQL that it makes"


def check_tokens(tokens: list[Token]) -> None:
    """Raise Refused where the tokens of one statement, or of an expression, cannot be Redshift's."""
    end = Token(TokenType.SEMICOLON, ";", tokens[-1].line if tokens else 1)
    for at, (token, following) in enumerate(pairwise([*tokens, end])):
        word, after, second = token.text.upper(), following.text.upper(), tokens[at + 2] if at + 2 < len(tokens) else end
        if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER):
            continue
        if word == "," and after in _AFTER_A_LIST and following.token_type not in (TokenType.STRING, TokenType.IDENTIFIER):
            raise _syntax_error(following, "an item is missing after the comma")
        if after == "FROM" and (
            word in _BEFORE_A_QUERY or (word == "(" and at and tokens[at - 1].text.upper() in ("AS", "FROM", "IN"))
        ):
            raise _syntax_error(following, "a query begins with SELECT", "r_SELECT_synopsis")
        if word in ("{", "}", "{%", "%}"):
            raise _syntax_error(token, _TEMPLATE)
        if word == "@":
            raise NotOffered("the operator @ is not offered here: use ABS", "r_OPERATOR_SYMBOLS", token.line)
        if word == "#" or (after[:1] == "#" and (word == ")" or token.token_type is TokenType.NUMBER)):
            raise NotOffered("the operator # is not offered here", "r_OPERATOR_SYMBOLS", token.line)
        if word == "!" and not after.startswith("~"):
            raise _syntax_error(token, "write NOT")
        if word == "INTERVAL" and following.token_type is TokenType.NUMBER:
            raise _syntax_error(following, "an interval is a text", "r_interval_literals")
        if word == "EXTRACT" and after == "(" and tokens[at + 3 : at + 4] and tokens[at + 3].text == ",":
            raise _syntax_error(tokens[at + 3], "EXTRACT is written (part FROM value)", "r_EXTRACT_function")
        if word == "SYSDATE" and after == "(":
            raise _syntax_error(following, "SYSDATE has no parentheses", "r_SYSDATE")
        if word == "LIMIT" and second.text == ",":
            raise _syntax_error(second, "LIMIT takes one number, OFFSET the other", "r_ORDER_BY_clause")
        if word == "UNPIVOT" and after != "(":
            raise NotOffered("UNPIVOT of a SUPER is not offered here", "query-super", token.line)
        if word == "APPROXIMATE" and second.text == "(":
            raise NotOffered("APPROXIMATE is not offered here, as PostgreSQL has no such estimate", "r_COUNT", token.line)
    _check_joins([*tokens, end])


def _syntax_error(token: Token, reason: str, page: str | None = None) -> Refused:
    near = "the end" if token.text == ";" else f'"{token.text}"'
    return Refused(f"syntax error at or near {near}: {reason}", page, token.line)


def _check_joins(tokens: list[Token]) -> None:
    """Page r_FROM_clause30: each JOIN has its ON or USING, but for CROSS JOIN and NATURAL JOIN."""
    waiting: list[list[Token]] = [[]]  # per parenthesis, the joins without a condition yet
    literals = (TokenType.STRING, TokenType.IDENTIFIER)
    words = ["" if token.token_type in literals else token.text.upper() for token in tokens]
    for at, word in enumerate(words):
        if word == "(":
            waiting.append([])
        elif word == "JOIN" and not {"CROSS", "NATURAL"} & {*words[max(at - 3, 0) : at]}:
            waiting[-1].append(tokens[at])
        elif word in ("ON", "USING") and waiting[-1]:
            waiting[-1].pop()
        elif word == ")" or word in _AFTER_JOINS:
            if waiting[-1]:
                raise _syntax_error(waiting[-1][-1], "this join has neither ON nor USING", "r_FROM_clause30")
            if word == ")" and len(waiting) > 1:
                waiting.pop()


def mark_places(tree: exp.Expr, tokens: list[Token]) -> None:
    """Mark names by where they stand, as not everywhere a reserved word is refused for certain.

    Behind a dot it is taken, and `oid` of a catalog anywhere (`pg_class.oid` on page c_join_PG_examples; page r_COMMENT). As a
    label after AS page r_names forbids it, and others use it (`trim(user_name) as user` on page r_CANCEL).
    """
    before = {following.start: token.text.upper() for token, following in pairwise(tokens)}
    for name in tree.find_all(exp.Identifier):
        leading = before.get(name.meta.get("start", -1))
        name.meta["is_label"] = leading == "AS" and isinstance(name.parent, exp.Alias) and name.arg_key == "alias"
        name.meta["is_free"] = leading == "." or (name.name.upper() == "OID" and isinstance(name.parent, exp.Column))

"""A walk over the tokens of a statement that sqlglot does not parse as Redshift means it."""

from __future__ import annotations

import re

from sqlglot.tokenizer_core import Token, TokenType

from local_redshift.dialect import fold_name
from local_redshift.parameters import quote_text
from local_redshift.refusal import Refused


class Reader:
    """Reads tokens from left to right.

    Args:
        sql: The statement the tokens were cut from.
        tokens: Some or all of its tokens.
    """

    def __init__(self, sql: str, tokens: list[Token]) -> None:
        self.sql, self.tokens, self.at = sql, tokens, 0

    @property
    def ended(self) -> bool:
        """Whether nothing is left."""
        return self.at >= len(self.tokens)

    def word(self, ahead: int = 0) -> str:
        """Return a token's text in upper case without taking it; empty for a delimited name, a literal, or past the end."""
        return word_of(self.tokens[self.at + ahead]) if self.at + ahead < len(self.tokens) else ""

    def take(self, *words: str) -> bool:
        """Take these words if they come next."""
        if tuple(self.word(ahead) for ahead in range(len(words))) != words:
            return False
        self.at += len(words)
        return True

    def require(self, *words: str) -> None:
        """Take these words; raise Refused where others stand."""
        if not self.take(*words):
            found = "end of statement" if self.ended else self.tokens[self.at].text
            line = self.tokens[-1 if self.ended else self.at].line if self.tokens else None
            raise Refused(f'syntax error at or near "{found}": expected {" ".join(words)}', line=line)

    def next(self) -> Token:
        """Take one token; raise Refused at the end."""
        if self.ended:
            raise Refused("syntax error at end of statement")
        self.at += 1
        return self.tokens[self.at - 1]

    def name(self) -> str:
        """Take a name, qualified or not, and return it quoted."""
        name = fold_name(self.next())
        while self.take("."):
            name += "." + fold_name(self.next())
        return name

    def parenthesized(self) -> list[Token]:
        """Take a parenthesis and its partner, and return the tokens between."""
        self.require("(")
        start, depth = self.at, 1
        while depth:
            depth += depth_change(self.next())
        return self.tokens[start : self.at - 1]

    def until(self, *words: str) -> list[Token]:
        """Take tokens up to one of the words outside parentheses and CASE; the word stays. Raise Refused if none comes."""
        start, depth = self.at, 0
        while not (depth == 0 and self.word() in words):
            if self.ended:
                raise Refused(f"syntax error at end of statement: expected {' or '.join(words)}")
            depth += depth_change(self.tokens[self.at]) + {"CASE": 1, "END": -1}.get(self.word(), 0)
            self.at += 1
        return self.tokens[start : self.at]

    def rest(self) -> str:
        """Return the text that is left, on its lines."""
        return on_its_lines(self.sql, self.tokens[self.at :])


def read_role(reader: Reader) -> str | None:
    """Take what follows IAM_ROLE; return the role's ARN, None for the DEFAULT one."""
    role = reader.next()
    if role.token_type is TokenType.STRING:
        return role.text
    if role.text.upper() == "DEFAULT":
        return None
    raise Refused("IAM_ROLE takes a role's ARN in quotes, or DEFAULT")


def word_of(token: Token) -> str:
    """Return a token's text in upper case; empty for a delimited name or a literal."""
    return "" if token.token_type in (TokenType.IDENTIFIER, TokenType.STRING) else token.text.upper()


def text_of(sql: str, tokens: list[Token]) -> str:
    """Return the text that tokens span."""
    return sql[tokens[0].start : tokens[-1].end + 1] if tokens else ""


def on_its_lines(sql: str, tokens: list[Token], prefix: str = "") -> str:
    """Return the text that tokens span, with a prefix, after as many line breaks as stand before it: lines keep their numbers."""
    return "\n" * sql.count("\n", 0, tokens[0].start) + prefix + text_of(sql, tokens) if tokens else prefix


def depth_change(token: Token) -> int:
    """Return 1 for an opening parenthesis, -1 for a closing one, else 0."""
    return {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(token.token_type, 0)


def split_list(tokens: list[Token]) -> list[list[Token]]:
    """Divide tokens at commas outside parentheses; raise Refused where nothing stands between two commas."""
    items: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += depth_change(token)
        if token.token_type is TokenType.COMMA and depth == 0:
            items.append([])
        else:
            items[-1].append(token)
    if any(not item for item in items):
        raise Refused('syntax error at or near ","')
    return items


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

"""GRANT, REVOKE and ALTER DEFAULT PRIVILEGES: what Redshift grants on what, and to whom (page r_GRANT)."""

from __future__ import annotations

from sqlglot.tokenizer_core import Token

from local_redshift.reading import Reader, render, word_of
from local_redshift.refusal import NotOffered, Refused

_PRIVILEGES = frozenset(
    ("SELECT", "INSERT", "UPDATE", "DELETE", "REFERENCES", "CREATE", "TEMPORARY", "TEMP", "USAGE", "EXECUTE", "ALL")
)
_OTHER_PRIVILEGES = frozenset(("DROP", "ALTER", "TRUNCATE", "ASSUMEROLE", "EXPLAIN", "IGNORE", "ROLE", "SHARE", "ACCESS"))
_GRANTED_ON = frozenset(("TABLE", "DATABASE", "SCHEMA", "FUNCTION", "PROCEDURE", "LANGUAGE"))
_GRANTED_ON_ALL = frozenset(("TABLES", "FUNCTIONS", "PROCEDURES"))


def check_grant(reader: Reader, statement: str) -> None:
    """Refuse what GRANT and REVOKE do not take (page r_GRANT): privileges and objects that only PostgreSQL has."""
    if statement == "REVOKE":
        reader.take("GRANT", "OPTION", "FOR")
    while True:
        word = reader.next()
        if word.text.upper() not in _PRIVILEGES:
            kind = NotOffered if word.text.upper() in _OTHER_PRIVILEGES else Refused
            raise kind(f"{word.text} is not a privilege that is granted here", "r_GRANT", word.line)
        reader.take("PRIVILEGES")
        if reader.word() == "(":
            reader.parenthesized()
        if not reader.take(","):
            break
    reader.require("ON")
    if reader.take("ALL"):
        kinds, found = _GRANTED_ON_ALL, reader.next()
        if found.text.upper() not in kinds:
            raise Refused(f"ALL {found.text} is not granted on in Redshift", "r_GRANT", found.line)
        reader.require("IN", "SCHEMA")
    elif reader.word(1) not in (".", ",", "TO", "FROM", "(") and reader.word() not in _GRANTED_ON:
        found = reader.next()
        raise NotOffered(f"GRANT ON {found.text} is not Redshift's, or not offered here", "r_GRANT", found.line)
    words = [word_of(token) for token in reader.tokens[reader.at :]]
    to = next((i for i, word in enumerate(words) if word in ("TO", "FROM")), len(words))
    if "GROUP" in words[to:] and words[-3:] == ["WITH", "GRANT", "OPTION"]:
        raise Refused("WITH GRANT OPTION cannot be given to a group", "r_GRANT")


def render_grant(sql: str, tokens: list[Token]) -> str:
    """Return a statement for PostgreSQL, which has roles only: receivers may be named as GROUP g or ROLE r."""
    words = [token.text.upper() for token in tokens]
    to = max((i for i, word in enumerate(words) if word in ("TO", "FROM")), default=0)
    kept = [token for i, token in enumerate(tokens) if not (i > to and words[i] in ("GROUP", "ROLE"))]
    return render(sql, kept)

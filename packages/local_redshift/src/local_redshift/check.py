"""Whether Redshift would take a script, by this package's rules: nothing is run, and no database is needed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot.tokenizer_core import TokenType

from local_redshift.dialect import split_script
from local_redshift.reading import text_of
from local_redshift.refusal import NotOffered, Refused
from local_redshift.translate import first_words, translate

GUIDE = "https://docs.aws.amazon.com/redshift/latest/dg/"
_FUNCTIONS = "c_SQL_functions"
# The Data API has no use for them, a script has.
_TRANSACTION_CONTROL = frozenset(("BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT"))


@dataclass(frozen=True)
class Finding:
    """One statement that Redshift would refuse, or of which that cannot be told.

    Attributes:
        line: Where it stands, from 1; the statement's first line where no better one is known.
        is_refused: Redshift would refuse it; False where this package cannot tell, as it does not offer the statement.
        reason: What stands in the way.
        address: The page of the Redshift Developer Guide.
    """

    line: int
    is_refused: bool
    reason: str
    address: str


def check_script(sql: str, known_functions: frozenset[str] = frozenset()) -> tuple[list[Finding], int]:
    """Return what Redshift would refuse of a script, or may, and how many statements it has.

    Of each statement the first finding is told. Tables and columns are not looked up, so types are not judged either.

    Args:
        sql: Statements, with semicolons between them; parameters as `:name`.
        known_functions: Names of functions that exist, beside Redshift's own; see find_functions.
    """
    findings: list[Finding] = []
    try:
        statements = split_script(sql)
    except Refused as refusal:
        # A text without an end takes the rest of the script with it: what stands in the lines before is judged all the same.
        lines = sql.splitlines(keepends=True)[: (refusal.line or 1) - 1]
        before, count = check_script("".join(lines), known_functions) if lines else ([], 0)
        return [*before, _describe(refusal, len(lines) + 1)], count + 1
    for tokens in statements:
        if tokens[0].text.upper() in _TRANSACTION_CONTROL:
            continue
        try:
            unknown = translate(text_of(sql, tokens)).functions - known_functions
            if unknown:
                raise NotOffered(f"the function {min(unknown)} is neither known here nor created in what is checked", _FUNCTIONS)
        except Refused as refusal:
            findings.append(_describe(refusal, 1, lines_before=tokens[0].line - 1))
    return findings, len(statements)


def find_functions(sql: str) -> frozenset[str]:
    """Return the names, without schemas, of the functions that a script creates."""
    try:
        statements = split_script(sql)
    except Refused:
        return frozenset()  # check_script tells why
    names = set()
    for tokens in statements:
        if first_words(tokens) == ["CREATE", "FUNCTION"]:
            at = next((i for i, token in enumerate(tokens) if token.token_type is TokenType.L_PAREN), None)
            names |= {tokens[at - 1].text.lower()} if at else set()
    return frozenset(names)


def _describe(refusal: Refused, line: int, lines_before: int = 0) -> Finding:
    is_refused = not isinstance(refusal, NotOffered)
    return Finding(lines_before + (refusal.line or line), is_refused, refusal.reason, f"{GUIDE}{refusal.page}.html")

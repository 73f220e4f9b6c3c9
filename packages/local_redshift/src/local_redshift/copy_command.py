"""COPY as it is written: what it asks for, and what Redshift refuses (page copy-usage_notes-copy-from-columnar)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot.tokenizer_core import Token, TokenType

from local_redshift.dialect import fold_name
from local_redshift.reading import Reader, read_role, split_list, word_of
from local_redshift.refusal import NotOffered, Refused

_ALLOWED = "ACCEPTINVCHARS, FILLRECORD, FROM, IAM_ROLE, CREDENTIALS, STATUPDATE, MANIFEST, EXPLICIT_IDS and SERIALIZETOJSON"


@dataclass(frozen=True)
class CopyCommand:
    """One COPY: the table (quoted, maybe qualified), the columns named or None for all, the manifest's address, the role's ARN.

    The role is None where it is the DEFAULT one.
    """

    table: str
    columns: tuple[str, ...] | None
    manifest: str
    role: str | None


def parse_copy(sql: str, tokens: list[Token]) -> CopyCommand:
    """Read a COPY statement.

    Raises:
        Refused: it is not `COPY table [(columns)] FROM 's3://manifest' IAM_ROLE ... FORMAT [AS] PARQUET MANIFEST`, or has options
            that columnar formats do not take.
    """
    reader = Reader(sql, tokens)
    reader.require("COPY")
    table = reader.name()
    columns = tuple(fold_name(item[0]) for item in split_list(reader.parenthesized())) if reader.word() == "(" else None
    reader.require("FROM")
    location = reader.next()
    if location.token_type is not TokenType.STRING or not location.text.startswith("s3://"):
        raise NotOffered("COPY is offered FROM 's3://...' only")
    if not {"ORC", "PARQUET"} & {word_of(token) for token in reader.tokens[reader.at :]}:
        raise NotOffered("COPY is offered with FORMAT AS PARQUET only")
    options: set[str] = set()
    role = None
    while not reader.ended:
        if reader.take("IAM_ROLE"):
            role = read_role(reader)
            options.add("IAM_ROLE")
        elif reader.take("FORMAT"):
            reader.take("AS")
            if not reader.take("PARQUET"):
                raise NotOffered("COPY is offered from PARQUET only")
        elif reader.take("PARQUET"):
            continue
        elif reader.take("MANIFEST"):
            options.add("MANIFEST")
        elif reader.take("STATUPDATE"):
            reader.take("ON") or reader.take("OFF") or reader.take("TRUE") or reader.take("FALSE")
        elif reader.word() in ("FILLRECORD", "ACCEPTINVCHARS", "EXPLICIT_IDS", "SERIALIZETOJSON", "CREDENTIALS", "ACCESS_KEY_ID"):
            raise NotOffered(f"COPY's option {reader.word()} is not offered here")
        else:
            raise Refused(
                f"COPY from columnar formats does not support {reader.next().text.upper()}: only {_ALLOWED}",
                "copy-usage_notes-copy-from-columnar",
            )
    if "MANIFEST" not in options:
        raise NotOffered("COPY is offered with MANIFEST only: a prefix would load whatever lies there")
    if "IAM_ROLE" not in options:
        raise Refused("COPY needs its IAM_ROLE ('arn:aws:iam::...' or DEFAULT)")
    return CopyCommand(table, columns, location.text, role)

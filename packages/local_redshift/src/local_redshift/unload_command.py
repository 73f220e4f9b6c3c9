"""UNLOAD as it is written: what it asks for, and what Redshift refuses (page r_UNLOAD)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from local_redshift.dialect import fold_name, parse
from local_redshift.reading import Reader, read_role, split_list, word_of
from local_redshift.refusal import NotOffered, Refused

_ROW_GROUP_BYTES = 32 << 20  # of Parquet, as Redshift makes them
_LARGEST_FILE = Decimal("6.2") * (1 << 30)
_NOT_WITH_PARQUET = ("DELIMITER", "FIXEDWIDTH", "ADDQUOTES", "ESCAPE", "NULL", "HEADER", "GZIP", "BZIP2", "ZSTD")


@dataclass(frozen=True)
class UnloadCommand:
    """One UNLOAD.

    Attributes:
        query: The select-statement, as it was sent.
        location: Address that every object's name begins with.
        role: ARN of the role that writes; None for the DEFAULT one.
        partitions: Names of the partition columns, in order.
        keeps_partitions: INCLUDE: they stay in the files, too.
        manifest: None, "plain" or "verbose".
        is_parallel: One series of files for each slice, not one for all.
        may_overwrite, cleans_path: ALLOWOVERWRITE and CLEANPATH.
        largest_file: Bytes after which a file is followed by another.
        kms_key: KMS_KEY_ID: that by which S3 encrypts what is written; None: S3's own.
        takes_buckets_key: ENCRYPTED AUTO: the one that the bucket has for new objects, if it has one.
    """

    query: str
    location: str
    role: str | None = None
    partitions: tuple[str, ...] = ()
    keeps_partitions: bool = False
    manifest: str | None = None
    is_parallel: bool = True
    may_overwrite: bool = False
    cleans_path: bool = False
    largest_file: int = int(_LARGEST_FILE)
    kms_key: str | None = None
    takes_buckets_key: bool = False

    @property
    def prefix(self) -> str:
        """The location; PARTITION BY makes it a folder."""
        return self.location + ("/" if self.partitions and not self.location.endswith("/") else "")


def parse_unload(sql: str, tokens: list[Token]) -> UnloadCommand:
    """Read an UNLOAD statement.

    Raises:
        Refused: it is not `UNLOAD ('select') TO 's3://prefix' IAM_ROLE ... FORMAT [AS] PARQUET [options]`, the select has a LIMIT
            outermost, or options stand together that exclude each other.
    """
    reader = Reader(sql, tokens)
    reader.require("UNLOAD")
    query = reader.parenthesized()
    if len(query) != 1 or query[0].token_type is not TokenType.STRING:
        raise Refused("UNLOAD takes its query as one text in single quotation marks, those within it doubled")
    reader.require("TO")
    location = reader.next()
    if location.token_type is not TokenType.STRING or not re.fullmatch(r"s3://[^/]+/.+", location.text):
        raise NotOffered("UNLOAD is offered TO 's3://bucket/prefix' only")
    if location.text.rsplit("/", 1)[1].startswith(("_", ".")):
        raise Refused("a file name that begins with _ or . is hidden from Redshift Spectrum and Athena", "r_UNLOAD")
    options = _read_options(reader)
    if "may_overwrite" in options and "cleans_path" in options:
        raise Refused("You can't specify the CLEANPATH option if you specify the ALLOWOVERWRITE option", "r_UNLOAD")
    text = "\n" * sql.count("\n", 0, query[0].start) + query[0].text  # its lines keep their numbers
    _check_query(text)
    return UnloadCommand(text, location.text, **options)


def _read_options(reader: Reader) -> dict[str, Any]:
    if "PARQUET" not in map(word_of, reader.tokens[reader.at :]):
        raise NotOffered("UNLOAD is offered with FORMAT AS PARQUET only")
    options: dict[str, Any] = {}
    seen = set()
    while not reader.ended:
        if reader.take("IAM_ROLE"):
            options["role"] = read_role(reader)
            seen.add("IAM_ROLE")
        elif reader.take("FORMAT", "AS", "PARQUET") or reader.take("FORMAT", "PARQUET") or reader.take("PARQUET"):
            continue
        elif reader.take("PARTITION", "BY"):
            names = [item[0] for item in split_list(reader.parenthesized())]
            if any(name.token_type is TokenType.STRING for name in names):
                raise Refused("PARTITION BY names columns; it doesn't support string literals", "r_UNLOAD")
            options["partitions"] = tuple(fold_name(name)[1:-1].replace('""', '"') for name in names)
            options["keeps_partitions"] = reader.take("INCLUDE")
        elif reader.take("MANIFEST"):
            options["manifest"] = "verbose" if reader.take("VERBOSE") else "plain"
        elif reader.take("PARALLEL"):
            options["is_parallel"] = not (reader.take("OFF") or reader.take("FALSE"))
            reader.take("ON") or reader.take("TRUE")
        elif reader.take("ALLOWOVERWRITE"):
            options["may_overwrite"] = True
        elif reader.take("CLEANPATH"):
            options["cleans_path"] = True
        elif reader.take("MAXFILESIZE"):
            options["largest_file"] = _read_size(reader)
        elif reader.take("ENCRYPTED"):
            seen.add("ENCRYPTED")
            options["takes_buckets_key"] = reader.take("AUTO")
        elif reader.take("KMS_KEY_ID"):
            reader.take("AS")
            options["kms_key"] = _read_text(reader, "KMS_KEY_ID")
        elif reader.word() == "MASTER_SYMMETRIC_KEY":
            raise Refused("PARQUET with ENCRYPTED is only supported with SSE-KMS, not with a key of the client's", "r_UNLOAD")
        elif reader.word() in _NOT_WITH_PARQUET:
            raise Refused(f"You can't use PARQUET with {reader.word()}", "r_UNLOAD")
        elif reader.take("EXTENSION"):
            raise NotOffered("EXTENSION with PARQUET is not offered here: no page says what becomes of .parquet")
        else:
            raise NotOffered(f"UNLOAD's option {reader.next().text.upper()} is not Redshift's, or not offered here")
    _check_encryption(options, "ENCRYPTED" in seen)
    if "IAM_ROLE" not in seen:
        raise Refused("UNLOAD needs its IAM_ROLE ('arn:aws:iam::...' or DEFAULT)")
    return options


def _check_encryption(options: dict[str, Any], is_encrypted: bool) -> None:
    has_key, is_auto = "kms_key" in options, options.get("takes_buckets_key", False)
    if has_key and not is_encrypted:
        raise Refused("If you specify KMS_KEY_ID, you must specify the ENCRYPTED parameter also", "r_UNLOAD")
    if has_key and is_auto:
        raise Refused("ENCRYPTED AUTO takes the bucket's key: you can't use it with KMS_KEY_ID", "r_UNLOAD")
    if is_encrypted and not has_key and not is_auto:
        raise Refused("PARQUET with ENCRYPTED is only supported with SSE-KMS: give KMS_KEY_ID, or say ENCRYPTED AUTO", "r_UNLOAD")


def _read_text(reader: Reader, option: str) -> str:
    token = reader.next()
    if token.token_type is not TokenType.STRING:
        raise Refused(f'syntax error at or near "{token.text}": {option} takes a text')
    return str(token.text)


def _read_size(reader: Reader) -> int:
    reader.take("AS")
    number = reader.next().text
    unit = 1 << 30 if reader.take("GB") else 1 << 20
    reader.take("MB")
    try:
        size = Decimal(number) * unit
    except InvalidOperation as error:
        raise Refused(f'syntax error at or near "{number}": MAXFILESIZE takes a number') from error
    if not 5 << 20 <= size <= _LARGEST_FILE:
        raise Refused("MAXFILESIZE is a decimal value between 5 MB and 6.2 GB", "r_UNLOAD")
    # "Automatically rounded down to the nearest multiple of 32 MB", the size of a row group; a file has at least one.
    return max(int(size) // _ROW_GROUP_BYTES, 1) * _ROW_GROUP_BYTES


def _check_query(query: str) -> None:
    tree = parse(query)
    if not isinstance(tree, exp.Query) or tree.args.get("into"):
        raise Refused("UNLOAD takes a SELECT query")
    if tree.args.get("limit"):
        raise Refused("Limit clause is not supported in the outer select of UNLOAD: nest it", "r_UNLOAD")

"""The key under which personal values are hashed before they leave the source, and what is derived from it."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.source.connection import read_secret


@dataclass(frozen=True)
class HashKey:
    """The text of the secret that keys the hash. It is in no log, event or object; what is derived does not tell it."""

    secret: bytes = field(repr=False)

    def hash(self, text: bytes) -> str:
        """Return HMAC-SHA256 of a value's text in UTF-8, as 64 hexadecimal digits: equal values stay equal."""
        return self._derive(text)

    @property
    def mark(self) -> str:
        """What changes with the key: a table that was read under another key is read again."""
        return self._derive(b"mark of the key")

    @property
    def salt(self) -> str:
        """What row hashes of tables with hashed columns are salted with; only the source is shown it.

        Without it, whoever sees a row's hash and the rest of the row could try clear values until one fits.
        """
        return self._derive(b"salt of row hashes")

    def _derive(self, message: bytes) -> str:
        return hmac.digest(self.secret, message, "sha256").hex()


def require_hash_key(key: HashKey | None) -> HashKey:
    """Return the key, where a column is to be hashed.

    Raises:
        FixConfiguration: it was not read, as the contract hashed nothing then.
    """
    if key is None:
        raise FixConfiguration("a column is to be hashed, and the key was not read: start a new execution")
    return key


def read_hash_key(secret_arn: str | None, tables: Sequence[str]) -> HashKey | None:
    """Return the key, None where nothing is to be hashed.

    Args:
        secret_arn: The secret whose text is the key.
        tables: Names of the tables that hash a column.

    Raises:
        FixConfiguration: a column is to be hashed, and no secret is named, or it may not be read.
    """
    if not tables:
        return None
    if not secret_arn:
        raise FixConfiguration(
            f"source.yaml hashes personal columns of {', '.join(tables)}: set HASH_SECRET_ARN, the secret that keys the hash"
        )
    return HashKey(read_secret(secret_arn).encode())

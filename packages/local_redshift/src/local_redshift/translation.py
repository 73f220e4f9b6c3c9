"""What PostgreSQL is asked for one statement of Redshift."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from local_redshift.copy_command import CopyCommand
from local_redshift.parameters import quote_text
from local_redshift.unload_command import UnloadCommand


@dataclass(frozen=True)
class Translation:
    """What to run for one statement.

    Attributes:
        text: PostgreSQL's statement, parameters still marked; empty for a statement that has no effect here (VACUUM, ANALYZE).
        before: What PostgreSQL is asked first: queries that raise where Redshift, which knows the tables, would refuse.
        after: What it is asked afterwards.
        copy: The COPY to run instead.
        unload: The UNLOAD to run; text is then its query.
        returns_rows: Whether the statement is one that has a result.
        alone: Why it may not stand in a transaction block (a batch), or None.
        functions: Unqualified functions that must be a user's own.
    """

    text: str = ""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    copy: CopyCommand | None = None
    unload: UnloadCommand | None = None
    returns_rows: bool = False
    alone: str | None = None
    functions: frozenset[str] = field(default_factory=frozenset)

    def to_fields(self) -> dict[str, Any]:
        """Return the fields for JSON, of one without COPY and UNLOAD."""
        fields = {name: value for name, value in vars(self).items() if name not in ("copy", "unload")}
        return fields | {"functions": sorted(self.functions)}

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Translation:
        """Return what `to_fields` was called of."""
        lists = {"before": tuple(fields["before"]), "after": tuple(fields["after"]), "functions": frozenset(fields["functions"])}
        return cls(**(fields | lists))

    def bind(self, values: dict[str, str]) -> str:
        """Return the text with every parameter as an untyped literal."""
        return re.sub("\x01(\\w+)\x02", lambda match: quote_text(values[match[1]]), self.text)

"""The errors of this package's own: Redshift would refuse the statement, or it cannot be run here as Redshift would run it."""

from __future__ import annotations


class Refused(Exception):
    """A statement was not run, as Redshift would refuse it.

    Attributes:
        reason: What stands in the way and, where there is one, the way out.
        page: The page of the Redshift Developer Guide that says so; the statement's own where no other was named.
        line: The line at which it stands, from 1 in the text that was given; the statement's first where no better is known.
    """

    def __init__(self, reason: str, page: str | None = None, line: int | None = None) -> None:
        super().__init__(reason, page)
        self.reason, self.page, self.line = reason, page, line

    def __str__(self) -> str:
        return f"{self.reason} (page {self.page})" if self.page else self.reason


class NotOffered(Refused):
    """A statement was not run, as it is not offered here: whether Redshift would take it, this package cannot tell."""

"""Findings: what was looked at, how it stands, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from rental_pipeline.base.errors import PipelineError

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        status: OK; WARN (runs work, but not as well as they could); FAIL (a run would fail, or be wrong).
        check: What was looked at, in a few words.
        says: What was seen and, unless it is OK, what to do about it. Never a secret.
    """

    status: str
    check: str
    says: str


class Report:
    """Findings, in the order in which they were made."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def ok(self, check: str, says: str) -> None:
        self.findings.append(Finding(OK, check, says))

    def warn(self, check: str, says: str) -> None:
        self.findings.append(Finding(WARN, check, says))

    def fail(self, check: str, says: str) -> None:
        self.findings.append(Finding(FAIL, check, says))

    @contextmanager
    def looking_at(self, check: str) -> Iterator[None]:
        """Make findings of the pipeline's errors, one for each line of a message: each says what, where and the way out."""
        try:
            yield
        except PipelineError as error:
            for line in str(error).splitlines():
                self.fail(check, line)

    def to_json(self) -> list[dict[str, str]]:
        return [asdict(finding) for finding in self.findings]

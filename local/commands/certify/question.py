"""A question to an account, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from local.commands.certify.account import Account

Verdict = Literal["agrees", "differs", "could not ask"]
AGREES: Final = "agrees"
DIFFERS: Final = "differs"
NOT_ASKED: Final = "could not ask"
_GUIDE = "https://docs.aws.amazon.com/redshift/latest/dg/"


class CouldNotAsk(Exception):
    """A question has no answer here: what it needs is absent, or the time is up. The message says which."""


@dataclass(frozen=True)
class Question:
    """What the pipeline relies on.

    Attributes:
        id: Its name in files of answers.
        asks: What is asked, as a sentence.
        expected: The answer on which the pipeline relies, as text.
        page: The page of AWS's documentation that says so.
        meaning: What another answer means for the pipeline.
        ask: Puts it to an account; raises CouldNotAsk.
    """

    id: str
    asks: str
    expected: str
    page: str
    meaning: str
    ask: Callable[[Account], str]


@dataclass(frozen=True)
class Answered:
    """A question's answer, its verdict, and where none could be had, why."""

    question: Question
    verdict: Verdict
    answer: str


def guide(page: str) -> str:
    """Return the address of a page of the Redshift Developer Guide."""
    return f"{_GUIDE}{page}.html"

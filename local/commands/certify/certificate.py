"""Asks all questions within a time, tells the answers, and keeps them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.commands.certify.account import Account
from local.commands.certify.question import AGREES, DIFFERS, NOT_ASKED, Answered, CouldNotAsk, Question, Verdict
from local.commands.certify.service_questions import SERVICE_QUESTIONS
from local.commands.certify.session_questions import SESSION_QUESTIONS
from local.commands.certify.sql_questions import SQL_QUESTIONS

QUESTIONS: tuple[Question, ...] = (*SQL_QUESTIONS, *SESSION_QUESTIONS, *SERVICE_QUESTIONS)
ANSWERS = Path(__file__).with_name("answers.json")


def certify(
    account: Account,
    questions: Iterable[Question] = QUESTIONS,
    seconds: float = 15 * 60,
    tell: Callable[[str], None] = print,
) -> list[Answered]:
    """Ask an account, telling each answer as it comes, and remove what was made for it, whatever happens.

    Args:
        seconds: After them nothing more is asked.

    Raises:
        AccountNotReached: nothing can be asked.
    """
    deadline = time.monotonic() + seconds
    try:
        account.set_up()
        answers = []
        for question in questions:
            answered = _ask(question, account) if time.monotonic() < deadline else _time_is_up(question)
            answers.append(answered)
            tell(_line(answered))
        return answers
    finally:
        account.clean_up()


def _ask(question: Question, account: Account) -> Answered:
    try:
        answer = question.ask(account)
    except CouldNotAsk as reason:
        return Answered(question, NOT_ASKED, str(reason))
    except (ClientError, BotoCoreError) as error:
        return Answered(question, NOT_ASKED, f"the call failed: {error}")
    return Answered(question, AGREES if answer == question.expected else DIFFERS, answer)


def _time_is_up(question: Question) -> Answered:
    return Answered(question, NOT_ASKED, "the time is up")


def _line(answered: Answered) -> str:
    question = answered.question
    if answered.verdict == AGREES:
        return f"agrees         {question.id}"
    if answered.verdict == NOT_ASKED:
        return f"could not ask  {question.id}: {answered.answer}"
    return (
        f"DIFFERS        {question.id}: {question.asks}\n"
        f"               expected: {question.expected}\n"
        f"               answered: {answered.answer}\n"
        f"               page:     {question.page}\n"
        f"               meaning:  {question.meaning}"
    )


def count(answers: Iterable[Answered]) -> dict[Verdict, int]:
    """Return how many answers have each verdict."""
    counts: dict[Verdict, int] = {AGREES: 0, DIFFERS: 0, NOT_ASKED: 0}
    for answered in answers:
        counts[answered.verdict] += 1
    return counts


def write_answers(path: Path, account: Account, answers: Iterable[Answered]) -> None:
    """Keep answers as JSON, sorted by question, with where they were given; an account's numbers and names are not among them."""
    document: dict[str, Any] = {
        "made_on": account.made_on,
        "answers": {
            each.question.id: {"verdict": each.verdict, "answer": each.answer if each.verdict != NOT_ASKED else ""}
            for each in sorted(answers, key=lambda each: each.question.id)
        },
    }
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_answers(path: Path = ANSWERS) -> dict[str, str]:
    """Return the answers of a file by the ids of their questions, without those that could not be had."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return {name: each["answer"] for name, each in document["answers"].items() if each["verdict"] != NOT_ASKED}

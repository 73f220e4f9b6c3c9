"""Asks all questions within a time, tells the answers, and keeps them."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.commands.certify.account import Account
from local.commands.certify.file_questions import FILE_QUESTIONS
from local.commands.certify.question import AGREES, DIFFERS, NOT_ASKED, Answered, CouldNotAsk, Question, Verdict
from local.commands.certify.service_questions import SERVICE_QUESTIONS
from local.commands.certify.session_questions import SESSION_QUESTIONS
from local.commands.certify.sql_questions import SQL_QUESTIONS

QUESTIONS: tuple[Question, ...] = (*SQL_QUESTIONS, *SESSION_QUESTIONS, *FILE_QUESTIONS, *SERVICE_QUESTIONS)
# Every file in it is what one account answered; `make test` holds the stand-ins to all of them.
CERTIFICATES = Path(__file__).with_name("certificates")
_ACCOUNT_NUMBER = re.compile(r"\b\d{12}\b")


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
    account.deadline = time.monotonic() + seconds
    try:
        account.set_up()
        answers = []
        for question in questions:
            answered = _ask(question, account) if time.monotonic() < account.deadline else _time_is_up(question)
            answers.append(answered)
            tell(_line(answered))
        return answers
    finally:
        account.deadline = math.inf
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
            each.question.id: {"verdict": each.verdict, "answer": _without_names(account, each)}
            for each in sorted(answers, key=lambda each: each.question.id)
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _without_names(account: Account, answered: Answered) -> str:
    """Return an answer without what is an account's own, which an error's words may hold."""
    if answered.verdict == NOT_ASKED:
        return ""
    answer = answered.answer
    if answered.verdict == DIFFERS:
        own: dict[str | None, str] = {account.bucket: "<bucket>", account.copy_role: "<role>"}
        own.update(dict.fromkeys(account.target.values(), "<warehouse>"))
        own.update(dict.fromkeys(account.resources.values(), "<resource>"))
        for name in sorted(filter(None, own), key=len, reverse=True):
            answer = answer.replace(name, own[name])
        answer = _ACCOUNT_NUMBER.sub("<account>", answer)
    return answer


def read_answers(path: Path) -> dict[str, str]:
    """Return the answers of a file by the ids of their questions, without those that could not be had."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return {name: each["answer"] for name, each in document["answers"].items() if each["verdict"] != NOT_ASKED}


def compare_answers(kept: Mapping[str, str], answers: Iterable[Answered]) -> dict[str, tuple[str, str]]:
    """Return the questions to which a certificate has another answer: its own, and the one given now.

    What could not be asked, here or there, is not compared.
    """
    given = {each.question.id: each.answer for each in answers if each.verdict != NOT_ASKED}
    return {name: (kept[name], answer) for name, answer in given.items() if name in kept and kept[name] != answer}

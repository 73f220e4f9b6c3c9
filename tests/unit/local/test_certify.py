"""`make certify`: what it asks, and what it says of the price before it does."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from sqlglot import exp

from local.commands.certify import command
from local.commands.certify.account import Account
from local.commands.certify.certificate import QUESTIONS
from local.commands.certify.service_questions import make_input, make_result
from local.commands.certify.sql_questions import SQL_QUESTIONS
from local_redshift.check import find_functions
from local_redshift.dialect import parse, split_script
from local_redshift.reading import on_its_lines
from local_redshift.refusal import Refused

ROOT = Path(__file__).parents[3]
# sql/*/source is MySQL's; two files are an administrator's, who runs them by hand.
BY_HAND = ("bootstrap.sql", "change_owner.sql")
SQL = [path for path in sorted(ROOT.glob("sql/**/*.sql")) if path.parent.name != "source" and path.name not in BY_HAND]
SQL += sorted(ROOT.glob("docs/sql/*.sql"))


def find_calls(sql: str) -> set[str]:
    """The functions that statements call, as far as they are queries."""
    calls = set()
    for tokens in split_script(sql):
        try:
            tree = parse(on_its_lines(sql, tokens))
        except Refused:
            continue
        calls |= {call.name.lower() for call in tree.find_all(exp.Anonymous)}
    return calls


def test_every_function_that_the_product_calls_is_asked_about():
    """What sql/ and the steps send, without what they define themselves."""
    texts = [path.read_text(encoding="utf-8") for path in SQL]
    own = frozenset().union(*(find_functions(text) for text in texts))
    asked = " ".join(question.id for question in SQL_QUESTIONS) + " ".join(
        str(question.ask.__closure__) for question in SQL_QUESTIONS
    )
    told = asked + " ".join(cell.cell_contents.__str__() for question in SQL_QUESTIONS for cell in question.ask.__closure__ or ())
    lacking = {name for text in texts for name in find_calls(text) - own if f"{name}(" not in told}
    assert lacking == set()


def test_questions_differ_and_say_what_a_difference_means():
    ids = [question.id for question in QUESTIONS]
    assert sorted(set(ids)) == sorted(ids)
    assert all(
        question.meaning and question.asks and question.page.startswith("https://docs.aws.amazon.com/") for question in QUESTIONS
    )


def test_every_state_of_both_machines_is_asked_about():
    """By TestState, with an input in which each choice's fields are."""
    for machine in ("run", "sql_step"):
        states = yaml.safe_load((ROOT / "statemachine" / f"{machine}.asl.yaml").read_text(encoding="utf-8"))["States"]
        assert {f"state {machine}: {name}" for name in states} <= {question.id for question in QUESTIONS}
    choice = {
        "Type": "Choice",
        "Choices": [{"And": [{"Variable": "$.a.b", "IsPresent": True}, {"Variable": "$.c", "StringEquals": "x"}], "Next": "N"}],
    }
    assert make_input(choice) == {"a": {"b": True}, "c": "x"}
    assert make_result({"ResultSelector": {"y.$": "$.Output.outcome"}, "OutputPath": "$.Payload"}) == {
        "Output": {"outcome": 1},
        "Payload": {},
    }


@pytest.mark.parametrize(("rpus", "minutes", "dollars"), [(8, "13 minutes", "$0.38"), (128, "1 minutes", "$1.00")])
def test_the_price_is_said_and_asked_first(monkeypatch, capsys, tmp_path, rpus, minutes, dollars):
    """Never above a dollar: a larger warehouse is asked for less time. Whoever does not say yes is asked nothing."""
    asked: list[Account] = []
    monkeypatch.setattr(command, "find_workgroup", lambda name, database: _FakeAccount({"WorkgroupName": name}))
    monkeypatch.setattr(command, "_find_rpus", lambda account: rpus)
    monkeypatch.setattr(command, "certify", lambda account, seconds: asked.append(account) or [])
    monkeypatch.setattr("builtins.input", lambda prompt: "")
    assert command.run_certify(None, "w", "dev", False, tmp_path / "answers.json") == 2
    told = capsys.readouterr().out
    assert minutes in told and dollars in told and "never more than $1.00" in told and "Nothing was asked" in told
    assert not asked
    assert command.run_certify(None, "w", "dev", True, tmp_path / "answers.json") == 0
    assert len(asked) == 1


class _FakeAccount:
    made_on = "AWS"

    def __init__(self, target: dict[str, str]) -> None:
        self.target = target

"""`make certify`: what it asks, and what it says of the price before it does."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from sqlglot import exp

from local.commands.certify import command
from local.commands.certify.account import Account
from local.commands.certify.certificate import QUESTIONS, read_answers, write_answers
from local.commands.certify.question import AGREES, DIFFERS, Answered, CouldNotAsk
from local.commands.certify.sql_questions import SQL_QUESTIONS
from local.standins.step_functions.language import walk_states
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
    """By TestState, those within maps too; tests/unit/local/test_state_checks.py holds each way out of a state to a check."""
    for machine in ("run", "sql_step"):
        definition = yaml.safe_load((ROOT / "statemachine" / f"{machine}.asl.yaml").read_text(encoding="utf-8"))
        asked = {question.id.split(" (")[0] for question in QUESTIONS}
        assert {f"state {machine}: {name}" for name, _ in walk_states(definition)} <= asked


@pytest.mark.parametrize(("rpus", "minutes", "dollars"), [(8, "14 min", "$0.38"), (128, "1 min", "$1.00")])
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
    made_on, bucket, copy_role, resources = "AWS", "my-bucket", "arn:aws:iam::123456789012:role/copy", {}

    def __init__(self, target: dict[str, str]) -> None:
        self.target = target


def test_a_certificate_has_no_names_of_an_account(tmp_path):
    """The words of an error may hold them; answers that agree are the expected ones, and stay as they are."""
    account = _FakeAccount({"WorkgroupName": "etl-warehouse", "Database": "sales"})
    said = "ERROR: role arn:aws:iam::123456789012:role/copy may not read s3://my-bucket/x of etl-warehouse; queue of 210987654321"
    answers = [Answered(QUESTIONS[0], DIFFERS, said), Answered(QUESTIONS[1], AGREES, "sales")]
    write_answers(tmp_path / "new" / "certificate.json", account, answers)
    kept = read_answers(tmp_path / "new" / "certificate.json")
    assert kept[QUESTIONS[0].id] == "ERROR: role <role> may not read s3://<bucket>/x of <warehouse>; queue of <account>"
    assert kept[QUESTIONS[1].id] == "sales"
    assert "my-bucket" not in (tmp_path / "new" / "certificate.json").read_text()


def test_a_statement_that_outlasts_the_time_is_cancelled():
    """And its question could not be asked."""
    cancelled: list[dict[str, str]] = []

    class Endless:
        def execute_statement(self, **_: object) -> dict[str, str]:
            return {"Id": "1"}

        def describe_statement(self, **_: object) -> dict[str, str]:
            return {"Status": "STARTED"}

        def cancel_statement(self, **named: str) -> None:
            cancelled.append(named)

    account = Account(lambda service: Endless(), {"WorkgroupName": "w", "Database": "d"}, "AWS", deadline=0.0)
    with pytest.raises(CouldNotAsk, match="the time is up, and its statement was cancelled"):
        account.run("select 1")
    assert cancelled == [{"Id": "1"}]

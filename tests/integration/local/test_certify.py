"""`make certify`: the stand-ins agree with every answer that is kept; a stand-in with one rule broken is convicted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

import local_redshift.rules as rules
import local_redshift.statements as statements
import local_redshift.translate as translation
from local.commands.certify.account import NAME, Account
from local.commands.certify.certificate import (
    CERTIFICATES,
    QUESTIONS,
    certify,
    compare_answers,
    count,
    read_answers,
    write_answers,
)
from local.commands.certify.command import COPY_ROLE, STANDINS_LACK, make_standin_account
from local.commands.certify.question import AGREES, DIFFERS, NOT_ASKED, Answered, CouldNotAsk, Question
from local.standins.account import REGION
from local.standins.moto.aws import CREDENTIALS, LocalAws
from local_redshift.database import prepare_database
from local_redshift.server import DataApiServer
from local_redshift.translation import Translation

BY_ID = {question.id: question for question in QUESTIONS}
Breaks = Callable[[pytest.MonkeyPatch, "Standin"], None]


class Standin:
    """A Data API of this test's own, so that breaking it breaks nothing else."""

    def __init__(self, account: Account, warehouse) -> None:
        self.account, self.warehouse = account, warehouse

    def define(self, sql: str) -> None:
        with self.warehouse.connect() as connection:
            connection.execute(sql.encode())


@pytest.fixture(scope="module")
def standin(warehouse, tmp_path_factory) -> Iterator[Standin]:
    aws = LocalAws(tmp_path_factory.mktemp("aws") / "aws.log", {})
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**CREDENTIALS, "AWS_DEFAULT_REGION": REGION}.items():
            patch.setenv(name, value)
        with DataApiServer(warehouse.postgres_uri, aws.endpoint_url, 0, COPY_ROLE) as api:
            yield Standin(make_standin_account(aws, api.endpoint_url), warehouse)
    aws.stop()


@pytest.fixture(scope="module")
def answers(standin) -> list[Answered]:
    """What the stand-ins answer to all questions."""
    return certify(standin.account, tell=lambda line: None)


def test_the_stand_ins_agree_with_all_on_which_the_pipeline_relies(standin, answers):
    """Each question has an answer or the name of what lacks, and nothing is left behind."""
    assert [(each.question.id, each.answer) for each in answers if each.verdict == DIFFERS] == []
    lacking = {each.answer.rsplit(" ", 1)[-1] for each in answers if each.verdict == NOT_ASKED}
    assert lacking == STANDINS_LACK
    left = standin.account.run(f"select count(*) from pg_namespace where nspname = '{NAME}'")
    assert left.results == [[[0]]]
    assert "Contents" not in standin.account.client("s3").list_objects_v2(Bucket=standin.account.bucket, Prefix="certify/")


def test_the_stand_ins_answer_as_every_certificate_says(answers):
    """Those of people, too: a file that `make certify` wrote is picked up where it is put into the folder."""
    files = sorted(CERTIFICATES.glob("*.json"))
    assert files
    for file in files:
        kept = read_answers(file)
        assert kept.keys() <= BY_ID.keys(), f"{file.name} answers questions that are gone: take them out of it"
        assert compare_answers(kept, answers) == {}, f"{file.name} was answered otherwise"


def test_a_certificate_with_another_answer_convicts_the_stand_ins(tmp_path, standin, answers):
    """As somebody's from AWS might: by the question, with both answers. One that could not be asked convicts nobody."""
    on_aws = [
        replace(each, verdict=DIFFERS, answer="[[3]]") if each.question.id == "gives abs(-2)" else each
        for each in answers
        if each.question.id not in ("gives floor(2.7)", "schedule")
    ] + [Answered(BY_ID["schedule"], NOT_ASKED, "there is no RunStateMachine (STACK=name gives it)")]
    write_answers(tmp_path / "theirs.json", standin.account, on_aws)
    kept = read_answers(tmp_path / "theirs.json")
    assert "schedule" not in kept and "gives floor(2.7)" not in kept
    assert compare_answers(kept, answers) == {"gives abs(-2)": ("[[3]]", "[[2]]")}


def _ignore_rule(name: str) -> Breaks:
    def break_it(patch: pytest.MonkeyPatch, _: Standin) -> None:
        for kind in [kind for kind, check in rules._CHECKS.items() if check.__name__ == name]:
            patch.setitem(rules._CHECKS, kind, lambda node: None)
        patch.setattr(rules, "KNOWN_PARTS", {})

    return break_it


def _forget(*kinds: str) -> Breaks:
    """Take node kinds out of those that are refused by name, or are unknown."""

    def break_it(patch: pytest.MonkeyPatch, _: Standin) -> None:
        patch.setattr(rules, "KNOWN_NODES", rules.KNOWN_NODES | set(rules.REFUSED_NODES))
        kept = {kind: reason for kind, reason in rules.REFUSED_NODES.items() if kind.__name__ not in kinds}
        patch.setattr(rules, "REFUSED_NODES", kept)
        patch.setattr(rules, "KNOWN_PARTS", {})

    return break_it


def _define(sql: str) -> Breaks:
    return lambda _, standin: standin.define(sql)


def _forget_tokens(patch: pytest.MonkeyPatch, _: Standin) -> None:
    submit = statements.Statements.submit
    patch.setattr(
        statements.Statements,
        "submit",
        lambda self, sqls, is_batch, request: submit(self, sqls, is_batch, {**request, "ClientToken": None}),
    )


def _lock_nothing(patch: pytest.MonkeyPatch, _: Standin) -> None:
    patch.setitem(translation._STATEMENTS, "LOCK", lambda sql, tokens, words: Translation())


def _commit_each(patch: pytest.MonkeyPatch, _: Standin) -> None:
    def run(self, connection, statement) -> None:
        for part in statement.parts:
            self._set(part, "STARTED")
            found = self._sessions.prepare_statement(part.sql, statement.is_batch)
            part.result, part.rows = self._sessions.run(connection, found, statement.values)
            self._set(part, "FINISHED")

    patch.setattr(statements.Statements, "_run_transaction", run)


def _take_any_role(patch: pytest.MonkeyPatch, _: Standin) -> None:
    patch.setattr("local_redshift.sessions.Sessions._check_role", lambda self, role: None)


SPOILED: dict[str, tuple[str, Breaks]] = {
    "trailing blanks count": (
        "gives 'a' = 'a '",
        _define("set allow_system_table_mods = on; update pg_operator set oprcode = 'texteq' where oid = 98"),
    ),
    "AVG keeps a fraction": ("gives select avg(n) from probe.digit", _define("drop aggregate redshift.avg(integer)")),
    "DATEDIFF counts time": (
        "gives datediff(day, timestamp '2026-01-01 23:59', timestamp '2026-01-02 00:01')",
        _define(
            "create or replace function redshift.datediff(part text, a timestamp, b timestamp) returns bigint language sql "
            "immutable strict as $$ select floor(extract(epoch from b - a) / 86400)::bigint $$"
        ),
    ),
    "REGEXP_SUBSTR gives NULL": (
        "gives regexp_substr('abc', '[0-9]+')",
        _define("drop function redshift.regexp_substr(text, text)"),
    ),
    "DISTINCT ON is taken": ("refuses DISTINCT ON", _ignore_rule("_check_distinct")),
    "frames by RANGE are taken": ("refuses RANGE frames", _ignore_rule("_check_window")),
    "row values are taken": ("refuses row values", _ignore_rule("_check_comparison")),
    "INTERSECT ALL is taken": ("refuses INTERSECT ALL", _ignore_rule("_check_set_operation")),
    "RETURNING is taken": ("refuses RETURNING", _forget("Returning")),
    "FILTER is taken": ("refuses FILTER", _forget("Filter")),
    "views are locked": (
        "refuses a locked view",
        _define(
            "create or replace function redshift.require_table(name text, action text, page text) returns void language sql "
            "as $$ select $$"
        ),
    ),
    "tokens are forgotten": ("api token", _forget_tokens),
    "a batch commits each statement": ("api rollback", _commit_each),
    "LOCK locks nothing": ("session lock", _lock_nothing),
    "every role may COPY": ("copy other role", _take_any_role),
}


@contextmanager
def spoil(standin: Standin, breaks: Breaks) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LOCAL_REDSHIFT_CACHE", raising=False)  # what a broken rule lets through is nobody else's
        translation.translate.cache_clear()
        breaks(patch, standin)
        try:
            yield
        finally:
            patch.undo()
            translation.translate.cache_clear()
            prepare_database(standin.warehouse.postgres_uri)


@pytest.mark.parametrize("name", SPOILED)
def test_a_stand_in_with_one_rule_broken_is_convicted(standin, name):
    """The question that is about the rule says `differs`; put right again, it agrees."""
    question, breaks = SPOILED[name]
    with spoil(standin, breaks):
        (answered,) = certify(standin.account, [BY_ID[question]], tell=lambda line: None)
    assert answered.verdict == DIFFERS, answered.answer
    (again,) = certify(standin.account, [BY_ID[question]], tell=lambda line: None)
    assert again.verdict == AGREES, again.answer


def test_what_a_killed_certificate_left_behind_is_removed_by_the_next(standin):
    """Schema, objects, catalogue, schedule: all by their names."""
    account = standin.account
    account.set_up()
    account.client("s3").put_object(Bucket=account.bucket, Key="certify/left", Body=b"x")
    for name in ("glue table", "schedule", "alarm"):
        BY_ID[name].ask(account)
    answers = certify(account, [BY_ID["gives abs(-2)"], BY_ID["glue table"], BY_ID["schedule"]], tell=lambda line: None)
    assert [each.verdict for each in answers] == [AGREES] * 3
    assert "Contents" not in account.client("s3").list_objects_v2(Bucket=account.bucket, Prefix="certify/")
    assert account.client("cloudwatch").describe_alarms(AlarmNames=[NAME])["MetricAlarms"] == []


def test_all_is_removed_where_asking_is_interrupted(standin):
    """Ctrl-C in the middle of a question."""

    def interrupt(account: Account) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        certify(standin.account, [replace(BY_ID["gives abs(-2)"], ask=interrupt)], tell=lambda line: None)
    assert standin.account.run(f"select count(*) from pg_namespace where nspname = '{NAME}'").results == [[[0]]]


def test_what_cannot_be_asked_is_told_by_name(standin):
    """Not a difference: what lacks is named, and so is the time that is up."""
    told: list[str] = []

    def lack(account: Account) -> str:
        raise CouldNotAsk("there is no bucket (STACK=name gives it)")

    question = Question("q", "asks", "1", "page", "meaning", lack)
    answers = certify(standin.account, [question], tell=told.append)
    assert count(answers) == {AGREES: 0, DIFFERS: 0, NOT_ASKED: 1}
    late = certify(standin.account, [question], seconds=0, tell=told.append)
    assert [each.answer for each in late] == ["the time is up"]
    assert told == ["could not ask  q: there is no bucket (STACK=name gives it)", "could not ask  q: the time is up"]

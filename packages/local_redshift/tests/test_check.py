"""`python -m local_redshift check`: whether Redshift would take SQL files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import local_redshift
from local_redshift.check import GUIDE, Finding, check_script, find_functions
from local_redshift.translate import translate

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(local_redshift.__file__).parents[1])}


def run_check(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "local_redshift", "check", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)


@pytest.fixture
def write(tmp_path):
    def write_file(name: str, sql: str) -> Path:
        path = tmp_path / name
        path.write_text(sql, encoding="utf-8")
        return path

    return write_file


@pytest.mark.parametrize(
    ("sql", "line", "page"),
    [
        ("select a\nfrom t\nwhere raw = 1", 3, "r_pg_keywords"),
        (
            "-- a comment\n\nselect 1;\nselect\n    lower(a),\n    string_agg(b, ',')\nfrom t",
            4,
            "c_unsupported-postgresql-functions",
        ),
        ("create table t (\n    a int,\n    b jsonb\n)", 1, "c_unsupported-postgresql-datatypes"),
        ("create table t as\nselect a,\n\n  raw\nfrom t", 4, "r_pg_keywords"),
        ("create view v as\nselect a\nfrom t\nwhere tag = 1", 4, "r_pg_keywords"),
        (
            "create procedure p() as $$\nbegin\n    delete from t;\n    insert into t\n    values (1) on conflict do nothing;\n"
            "end;\n$$ language plpgsql",
            4,
            "r_INSERT_30",
        ),
        (
            "create procedure p() as $$\ndeclare\n    n int;\nbegin\n    select count(*)\n    into n\n    from t\n"
            "    where new = 1;\nend;\n$$ language plpgsql",
            8,
            "r_pg_keywords",
        ),
        ("unload ('select a\nfrom t\nwhere raw = 1')\nto 's3://b/c' iam_role default format parquet", 3, "r_pg_keywords"),
        ("alter table t\nadd column a int,\nadd column b int", 1, "r_ALTER_TABLE"),
        ("create index i on t (a)", 1, "c_unsupported-postgresql-features"),
        ("merge into t using s on t.a = s.a\nwhen matched then delete", 1, "r_MERGE"),
        ("select name from pg_class, t", 1, "c_SQL_functions_leader_node_only"),
        ("select 1;\nselect 'a", 2, "c_SQL_commands"),
        ("select 1;\nselekt 1", 2, "c_SQL_commands"),
        ("select 1;\n/* of which\n/* nothing */ ends", 2, "c_SQL_commands"),
        ('select 1;\nselect "a\nfrom t', 2, "c_SQL_commands"),
        ("select 'a''b', \"c'd\"; -- don't\nselect\n'e", 3, "c_SQL_commands"),
    ],
)
def test_a_refusal_names_its_line_and_its_page(sql, line, page):
    """The line is that of the file, within views, procedures and UNLOAD, too; the page is the feature's, or the statement's."""
    (finding,), _ = check_script(sql)
    assert (finding.line, finding.is_refused, finding.address) == (line, True, f"{GUIDE}{page}.html")


@pytest.mark.parametrize(
    "sql",
    [
        "show search_path",
        "create materialized view v as select 1",
        "create table t (a super)",
        "select json_parse('{}')",
        "select current_timestamp",
        "copy t from 's3://b/c' iam_role default format csv",
        "select a from t where b = 'c\\d'",
        f"select {'a' * 100} from t",
        "select t.id from t, u where t.id = u.id(+)",
        "select * from t pivot (sum(a) for b in ('x', 'y'))",
        "select date_trunc('day', ts, 'UTC') from t",
        "select median() from t",
        # What the guide itself shows, and this package has not; the label on page r_CANCEL.
        "select a as user from t",
        "select @ a, 5 from t",  # r_OPERATOR_SYMBOLS
        "select a # b from t",
        "select 5 #3",
        "copy t from 's3://b/c' iam_role default csv ignoreheader 1",
        "copy t from 's3://b/c' credentials 'x' delimiter '|'",
        "unload ('select 1') to 's3://b/c' iam_role default header delimiter ','",
        "alter table e.t add if not exists partition (d = '2008-01-01') location 's3://b/c'",
        "alter table t row level security on",
        "create user u in group g password 'Abcd1234'",
        "drop role r force",
        "select a from t, t.items i",
        "select a from t, unpivot t.items as v at k",
        "select approximate count(distinct a) from t",
        "select approximate percentile_disc(0.5) within group (order by a) from t",
        "select obj_description('t'::regclass)",
        "select array_to_string(a, ',') from pg_class",
        "merge into t using u on t.a = u.a remove duplicates",
        "create procedure p() as $$ begin truncate t; end; $$ language plpgsql",
        "create procedure p() as $$ begin select 1 a; end; $$ language plpgsql",
    ],
)
def test_what_this_package_does_not_offer_is_not_called_refused(sql):
    """Redshift takes these (pages r_SHOW, materialized-view-create-sql-command, …): a check that cannot tell says so."""
    findings, count = check_script(sql)
    assert ([finding.is_refused for finding in findings], count) == ([False], 1)


def test_a_script_of_redshift_is_taken_whole():
    """Transaction control, procedures with semicolons inside, parameters; each statement counts."""
    sql = """
        begin;
        create table if not exists t (a bigint not null, b varchar(20)) diststyle key distkey (a) sortkey (a);
        insert into t select :id as a, nvl(b, 'none') as b from s as u qualify row_number() over (partition by a order by b) = 1;
        commit;
        create or replace procedure p(n in int) as $$
        begin delete from t where a = n; raise info 'done'; end;
        $$ language plpgsql;
        call p(1);
    """
    assert check_script(sql) == ([], 6)


def test_named_statements_need_no_semicolon():
    """A comment `-- name: …` begins a statement."""
    sql = "-- name: first\nselect 1\n\n-- name: second\n-- of two\ninsert into t\nselect a from raw\n"
    assert check_script(sql) == (
        [
            Finding(
                7,
                True,
                'syntax error at or near "raw": a reserved word of Redshift: rename it or put it in double quotes',
                f"{GUIDE}r_pg_keywords.html",
            )
        ],
        2,
    )


def test_a_function_of_one_file_is_known_in_the_others(write):
    """Which is how projects divide their SQL."""
    functions = write(
        "functions.sql", "create or replace function s.f_key(int) returns int stable as $$ select $1 $$ language sql;"
    )
    use = write("use.sql", "select f_key(a) from t;")
    assert find_functions(functions.read_text()) == {"f_key"}
    assert run_check(functions, use).returncode == 0
    alone = run_check(use)
    assert alone.returncode == 2
    assert f"{use}:1: cannot tell: the function f_key is neither known here" in alone.stdout


def test_the_command_tells_each_finding_and_the_sum(write):
    """Exit code 1 where Redshift would refuse something."""
    path = write("a.sql", "select 1;\nselect a from t for update;\nshow x;\n")
    answer = run_check(path)
    refused, unknown, total = answer.stdout.splitlines()
    assert refused.startswith(f"{path}:2: refused: row locks (FOR UPDATE, FOR SHARE) are PostgreSQL's")
    assert refused.endswith(f"({GUIDE}r_SELECT_synopsis.html)")
    assert unknown.startswith(f"{path}:3: cannot tell: ")
    assert total == "files: 1, statements: 3 (1 taken, 1 refused, 1 cannot be told)"
    assert answer.returncode == 1


def test_a_file_that_cannot_be_read_is_no_success(write, tmp_path):
    """Exit code 2, and which file it was."""
    (tmp_path / "latin.sql").write_bytes(b"select '\xe9'")
    (tmp_path / "zero.sql").write_bytes(b"select 1;\0\0")
    answer = run_check(
        write("a.sql", "select 1"), tmp_path / "missing.sql", tmp_path / "latin.sql", tmp_path / "zero.sql", tmp_path
    )
    assert (answer.returncode, answer.stdout) == (2, "files: 1, statements: 1 (1 taken, 0 refused, 0 cannot be told)\n")
    assert answer.stderr.splitlines() == [
        f"{tmp_path / 'missing.sql'} cannot be read: No such file or directory",
        f"{tmp_path / 'latin.sql'} cannot be read: its byte 9 is not UTF-8",
        f"{tmp_path / 'zero.sql'} cannot be read: it is no text: it has a zero byte",
        f"{tmp_path} cannot be read: Is a directory",
    ]


def test_a_byte_order_mark_is_no_sql(write):
    """Editors on Windows write one."""
    assert run_check(write("a.sql", "\ufeffselect 1;\r\nselect 2;\r\n")).stdout.endswith(
        "(2 taken, 0 refused, 0 cannot be told)\n"
    )


def test_what_stands_before_a_text_without_an_end_is_judged():
    """The text itself is told by the line at which it begins, and not by all that it has swallowed."""
    findings, count = check_script("select 1;\nselect distinct on (a) a from t;\nselect 'x;\nselect 2;\n")
    assert ([(finding.line, finding.is_refused) for finding in findings], count) == ([(2, True), (3, True)], 3)
    assert findings[1].reason == "syntax error: the text that begins here has no end"


def test_help_tells_what_is_printed_and_the_exit_codes():
    """All that a reader needs to use it in a build."""
    answer = run_check("--help")
    assert answer.returncode == 0
    for words in ("FILE:LINE: refused: REASON", "FILE:LINE: cannot tell: REASON", "exit codes:", "example:"):
        assert words in answer.stdout


def test_a_check_loads_no_database_and_no_aws():
    """It only parses and translates: no driver, no client, no Arrow."""
    code = "import sys, local_redshift.__main__; print({'psycopg', 'boto3', 'botocore', 'pyarrow'} & {*sys.modules})"
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=ENVIRONMENT)
    assert answer.stdout.strip() == "set()"


def test_a_syntax_error_is_told_in_words():
    """Not by the parser's own objects."""
    (finding,) = check_script("merge into x;")[0]
    assert finding.reason.endswith("Expected table name but got the end")


@pytest.mark.parametrize("sql", [f"select {'(' * 300}1{')' * 300}", f"select {'case when a then ' * 200}1{' end' * 200} from t"])
def test_what_is_nested_too_deeply_cannot_be_told(sql):
    """It is no traceback: the parser is recursive, Redshift's need not be."""
    (finding,), _ = check_script(f"select 1;\n{sql};\nselect 2")
    assert (finding.line, finding.is_refused) == (2, False)
    assert "nested too deeply" in finding.reason


def test_a_long_script_takes_time_by_its_length():
    """Each statement is read by itself, not behind as many empty lines as stand before it; equal ones once."""
    script = ";\n".join(["select a from t where b in (1, 2)"] * 3000 + ["select distinct on (a) a from t"])
    (finding,), count = check_script(script)
    assert (finding.line, count) == (3001, 3001)
    begun = translate.cache_info().misses
    check_script(script)
    assert translate.cache_info().misses - begun <= 2

"""Every command that a page prints is run by a test or by CI, or needs AWS and is marked so."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The changelog tells what was.
PAGES = sorted(
    {
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *ROOT.glob("packages/*/README.md"),
        ROOT / "benchmarks" / "README.md",
    }
    - {ROOT / "CHANGELOG.md"}
)
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
SHELLS = ("console", "sh", "bash", "shell")
AWS_ONLY = 'title="AWS only"'
# What needs an AWS account, or changes one.
IN_AWS = {"certify", "demo", "demo-down", "deploy", "protect"}
CI, WORKFLOWS = ".ci/run", ".github/workflows"
# By target or module: the test that runs what it does (of a benchmark: that reads what it measured), or the line of CI.
RUN_BY = {
    "adopt": "tests/integration/adopt/test_adoption.py::test_a_foreign_schema_is_adopted",
    "bench": "tests/unit/benchmarks/test_extraction_report.py::test_each_way_is_held_to_the_limit_of_its_own_query",
    "bench-cold-start": "tests/integration/layers/test_dependencies_layer.py::test_a_handler_starts_in_lambdas_python",
    "bench-run": "tests/unit/benchmarks/test_run_report.py::test_the_table_judges_what_was_promised",
    "bench-warehouse": "tests/unit/benchmarks/test_warehouse.py::test_the_table_sets_two_versions_side_by_side",
    "build": "tests/containers/test_sam_local.py::test_the_state_machine_runs_over_start_lambda",
    "check": "tests/unit/local/test_check.py::test_the_shipped_marketplaces_pass",
    "clean": "tests/unit/test_printed_commands.py::test_every_target_that_is_printed_can_be_made",
    "doctor": "tests/integration/doctor/test_doctor.py::test_a_stack_that_is_well_is_ok_everywhere",
    "docs": "Makefile: lint: setup-test types docs",
    "docs-serve": "tests/unit/test_printed_commands.py::test_every_target_that_is_printed_can_be_made",
    "golden": "tests/unit/warehouse/test_rendered_sql.py::test_the_file_shows_what_the_step_sends",
    "help": "tests/unit/local/test_commands.py::test_every_command_is_listed_by_make_help",
    "json-shapes": "tests/unit/model/test_json_shapes.py::test_the_page_shows_the_documents_as_their_types_are",
    "lint": f"{CI}: make lint",
    "lock": "tests/unit/test_packaging.py::test_every_environment_has_the_same_versions",
    "mutate": f"{WORKFLOWS}/nightly.yml: make mutate",
    "notebooks": "tests/end_to_end/test_make_run.py::test_notebooks_become_pages",
    "picture": "tests/unit/test_picture.py::test_the_picture_is_its_sources",
    "pictures": "tests/integration/report/test_pictures.py::test_the_readme_takes_the_lines_of_a_run",
    "psql": "tests/end_to_end/test_make_run.py::test_psql_opens_the_warehouse_of_the_last_run",
    "reference": "tests/unit/test_reference.py::test_a_page_is_what_the_code_says",
    "run": "tests/end_to_end/test_make_run.py::test_the_first_run_loads_and_then_takes_a_day",
    "sam-local": "tests/containers/test_sam_local.py::test_the_state_machine_runs_over_start_lambda",
    "saved-queries": "tests/unit/template/test_saved_queries.py::test_the_template_holds_the_files",
    "sed": "tests/integration/local/test_extend_page.py::test_the_page_extends_a_marketplace_as_it_is_printed",
    "setup-test": f"{CI}: make setup-test",
    "soak": "tests/soak/test_soak.py::test_nothing_is_lost_and_nothing_doubled",
    "test": f"{CI}: make test",
    "test-all": f"{WORKFLOWS}/nightly.yml: make test-all",
    "types": "Makefile: lint: setup-test types docs",
    "local_redshift": "packages/local_redshift/tests/test_readme.py::test_the_check_prints_what_the_readme_says",
    "local.marketplace.csv_loader": "tests/integration/source_data/test_csv_loader.py::test_the_command",
    "tests.model": "tests/model/test_protocol.py::test_each_protection_is_needed",
}


def find_blocks(page: Path) -> Iterator[tuple[bool, list[str]]]:
    """Yield the fenced shell blocks of a page: whether each is marked as AWS only, and its commands, comments left out."""
    text = page.read_text(encoding="utf-8")
    for indent, language, title, body in re.findall(r"^( *)```(\w+)([^\n]*)\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL):
        if language in SHELLS:
            lines = re.sub(r"\\\n *", "", body).replace(f"\n{indent}", "\n").strip().splitlines()
            if any(line.startswith("$ ") for line in lines):  # the others are what it prints
                lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
            commands = [re.sub(r"(^| +)# .*", "", line).strip() for line in lines]
            # A variable that is set runs nothing.
            yield AWS_ONLY in title, [command for command in commands if command and not command.startswith("export ")]


def name_command(command: str) -> str | None:
    """Return the target or the module that a command calls; None where it calls neither."""
    words = shlex.split(command)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words.pop(0)
    if words[:1] == ["sed"]:
        return "sed"
    if words[:1] == ["make"]:
        return next(word for word in words[1:] if "=" not in word)
    if len(words) > 2 and words[0].endswith("python") and words[1] == "-m":
        return words[2]
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_printed_command_is_run_by_a_test_or_needs_aws(page: Path) -> None:
    """In blocks line by line, and every target that stands in the text."""
    for is_aws_only, commands in find_blocks(page):
        named = {command: name_command(command) for command in commands}
        if is_aws_only:
            assert not set(named.values()) & (RUN_BY.keys() - {"doctor", "build", None}), f"runs without AWS: {commands}"
        else:
            assert [command for command, name in named.items() if name not in RUN_BY] == [], "a test, or AWS only?"
            assert not any("STACK=" in command for command in commands)
    inline = re.findall(r"`make ([a-z][a-z-]*)", page.read_text(encoding="utf-8"))
    assert set(inline) <= RUN_BY.keys() | IN_AWS


@pytest.mark.parametrize("name", RUN_BY)
def test_what_runs_it_is_there(name: str) -> None:
    """A test by its file and name, a line of CI by its words."""
    where = RUN_BY[name]
    path, _, function = where.partition("::")
    if function:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    else:
        path, _, words = where.partition(": ")
        assert words in (ROOT / path).read_text(encoding="utf-8")


def test_every_target_that_is_printed_can_be_made() -> None:
    """What no test runs whole at least has its recipe, and the recipe's files."""
    printed = {target for page in PAGES for target in re.findall(r"\bmake ([a-z][a-z-]*)", page.read_text(encoding="utf-8"))}
    for target in ("clean", "docs-serve", *(IN_AWS & printed)):
        recipe = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
        assert recipe, target
        for name in re.findall(r"(?<![\w./-])(?:local|examples)/[\w.-]+", recipe[1]):
            assert (ROOT / name).exists(), name

""".github/workflows and .ci/run: they name what exists, take actions by commit, and get no right that they need not have."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def read_steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in yaml.safe_load(path.read_text())["jobs"].values() for step in job["steps"]]


def each_workflow():
    return pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


@each_workflow()
def test_actions_are_taken_by_commit(path):
    """A tag can be moved to other code; the comment tells people which version the commit is."""
    used = re.findall(r"uses: (.+)", path.read_text())
    assert used
    assert [line for line in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


@each_workflow()
def test_the_token_may_read_only(path):
    """Of the repository; the deployment may also ask for the token that AWS exchanges for a role. No step keeps it on disk."""
    expected = {"contents": "read", "id-token": "write"} if path.stem == "deploy" else {"contents": "read"}
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == expected
    assert not [name for name, job in workflow["jobs"].items() if "permissions" in job]
    checkouts = [step for step in read_steps(path) if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@each_workflow()
def test_commands_hold_no_expressions(path):
    """What somebody typed reaches a shell by its environment, never as part of the command."""
    assert [step["run"] for step in read_steps(path) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / ".ci/run"], ids=lambda path: path.stem)
def test_commands_exist(path):
    """What CI makes is a target of the Makefile; the tests that it names are files."""
    text = path.read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    made = set(re.findall(r"^\s*(?:- run: )?make ([a-z-]+)", text, re.MULTILINE))
    assert made <= targets
    assert made or ".ci/run" in text
    assert all((ROOT / name).is_file() for name in re.findall(r"(?:packages/\w+/)?tests/[\w/]+\.py", text))


def test_a_job_cannot_hang():
    """Each has a time limit of its own; GitHub's is six hours."""
    jobs = {f"{path.stem}/{name}": job for path in WORKFLOWS for name, job in yaml.safe_load(path.read_text())["jobs"].items()}
    assert [name for name, job in jobs.items() if not 0 < job.get("timeout-minutes", 0) <= 90] == []


def test_what_was_deployed_is_looked_at():
    """By the name that samconfig.toml gives the stack."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    stacks = {environment: config[environment]["deploy"]["parameters"]["stack_name"] for environment in ("dev", "prod")}
    assert stacks == {environment: f"rental-pipeline-{environment}" for environment in stacks}
    text = (ROOT / ".github/workflows/deploy.yml").read_text()
    assert text.index("make deploy") < text.index('make doctor STACK="rental-pipeline-$ENVIRONMENT"')

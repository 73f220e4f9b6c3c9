"""The mutations of tests/mutation fit the product as it is, so that none is silently left out."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from tests.mutation.__main__ import StaleMutation, mutate
from tests.mutation.mutations import MUTATIONS, Mutation

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_fits(mutation):
    """It changes its file in one place, and leaves what can be read; the tests that it names are there."""
    text = (ROOT / mutation.file).read_text(encoding="utf-8")
    mutated = mutate(text, mutation)
    assert mutated != text
    if mutation.file.endswith(".py"):
        ast.parse(mutated)
    if mutation.file.endswith(".asl.yaml"):
        yaml.safe_load(mutated)
    for test in mutation.tests:
        path, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8") if name else (ROOT / path).exists(), test


def test_there_are_enough_and_each_has_its_name():
    """At least sixty, of code, SQL, state machines and template."""
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS) >= 60
    assert {Path(mutation.file).suffix for mutation in MUTATIONS} == {".py", ".sql", ".yaml"}
    assert all(mutation.tests for mutation in MUTATIONS)


@pytest.mark.parametrize(("text", "times"), [("a b", 0), ("old old", 2)])
def test_a_stale_mutation_is_named(text, times):
    """Where its text is gone, or no longer the only one."""
    with pytest.raises(StaleMutation, match=f"the mutation broken is stale: its text occurs {times} times in f"):
        mutate(text, Mutation("broken", "f", "old", "new", ("t",)))

"""Break the product in one place after another, in a copy of the tree, and see that its tests notice each time.

    python -m tests.mutation             all of them (make mutate)
    python -m tests.mutation --list      what there is
    python -m tests.mutation NAME …      some of them (make mutate ONLY="NAME …")

Exit code 1: one was not noticed, or could not be tried. Nothing is changed in the checkout.
"""

from __future__ import annotations

import argparse
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.mutation.mutations import MUTATIONS, Mutation

ROOT = Path(__file__).parents[2]
SECONDS = 600  # of one mutation's tests
NOTICED, SURVIVED, BROKEN = "noticed", "NOT NOTICED", "BROKEN"
# pytest's exit codes (documentation, "Exit codes").
_PASSED, _FAILED = 0, 1


class StaleMutation(Exception):
    """The text that a mutation replaces is not there, or not only once; the message names it."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description="Mutations that the fast tests must notice.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="of some mutations; all by default")
    parser.add_argument("--list", action="store_true", help="print the names and what each breaks")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many are tried at once")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.names) - {mutation.name for mutation in MUTATIONS}):
        parser.error(f"there is no mutation {', '.join(unknown)}: see --list")
    chosen = [mutation for mutation in MUTATIONS if not options.names or mutation.name in options.names]
    if options.list:
        for mutation in chosen:
            print(f"{mutation.name:34} {mutation.file}")
        return 0
    try:
        for mutation in chosen:
            mutate((ROOT / mutation.file).read_text(encoding="utf-8"), mutation)
    except StaleMutation as stale:
        print(stale, file=sys.stderr)
        return 1
    return try_all(chosen, max(1, min(options.jobs, len(chosen))))


def mutate(text: str, mutation: Mutation) -> str:
    """Return a file's text with the mutation in it.

    Raises:
        StaleMutation: what it replaces does not occur exactly once.
    """
    if (count := text.count(mutation.old)) != 1:
        raise StaleMutation(
            f"the mutation {mutation.name} is stale: its text occurs {count} times in {mutation.file};"
            " give it (tests/mutation/mutations.py) the text that stands there now"
        )
    return text.replace(mutation.old, mutation.new)


def try_all(mutations: Sequence[Mutation], jobs: int) -> int:
    """Try mutations, several at once, and print how each went; return the exit code."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutation-", ignore_cleanup_errors=True) as folder:
        trees: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for number in range(jobs):
            trees.put(copy_tree(Path(folder) / str(number)))
        # Tests that fail anyway would notice everything.
        tree = trees.get()
        tests = sorted({test for mutation in mutations for test in mutation.tests})
        code, output = run_tests(tree, tests, seconds=SECONDS * 3)
        trees.put(tree)
        if code != _PASSED:
            print(f"{output}\nwithout a mutation these tests do not pass, so they can say nothing", file=sys.stderr)
            return 1
        print(f"{len(mutations)} mutations; their tests pass without them ({time.monotonic() - started:.0f} s)", flush=True)
        outcomes = _try_each(mutations, trees, jobs)
    missed = [name for name, outcome in outcomes.items() if outcome != NOTICED]
    print(f"\n{len(outcomes) - len(missed)} of {len(outcomes)} noticed in {time.monotonic() - started:.0f} s")
    for name in missed:
        print(f"{outcomes[name]}: {name}")
    return 1 if missed else 0


def _try_each(mutations: Iterable[Mutation], trees: queue.SimpleQueue[Path], jobs: int) -> dict[str, str]:
    def try_one(mutation: Mutation) -> tuple[str, float]:
        started, tree = time.monotonic(), trees.get()
        try:
            return try_mutation(tree, mutation), time.monotonic() - started
        finally:
            trees.put(tree)

    outcomes: dict[str, str] = {}
    with ThreadPoolExecutor(jobs) as threads:
        tried = {threads.submit(try_one, mutation): mutation for mutation in mutations}
        for number, done in enumerate(as_completed(tried), 1):
            mutation, (outcome, seconds) = tried[done], done.result()
            outcomes[mutation.name] = outcome
            print(f"{number:3}/{len(tried)}  {seconds:5.0f} s  {outcome:11}  {mutation.name}", flush=True)
    return outcomes


def try_mutation(tree: Path, mutation: Mutation) -> str:
    """Return what the mutation's tests made of it; the tree is then as it was."""
    path = tree / mutation.file
    text = path.read_text(encoding="utf-8")
    try:
        path.write_text(mutate(text, mutation), encoding="utf-8")
        code, _ = run_tests(tree, mutation.tests)
    finally:
        path.write_text(text, encoding="utf-8")
    return {_PASSED: SURVIVED, _FAILED: NOTICED}.get(code, BROKEN)


def run_tests(tree: Path, tests: Sequence[str], seconds: float = SECONDS) -> tuple[int, str]:
    """Run tests of a tree, as `make test` would, until the first fails; return pytest's exit code and its last lines."""
    packages = [tree, tree / "layers/rental_pipeline/python", *sorted((tree / "packages").glob("*/src"))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, packages)), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", *tests]
    try:
        ended = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return -1, f"not done within {seconds:.0f} s"
    return ended.returncode, (ended.stdout + ended.stderr)[-4000:]


def copy_tree(to: Path) -> Path:
    """Copy what git knows of the checkout, changes and new files included, and return the copy."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, to / name)
    # Tests that look for the environment of the checkout find it.
    if (ROOT / ".venv").exists():
        (to / ".venv").symlink_to((ROOT / ".venv").resolve())
    return to


if __name__ == "__main__":
    sys.exit(main())

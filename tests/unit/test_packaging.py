"""pyproject.toml is the one place where packages are named; what is installed from it is pinned, and by hash."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from uv import find_uv_bin

ROOT = Path(__file__).parents[2]
LAYER = "layers/dependencies/requirements.txt"
# Each group, and the files that are installed for it: those of a group below it are not repeated (local/lock.sh, local/setup.sh).
FILES = {
    "layer": [LAYER],
    "local": ["requirements/local.txt"],
    "notebooks": ["requirements/local.txt", "requirements/notebooks.txt"],
    "test": ["requirements/local.txt", "requirements/notebooks.txt", "requirements/test.txt"],
    "docs": ["requirements/local.txt", "requirements/docs.txt"],
    "jupyter": ["requirements/local.txt", "requirements/notebooks.txt", "requirements/jupyter.txt"],
    "bench": ["requirements/local.txt", "requirements/bench.txt"],
    "audit": ["requirements/audit.txt"],
}
PROJECTS = {
    "rental_pipeline": ROOT,
    "mysql_arrow": ROOT / "packages" / "mysql_arrow",
    "local_redshift": ROOT / "packages" / "local_redshift",
}


def read_project(folder: Path = ROOT) -> dict:
    """Return a folder's pyproject.toml."""
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def read_group(name: str) -> list[Requirement]:
    """Return what a group of the project asks for, with the groups that it includes (PEP 735)."""
    found = []
    for entry in read_project()["dependency-groups"][name]:
        found += read_group(entry["include-group"]) if isinstance(entry, dict) else [Requirement(entry)]
    return found


def read_pins(*paths: str) -> dict[str, set[str]]:
    """Return the versions that files pin of each package; two where it depends on Python's version."""
    pins: dict[str, set[str]] = {}
    for path in paths:
        for name, version in re.findall(
            r"^([A-Za-z0-9._-]+)==([^\s;]+)", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE
        ):
            pins.setdefault(canonicalize_name(name), set()).add(version)
    return pins


def assert_pinned(requirements: list[Requirement], pins: dict[str, set[str]]) -> None:
    """Assert that a version of each package is pinned, and that it is one that is asked for."""
    for requirement in requirements:
        versions = pins.get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement} is not pinned: make lock"
        assert all(requirement.specifier.contains(version) for version in versions), (
            f"{requirement} is pinned as {versions}: make lock"
        )


def test_every_group_is_pinned_or_part_of_one_that_is():
    """A group that nothing installs is forgotten by everyone."""
    groups = read_project()["dependency-groups"]
    included = {entry["include-group"] for group in groups.values() for entry in group if isinstance(entry, dict)}
    assert groups.keys() - included <= FILES.keys()
    assert FILES.keys() <= groups.keys()
    assert {path for paths in FILES.values() for path in paths} - {LAYER} == {
        str(path.relative_to(ROOT)) for path in (ROOT / "requirements").iterdir()
    }


@pytest.mark.parametrize("group", FILES)
def test_what_a_group_asks_for_is_pinned(group):
    """Else an environment would lack it, or have another version, until the next `make lock`."""
    assert_pinned(read_group(group), read_pins(*FILES[group]))


@pytest.mark.parametrize("folder", ["mysql_arrow", "local_redshift"])
def test_what_a_package_of_its_own_asks_for_is_pinned(folder):
    """It is installed without its dependencies here, as the lock has them."""
    requirements = [Requirement(text) for text in read_project(PROJECTS[folder])["project"]["dependencies"]]
    assert_pinned(requirements, read_pins("requirements/local.txt"))


def test_every_environment_has_the_same_versions():
    """What is tested here is what runs on Lambda; and installing a group changes no package of another one."""
    pins = read_pins("requirements/local.txt", "requirements/notebooks.txt", "requirements/test.txt")
    for path in (LAYER, "requirements/docs.txt", "requirements/jupyter.txt", "requirements/bench.txt"):
        other = read_pins(path)
        assert {name: versions for name, versions in other.items() if not versions <= pins.get(name, versions)} == {}, path


def test_no_package_lacks_another():
    """What is installed here, without looking for dependencies, is whole."""
    command = [find_uv_bin(), "pip", "check", "--python", sys.executable]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_locks_name_no_place():
    """A lock with an index address would install only where it was made."""
    for path in (ROOT / LAYER, *(ROOT / "requirements").iterdir()):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index" not in text
        assert "--find-links" not in text
        assert len(re.findall(r"^[A-Za-z0-9._-]+==", text, re.MULTILINE)) == len(
            re.findall(r"^\S.*\\\n    --hash=sha256:", text, re.MULTILINE)
        )


@pytest.mark.parametrize("module", PROJECTS)
def test_the_projects_own_packages_are_installed_from_this_checkout(module):
    """Not from another clone's: an environment belongs to one checkout."""
    code = f"import {module}; print({module}.__file__)"
    found = subprocess.run([sys.executable, "-c", code], cwd="/", capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()).is_relative_to(PROJECTS[module])


def test_nothing_patches_the_import_path():
    """What is to be imported is installed, or stands in the folder that a program is started from."""
    paths = [ROOT / "pyproject.toml", ROOT / "Makefile"]
    for folder in ("local", "layers", "packages", "functions", "tests", "benchmarks", "examples"):
        paths += sorted((ROOT / folder).rglob("*.py"))
    patch = re.compile(r"sys\.path\b|^pythonpath\b", re.MULTILINE)
    assert [str(path) for path in paths if path != Path(__file__) and patch.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("given", "index"),
    [
        ({"PIP_INDEX_URL": "https://pip.example/simple"}, "https://pip.example/simple"),
        ({"PIP_INDEX_URL": "https://pip.example/simple", "UV_DEFAULT_INDEX": "https://uv.example"}, "https://uv.example"),
        ({"PIP_INDEX_URL": "https://pip.example/simple", "UV_CONFIG_FILE": "/uv.toml"}, ""),
    ],
)
def test_the_layer_is_built_from_the_index_of_this_machine(given, index):
    """Pip's, which uv does not read, unless uv has its own; `sam build` hands the environment on."""
    show = [
        "make",
        "--silent",
        "--file",
        str(ROOT / "layers/dependencies/Makefile"),
        "--eval",
        'show: ; @echo "$$UV_DEFAULT_INDEX"',
    ]
    shown = subprocess.run([*show, "show"], env={"PATH": os.environ["PATH"], **given}, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == index

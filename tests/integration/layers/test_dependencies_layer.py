"""The layer of third-party packages, built as `sam build` does: its size, its machine, and that Lambda's Python loads it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from benchmarks.cold_start import start_handler
from local.standins.aws_lambda.python import LambdaPython, NoLambdaPython, find_lambda_python, machine
from local.standins.cloudformation.deploy import build_layer

pytestmark = pytest.mark.slow  # builds the layer for two processors

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "layers" / "dependencies"
OWN_LAYER = ROOT / "layers" / "rental_pipeline"
MYSQL_ARROW = ROOT / "packages" / "mysql_arrow"
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
# AWS Lambda Developer Guide, "Lambda quotas": 250 MB unzipped, function and layers together. Ours leaves room for the rest.
MAX_BYTES = 200 * 1024 * 1024
# Amazon Linux 2023's C library (AWS, "Comparing Amazon Linux 2 and Amazon Linux 2023").
GLIBC = (2, 34)
ELF_MACHINES = {"x86_64": "EM_X86_64", "arm64": "EM_AARCH64"}
HEAVY = {"numpy", "pandas", "pyarrow", "awswrangler"}


def build(folder: Path, architecture: str, *more: str) -> subprocess.CompletedProcess:
    """Run the layer's Makefile."""
    command = ["make", "--no-print-directory", "build-DependenciesLayer", f"ARTIFACTS_DIR={folder}"]
    command += [f"ARCHITECTURE={architecture}", f"PYTHON={sys.executable}", *more]
    return subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, check=False, timeout=600)


@pytest.fixture(scope="module")
def layers(tmp_path_factory) -> Iterator[dict[str, Path]]:
    """The layer for each processor."""
    built = {}
    for architecture in ELF_MACHINES:
        built[architecture] = tmp_path_factory.mktemp(architecture)
        done = build(built[architecture], architecture)
        assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]
    return built


@pytest.fixture(scope="module")
def lambda_python() -> Iterator[LambdaPython]:
    """A Python 3.13."""
    with tempfile.TemporaryDirectory(prefix="lambda-python-", ignore_cleanup_errors=True) as folder:
        try:
            yield find_lambda_python(Path(folder))
        except NoLambdaPython as error:
            pytest.skip(f"the layer cannot be imported here: {error}")


def find_binaries(layer: Path) -> Iterator[tuple[Path, ELFFile]]:
    """Yield every ELF file of a layer."""
    for path in sorted(layer.rglob("*")):
        if path.is_file():
            with path.open("rb") as content:
                if content.read(4) == b"\x7fELF":
                    content.seek(0)
                    yield path.relative_to(layer), ELFFile(content)


def needed_glibc(binary: ELFFile) -> set[tuple[int, ...]]:
    """Return the versions of the C library whose symbols a binary asks for."""
    return {
        tuple(map(int, match[1].split(".")))
        for section in binary.iter_sections()
        if isinstance(section, GNUVerNeedSection)
        for _, wanted in section.iter_versions()
        for version in wanted
        if (match := re.fullmatch(r"GLIBC_([\d.]+)", version.name))
    }


@pytest.mark.parametrize("architecture", ELF_MACHINES)
def test_the_layer_fits(layers, architecture):
    """With room for the project's own code."""
    size = sum(path.stat().st_size for path in layers[architecture].rglob("*") if path.is_file())
    assert 100 * 1024 * 1024 < size <= MAX_BYTES


@pytest.mark.parametrize("architecture", ELF_MACHINES)
def test_every_binary_runs_on_lambda(layers, architecture):
    """Each is for the processor and Python 3.13, and asks for nothing that Amazon Linux 2023's C library lacks."""
    count, versions = 0, set()
    for path, binary in find_binaries(layers[architecture]):
        assert binary["e_machine"] == ELF_MACHINES[architecture], path
        tag = re.search(r"\.cpython-(\d+)-", path.name)
        assert tag is None or tag[1] == "313", path
        needed = needed_glibc(binary)
        assert all(version <= GLIBC for version in needed), f"{path} needs glibc {max(needed)}"
        versions |= needed
        count += 1
    assert count > 50
    assert versions, "no binary names a version of the C library: the check does not see them"


def test_a_layer_that_is_too_large_is_refused(tmp_path):
    """By the build, not by the deployment."""
    done = build(tmp_path, "x86_64", "MAX_MIB=10")
    assert done.returncode != 0
    assert "of at most 10" in done.stdout


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_handler_starts_in_lambdas_python(layers, lambda_python, function, tmp_path):
    """From the built layers alone; only the function that reads rows into Parquet pays for the libraries that this takes."""
    build_layer("MysqlArrowLayer", MYSQL_ARROW, tmp_path)
    start = start_handler(lambda_python, ROOT / "functions" / function, [layers[machine()], tmp_path, OWN_LAYER])
    assert start.python == "3.13"
    assert start.modules & HEAVY == (HEAVY if function == "extract_slice" else set())
    assert ("pymysql" in start.modules) == (function in ("plan_run", "extract_slice", "check_source"))
    assert start.from_elsewhere == []
    print(f"{function}: {start.seconds:.2f} s, {start.peak_megabytes:.0f} MB")


def test_time_zones_come_with_the_layer(layers, lambda_python):
    """Lambda's system has none."""
    code = "import zoneinfo; print(zoneinfo.ZoneInfo('Europe/Rome').key)"
    answer = lambda_python.run(code, ROOT / "functions" / "plan_run", [layers[machine()]], {"PYTHONTZPATH": ""})
    assert answer.strip() == "Europe/Rome"


def test_what_symbols_were_dropped_from_still_works(layers, lambda_python):
    """Parquet there and back, linear algebra and a group, in the libraries that were rewritten or left as they were."""
    code = """if True:
        import io, json, numpy, pandas, pyarrow, pyarrow.parquet
        file = io.BytesIO()
        table = pyarrow.table({"n": [3, 1, 3], "t": ["a", None, "c"]})
        pyarrow.parquet.write_table(table, file, compression="snappy")
        back = pyarrow.parquet.read_table(io.BytesIO(file.getvalue()))
        sums = back.to_pandas().groupby("n").count()["t"].to_dict()
        print(json.dumps([back.equals(table), round(numpy.linalg.det(numpy.eye(3) * 2)), sums]))"""
    answer = lambda_python.run(code, ROOT / "functions" / "extract_slice", [layers[machine()]])
    assert json.loads(answer) == [True, 8, {"1": 0, "3": 2}]

"""`python -m benchmarks.cold_start`: how long each function takes to start from the built layers, and the memory that it takes.

A cold start is the import of the handler in a fresh process of Lambda's Python (AWS Lambda Developer Guide, "Understanding the
Lambda execution environment lifecycle"); Lambda's own share (code download, sandbox) is not in it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from local.standins.aws_lambda.python import LambdaPython, NoLambdaPython, find_lambda_python

ROOT = Path(__file__).parents[1]
BUILT_LAYER = ROOT / ".aws-sam" / "build" / "DependenciesLayer"

# What libraries look at to find out that they are on Lambda, with tracing on (AWS Lambda Developer Guide, "Defined runtime
# environment variables").
_ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
    "LAMBDA_TASK_ROOT": "/var/task",
}
_PROGRAM = """if True:
    import json, resource, sys, time
    before, started = set(sys.modules), time.perf_counter()
    import app
    seconds = time.perf_counter() - started
    files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items()) if name not in before}
    print(json.dumps({
        "python": "%d.%d" % sys.version_info[:2],
        "seconds": seconds,
        "peak_kilobytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "modules": sorted({name.partition(".")[0] for name in files}),
        "from_site_packages": sorted(name for name, file in files.items() if file and "site-packages" in file),
    }))"""


@dataclass(frozen=True)
class Start:
    """What the start of one handler took.

    Attributes:
        python: Version of Python, e.g. "3.13".
        seconds: Wall time of the import.
        peak_megabytes: Resident memory afterwards, at its highest.
        modules: Top-level names of what was imported.
        from_elsewhere: Modules that came from the machine's own packages: they would be missing on Lambda.
    """

    python: str
    seconds: float
    peak_megabytes: float
    modules: set[str]
    from_elsewhere: list[str]


def start_handler(python: LambdaPython, function: Path, layers: list[Path]) -> Start:
    """Import a handler once, in a new process.

    Raises:
        subprocess.CalledProcessError: it could not be imported.
    """
    found = json.loads(python.run(_PROGRAM, function, layers, _ENVIRONMENT))
    return Start(
        found["python"], found["seconds"], found["peak_kilobytes"] / 1000, set(found["modules"]), found["from_site_packages"]
    )


def main() -> int:
    """Measure all functions in turn and print a table; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold_start", description=__doc__)
    parser.add_argument("--repeat", type=int, default=5, help="starts of each function (%(default)s)")
    arguments = parser.parse_args()
    if not BUILT_LAYER.is_dir():
        print("there is no built layer yet: `make build` first", file=sys.stderr)
        return 1
    functions = sorted(path.parent for path in (ROOT / "functions").glob("*/app.py"))
    with tempfile.TemporaryDirectory(prefix="lambda-python-", ignore_cleanup_errors=True) as folder:
        try:
            python = find_lambda_python(Path(folder))
        except NoLambdaPython as error:
            print(f"not measured: {error}", file=sys.stderr)
            return 1
        layers = [BUILT_LAYER, BUILT_LAYER.with_name("MysqlArrowLayer"), ROOT / "layers" / "rental_pipeline"]
        print(f"{'function':<20} {'median s':>8} {'peak MB':>8}  imports of weight")
        for function in functions:
            starts = [start_handler(python, function, layers) for _ in range(arguments.repeat)]
            weights = sorted(starts[0].modules & {"numpy", "pandas", "pyarrow", "awswrangler", "pymysql", "yaml", "boto3"})
            seconds = statistics.median(start.seconds for start in starts)
            memory = statistics.median(start.peak_megabytes for start in starts)
            print(f"{function.name:<20} {seconds:>8.2f} {memory:>8.0f}  {', '.join(weights)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.soak --runs 200 --seed 1`: play the soak, and exit 1 where a row was lost or doubled."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path

# Before the handlers are imported: their logs would bury the report.
os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "CRITICAL")
os.environ.setdefault("POWERTOOLS_METRICS_DISABLED", "true")


def main() -> int:
    """Parse the command line, play, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="executions to play (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the dice (%(default)s)")
    arguments = parser.parse_args()

    from tests.fixtures.world import open_world
    from tests.soak.soak import Soak

    report = sys.stdout

    def say(line: str) -> None:
        print(line, file=report, flush=True)

    say(f"soak: {arguments.runs} runs, seed {arguments.seed}")
    # The functions print their metrics.
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), open_world() as world:
        is_clean = Soak(world, arguments.seed, say).play(arguments.runs)
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.model`: try everything with all protections, then show what each of them prevents."""

from __future__ import annotations

import time
from dataclasses import replace

from tests.model import events
from tests.model.protections import SWITCHES, Protections
from tests.model.schedules import SCOPES, check_scope, find_counterexample


def main() -> None:
    everything = Protections()
    for scope in SCOPES:
        begun = time.monotonic()
        result = check_scope(scope, everything)
        print(f"{scope.title}: {result.states} states, {time.monotonic() - begun:.1f} s")
        print(result.found or "  no counterexample", flush=True)
    result = events.check(events.Protections(), depth=5)
    print(f"append tables: {result.states} states\n{result.found or '  no counterexample'}")
    for switch in SWITCHES:
        found = find_counterexample(replace(everything, **{switch: False}))
        print(f"\nwithout {switch}\n{found[1] if found else '  NO COUNTEREXAMPLE'}", flush=True)
    for switch in events.SWITCHES:
        found = events.find_counterexample(replace(events.Protections(), **{switch: False}), depth=5)
        print(f"\nappend tables without {switch}\n{found or '  NO COUNTEREXAMPLE'}")


if __name__ == "__main__":
    main()

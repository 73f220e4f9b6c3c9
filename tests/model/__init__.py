"""An executable model of the run protocol, small enough to try every order of events.

    state        what the source, raw, the other layers and the ledger hold
    source       what applications do
    protocol     what a run does, step by step
    layers       what curated and presentation must hold
    promises     what must be true afterwards
    schedules    which events are tried together
    search       trying them all
    events       the same for append tables

Each protection of the protocol is a switch (`protections`). With all of them on, no order of events breaks a promise; with any
one of them off, the search finds one that does. `python -m tests.model` prints them.
"""

"""What a run is to read: the first state of the state machine, which writes plan.json and the slices.

In: the execution's request, the contract, watermarks and fingerprints of the last runs. Out: `plan.json` and one object a slice.
Imports base, model, definitions and source.
"""

"""What a run is to read: the state `Plan the run`, which writes plan.json and the list of the slices.

In: the execution's request, the contract, ledger.json and raw's fingerprints. Out: plan.json, slices.json, compared.json; of a
replay, a list of loads for each table.
Imports base, model, definitions and source.
"""

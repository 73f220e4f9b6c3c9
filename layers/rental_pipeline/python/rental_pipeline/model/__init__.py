"""What the pipeline talks about, as types: the contract, an execution's request, the documents that pass from function to
function (ledger, plan, slices, results, loads), column types, raw tables, fingerprints.

In: YAML or JSON. Out: frozen dataclasses, or `FixConfiguration` or `FixData` with what is wrong. Imports base.
"""

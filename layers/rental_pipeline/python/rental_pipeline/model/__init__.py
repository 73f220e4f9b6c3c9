"""What the pipeline talks about, as types without any input or output: the contract, an execution's request, the plan, column
types, raw tables, fingerprints.

In: YAML or JSON that somebody else has read. Out: frozen dataclasses, or `FixConfiguration` with what is wrong. Imports base.
"""

"""The SQL of every step, composed for a run, and its submission to the Redshift Data API; what a run leaves in
the control tables.

In: plan.json, loads.json, a marketplace's definitions. Out: batches of statements, one transaction a step. Imports base, model
and definitions.
"""

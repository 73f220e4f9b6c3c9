"""A marketplace's folder of sql/, read into types: curated tables, metrics, checks, views, charts, lake tables, exchange rates.

In: the files' texts. Out: `Marketplace` and its parts, hashed, in the order in which they are built; `FixConfiguration` by file.
Knows nothing of HTML, of a warehouse or of a source. Imports base and model.
"""

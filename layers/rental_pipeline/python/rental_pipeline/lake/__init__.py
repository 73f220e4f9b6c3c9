"""The lake's tables in the AWS Glue Data Catalog, and the lists of files that they stand on.

In: what the warehouse has unloaded. Out: tables and partitions of the catalogue. Imports base and model.
"""

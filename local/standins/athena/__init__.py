"""Athena: DuckDB over the files that the Glue Data Catalog lists."""

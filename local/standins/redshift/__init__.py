"""Redshift: a PostgreSQL server; the package local_redshift stands before it as the Data API."""

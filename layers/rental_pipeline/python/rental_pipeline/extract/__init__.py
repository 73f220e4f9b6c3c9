"""One slice of a table, from the source to Parquet on S3; and the manifests that make what was written visible.

In: a slice of the plan. Out: Parquet objects, a slice's result, manifests, loads.json. Imports base, model, source, and the
package mysql_arrow.
"""

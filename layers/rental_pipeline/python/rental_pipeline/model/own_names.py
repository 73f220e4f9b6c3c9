"""Names that are the pipeline's own, and those that Redshift keeps to itself: no column of a source may have them.

The SQL that is composed for the source and for the warehouse holds names of both: the source's tables and columns, which may be
anything, and names that the pipeline makes up on its way (aliases, temporary tables, computed columns). The latter begin with
PREFIX, are columns of raw (`raw_tables`), or are what a marketplace's SQL is promised (`newest`, `judged`, … : tables only, whose
columns are always qualified). So the two kinds cannot meet, and nothing depends on which of two equal names a database prefers
(MySQL's GROUP BY takes the column, its ORDER BY the alias).
"""

from __future__ import annotations

PREFIX = "_rp_"

# Of every table in Redshift, hidden. Quoting does not help: CREATE TABLE refuses them. Sources: PostgreSQL 8.0, "System Columns",
# for the seven that Redshift has kept; Redshift's Developer Guide, STV_BLOCKLIST ("three hidden columns": INSERT_XID, DELETE_XID,
# ROW_ID), whose names in pg_attribute are insertxid (-8), deletexid (-9) and oid (-2) (Redshift Research Project, "Static and
# Dynamic Column Ordinals in System Tables", August 2022).
SYSTEM_COLUMNS = frozenset(("cmax", "cmin", "ctid", "deletexid", "insertxid", "oid", "tableoid", "xmax", "xmin"))


def own(name: str) -> str:
    """Return a name that no source table and no source column can have."""
    return PREFIX + name


def explain_reserved(name: str, raw_columns: tuple[str, ...]) -> str | None:
    """Say why a source column may not have a name, None where it may.

    Args:
        name: In lower case: MySQL and Redshift compare column names without it.
        raw_columns: The columns that raw tables, and what is read of them, have besides the source's.
    """
    if name in SYSTEM_COLUMNS:
        return "is a name that Redshift keeps to itself in every table"
    if name in raw_columns or name.startswith(PREFIX):
        return "is a name that the pipeline uses in its own tables and SQL"
    return None

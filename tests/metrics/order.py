"""Raw tables that are stored in another order than the one in which their rows came."""

from __future__ import annotations

from tests.metrics.engine import Engine


def reverse_raw(engine: Engine) -> None:
    """Store each raw table from its last run to its first, and equal runs the other way round, too."""
    raw = f"{engine.subject.marketplace}_raw"
    with engine.warehouse.connect() as connection:
        connection.autocommit = False
        for table in engine.subject.keys:
            connection.execute(
                f"create temp table reversed as select * from {raw}.{table} order by _run_sequence desc, ctid desc;"
                f" truncate {raw}.{table}; insert into {raw}.{table} select * from reversed; drop table reversed"
            )
        connection.commit()

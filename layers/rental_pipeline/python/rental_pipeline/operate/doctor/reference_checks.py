"""The source's foreign keys against the contract: what refers to a personal column has the same values."""

from __future__ import annotations

from collections.abc import Mapping

import pymysql

from rental_pipeline.model.contract import HASH, TableContract
from rental_pipeline.operate.doctor.report import Report


def check_references(report: Report, connection: pymysql.Connection, contract: Mapping[str, TableContract]) -> None:
    """Warn of each column that leaves the source as it is, and refers to a personal one; and of hashes that meet no equal."""
    tables = {(table.source_table or table.name).lower(): table for table in contract.values()}
    with connection.cursor() as cursor:
        cursor.execute(
            "select lower(table_name), lower(column_name), lower(referenced_table_name), lower(referenced_column_name)"
            " from information_schema.key_column_usage where table_schema = database() and referenced_table_schema = database()"
            " order by 1, 2"
        )
        references = cursor.fetchall()
    for child, column, parent, referred in references:
        if child not in tables or parent not in tables:
            continue
        policy, wanted = tables[child].personal.get(column), tables[parent].personal.get(referred)
        name, target = f"{tables[child].name}.{column}", f"{tables[parent].name}.{referred}"
        if wanted and not policy:
            shown = "hashed" if wanted == HASH else "not read"
            report.warn(
                f"table {tables[child].name}",
                f"{name} leaves the source as it is, and refers to {target}, which is personal and {shown}: write"
                f" {column}: {wanted} under `personal` of {tables[child].name} in source.yaml",
            )
        elif policy == HASH and not wanted:
            report.warn(
                f"table {tables[child].name}",
                f"{name} is hashed, and refers to {target}, which is not, so no row finds the one that it refers to: treat both"
                " alike under `personal` in source.yaml",
            )

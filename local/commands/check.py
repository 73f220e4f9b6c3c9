"""`make check MARKETPLACE=name`: the contract, the SQL files and Redshift's rules, without a run and without a database."""

from __future__ import annotations

from pathlib import Path

from local_redshift.check import check_script
from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.definitions.generic_checks import list_generic_checks
from rental_pipeline.definitions.marketplace import Marketplace
from rental_pipeline.definitions.read_marketplace import read_marketplace
from rental_pipeline.definitions.sql_files import SqlFile, read_sql_folder
from rental_pipeline.model.contract import TableContract, read_contract

_FOLDERS = ("curated", "intermediate", "presentation", "checks", "views", "report")


def check_marketplace(name: str, sql_root: Path) -> bool:
    """Print what is wrong with a marketplace's folder, line by line; return whether nothing is."""
    mistakes = find_mistakes(name, sql_root)
    print("\n".join(mistakes) or f"sql/{name}: the contract, the SQL and Redshift's rules are kept")
    return not mistakes


def find_mistakes(name: str, sql_root: Path) -> list[str]:
    """Return what is wrong with a marketplace's folder, a line for each."""
    mistakes: list[str] = []
    contract: dict[str, TableContract] = {}
    marketplace: Marketplace | None = None
    try:
        contract = read_contract(sql_root / name / "source.yaml")
    except FixConfiguration as error:
        mistakes += str(error).splitlines()
    try:
        marketplace = read_marketplace(sql_root, name)
        list_generic_checks(marketplace)
    except FixConfiguration as error:
        mistakes += str(error).splitlines()
    if contract and marketplace:
        mistakes += _find_unknown_tables(marketplace, contract)
    if marketplace:
        mistakes += _find_refused(sql_root, name)
    return mistakes


def _find_unknown_tables(marketplace: Marketplace, contract: dict[str, TableContract]) -> list[str]:
    """Return the raw tables that curated files are made from, and the contract does not name."""
    return [
        f"curated/{table.name}.sql is made from {source}, which source.yaml does not name: add it"
        for table in marketplace.curated
        for source in (table.source, *(join.table for join in table.joins))
        if source not in contract
    ]


def _find_refused(sql_root: Path, name: str) -> list[str]:
    """Return what Redshift would refuse, with file and line."""
    functions = frozenset(f"{name}_control.{section}" for section in read_sql_folder(sql_root / "control")["functions"].sections)
    found = []
    for folder in _FOLDERS:
        for file in read_sql_folder(sql_root / name / folder).values():
            found += [f"{file.path}:{line}: {reason}" for line, reason in _judge_file(file, functions)]
    return found


def _judge_file(file: SqlFile, functions: frozenset[str]) -> list[tuple[int, str]]:
    refused = []
    for sql in file.sections.values():
        first = file.text[: file.text.index(sql)].count("\n")
        findings, _ = check_script(sql, functions)
        refused += [(first + finding.line, f"{finding.reason} ({finding.address})") for finding in findings]
    return refused

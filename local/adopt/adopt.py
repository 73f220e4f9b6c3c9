"""From a database to a marketplace's folder: source.yaml, mapping.yaml, and the SQL that follows from both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pymysql

from local.adopt.catalogue import CatalogueTable, count_values, list_pairs, read_catalogue, read_time_zone
from local.adopt.contract_file import write_block, write_head
from local.adopt.curated_sql import write_curated
from local.adopt.guess import guess_mapping
from local.adopt.kept_files import KeptFolder, Written
from local.adopt.mapping import PRESENT, MappingFile, MappingRefused, read_mapping
from local.adopt.shipped_sql import write_shipped
from local.adopt.tables import TableDecision, decide_tables
from local.adopt.taken import TakenTable, match_tables, refuse_unknown
from local.refusal import Refused
from rental_pipeline.definitions.exchange_rates import make_rates
from rental_pipeline.model.contract import TableContract, read_contract

MAPPING = "mapping.yaml"
_NAME = re.compile(r"[a-z][a-z0-9]{1,19}")
_TAKEN_NAMES = ("control",)


class NameRefused(Refused):
    """A marketplace cannot have this name; the message says which it can."""


@dataclass
class Adoption:
    """What was decided and written.

    Attributes:
        folder: Of the marketplace.
        decisions: On every table of the source.
        contract: As it stands now, a person's edits included.
        mapping: As it stands now; None where it cannot be followed, for the reasons in `refused`.
        metrics: Of the folder, now.
        left_out: Shipped files that the mapping does not give enough for, with what is missing.
        currencies_without_rate: Of the mapping and the sampled columns.
        states: Rows by meaning and value of the stays' state; "" for values without a meaning.
    """

    folder: Path
    decisions: list[TableDecision]
    written: Written = field(default_factory=Written)
    contract: Mapping[str, TableContract] = field(default_factory=dict)
    mapping: MappingFile | None = None
    refused: str = ""
    metrics: list[str] = field(default_factory=list)
    left_out: Mapping[str, str] = field(default_factory=dict)
    currencies_without_rate: list[str] = field(default_factory=list)
    states: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def undecided(self) -> list[str]:
        """The columns on which nobody has decided, as table.column."""
        return [f"{name}.{column}" for name, table in self.contract.items() for column in table.undecided]


def judge_name(name: str, sql_root: Path) -> None:
    """Refuse a marketplace's name that cannot be one, or that is another's.

    Raises:
        NameRefused: as said.
    """
    if not _NAME.fullmatch(name) or name in _TAKEN_NAMES:
        raise NameRefused(f"NAME={name!r}: a marketplace's name is 2 to 20 small letters and digits, a letter first")
    folder = sql_root / name
    if (folder / "source.yaml").exists() and not (folder / MAPPING).exists():
        raise NameRefused(f"{folder} is a marketplace that `make adopt` did not make: choose another NAME")


def adopt(connection: pymysql.Connection, name: str, sql_root: Path) -> Adoption:
    """Write the folder of a marketplace; what a person edited there stays.

    Args:
        connection: To the source; only read from.
        name: Of the marketplace.
        sql_root: The folder sql/.

    Raises:
        NameRefused: as `judge_name`.
        FixConfiguration: an edited source.yaml breaks a rule.
    """
    judge_name(name, sql_root)
    catalogue = read_catalogue(connection)
    decisions = decide_tables(catalogue)
    adoption = Adoption(sql_root / name, decisions)
    kept = KeptFolder(adoption.folder)
    zone = read_time_zone(connection)
    head = write_head(name, [table for table in decisions if table.left_out])
    blocks = {table.name: write_block(table, zone) for table in decisions if not table.left_out}
    kept.write_contract(head, blocks, adoption.written)
    adoption.contract = read_contract(adoption.folder / "source.yaml")
    tables = match_tables(adoption.contract, catalogue)
    guess = guess_mapping(
        name,
        tables,
        lambda table, column: count_values(connection, table, column),
        lambda table, key, value: list_pairs(connection, table, key, value),
    )
    text = kept.write_once(MAPPING, guess.text, adoption.written)
    try:
        mapping = read_mapping(text)
        refuse_unknown(mapping, tables)
    except MappingRefused as error:
        adoption.refused = str(error)
        kept.save()
        return adoption
    adoption.mapping = mapping
    _write_sql(kept, adoption, mapping, tables, sql_root)
    kept.save()
    _count_states(connection, adoption, mapping, tables)
    adoption.currencies_without_rate = _find_unknown_currencies(connection, mapping, tables, sql_root)
    return adoption


def _write_sql(
    kept: KeptFolder, adoption: Adoption, mapping: MappingFile, tables: Mapping[str, TakenTable], sql_root: Path
) -> None:
    name = adoption.folder.name
    files = {f"curated/{table}.sql": text for table, text in write_curated(name, mapping, tables).items()}
    if "listing" in mapping.roles:
        shipped = write_shipped(sql_root, name, mapping, tables)
        files |= shipped.texts
        adoption.left_out = shipped.left_out
        adoption.metrics = sorted(Path(path).stem for path in shipped.texts if path.startswith("presentation/"))
    kept.write_files(files, adoption.written)


def _count_states(
    connection: pymysql.Connection, adoption: Adoption, mapping: MappingFile, tables: Mapping[str, TakenTable]
) -> None:
    stay = mapping.roles.get("stay")
    if not stay or not stay.state:
        return
    column = stay.state.column
    source = tables[column.table or stay.table].source
    meanings = {
        str(value if value is not None else "null"): name for name, values in stay.state.values.items() for value in values
    }
    states: dict[str, dict[str, int]] = {}
    for value, rows in count_values(connection, source.name, source.columns[column.name].name).items():
        meaning, shown = meanings.get(value.strip().lower()), value
        if meaning is None and value != "null" and PRESENT in meanings:
            meaning, shown = meanings[PRESENT], PRESENT
        of_meaning = states.setdefault(meaning or "", {})
        of_meaning[shown] = of_meaning.get(shown, 0) + rows
    adoption.states = states


def _find_unknown_currencies(
    connection: pymysql.Connection, mapping: MappingFile, tables: Mapping[str, TakenTable], sql_root: Path
) -> list[str]:
    """Return the currencies of the mapping, and of the columns that it names, for which exchange_rates.csv has no rate."""
    used: set[str] = {mapping.currency} if mapping.currency else set()
    for role in mapping.roles.values():
        if role.currency is None:
            continue
        if not hasattr(role.currency, "values"):
            column = role.currency
            source: CatalogueTable = tables[column.table or role.table].source
            used |= {code.upper() for code in count_values(connection, source.name, source.columns[column.name].name)}
        else:
            used |= set(role.currency.values)
    text = (sql_root / "control" / "exchange_rates.csv").read_text(encoding="utf-8-sig")
    known = {rate.currency for rate in make_rates(text, "USD")}
    return sorted(code for code in used if re.fullmatch("[A-Z]{3}", code) and code not in known)

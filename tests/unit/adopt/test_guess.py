"""The first mapping.yaml, by the names that a schema has: in several languages, and by the hour where stays are short."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from local.adopt.guess import guess_mapping
from local.adopt.mapping import MappingFile, read_mapping
from local.adopt.taken import match_tables
from local.adopt.words import singular
from rental_pipeline.model.contract import read_contract
from tests.unit.adopt.test_sql import make_table

GERMAN = {
    "zimmer": "id:int bezeichnung:varchar preis:decimal ort:varchar bundesland:varchar erstellt_am:datetime",
    "buchungen": "id:int zimmer_id:int gast_id:int anreise:date abreise:date gesamtpreis:decimal"
    " gebucht_am:datetime status:varchar",
    "gaeste": "id:int erstellt_am:datetime",
}
SPANISH = {
    "habitaciones": "id:int titulo:varchar precio_noche:decimal ciudad:varchar provincia:varchar fecha_alta:datetime",
    "reservas": "id:int habitacion_id:int cliente_id:int fecha_entrada:date fecha_salida:date importe_total:decimal"
    " fecha_reserva:datetime estado:varchar",
    "clientes": "id:int fecha_alta:datetime",
}
FAHRTEN = {
    "fahrzeuge": "id:int modell_id:int",
    "modelle": "id:int marke:varchar baujahr:year titel:varchar",
    "fahrten": "id:int fahrzeug_id:int kunde_id:int von:datetime bis:datetime betrag:decimal",
    "kunden": "id:int",
}


def guess(folder: Path, tables: dict[str, str], lengths: dict[str, str] | None = None, **states: int) -> MappingFile:
    """Guess the mapping of some tables with the key id, and read it.

    Args:
        lengths: Ends of stays by their beginnings.
    """
    catalogue = {name: make_table(name, columns) for name, columns in tables.items()}
    parents = {
        name: {
            column: (other, "id")
            for column in (each.name for each in table.source.columns)
            for other in tables
            if column == f"{singular(other)}_id"
        }
        for name, table in catalogue.items()
    }
    catalogue = {name: replace(table, parents=parents[name]) for name, table in catalogue.items()}
    path = folder / "source.yaml"
    path.write_text("tables:\n" + "".join(f"  {name}: {{strategy: snapshot, key: id}}\n" for name in tables), encoding="utf-8")
    matched = match_tables(read_contract(path), catalogue)
    text = guess_mapping("inn", matched, lambda *_: states, lambda *_: lengths or {}).text
    return read_mapping(text.replace("currency:  #", "currency: EUR  #"))


@pytest.mark.parametrize(
    ("tables", "states", "found"),
    [
        (GERMAN, {"bestätigt": 3, "storniert": 1, "angefragt": 1}, ("zimmer", "buchungen", "gaeste")),
        (SPANISH, {"confirmada": 3, "cancelada": 1, "pendiente": 1}, ("habitaciones", "reservas", "clientes")),
    ],
    ids=["german", "spanish"],
)
def test_a_schema_in_another_language_is_understood(tmp_path, tables, states, found):
    """Every role, and each field that the metrics need."""
    roles = guess(tmp_path, tables, **states).roles
    assert tuple(roles[name].table for name in ("listing", "stay", "customer")) == found
    assert {"title", "created_at", "city", "state"} <= roles["listing"].columns.keys() and roles["listing"].money
    assert {"made_at", "checkin", "checkout", "customer"} <= roles["stay"].columns.keys() and roles["stay"].money
    assert {meaning: len(values) for meaning, values in roles["stay"].state.values.items()} == {
        "confirmed": 1, "pending": 1, "canceled": 1,
    }  # fmt: skip
    assert roles["stay"].unit == "nights"


@pytest.mark.parametrize(("hours", "unit"), [(3, "hours"), (23, "hours"), (25, "nights")])
def test_short_stays_are_counted_in_hours(tmp_path, hours, unit):
    """By the length of most: what a vehicle is may stand in a table of its models."""
    begins = [datetime(2026, 5, day, 10) for day in range(1, 8)]
    ends = {str(begin): str(begin + timedelta(hours=hours)) for begin in begins}
    roles = guess(tmp_path, FAHRTEN, ends).roles
    assert roles["stay"].unit == unit
    if unit == "hours":
        columns = {name: str(column) for name, column in roles["listing"].columns.items()}
        assert (columns["category"], columns["brand"], columns["model_year"]) == (
            "modelle.titel",
            "modelle.marke",
            "modelle.baujahr",
        )


def test_names_may_hold_what_mysql_lets_them(tmp_path):
    """Blanks, dashes and accents, in keys too; a table that is called otherwise in the contract is known by its own name."""
    tables = {
        "zimmer": "id:int preis-pro-nacht:decimal aktiv:bit erstellt_am:datetime",
        "buchungen": "id:int zimmer_id:int gast_id:int anreise:date abreise:date währung:char gebucht_am:datetime",
        "gäste": "id:int",
    }
    catalogue = {name: make_table(name, columns) for name, columns in tables.items()}
    (tmp_path / "source.yaml").write_text(
        "tables:\n  zimmer: {strategy: snapshot, key: id}\n  buchungen: {strategy: snapshot, key: id}\n"
        "  gaste: {strategy: snapshot, key: id, source_table: gäste}\n",
        encoding="utf-8",
    )
    matched = match_tables(read_contract(tmp_path / "source.yaml"), catalogue)
    text = guess_mapping("inn", matched, lambda *_: {}, lambda *_: {}).text
    roles = read_mapping(text.replace("currency:  #", "currency: EUR  #").replace("  id: id", "  id: zimmer nr", 1)).roles
    assert str(roles["listing"].columns["id"]) == "zimmer nr" and str(roles["listing"].money.column) == "preis-pro-nacht"
    assert [str(column) for column in roles["listing"].conditions] == ["aktiv"]
    assert str(roles["stay"].currency) == "währung" and roles["customer"].table == "gaste"

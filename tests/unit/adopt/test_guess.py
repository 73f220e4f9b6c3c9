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
DUTCH = {
    "woningen": "id:int naam:varchar prijs_per_nacht:decimal plaats:varchar provincie:varchar aangemaakt_op:datetime",
    "boekingen": "id:int woning_id:int klant_id:int aankomst:date vertrek:date totaalbedrag:decimal"
    " geboekt_op:datetime status:varchar",
    "klanten": "id:int aangemaakt_op:datetime",
}
PORTUGUESE = {
    "imoveis": "id:int titulo:varchar preco_diaria:decimal cidade:varchar uf:varchar criado_em:datetime",
    "reservas": "id:int imovel_id:int hospede_id:int data_entrada:date data_saida:date valor_total:decimal"
    " data_reserva:datetime situacao:varchar",
    "hospedes": "id:int criado_em:datetime",
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
        (DUTCH, {"bevestigd": 3, "geannuleerd": 1, "in afwachting": 1}, ("woningen", "boekingen", "klanten")),
        (PORTUGUESE, {"confirmada": 3, "cancelada": 1, "aguardando": 1}, ("imoveis", "reservas", "hospedes")),
    ],
    ids=["german", "spanish", "dutch", "portuguese"],
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


NOBODYS_WORDS = {
    "gulety": "id:int nazwa:varchar cena:decimal",
    "ludzie": "id:int nazwisko:varchar telefon:varchar",
    "czartery": "id:int guleta:int osoba:int zapisano:datetime wejscie:date zejscie:date kwota:decimal waluta:char stan:varchar"
    " poprawiono:datetime",
}


def test_stays_are_known_by_their_dates_where_no_name_says_them(tmp_path):
    """What is never before the other; what is rented is the table that has less of persons. Each line is to be looked at."""
    catalogue = {name: make_table(name, columns) for name, columns in NOBODYS_WORDS.items()}
    parents = {"guleta": ("gulety", "id"), "osoba": ("ludzie", "id")}
    samples = {"waluta": ("EUR", "PLN") * 5, "stan": ("paid", "paid", "cancelled") * 3}
    catalogue["czartery"] = replace(
        catalogue["czartery"], parents=parents, samples=samples, moves_itself=frozenset({"poprawiono"})
    )
    (tmp_path / "source.yaml").write_text(
        "tables:\n  gulety: {strategy: snapshot, key: id}\n  czartery: {strategy: snapshot, key: id}\n"
        "  ludzie: {strategy: snapshot, key: id, personal: {nazwisko: drop, telefon: drop}}\n"
    )
    # One came on the day of the booking, and so after it.
    days = {"zapisano": ["20 11:30:00", *["12 08:00:00"] * 6], "wejscie": ["20"] * 7, "zejscie": ["27"] * 7}

    def list_pairs(table: str, one: str, other: str) -> dict[str, str]:
        return {f"2026-0{month}-{days[one][month - 1]}": f"2026-0{month}-{days[other][month - 1]}" for month in range(1, 8)}

    matched = match_tables(read_contract(tmp_path / "source.yaml"), catalogue)
    text = guess_mapping("lodzie", matched, lambda *_: {"paid": 6, "cancelled": 3}, list_pairs).text
    roles = read_mapping(text).roles
    assert [roles[name].table for name in ("listing", "stay", "customer")] == ["gulety", "czartery", "ludzie"]
    columns = {name: str(column) for name, column in roles["stay"].columns.items()}
    assert columns == {
        "id": "id", "listing": "guleta", "customer": "osoba", "made_at": "zapisano", "checkin": "wejscie", "checkout": "zejscie",
    }  # fmt: skip
    assert str(roles["stay"].money.column) == "kwota" and str(roles["stay"].currency) == "waluta"
    assert str(roles["stay"].state.column) == "stan" and "guessed by dates" in text


@pytest.mark.parametrize("change", ["too few rows", "dates in any order", "no reference"])
def test_dates_alone_are_no_stays(tmp_path, change):
    """A table of another kind is not taken for one: then somebody has to write the mapping."""
    catalogue = {name: make_table(name, columns) for name, columns in NOBODYS_WORDS.items()}
    parents = {} if change == "no reference" else {"guleta": ("gulety", "id")}
    catalogue["czartery"] = replace(catalogue["czartery"], parents=parents)
    path = tmp_path / "source.yaml"
    path.write_text("tables:\n  gulety: {strategy: snapshot, key: id}\n  czartery: {strategy: snapshot, key: id}\n")
    matched = match_tables(read_contract(path), catalogue)
    ends = ["2026-05-09" if change == "dates in any order" and month % 2 else "2027-01-01" for month in range(1, 9)]
    pairs = {f"2026-{month:02}-10": end for month, end in enumerate(ends[: 3 if change == "too few rows" else None], 1)}
    assert "write `stay:`" in guess_mapping("lodzie", matched, lambda *_: {}, lambda *_: pairs).text

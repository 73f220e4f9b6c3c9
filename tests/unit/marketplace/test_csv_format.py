"""How a CSV file is written is found where it can be told, and refused where it cannot."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from local.marketplace.csv_format import InputRefused, check_encoding, find_format, open_text, parse_delimiter, table_name

COLUMNS = ("id", "title", "price")


def write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "apartments.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("Apartments.CSV", "apartments"),
        ("apartments.tsv.bz2", "apartments"),
        ("apartments.csv.zip", "apartments"),
        ("apartments.zip", "apartments"),
        ("apartments.gz", None),
        ("apartments.xlsx", None),
        ("apartments", None),
    ],
)
def test_a_file_is_named_after_its_table(name, table):
    """Suffixes of compression stand behind that of the format."""
    assert table_name(Path(name)) == table


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        ("Cafe", "ascii", "utf-8"),
        ("Ärger, schöne Größe", "utf-8", "utf-8"),
        ("Москва", "utf-8", "utf-8"),
        ("東京", "utf-16", "utf-16"),
        ("Café", "utf-16-le", "utf-16-le"),
        ("Café à Nîmes, l\u2019été", "cp1252", "cp1252"),
        ("Ärger, schöne Größe, 50 m²", "cp1252", "cp1252"),
        ("naïve \u201cquotes\u201d \u2013 5 €", "cp1252", "cp1252"),
    ],
)
def test_the_encoding_is_found(tmp_path, text, encoding, found):
    """By its byte order mark, as UTF-8, or as what Western Windows writes."""
    path = write(tmp_path, f"id,title,price\n1,{text},2\n".encode(encoding))
    assert find_format(path, COLUMNS, None, None).encoding == found
    with open_text(path, found) as file:
        assert text in file.read()


@pytest.mark.parametrize(
    ("text", "encoding"), [("Москва", "cp1251"), ("Αθήνα", "cp1253"), ("Wałbrzych", "cp1250"), ("東京", "shift_jis")]
)
def test_what_cannot_be_told_is_refused(tmp_path, text, encoding):
    """A wrong letter in silence would be worse. With the encoding given it is read."""
    path = write(tmp_path, f"id,title,price\n1,{text},2\n".encode(encoding))
    with pytest.raises(InputRefused, match="its encoding cannot be told: give CSV_ENCODING"):
        find_format(path, COLUMNS, None, None)
    with open_text(path, find_format(path, COLUMNS, encoding, None).encoding) as file:
        assert text in file.read()


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [
        ("id,title,price", ","),
        ("id;title;price", ";"),
        ("id\ttitle\tprice", "\t"),
        ("id|title|price", "|"),
        ('"id";"title, long";"price"', ";"),
        ("id", ","),
        ("sep=;\nid;title", ";"),
        ("\n\n;;\nid;title", ";"),
    ],
)
def test_the_delimiter_is_the_one_that_gives_the_tables_columns(tmp_path, header, delimiter):
    """Commas within a name do not mislead."""
    assert find_format(write(tmp_path, f"{header}\n".encode()), COLUMNS, None, None).delimiter == delimiter


def test_what_a_person_says_is_checked():
    """A word that is no delimiter, and no encoding, is named."""
    assert parse_delimiter("tab") == parse_delimiter("\\t") == "\t" and parse_delimiter(";") == ";"
    with pytest.raises(InputRefused, match="CSV_DELIMITER"):
        parse_delimiter("::")
    assert check_encoding("UTF8") == "utf-8-sig"
    with pytest.raises(InputRefused, match="there is no encoding 'utf-9'"):
        check_encoding("utf-9")


def test_a_zip_holds_one_file(tmp_path):
    """Its one CSV file is read; of two it is not told which is meant."""
    path = tmp_path / "apartments.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("export/apartments.csv", "id;title\n1;x\n")
        archive.writestr("__MACOSX/export/apartments.csv", "x")
    assert find_format(path, COLUMNS, None, None).delimiter == ";"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("export/bookings.csv", "id\n")
    with pytest.raises(InputRefused, match="holds 2 CSV files"):
        find_format(path, COLUMNS, None, None)


def test_a_broken_archive_is_named(tmp_path):
    """Not a traceback."""
    path = tmp_path / "apartments.csv.gz"
    path.write_bytes(b"no gzip")
    with pytest.raises(InputRefused, match=r"apartments.csv.gz cannot be read"):
        find_format(path, COLUMNS, None, None)

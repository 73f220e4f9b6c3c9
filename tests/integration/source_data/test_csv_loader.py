"""CSV files of both generations arrive as they are, once, and what cannot arrive is shown with its line and the reason."""

from __future__ import annotations

import csv
import gzip
import lzma
import os
import shutil
import subprocess
import sys
import tracemalloc
from contextlib import closing
from pathlib import Path

import pymysql
import pytest

from local.marketplace import csv_table
from local.marketplace.csv_folder import LoadReport, load_folder
from local.marketplace.csv_format import InputRefused
from local.standins.mysql.mariadb import start
from tests.fixtures.mariadb import APPLICATION_PASSWORD, APPLICATION_USER, SourceDatabase

REPOSITORY = Path(csv_table.__file__).resolve().parents[2]

# The same shapes as the originals: generation 1 was written by R, quoted, with a nameless first column and the listing's price
# and currency once more in its attributes; generation 2 has bookings without payment_status and num_guests.
GENERATION_1, GENERATION_2 = (Path(__file__).parent / "csv" / name for name in ("generation_1", "generation_2"))
APARTMENTS_2, BOOKINGS_2 = ((GENERATION_2 / f"{table}.csv").read_text() for table in ("apartments", "bookings"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for CSV files."""
    (tmp_path / "csv").mkdir()
    return tmp_path / "csv"


def load(source: SourceDatabase, folder: Path, refused_folder: Path | None = None, **options) -> LoadReport:
    with closing(source.connect()) as connection:
        return load_folder(connection, folder, "apartments", refused_folder or folder.parent / "refused", **options)


def write(folder: Path, **files: str) -> None:
    for table, text in files.items():
        (folder / f"{table}.csv").write_text(text, encoding="utf-8", newline="")


def read_refused(folder: Path, table: str) -> list[dict]:
    with (folder.parent / "refused" / f"{table}.refused.csv").open(
        newline="", encoding="utf-8", errors="surrogateescape"
    ) as file:
        return list(csv.DictReader(file))


def test_generation_1_arrives_as_it_is(source_database: SourceDatabase, folder: Path):
    """Text stays text: the word null, fractions, quotes, commas, line breaks, mojibake."""
    report = load(source_database, GENERATION_1, refused_folder=folder)
    assert [(name, table.added, table.refused) for name, table in report.tables.items()] == [
        ("apartment_attributes", 2, 0),
        ("apartments", 2, 0),
        ("user_viewing", 2, 0),
    ]
    attributes = report.tables["apartment_attributes"]
    assert attributes.ignored_columns == ["(nameless)", "currency", "price"]
    assert attributes.missing_columns == ["category", "body", "amenities", "address", "latitude", "longitude"]
    assert source_database.query(
        "select bathrooms, bedrooms, fee, has_photo, pets_allowed, price_display, square_feet, cityname, state, body, latitude"
        " from apartment_attributes order by id"
    ) == [
        ("null", "0", "No", "Thumbnail", "None", "$790", 101, "Washington", "DC", None, None),
        ("2.5", "1", "No", "Yes", "Cats,Dogs", "$1,560 Weekly", 200, "null", "null", None, None),
    ]
    assert source_database.query("select title, source, listing_created_on, is_active from apartments where id = 5668600002") == [
        ('The "best" loft\nwith a view â??', "RENTCafé", "2024-05-18 01:28:13", "0")
    ]


def test_generation_2_arrives_as_it_is(source_database: SourceDatabase, folder: Path):
    """Dates that no calendar has and checkouts before checkins are for the pipeline to judge, not for the loader."""
    report = load(source_database, GENERATION_2, refused_folder=folder)
    assert report.refused == 0
    assert report.tables["bookings"].missing_columns == ["payment_status", "num_guests"]
    assert source_database.query("select listing_created_on, is_active, cast(price as char) from apartments order by id") == [
        ("27/03/2024", "True", "4020.95"),
        ("31/02/2024", "False", "1390.01"),
    ]
    assert source_database.query("select checkin_date, checkout_date, payment_status from bookings where booking_id = 1") == [
        ("07/09/2024", "30/06/2023", None)
    ]
    assert source_database.query("select pets_allowed, cast(latitude as char) from apartment_attributes") == [
        (None, "20.4570920")
    ]
    assert source_database.query("select user_id from user_viewing order by viewed_at") == [(None,), (5353,)]


def test_loading_again_changes_nothing(source_database: SourceDatabase, folder: Path):
    """No row moves its stamp, no viewing doubles, so the pipeline's next run has nothing to do."""
    shutil.copytree(GENERATION_1, folder, dirs_exist_ok=True)
    write(folder, bookings=BOOKINGS_2)
    with (folder / "user_viewing.csv").open("a") as file:
        file.write("338,5668600002,2024-05-22 05:16:28,n,shortlisted\n")  # the same event twice in the file
    load(source_database, folder)
    tables = ("apartments", "apartment_attributes", "bookings", "user_viewing")
    before = {table: sorted(source_database.query(f"select * from {table}"), key=repr) for table in tables}
    assert len(before["user_viewing"]) == 3
    report = load(source_database, folder)
    assert {table: sorted(source_database.query(f"select * from {table}"), key=repr) for table in tables} == before
    assert all(table.added == table.changed == 0 and table.unchanged == table.rows_read for table in report.tables.values())


def test_only_rows_that_differ_are_stamped(source_database: SourceDatabase, folder: Path):
    """A changed price moves the stamp of its row alone; a change of case or of spaces is a change."""
    write(folder, apartments=APARTMENTS_2 + "3,Loft,Zillow,10,USD,01/01/2024,True,\n")
    load(source_database, folder)
    before = dict(source_database.query("select id, changed_at from apartments"))
    changed = APARTMENTS_2.replace("1390.01", "1390.02") + "3,LOFT ,Zillow,10.00,USD,01/01/2024,True,\n4,New,,,,,,\n"
    write(folder, apartments=changed)
    report = load(source_database, folder).tables["apartments"]
    assert (report.added, report.changed, report.unchanged) == (1, 2, 1)
    after = dict(source_database.query("select id, changed_at from apartments"))
    assert after[1] == before[1]
    assert after[2] > before[2] and after[3] > before[3]
    assert source_database.query("select title from apartments where id = 3") == [("LOFT ",)]


def test_columns_that_the_file_lacks_stay_as_they_are(source_database: SourceDatabase, folder: Path):
    """A file that says nothing about a column does not empty it."""
    source_database.execute("insert into bookings (booking_id, num_guests, payment_status) values (2, 4, 'paid')")
    write(folder, bookings=BOOKINGS_2)
    load(source_database, folder)
    assert source_database.query("select num_guests, payment_status, currency from bookings where booking_id = 2") == [
        (4, "paid", "GBP")
    ]


def test_headers_stand_in_any_order_and_case(source_database: SourceDatabase, folder: Path):
    """A byte order mark, capitals, spaces, Windows line ends, quotes, an extra column, empty lines: all as one finds them."""
    text = '\ufeff"Currency", TOTAL_PRICE ,note,"booking_id"\r\nEUR,"12.50","a ""note"", with\r\ntwo lines",7\r\n\r\nUSD,3,,8\r\n'
    write(folder, Bookings=text)
    report = load(source_database, folder).tables["bookings"]
    assert report.ignored_columns == ["note"]
    assert (report.rows_read, report.added, report.refused) == (2, 2, 0)
    assert source_database.query("select booking_id, currency, cast(total_price as char) from bookings order by 1") == [
        (7, "EUR", "12.50"),
        (8, "USD", "3.00"),
    ]


def test_the_databases_own_stamp_is_not_taken_from_the_file(source_database: SourceDatabase, folder: Path):
    """A file's changed_at lies in the past, where the pipeline would never look for it."""
    write(folder, bookings="booking_id,changed_at\n1,2020-01-01 00:00:00\n")
    assert load(source_database, folder).tables["bookings"].ignored_columns == ["changed_at"]
    assert source_database.query("select changed_at > now() - interval 1 minute from bookings") == [(1,)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("null", None),
        ("None", None),
        ("NA", None),
        ("12", "12.00"),
        ("-3.5", "-3.50"),
        (" 7 ", "7.00"),
        ("1.25e1", "12.50"),
    ],
)
def test_numbers_and_their_absence(source_database: SourceDatabase, folder: Path, text: str, expected: str | None):
    """A missing number is NULL however it is written; a negative price is a number, for the pipeline to judge."""
    write(folder, bookings=f"booking_id,total_price,currency\n1,{text},USD\n")
    assert load(source_database, folder).refused == 0
    assert source_database.query("select cast(total_price as char) from bookings") == [(expected,)]


def test_rows_that_do_not_fit_are_shown_with_line_and_reason(source_database: SourceDatabase, folder: Path):
    """Every refused row is counted and kept as it was, and the rows around it are loaded."""
    text = (
        "booking_id,user_id,total_price,currency,booking_status\n"
        "1,10,5.00,USD,confirmed\n"
        ",11,5.00,USD,confirmed\n"  # line 3
        "x7,12,5.00,USD,confirmed\n"
        '2,13,"1,390",USD,confirmed\n'
        '3,14,5.00,USD,"two\nlines"\n'  # lines 6 and 7, loaded
        "4,15,5.00,Dollars,confirmed\n"  # line 8
        "5,16,5.00,USD\n"
        '6,17,5.00,USD,"confirmed" yes\n'
        "7,18.5,5.00,USD,confirmed\n"
        "99999999999999999999,19,5.00,USD,confirmed\n"
        "8,20,123456789.00,USD,confirmed\n"
        "9,21,99999999.999,USD,confirmed\n"  # fits, until it is rounded: only the database sees that
        "10,22.0,5.00,USD,confirmed\n"  # a whole number, as programs write it that know only fractions
    )
    write(folder, bookings=text)
    report = load(source_database, folder).tables["bookings"]
    refused = read_refused(folder, "bookings")
    assert [(int(row["refused_line"]), row["refused_reason"]) for row in refused[:-1]] == [
        (3, "booking_id is missing"),
        (4, "booking_id is not a whole number: 'x7'"),
        (5, "total_price is not a number: '1,390'"),
        (8, "currency is longer than varchar(3): 'Dollars'"),
        (9, "the row has 4 fields, the header 5"),
        (10, "the line is not CSV: ',' expected after '\"'"),
        (11, "user_id is not a whole number: '18.5'"),
        (12, "booking_id is beyond bigint: '99999999999999999999'"),
        (13, "total_price is beyond decimal(10, 2): '123456789.00'"),
    ]
    assert refused[-1]["refused_line"] == "14" and "Out of range value for column 'total_price'" in refused[-1]["refused_reason"]
    assert refused[2]["total_price"] == "1,390" and refused[2]["user_id"] == "13"
    assert (report.rows_read, report.refused, report.added) == (13, 10, 3)
    assert report.refused_file == str(folder.parent / "refused" / "bookings.refused.csv")
    assert source_database.query("select booking_id, user_id, booking_status from bookings order by 1") == [
        (1, 10, "confirmed"),
        (3, 14, "two\nlines"),
        (10, 22, "confirmed"),
    ]


def test_refused_rows_of_an_earlier_load_do_not_stay(source_database: SourceDatabase, folder: Path):
    """A mended file leaves no list of refused rows behind."""
    write(folder, bookings="booking_id\nx\n")
    assert load(source_database, folder).refused == 1
    write(folder, bookings="booking_id\n1\n")
    report = load(source_database, folder)
    assert report.tables["bookings"].refused_file is None
    assert not (folder.parent / "refused" / "bookings.refused.csv").exists()


def test_bytes_of_another_encoding_are_refused_by_row_or_named(source_database: SourceDatabase, folder: Path):
    """Latin-1 in a UTF-8 file is kept byte for byte in the list; with the encoding named, it loads."""
    (folder / "apartments.csv").write_bytes(b"id,title\n1,Caf" + b"\xe9\n" + "2,Größe\n".encode())
    assert load(source_database, folder).tables["apartments"].added == 1
    assert b"Caf\xe9" in (folder.parent / "refused" / "apartments.refused.csv").read_bytes()
    assert read_refused(folder, "apartments")[0]["refused_reason"] == "title has bytes that are not of the file's encoding"
    assert load(source_database, folder, encoding="latin-1").tables["apartments"].added == 1
    assert source_database.query("select title from apartments where id = 1") == [("Café",)]


def test_numbers_with_more_decimals_are_rounded_and_said_so(source_database: SourceDatabase, folder: Path):
    """As the database would round them, but not in silence."""
    write(folder, apartment_attributes="id,latitude,longitude\n1,20.12345678901,1.5\n2,-0.00000005,2\n")
    report = load(source_database, folder)
    assert report.tables["apartment_attributes"].rounded == {"latitude": 2}
    assert "latitude: 2 numbers rounded" in report.describe()
    assert source_database.query("select cast(latitude as char) from apartment_attributes order by id") == [
        ("20.1234568",),
        ("-0.0000001",),
    ]


@pytest.mark.parametrize("rows_per_batch", [1, 2, 1000])
def test_of_a_repeated_key_the_last_row_counts(
    source_database: SourceDatabase, folder: Path, monkeypatch: pytest.MonkeyPatch, rows_per_batch: int
):
    """Wherever the repeats stand, and again when the file is loaded again: nothing moves to and fro."""
    monkeypatch.setattr(csv_table, "ROWS_PER_BATCH", rows_per_batch)
    write(folder, bookings="booking_id,booking_status\n1,pending\n2,pending\n1,confirmed\n3,pending\n1,canceled\n")
    report = load(source_database, folder).tables["bookings"]
    assert (report.rows_read, report.repeated, report.added) == (5, 2, 3)
    before = source_database.query("select * from bookings order by booking_id")
    assert [row[8] for row in before] == ["canceled", "pending", "pending"]
    report = load(source_database, folder).tables["bookings"]
    assert (report.repeated, report.changed, report.unchanged) == (2, 0, 3)
    assert source_database.query("select * from bookings order by booking_id") == before


@pytest.mark.parametrize("rows_per_batch", [1, 2, 1000])
def test_viewings_are_compared_as_multisets(
    source_database: SourceDatabase, folder: Path, monkeypatch: pytest.MonkeyPatch, rows_per_batch: int
):
    """Of each event as many are added as the table has fewer than the file; NULL, empty and shifted texts are told apart."""
    monkeypatch.setattr(csv_table, "ROWS_PER_BATCH", rows_per_batch)
    head = "user_id,apartment_id,viewed_at,is_wishlisted,call_to_action\n"
    write(folder, user_viewing=head + "1,2,x,y,a\n1,2,x,y,a\n,2,x,y,a\n1,,x,y,a\n1,2,x,,ya\n1,2,x,Y,a\n")
    assert load(source_database, folder).tables["user_viewing"].added == 6
    write(folder, user_viewing=head + "1,2,x,y,a\n1,2,x,y,a\n1,2,x,y,a\n,2,x,y,a\n9,2,x,y,a\n")
    report = load(source_database, folder).tables["user_viewing"]
    assert (report.added, report.unchanged) == (2, 3)
    assert source_database.query("select count(*) from user_viewing where user_id = 1 and is_wishlisted = binary 'y'") == [(4,)]
    assert source_database.query("select count(*) from user_viewing") == [(8,)]


def test_a_header_that_repeats_a_column_must_agree_with_itself(source_database: SourceDatabase, folder: Path):
    """Which of two prices is meant cannot be known."""
    write(folder, bookings="booking_id,total_price,total_price\n1,5,5\n2,5,6\n")
    report = load(source_database, folder).tables["bookings"]
    assert (report.added, report.refused) == (1, 1)
    assert read_refused(folder, "bookings")[0]["refused_reason"] == "total_price stands in the file more than once, and differs"


def test_an_existing_table_is_taken_as_it_is(source_database: SourceDatabase, folder: Path):
    """Where the application's columns are real dates, the database judges them, row by row, even if it is a lenient one."""
    source_database.execute("alter table apartments modify is_active boolean")
    write(folder, apartments="id,is_active\n1,True\n2,false\n3,1\n4,\n5,yes\n")
    assert load(source_database, folder).tables["apartments"].refused == 1
    assert [flag for (flag,) in source_database.query("select is_active from apartments order by id")] == [1, 0, 1, None]
    (folder / "apartments.csv").unlink()
    source_database.execute("drop table bookings")
    source_database.execute(
        "create table bookings (booking_id int primary key, booking_date datetime, num_guests tinyint unsigned not null)"
    )
    rows = [f"{number},2024-05-16 06:56:13,2" for number in range(1, 40)]
    rows[10], rows[20], rows[30] = "11,31/02/2024,2", "21,,2", "31,2024-01-01,256"
    write(folder, bookings="booking_id,booking_date,num_guests\n" + "\n".join([*rows, "40,2024-01-01,"]) + "\n")
    with closing(source_database.connect()) as connection:
        with connection.cursor() as cursor:
            cursor.execute("set session sql_mode = ''")
        report = load_folder(connection, folder, "apartments", folder.parent / "refused").tables["bookings"]
        with connection.cursor() as cursor:
            cursor.execute("select @@sql_mode")
            assert cursor.fetchone() == ("",)
    reasons = {int(row["refused_line"]): row["refused_reason"] for row in read_refused(folder, "bookings")}
    assert reasons.keys() == {12, 32, 41}
    assert "Incorrect datetime value: '31/02/2024'" in reasons[12]
    assert reasons[32] == "num_guests is beyond tinyint: '256'"
    assert reasons[41] == "num_guests is missing"
    assert report.added == 37
    assert source_database.query("select booking_date from bookings where booking_id = 21") == [(None,)]


def test_missing_tables_are_created(source_database: SourceDatabase, folder: Path):
    """All of the marketplace's, for the pipeline expects them all."""
    for table in ("apartments", "user_viewing"):
        source_database.execute(f"drop table {table}")
    write(folder, apartments=APARTMENTS_2)
    load(source_database, folder)
    assert source_database.query("select count(*) from user_viewing") == [(0,)]
    assert source_database.query("select count(*) from apartments") == [(2,)]


def test_a_load_that_breaks_off_leaves_the_table_as_it_was(
    source_database: SourceDatabase, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    """A file counts whole or not at all, and the next load is as if there had been none."""
    write(folder, bookings=BOOKINGS_2)

    def break_off(self, *arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(csv_table.TableLoad, "_count", break_off)
        with pytest.raises(KeyboardInterrupt):
            load(source_database, folder)
    assert source_database.query("select count(*) from bookings") == [(0,)]
    assert load(source_database, folder).tables["bookings"].added == 2


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, r"no CSV file in .*: expected are apartment_attributes.csv, apartments.csv, bookings.csv, user_viewing.csv"),
        (
            {"orders": "id\n1\n"},
            r"orders.csv is named after no table; the tables are: apartment_attributes, apartments, bookings",
        ),
        ({"bookings": ""}, r"bookings.csv is empty: it needs a header line"),
        (
            {"bookings": "user_id,total_price\n1,2\n"},
            r"bookings.csv: the header lacks the key booking_id. It reads: 'user_id,total_price'",
        ),
        ({"bookings": "booking_id~user_id\n1~2\n"}, r"lacks the key booking_id.*Say CSV_DELIMITER"),
        ({"bookings": "user_id\n1\n", "user_viewing": "x\n1\n"}, r"(?s)bookings.csv: the header.*user_viewing.csv: the header"),
        ({"user_viewing": "5353,180678,23/01/2023\n"}, r"user_viewing.csv: the header lacks any column of the table"),
        ({"bookings": "booking_id\n1\n", "Bookings": "booking_id\n2\n"}, r"both named after the table bookings"),
    ],
)
def test_what_cannot_be_loaded_is_named_and_nothing_is_written(
    source_database: SourceDatabase, folder: Path, files: dict[str, str], message: str
):
    """Each error says which file, what is wrong, and what would be right."""
    write(folder, **files)
    write(folder, **({"apartments": APARTMENTS_2} if files else {}))
    with pytest.raises(InputRefused, match=message):
        load(source_database, folder)
    assert source_database.query("select (select count(*) from bookings) + (select count(*) from apartments)") == [(0,)]


def test_a_file_that_breaks_off_is_named_and_the_others_are_loaded(source_database: SourceDatabase, folder: Path):
    """Nothing of it counts, and the report says so beside what was loaded."""
    write(folder, apartments='id,title\n1,Loft\n2,"Attic\n3,Flat\n', bookings=BOOKINGS_2)
    told: list[str] = []
    report = load(source_database, folder, progress=told.append)
    assert list(report.tables) == ["bookings"] and report.tables["bookings"].added == 2
    assert "apartments.csv, line 3: a quote is opened and not closed" in report.failed["apartments"]
    assert all(reason in told for reason in report.failed.values())
    assert source_database.query("select count(*) from apartments") == [(0,)]


def test_a_whole_number_in_exponent_notation_is_refused(source_database: SourceDatabase, folder: Path):
    """Two keys that a spreadsheet made one must not become one row."""
    write(folder, apartments="id,title,price,currency\n6.88258E+17,Loft,100,EUR\n6.88258E+17,Attic,90,EUR\n7,Flat,1.5e1,EUR\n")
    report = load(source_database, folder).tables["apartments"]
    assert (report.added, report.repeated, report.refused) == (1, 0, 2)
    reasons = [row["refused_reason"] for row in read_refused(folder, "apartments")]
    assert all("id is in exponent notation, whose last digits are lost" in reason for reason in reasons)
    assert source_database.query("select title, cast(price as char) from apartments") == [("Flat", "15.00")]


@pytest.mark.parametrize(
    ("name", "content", "note"),
    [
        ("apartments.csv", "id;title;price\n1;Größe;1.5\n".encode(), "divided by semicolon"),
        ("apartments.tsv", "id\ttitle\tprice\n1\tGröße\t1.5\n".encode(), "divided by tab"),
        ("apartments.csv", "\n\n ,,\nid,title,price\n1,Größe,1.5\n".encode(), None),
        ("apartments.csv", "sep=|\r\nid|title|price\r\n1|Größe|1.5\r\n".encode(), "divided by |"),
        ("apartments.csv", "id,title,price\n1,Größe,1.5\n".encode("cp1252"), "read as cp1252, since it is not UTF-8"),
        ("apartments.csv", "id,title,price\n1,Größe,1.5\n".encode("utf-16"), "read as utf-16"),
        ("apartments.csv.gz", gzip.compress("id,title,price\n1,Größe,1.5\n".encode()), None),
        ("Apartments.csv.xz", lzma.compress("id,title,price\n1,Größe,1.5\n".encode()), None),
    ],
    # A name made of the bytes would hold gzip's time of day, and differ from one of pytest's workers to the next.
    ids=["semicolon", "tab", "blank lines", "sep line", "cp1252", "utf-16", "gzip", "xz"],
)
def test_files_are_read_as_people_have_them(source_database: SourceDatabase, folder: Path, name: str, content: bytes, note: str):
    """Delimiter, encoding and compression are found; what is not as usual is said."""
    (folder / name).write_bytes(content)
    report = load(source_database, folder).tables["apartments"]
    assert (report.added, report.refused) == (1, 0)
    assert report.note == note or note in report.note
    assert source_database.query("select id, title, cast(price as char) from apartments") == [(1, "Größe", "1.50")]


def test_other_files_of_the_folder_are_named(source_database: SourceDatabase, folder: Path):
    """Nothing that lies there is passed over without a word."""
    write(folder, bookings=BOOKINGS_2)
    (folder / "apartments.xlsx").write_bytes(b"PK")
    (folder / "notes").write_bytes(b"")
    told: list[str] = []
    load(source_database, folder, progress=told.append)
    assert "not read, since they are no CSV: apartments.xlsx, notes" in told


def test_a_long_field_and_a_nul_are_told_by_row(source_database: SourceDatabase, folder: Path):
    """A field of more than a million letters is a field; a NUL cannot come through to the warehouse."""
    write(folder, apartment_attributes=f"id,body\n1,{'x' * 1_200_000}\n2,ok\n", apartments="id,title\n1,a\0b\n2,ok\n")
    report = load(source_database, folder)
    assert [(table.added, table.refused) for table in report.tables.values()] == [(1, 1), (1, 1)]
    assert "body is longer than text(65535)" in read_refused(folder, "apartment_attributes")[0]["refused_reason"]
    assert "title holds a NUL character" in (folder.parent / "refused" / "apartments.refused.csv").read_text()


def test_a_folder_that_is_none_and_an_unknown_marketplace_are_named(source_database: SourceDatabase, tmp_path: Path):
    """The two words a person types."""
    with pytest.raises(InputRefused, match="nowhere is not a folder"):
        load(source_database, tmp_path / "nowhere")
    with closing(source_database.connect()) as connection, pytest.raises(ValueError, match=r"'boats'.*there is: apartments"):
        load_folder(connection, tmp_path, "boats", tmp_path)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(source_database: SourceDatabase, folder: Path):
    """Six times the rows, no more memory."""
    peaks = []
    for rows in (6_000, 36_000):
        with (folder / "bookings.csv").open("w") as file:
            file.write("booking_id,user_id,booking_date,booking_status\n")
            file.writelines(f"{number},{number % 97},11/11/2022,confirmed\n" for number in range(rows))
        tracemalloc.start()
        assert load(source_database, folder).refused == 0
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.3


def test_progress_is_told(source_database: SourceDatabase, folder: Path, monkeypatch: pytest.MonkeyPatch):
    """A long file is not silent."""
    monkeypatch.setattr(csv_table, "PROGRESS_SECONDS", 0)
    write(folder, bookings=BOOKINGS_2)
    lines: list[str] = []
    load(source_database, folder, progress=lines.append)
    assert f"{folder / 'bookings.csv'}: 1 rows" in lines
    assert f"{folder / 'bookings.csv'}: 2 rows read, comparing them with the table" in lines
    assert "2 added" in lines[-1]


def run(*words: str, password: str | None = APPLICATION_PASSWORD, **variables: str) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if name != "MYSQL_PWD"} | variables
    environment |= {"MYSQL_PWD": password} if password is not None else {}
    command = [sys.executable, "-m", "local.marketplace.csv_loader", *words]
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def test_the_command(source_database: SourceDatabase, folder: Path):
    """It loads, says what it did, and its exit code tells whether everything arrived."""
    write(folder, bookings=BOOKINGS_2)
    words = [str(folder), "--port", str(source_database.port), "--user", APPLICATION_USER, "--database", source_database.database]
    words += ["--refused-folder", str(folder.parent / "refused")]
    done = run(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert "bookings.csv: 2 rows: 2 added" in done.stdout
    write(folder, bookings=BOOKINGS_2 + "x,,,,,,,,\n")
    done = run(*words)
    assert done.returncode == 1
    assert "1 refused" in done.stdout and "bookings.refused.csv" in done.stdout


def test_the_command_explains_itself():
    """--help names every option and where the password comes from."""
    done = run("--help")
    assert done.returncode == 0
    for word in ("--host", "--port", "--user", "--database", "--tls-ca", "--without-tls", "--marketplace", "MYSQL_PWD"):
        assert word in done.stdout


def test_the_command_fails_clearly(source_database: SourceDatabase, folder: Path):
    """Wrong password, no server, no password, no encryption: a sentence, never a traceback or a secret."""
    write(folder, bookings=BOOKINGS_2)
    common = ["--user", APPLICATION_USER, "--database", source_database.database]
    here = [*common, "--port", str(source_database.port)]
    wrong = run(str(folder), *here, password="not-the-secret")
    assert "Access denied" in wrong.stderr and "not-the-secret" not in wrong.stderr
    nobody = run(str(folder), *common, "--port", "1")
    assert "cannot connect to 127.0.0.1:1 as application" in nobody.stderr
    without = run(str(folder), *here, password=None)
    assert "no password: set MYSQL_PWD" in without.stderr
    remote = run(str(folder), *common, "--host", "aurora.example.com")
    assert "would not be encrypted: give --tls-ca" in remote.stderr
    (folder / "apartments.csv").write_bytes("id,title,Größe\n1,Loft,2\n".encode("cp1252"))
    ascii_terminal = run(str(folder), *here, LC_ALL="C", PYTHONIOENCODING="ascii")
    assert ascii_terminal.returncode == 0 and "Gr\\xf6\\xdfe" in ascii_terminal.stdout
    encoding = run(str(folder), *here, "--encoding", "utf-9")
    assert "utf-9" in encoding.stderr
    for done in (wrong, nobody, without, remote, encoding):
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_the_command_verifies_the_server(tmp_path: Path, folder: Path):
    """With --tls-ca it is encrypted, and one that another authority vouches for is turned down; the password is in any script."""
    authorities = {name: make_authority(tmp_path, name) for name in ("own", "other")}
    certificate, key = authorities["own"]
    server = start(tmp_path / "db", die_with_parent=True, options=[f"--ssl-cert={certificate}", f"--ssl-key={key}"])
    try:
        server.create_database("shop")
        server.create_application_user("loader", "Schlüssel 鍵", "shop")
        with closing(server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("alter user 'loader'@'127.0.0.1' require ssl")
        write(folder, bookings=BOOKINGS_2)
        words = [str(folder), "--port", str(server.port), "--user", "loader", "--database", "shop"]
        words += ["--refused-folder", str(tmp_path / "refused")]
        assert run(*words, "--tls-ca", str(certificate), password="Schlüssel 鍵").returncode == 0
        impostor = run(*words, "--tls-ca", str(authorities["other"][0]), password="Schlüssel 鍵")
        assert impostor.returncode == 2 and "certificate verify failed" in impostor.stderr
        missing = run(*words, "--tls-ca", str(tmp_path / "nowhere.pem"), password="Schlüssel 鍵")
        assert missing.returncode == 2 and "nowhere.pem" in missing.stderr and "Traceback" not in missing.stderr
    finally:
        server.stop()


def make_authority(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 that vouches for itself; return its file and its key's."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(certificate), "-keyout", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


def test_a_lost_connection_is_said(source_database: SourceDatabase, mariadb, folder: Path, monkeypatch: pytest.MonkeyPatch):
    """The database's own error comes through; nothing was written."""
    write(folder, bookings=BOOKINGS_2)
    with closing(source_database.connect()) as connection:
        merge = csv_table.TableLoad._merge

        def merge_after_kill(self):
            with closing(mariadb.connect()) as administrator, administrator.cursor() as cursor:
                cursor.execute(f"kill {connection.thread_id()}")
            merge(self)

        monkeypatch.setattr(csv_table.TableLoad, "_merge", merge_after_kill)
        with pytest.raises(pymysql.MySQLError):
            load_folder(connection, folder, "apartments", folder.parent / "refused")
    assert source_database.query("select count(*) from bookings") == [(0,)]

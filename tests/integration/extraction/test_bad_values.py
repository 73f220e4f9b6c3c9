"""A value that Parquet or Redshift cannot hold is told where it is read, or set aside as the contract says; the rest is exact."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from local.standins.mysql.mariadb import MariaDB
from rental_pipeline.base.errors import FixConfiguration, FixData
from rental_pipeline.base.object_store import LOADS, PLAN, SLICES, find_json, read_json, run_key
from rental_pipeline.base.settings import DECODERS
from rental_pipeline.extract.extract_slice import extract_slice
from tests.fixtures.aws import Aws
from tests.fixtures.slow import first_of
from tests.integration.extraction.conftest import MARKETPLACE, Extraction

SECRET_TEXT = "a neighbour's secret"
# The column, and a value in it that cannot be held, as SQL; the reason that the message gives.
BAD_VALUES = {
    "varchar": ("varchar(20)", "'a\\0b'", "NUL"),
    "char": ("char(20)", "'\\0b'", "NUL"),
    "text": ("text", "'ab\\0'", "NUL"),
    "longtext": ("longtext", "concat('ä', char(0))", "NUL"),
    "latin1": ("varchar(20) character set latin1", "'a\\0é'", "NUL"),
    "utf16": ("varchar(20) character set utf16", "'a\\0é'", "NUL"),
    "enum": ("enum('a', 'a\\0b')", "'a\\0b'", "NUL"),
    "set": ("set('a', 'a\\0b')", "'a,a\\0b'", "NUL"),
    "surrogate": ("varchar(20)", "x'eda080'", "not valid UTF-8"),
    "ucs2_surrogate": ("varchar(20) character set ucs2", "x'0061d800'", "not valid UTF-8"),
    # Bytes that are no character: MySQL would send a question mark, or U+FFFD.
    "hole_of_cp1250": ("varchar(20) character set cp1250", "x'c481'", "not valid UTF-8"),
    "hole_of_big5": ("text character set big5", "x'a3e1'", "not valid UTF-8"),
    "hole_of_ascii": ("char(20) character set ascii", "x'6181'", "not valid UTF-8"),
    "hole_of_tis620": ("longtext character set tis620", "x'61ff'", "not valid UTF-8"),
    "longer_text": ("longtext", "repeat('ä', 32768)", "more than 65535 bytes"),
    "longer_blob": ("blob", "repeat('x', 32768)", "more than 65535 bytes"),
    "longer_varbinary": ("varbinary(40000)", "repeat('x', 40000)", "more than 65535 bytes"),
    "longer_latin1": ("varchar(40000) character set latin1", "repeat('€', 30000)", "more than 65535 bytes"),
}


@pytest.fixture(params=first_of(DECODERS))
def decoder(request: pytest.FixtureRequest, set_environment: Callable[..., None]) -> str:
    """Each of the decoders: what holds for one holds for all."""
    set_environment(DECODER=request.param)
    return request.param


@pytest.fixture
def set_packet(mariadb: MariaDB) -> Iterator[Callable[[int], None]]:
    """Set the server's max_allowed_packet, for new connections; it is set back."""

    def set_bytes(size: int) -> None:
        with closing(mariadb.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"set global max_allowed_packet = {size}")

    yield set_bytes
    set_bytes(64 << 20)


@pytest.mark.parametrize("case", BAD_VALUES)
def test_a_value_that_cannot_be_held_is_told_by_table_column_and_key(extraction: Extraction, decoder: str, case: str) -> None:
    """Nothing else of the row is told; the way out is, and works: such rows are kept without the value, the others exactly."""
    definition, bad, reason = BAD_VALUES[case]
    extraction.source.make_table("t", f"id int primary key, odd {definition}, other varchar(30)")
    extraction.source.execute(f"insert into t values (1, 'a', 'good'), (42, {bad}, %s), (43, null, 'good')", (SECRET_TEXT,))
    extraction.write_contract("  t: {strategy: snapshot, key: id}\n")
    with pytest.raises(FixData, match=rf"table t, slice 0: column odd holds .*{reason}.* in 1 row or more \(id=42\)") as told:
        extraction.run()
    assert SECRET_TEXT not in str(told.value) and "bad_rows: set_aside" in str(told.value)
    extraction.write_contract("  t: {strategy: snapshot, key: id, bad_rows: set_aside}\n")
    extraction.run()
    rows = extraction.parquet("t").to_pylist()
    assert [row["id"] for row in rows] == [1, 42, 43]
    assert rows[0]["odd"] == ("61" if case in ("longer_blob", "longer_varbinary") else "a") and rows[0]["_bad_columns"] is None
    assert rows[1] == {"id": 42, "odd": None, "other": SECRET_TEXT, "_bad_columns": "odd"}
    assert rows[2] == {"id": 43, "odd": None, "other": "good", "_bad_columns": None}
    loads = extraction.read(LOADS)["t"]
    assert (loads["rows_read"], loads["rows_in_parquet"], loads["rows_set_aside"]) == (3, 3, 1)


@pytest.mark.parametrize("policy", ["refuse", "set_aside"])
def test_a_key_that_cannot_be_held_is_refused_whatever_the_policy(extraction: Extraction, decoder: str, policy: str) -> None:
    """Nothing could tell the row; also where only keys and hashes are compared."""
    extraction.source.make_table("t", "code varchar(20), number int, body text, primary key (code, number)")
    extraction.source.execute("insert into t values ('a', 1, 'fine')")
    extraction.write_contract(f"  t: {{strategy: snapshot, key: [code, number], bad_rows: {policy}}}\n")
    extraction.run()
    extraction.source.execute("insert into t values ('b\\0', 2, %s)", (SECRET_TEXT,))
    with pytest.raises(FixData, match=r"the key code holds .*NUL.* in 1 row or more \(code='b\\x00', number=2\)") as told:
        extraction.run()
    assert SECRET_TEXT not in str(told.value)


BLANKS = "  t: {strategy: snapshot, key: [place, code], bad_rows: set_aside}\n"


def make_table_that_compares_blanks(extraction: Extraction) -> None:
    """As MySQL's newer collations do; a blank elsewhere in a key, or at another column's end, is one like any other."""
    extraction.source.make_table(
        "t",
        "place varchar(20) collate utf8mb4_bin, code varchar(20) collate utf8mb4_nopad_bin, body varchar(30),"
        " primary key (place, code)",
    )
    extraction.source.execute("insert into t values ('x', 'a', 'one '), ('x ', ' b', 'two')")
    extraction.write_contract(BLANKS)


def test_keys_that_differ_in_blanks_at_their_end_are_refused_before_anything_is_read(extraction: Extraction) -> None:
    """Redshift compares without those blanks, and would keep one of two rows. They are told by their keys alone."""
    make_table_that_compares_blanks(extraction)
    extraction.run()
    extraction.source.execute("insert into t values ('x', 'a ', %s)", (SECRET_TEXT,))
    with pytest.raises(FixData, match=r"keys of t end with a blank \(place='x', code='a '\).*Take the blanks away") as told:
        extraction.plan()
    assert SECRET_TEXT not in str(told.value)
    assert find_json(extraction.bucket, run_key(MARKETPLACE, extraction.run_sequence, PLAN)) is None
    extraction.source.execute("update t set code = 'c' where code = 'a ' and body = %s", (SECRET_TEXT,))
    extraction.run()


def test_a_key_that_ends_with_a_blank_and_comes_after_planning_is_refused_where_it_is_read(
    extraction: Extraction, decoder: str
) -> None:
    """Nothing of its slice counts."""
    make_table_that_compares_blanks(extraction)
    extraction.plan()
    extraction.source.execute("insert into t values ('x', 'a ', %s)", (SECRET_TEXT,))
    with pytest.raises(
        FixData, match=r"the key code ends with a blank in 1 row or more \(place='x', code='a '\).*Take the blanks away"
    ) as told:
        extract_slice(extraction.read(SLICES)[0])
    assert SECRET_TEXT not in str(told.value)


def test_a_blank_at_the_end_of_a_key_is_kept_where_the_source_compares_without_it(extraction: Extraction, decoder: str) -> None:
    """There no two keys differ in it."""
    extraction.source.make_table("t", "code varchar(20) collate utf8mb4_bin primary key, body varchar(30)")
    extraction.source.execute("insert into t values ('a ', 'one '), ('b', 'two')")
    extraction.write_contract("  t: {strategy: snapshot, key: code}\n")
    extraction.run()
    assert sorted(row["code"] for row in extraction.parquet("t").to_pylist()) == ["a ", "b"]


def test_several_bad_columns_of_a_row_are_all_named_and_events_by_their_time(extraction: Extraction, decoder: str) -> None:
    """A row is set aside once; where it has no key, its event time says which it is, and its rows are all there."""
    extraction.source.make_table("t", "at datetime null, a text, `B` longtext")
    extraction.source.execute(
        "insert into t values ('2026-01-01 10:00:00', '\\0', repeat('x', 65536)), ('2026-01-01 11:00:00', 'a', '\\0'),"
        " (null, '\\0', 'b'), ('2026-01-02', 'a', 'b'), ('2026-01-02', 'a', 'b')"
    )
    extraction.write_contract("  t: {strategy: append, cursor: at}\n")
    with pytest.raises(FixData, match=r"column a holds .*in 2 rows or more \(at=None; at=2026-01-01 10:00:00\)"):
        extraction.run()
    extraction.write_contract("  t: {strategy: append, cursor: at, bad_rows: set_aside}\n")
    extraction.run()
    rows = [(row["a"], row["b"], row["_bad_columns"]) for row in extraction.parquet("t").to_pylist()]
    assert sorted(rows, key=str) == sorted(
        [(None, None, "a, b"), ("a", None, "b"), (None, "b", "a"), ("a", "b", None), ("a", "b", None)], key=str
    )


@pytest.mark.parametrize(
    "charsets", [("latin1", "latin2"), ("utf8mb3", "latin1"), ("ucs2", "ascii"), ("utf16", "cp1250"), ("ascii", "big5")]
)
def test_character_sets_may_be_mixed(extraction: Extraction, decoder: str, charsets: tuple[str, str]) -> None:
    """In values, in the parts of a key, in enums and long texts; exact, cut into slices, and compared again."""
    one, other = charsets
    extraction.source.make_table(
        "t",
        f"a varchar(20) character set {one}, b char(20) character set {other}, c enum('x', 'ß') character set latin1,"
        f" d text character set {other}, e set('ä', 'ö') character set utf8mb4, n int, primary key (a, b)",
    )
    words = ["Ab", "Zz", "a?"] if "ascii" in charsets else ["Äb", "ß", "a"]
    rows = [(first, second, "ß", second, "ä,ö", 1) for first in words for second in words]
    for row in rows:
        extraction.source.execute("insert into t values (%s, %s, %s, %s, %s, %s)", row)
    extraction.write_contract("  t: {strategy: snapshot, key: [a, b]}\n")
    extraction.run()
    assert sorted(tuple(row.values()) for row in extraction.parquet("t").to_pylist()) == sorted(rows)


def test_the_hash_of_a_long_text_is_of_all_of_it(
    extraction: Extraction, decoder: str, set_environment: Callable[..., None], aws: Aws
) -> None:
    """Texts that begin alike are told apart; what could not be held itself can be hashed."""
    aws.client("secretsmanager").create_secret(Name=f"hash-{extraction.bucket}", SecretString="pepper")
    set_environment(HASH_SECRET_ARN=f"hash-{extraction.bucket}")
    columns = "body longtext, bits longblob, code varchar(20), at time, odd varchar(9) character set cp1250"
    extraction.source.make_table("t", f"id int primary key, {columns}")
    long, bits = "ä" * 70_000, b"\x00\xff" * 40_000
    with closing(extraction.source.connect()) as connection, connection.cursor() as cursor:
        for key, end in ((1, "a"), (2, "b")):
            cursor.execute(
                "insert into t values (%s, %s, %s, '\\0', '-1:00:00', %s)",
                (key, long + end, bits + end.encode(), bytes([127 + 2 * key])),
            )
    extraction.write_contract(
        "  t: {strategy: snapshot, key: id, personal: {body: hash, bits: hash, code: hash, at: hash, odd: hash}}\n"
    )
    extraction.run()

    def of(text: str | bytes) -> str:
        return hmac.digest(b"pepper", text.encode() if isinstance(text, str) else text, "sha256").hex()

    assert extraction.parquet("t").to_pylist() == [
        {
            "id": key,
            "body": of(long + end),
            "bits": of((bits + end.encode()).hex()),
            "code": of("\0"),
            "at": of("-01:00:00"),
            "odd": of(bytes([127 + 2 * key])),
        }
        for key, end in ((1, "a"), (2, "b"))
    ]


def test_a_row_longer_than_a_packet_is_read_exactly(
    extraction: Extraction, decoder: str, set_packet: Callable[[int], None]
) -> None:
    """Its long columns are hashed one by one; a change in the last of them is seen, also in one that is itself longer."""
    names = [f"c{number:02}" for number in range(30)]
    extraction.source.make_table("t", f"id int primary key, {', '.join(f'{name} text' for name in names)}, huge longtext")
    values = ", ".join(["repeat('\\'', 65535)"] * len(names))
    set_packet(64 << 20)
    extraction.source.execute(f"insert into t values (1, {values}, repeat('x', 3000000)), (2, {values}, null)")
    set_packet(1 << 20)
    extraction.write_contract("  t: {strategy: snapshot, key: id, bad_rows: set_aside}\n")
    extraction.run()
    rows = extraction.parquet("t").to_pylist()
    assert [row["_bad_columns"] for row in rows] == ["huge", None]
    assert all(row[name] == "'" * 65535 for row in rows for name in names)

    def hashes() -> list[int]:
        manifest = extraction.read(LOADS)["t"]["manifest"].removeprefix(f"s3://{extraction.bucket}/")
        entries = read_json(extraction.bucket, manifest)["entries"]
        return [number for entry in entries for number in extraction.read_parquet(entry["url"])["_row_hash"].to_pylist()]

    before = hashes()
    set_packet(64 << 20)
    extraction.source.execute("update t set huge = concat(huge, 'y'), c29 = concat(left(c29, 65534), 'y')")
    set_packet(1 << 20)
    extraction.run()
    assert all(one != other for one, other in zip(before, hashes(), strict=True))


def test_a_row_that_the_source_cannot_hash_is_refused_by_name(
    extraction: Extraction, decoder: str, set_packet: Callable[[int], None]
) -> None:
    """Short columns that are together longer than a packet: MySQL gives NULL, and neither it nor less than the row is taken."""
    extraction.source.make_table("t", "id int primary key, a varchar(8000), b varchar(8000)")
    extraction.source.execute("insert into t values (1, 'a', 'b'), (7, repeat('a', 8000), repeat('\\'', 8000))")
    extraction.write_contract("  t: {strategy: snapshot, key: id, bad_rows: set_aside}\n")
    set_packet(16 << 10)
    with pytest.raises(FixConfiguration, match=r"table t, slice 0: .*no row hash in 1 row .*\(id=7\).*max_allowed_packet"):
        extraction.run()

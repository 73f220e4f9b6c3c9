"""Both decoders give back what was sent, for any columns and values, and refuse what the protocol does not allow."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from struct import pack

import pyarrow
import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymysql.constants import FIELD_TYPE

from mysql_arrow import PROTOCOLS, GarbledAnswer, InvalidValue, SchemaMismatch
from packages.mysql_arrow.tests.streams import decode
from packages.mysql_arrow.tests.wire import EOF, SentColumn, binary_row, frame, text_row, time_text

# Of generated rows, and of damages to them.
EXAMPLES = 120
ENCODERS = {"binary": binary_row, "text": text_row}
MICROS = pyarrow.timestamp("us")
LONGEST_TIME = timedelta(hours=838, minutes=59, seconds=59)
both_protocols = pytest.mark.parametrize("protocol", PROTOCOLS)


def integers(code: int, bits: int, unsigned: bool, wanted: pyarrow.DataType) -> tuple[SentColumn, st.SearchStrategy]:
    """Return an integer column and its values."""
    low, high = (0, (1 << bits) - 1) if unsigned else (-(1 << bits - 1), (1 << bits - 1) - 1)
    return SentColumn("n", code, wanted, unsigned), st.integers(low, high)


def decimals(precision: int, scale: int) -> tuple[SentColumn, st.SearchStrategy]:
    """Return a decimal column and its values."""
    unscaled = st.integers(-(10**precision) + 1, 10**precision - 1)
    # (scaleb would round to the 28 digits of the default context)
    values = unscaled.map(lambda number: Decimal((number < 0, tuple(map(int, str(abs(number)))), -scale)))
    return SentColumn("d", FIELD_TYPE.NEWDECIMAL, pyarrow.decimal128(precision, scale), decimals=scale), values


def to_second(value):
    """Cut off what is below the second."""
    return value.replace(microsecond=0) if isinstance(value, datetime) else timedelta(days=value.days, seconds=value.seconds)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.integers(240, 300).map("x".__mul__)
KINDS = [
    integers(FIELD_TYPE.TINY, 8, False, pyarrow.int16()),
    integers(FIELD_TYPE.TINY, 8, True, pyarrow.int16()),
    integers(FIELD_TYPE.SHORT, 16, True, pyarrow.int32()),
    integers(FIELD_TYPE.YEAR, 16, True, pyarrow.int32()),
    integers(FIELD_TYPE.INT24, 24, False, pyarrow.int32()),
    integers(FIELD_TYPE.LONG, 32, False, pyarrow.int32()),
    integers(FIELD_TYPE.LONG, 32, True, pyarrow.int64()),
    integers(FIELD_TYPE.LONGLONG, 64, False, pyarrow.int64()),
    integers(FIELD_TYPE.LONGLONG, 64, True, pyarrow.decimal128(20, 0)),
    integers(FIELD_TYPE.LONGLONG, 64, False, pyarrow.decimal128(19, 0)),
    decimals(10, 2), decimals(15, 0), decimals(15, 15), decimals(16, 3), decimals(18, 18), decimals(38, 10), decimals(5, 0),
    (SentColumn("f", FIELD_TYPE.DOUBLE, pyarrow.float64()), st.floats(allow_nan=False, allow_infinity=False)),
    (SentColumn("day", FIELD_TYPE.DATE, pyarrow.date32()), st.dates()),
    (SentColumn("at", FIELD_TYPE.DATETIME, MICROS, decimals=6), st.datetimes()),
    (SentColumn("at", FIELD_TYPE.TIMESTAMP, MICROS), st.datetimes().map(to_second)),
    (SentColumn("t", FIELD_TYPE.TIME, pyarrow.string(), decimals=6), st.timedeltas(-LONGEST_TIME, LONGEST_TIME)),
    (SentColumn("t", FIELD_TYPE.TIME, pyarrow.string()), st.timedeltas(-LONGEST_TIME, LONGEST_TIME).map(to_second)),
    (SentColumn("b", FIELD_TYPE.BIT, pyarrow.int64(), decimals=3), st.integers(0, (1 << 24) - 1)),
    (SentColumn("b", FIELD_TYPE.BIT, pyarrow.decimal128(20, 0), decimals=8), st.integers(0, (1 << 64) - 1)),
    (SentColumn("s", FIELD_TYPE.VAR_STRING, pyarrow.string()), texts),
    (SentColumn("s", FIELD_TYPE.STRING, pyarrow.string()), texts),
    (SentColumn("s", FIELD_TYPE.BLOB, pyarrow.binary(), character_set=63), st.binary(max_size=300)),
    (SentColumn("j", FIELD_TYPE.JSON, pyarrow.string(), character_set=63), texts),
]  # fmt: skip


def as_arrow(column: SentColumn, value: object) -> object:
    """Return a value as its Arrow array shows it."""
    if value is None:
        return None
    if column.code == FIELD_TYPE.TIME:
        return time_text(value, column.decimals)
    return Decimal(value) if pyarrow.types.is_decimal(column.wanted) else value


@st.composite
def results(draw: st.DrawFn, least_rows: int = 0) -> tuple[list[SentColumn], list[list[object]]]:
    """Columns of any kinds, and rows of values and NULLs."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=12))
    rows = draw(st.lists(st.tuples(*(st.none() | values for _, values in kinds)).map(list), min_size=least_rows, max_size=30))
    return [column for column, _ in kinds], rows


def encode(columns: list[SentColumn], rows: list[list[object]], protocol: str, sequence: int = 0) -> bytes:
    """Return the stream of a whole result."""
    return frame([*(ENCODERS[protocol](columns, row) for row in rows), EOF], sequence)


@both_protocols
@settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
@given(
    result=results(),
    sequence=st.integers(0, 255),
    sizes=st.lists(st.integers(1, 100_000), min_size=1, max_size=5),
)
def test_what_was_sent_is_what_is_decoded(protocol: str, result, sequence: int, sizes: list[int]) -> None:
    """Of any kinds, in any order, with any NULLs, in any pieces."""
    columns, rows = result
    table, impossible = decode(encode(columns, rows, protocol, sequence), columns, protocol, sequence=sequence, sizes=sizes)
    assert table.num_rows == len(rows)
    for place, column in enumerate(columns):
        assert table.column(place).to_pylist() == [as_arrow(column, row[place]) for row in rows]
    assert impossible == {}


@both_protocols
@settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
@given(result=results(least_rows=2), chance=st.randoms(use_true_random=False))
def test_no_damage_does_worse_than_be_refused(protocol: str, result, chance) -> None:
    """Flipped, lost, doubled, swapped and foreign bytes: an error of the package or of the server, or a table that is sound."""
    columns, rows = result
    stream = bytearray(encode(columns, rows, protocol))
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        place = chance.randrange(len(stream))
        size = chance.choice((1, 2, 4, 20))
        damage = chance.choice(("flip", "byte", "lose", "double", "foreign", "cut"))
        if damage == "flip":
            stream[place] ^= 1 << chance.randrange(8)
        elif damage == "byte":
            stream[place] = chance.choice((0, 1, 4, 7, 11, 12, 0x7F, 0x80, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF))
        elif damage == "lose":
            del stream[place : place + size]
        elif damage == "double":
            stream[place:place] = stream[place : place + size]
        elif damage == "foreign":
            stream[place : place + size] = chance.randbytes(size)
        else:
            del stream[max(place, 1) :]
        if not stream:
            break
    try:
        decode(bytes(stream), columns, protocol)  # checks what it returns, from end to end
    except (GarbledAnswer, InvalidValue, pymysql.MySQLError):
        return


@both_protocols
@settings(deadline=None, max_examples=EXAMPLES)
@given(payloads=st.lists(st.binary(max_size=60), max_size=6), kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=5))
def test_no_payload_does_worse_than_be_refused(protocol: str, payloads: list[bytes], kinds) -> None:
    """Rows of any bytes in sound packets; half of them begin as a row of the binary protocol does."""
    columns = [column for column, _ in kinds]
    rows = [b"\0" + payload if place % 2 else payload for place, payload in enumerate(payloads, start=1)]
    try:
        table, _ = decode(frame([*rows, EOF], 0), columns, protocol)
    except (GarbledAnswer, InvalidValue, pymysql.MySQLError):
        return
    assert table.num_rows <= len(rows)


@both_protocols
def test_each_row_must_end_with_its_packet(protocol: str) -> None:
    """Longer and shorter rows are refused, though the packets are sound."""
    columns = [SentColumn("n", FIELD_TYPE.LONG, pyarrow.int32()), SentColumn("s", FIELD_TYPE.VAR_STRING, pyarrow.string())]
    row = ENCODERS[protocol](columns, [5, "text"])
    decode(frame([row, row, EOF], 0), columns, protocol)
    for damaged in (row + b"\0", row[:-1], row[:2], b""):
        with pytest.raises(GarbledAnswer, match=r"does not end with its packet|longer than its row|begin with zero"):
            decode(frame([row, damaged, row, EOF], 0), columns, protocol)


@pytest.mark.parametrize(
    ("code", "wanted", "cell", "message"),
    [
        (FIELD_TYPE.DATE, pyarrow.date32(), b"\x04" + pack("<HBB", 2024, 13, 1), "date is out of range"),
        (FIELD_TYPE.DATE, pyarrow.date32(), b"\x04" + pack("<HBB", 10000, 1, 1), "date is out of range"),
        (FIELD_TYPE.DATE, pyarrow.date32(), b"\x03" + pack("<HB", 2024, 1), "impossible length"),
        (FIELD_TYPE.DATETIME, MICROS, b"\x07" + pack("<HBBBBB", 2024, 1, 1, 24, 0, 0), "time is out of range"),
        (FIELD_TYPE.DATETIME, MICROS, b"\x07" + pack("<HBBBBB", 2024, 1, 1, 0, 60, 0), "time is out of range"),
        (FIELD_TYPE.DATETIME, MICROS, b"\x0b" + pack("<HBBBBBI", 2024, 1, 1, 0, 0, 0, 1_000_000), "time is out of range"),
        (FIELD_TYPE.TIME, pyarrow.string(), b"\x08" + pack("<BIBBB", 0, 35, 0, 0, 0), "time is out of range"),
        (FIELD_TYPE.VAR_STRING, pyarrow.string(), b"\xfb", "outside of the bitmap"),
        (FIELD_TYPE.VAR_STRING, pyarrow.string(), b"\xff", "begins with 0xFF"),
        (FIELD_TYPE.VAR_STRING, pyarrow.string(), b"\xfe" + b"\xff" * 8, "longer than its row"),
        (FIELD_TYPE.BIT, pyarrow.int64(), b"\x09" + b"1" * 9, "more than 64 bits"),
    ],
)
def test_values_that_no_server_sends_are_refused(code: int, wanted: pyarrow.DataType, cell: bytes, message: str) -> None:
    """They show that the bytes are not what they are taken for."""
    with pytest.raises(GarbledAnswer, match=message):
        decode(frame([b"\0\0" + cell, EOF], 0), [SentColumn("c", code, wanted)], "binary")


@pytest.mark.parametrize("text", [b"2024-1-01", b"2024-13-01", b"20240-1-01", b"2024/01/01", b"abcd-ef-gh", b""])
def test_dates_that_no_server_prints_are_refused(text: bytes) -> None:
    """In the text protocol."""
    row = bytes([len(text)]) + text
    with pytest.raises(GarbledAnswer, match="a date is"):
        decode(frame([row, EOF], 0), [SentColumn("c", FIELD_TYPE.DATE, pyarrow.date32())], "text")


@both_protocols
def test_json_of_mysql_is_text_though_it_says_binary(protocol: str) -> None:
    """MySQL sends the type 245 with the character set binary; MariaDB a text (see PyMySQL's connections.py on JSON)."""
    column = SentColumn("j", FIELD_TYPE.JSON, pyarrow.string(), character_set=63)
    table, _ = decode(encode([column], [['{"a": "ü"}'], [None]], protocol), [column], protocol)
    assert table["j"].to_pylist() == ['{"a": "ü"}', None]


@both_protocols
def test_a_type_unknown_to_us_is_refused_by_name(protocol: str) -> None:
    """GEOMETRY, MySQL 9's VECTOR, and what is to come."""
    for code in (FIELD_TYPE.GEOMETRY, 242, 200):
        column = SentColumn("shape", code, pyarrow.string())
        with pytest.raises(SchemaMismatch, match=rf"column shape: the server sends MySQL's type {code}"):
            decode(encode([column], [], protocol), [column], protocol)


def test_the_two_decoders_agree_on_dates_that_do_not_exist() -> None:
    """And on how they are reported."""
    column = SentColumn("d", FIELD_TYPE.DATE, pyarrow.date32())
    dates = [(0, 0, 0), (2024, 0, 10), (2023, 2, 29), (1900, 2, 29), (0, 1, 1), (2024, 4, 31), (2024, 2, 29), (9999, 12, 31)]
    cells = [(b"\0" if not any(each) else b"\x04" + pack("<HBB", *each)) for each in dates]
    texts = ["{:04}-{:02}-{:02}".format(*each).encode() for each in dates]
    by_binary = decode(frame([*(b"\0\0" + cell for cell in cells), EOF], 0), [column], "binary")
    by_text = decode(frame([*(b"\x0a" + text for text in texts), EOF], 0), [column], "text")
    assert by_binary == by_text
    assert by_binary[0]["d"].to_pylist() == [None] * 6 + [date(2024, 2, 29), date(9999, 12, 31)]
    assert by_binary[1] == {"d": {text.decode(): 1 for text in texts[:6]}}


def test_a_row_of_the_binary_protocol_begins_with_zero() -> None:
    """What begins otherwise is no row."""
    columns = [SentColumn("n", FIELD_TYPE.LONG, pyarrow.int32())]
    row = binary_row(columns, [5])
    with pytest.raises(GarbledAnswer, match="does not begin with zero"):
        decode(frame([row, b"\1" + row[1:], EOF], 0), columns, "binary")


def test_what_stands_in_the_place_of_a_null_is_of_no_account() -> None:
    """A NULL takes no bytes, so that its place is its neighbour's: here a number that its own column could not hold."""
    columns = [SentColumn("small", FIELD_TYPE.LONG, pyarrow.int16()), SentColumn("large", FIELD_TYPE.LONG, pyarrow.int32())]
    table, _ = decode(encode(columns, [[None, 1 << 30], [7, None]], "binary"), columns, "binary")
    assert table.to_pylist() == [{"small": None, "large": 1 << 30}, {"small": 7, "large": None}]


@both_protocols
def test_times_about_a_hundred_hours(protocol: str) -> None:
    """Hours have two digits, or three where they need them."""
    column = SentColumn("t", FIELD_TYPE.TIME, pyarrow.string())
    times = [timedelta(hours=hours, seconds=-1 if minus else 0) for hours in (-100, -1, 0, 100) for minus in (False, True)]
    table, _ = decode(encode([column], [[time] for time in times], protocol), [column], protocol)
    assert table["t"].to_pylist() == [
        "-100:00:00", "-100:00:01", "-01:00:00", "-01:00:01", "00:00:00", "-00:00:01", "100:00:00", "99:59:59"
    ]  # fmt: skip


@both_protocols
def test_a_decimal_of_more_digits_than_planned_is_refused(protocol: str) -> None:
    """Before the point or behind it, also where the server says that it sends more; zeros behind it are no digits."""
    wanted = pyarrow.decimal128(5, 2)
    column, longer = (SentColumn("d", FIELD_TYPE.NEWDECIMAL, wanted, decimals=scale) for scale in (2, 3))
    for sent, text in ((column, "1000.00"), (column, "-1000.00"), (longer, "1.234")):
        with pytest.raises(InvalidValue, match=r"column d holds a value that is no decimal128\(5, 2\)"):
            decode(encode([sent], [[Decimal("1.50")], [Decimal(text)]], protocol), [sent], protocol)
    table, _ = decode(encode([longer], [[Decimal("-1.230")], [None], [Decimal("999.990")]], protocol), [longer], protocol)
    assert table["d"].to_pylist() == [Decimal("-1.23"), None, Decimal("999.99")]


@both_protocols
@pytest.mark.parametrize(
    ("code", "unsigned", "wanted", "fits", "does_not"),
    [
        (FIELD_TYPE.LONG, False, pyarrow.int8(), (-128, 127), (-129, 128)),
        (FIELD_TYPE.LONG, False, pyarrow.uint32(), (0, 2**31 - 1), (-1,)),
        (FIELD_TYPE.LONG, True, pyarrow.uint32(), (0, 2**32 - 1), ()),
        (FIELD_TYPE.LONGLONG, True, pyarrow.uint64(), (0, 2**64 - 1), ()),
        (FIELD_TYPE.LONGLONG, True, pyarrow.int64(), (0, 2**63 - 1), (2**63, 2**64 - 1)),
        (FIELD_TYPE.LONG, False, pyarrow.decimal128(3, 0), (-999, 999), (-1000, 1000)),
        (FIELD_TYPE.LONGLONG, True, pyarrow.decimal128(19, 0), (0, 10**19 - 1), (10**19,)),
    ],
)
def test_a_whole_number_fits_or_is_refused(protocol: str, code: int, unsigned: bool, wanted, fits, does_not) -> None:
    """At both ends of the wanted type, whatever the server's own type could hold."""
    column = SentColumn("n", code, wanted, unsigned)
    table, _ = decode(encode([column], [[number] for number in (*fits, None)], protocol), [column], protocol)
    assert table["n"].to_pylist() == [*fits, None]
    for number in does_not:
        with pytest.raises(InvalidValue, match="column n holds a value that is no "):
            decode(encode([column], [[number]], protocol), [column], protocol)


@both_protocols
def test_a_double_that_is_no_float_is_refused(protocol: str) -> None:
    """Beyond a float's range, or between two floats; and a NULL is no number at all, whatever stands in its place."""
    columns = [SentColumn("f", FIELD_TYPE.DOUBLE, pyarrow.float32()), SentColumn("d", FIELD_TYPE.DOUBLE, pyarrow.float64())]
    table, _ = decode(encode(columns, [[None, 1e300], [0.5, None]], protocol), columns, protocol)
    assert table.to_pylist() == [{"f": None, "d": 1e300}, {"f": 0.5, "d": None}]
    table, _ = decode(encode(columns, [[None, None]], protocol), columns, protocol)
    assert table.to_pylist() == [{"f": None, "d": None}]
    for number in (1e300, 0.1):
        with pytest.raises(InvalidValue, match="column f holds a value that is no float"):
            decode(encode(columns, [[number, 1.0]], protocol), columns, protocol)

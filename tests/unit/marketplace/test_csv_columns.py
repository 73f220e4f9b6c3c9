"""A text becomes exactly the value that a column holds, or is refused with the reason."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.marketplace.csv_columns import Column, Converter, ValueRefused

KEY = Column("booking_id", "bigint", is_nullable=False, is_key=True)
PRICE = Column("price", "decimal", precision=10, scale=2)
TITLE = Column("title", "varchar", length=5)
BODY = Column("body", "text", length=8)


@settings(deadline=None)
@given(st.integers(-(2**63), 2**63 - 1))
def test_whole_numbers_arrive_exactly(number: int):
    """Beyond 2^53 too, where a float would not do."""
    assert Converter(KEY).convert(str(number)) == number
    assert Converter(KEY).convert(f" {number}.0 ") == number


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**8) + 1, max_value=10**8 - 1, places=2))
def test_amounts_arrive_exactly(amount: Decimal):
    """To the cent, without a float between, in any notation; nothing is rounded."""
    converter = Converter(PRICE)
    for notation in (str(amount), f"{amount}00", f"{amount * 100:f}e-2", f"{amount:+f} "):
        assert converter.convert(notation) == amount
    assert converter.rounded == 0


@pytest.mark.parametrize(("text", "expected"), [("0.005", "0.01"), ("-0.005", "-0.01"), ("2.674999", "2.67"), ("1e-3", "0.00")])
def test_finer_amounts_are_rounded_as_the_database_does_and_counted(text: str, expected: str):
    """Half away from zero."""
    converter = Converter(PRICE)
    assert converter.convert(text) == Decimal(expected)
    assert converter.rounded == 1


@pytest.mark.parametrize(
    "text", ["1,390", "$5", "5 USD", "0x1F", "١٢", "1_000", "inf", "--5", "1e", ".", "5-", "12e9999", "100000000", "9e8"]
)
def test_what_is_no_amount_is_refused(text: str):
    """Above all what Python's own Decimal or int would take: digits of other scripts, underscores, infinity."""
    with pytest.raises(ValueRefused, match=r"^price is (not a number|beyond decimal\(10, 2\)|in exponent notation)"):
        Converter(PRICE).convert(text)


@settings(deadline=None)
@given(st.text())
def test_no_text_breaks_a_number_column(text: str):
    """Whatever stands in the file: a value, or a refusal."""
    for column in (PRICE, Column("guests", "int"), Column("flag", "tinyint")):
        try:
            value = Converter(column).convert(text)
        except ValueRefused:
            continue
        assert value is None or isinstance(value, int | Decimal)


@pytest.mark.parametrize(
    ("data_type", "is_unsigned", "lowest", "highest"),
    [
        ("tinyint", False, -128, 127),
        ("smallint", True, 0, 65_535),
        ("int", False, -(2**31), 2**31 - 1),
        ("bigint", True, 0, 2**64 - 1),
    ],
)
def test_whole_numbers_keep_to_their_type(data_type: str, is_unsigned: bool, lowest: int, highest: int):
    """The ends fit, one more does not."""
    converter = Converter(Column("number", data_type, is_unsigned=is_unsigned))
    assert [converter.convert(str(lowest)), converter.convert(str(highest))] == [lowest, highest]
    for beyond in (lowest - 1, highest + 1):
        with pytest.raises(ValueRefused, match=f"number is beyond {data_type}"):
            converter.convert(str(beyond))


def test_text_is_measured_as_its_type_is():
    """varchar in characters, text in bytes of UTF-8; nothing is cut."""
    assert Converter(TITLE).convert("ééééé") == "ééééé"
    assert Converter(BODY).convert("éééé") == "éééé"
    with pytest.raises(ValueRefused, match=r"title is longer than varchar\(5\): 'éééééé'"):
        Converter(TITLE).convert("éééééé")
    with pytest.raises(ValueRefused, match=r"body is longer than text\(8\)"):
        Converter(BODY).convert("ééééé")


def test_words_for_nothing_are_text_in_a_text_column():
    """`null` is what the application wrote; only the empty field is NULL."""
    assert [Converter(TITLE).convert(text) for text in ("null", "None", "NaN", "")] == ["null", "None", "NaN", None]
    assert [Converter(PRICE).convert(text) for text in ("null", "None", "NaN", " ", "NA", "\\N")] == [None] * 6


def test_a_missing_value_is_refused_where_null_is():
    """The key above all."""
    with pytest.raises(ValueRefused, match=r"^booking_id is missing$"):
        Converter(KEY).convert("null")

"""The control schema's functions read exactly what they promise, and raise on no text whatever."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rental_pipeline.definitions.read_marketplace import read_marketplace
from tests.metrics.engine import SQL_ROOT
from tests.metrics.values import FIRST_DAY, LAST_DAY, read_flag, read_number, read_time


@pytest.fixture(scope="module")
def control(warehouse):
    """A connection to a warehouse that has the control schema."""
    warehouse.empty()
    statements = read_marketplace(SQL_ROOT, "apartments").control
    warehouse.execute("create schema apartments_control")
    for start in range(0, len(statements), 39):
        warehouse.execute(["set search_path to apartments_control", *statements[start : start + 39]])
    with warehouse.connect() as connection:
        yield connection


def read_all(control, texts: list[str | None], *functions: str) -> list[tuple]:
    """Return what functions make of texts, in order."""
    calls = ", ".join(f"apartments_control.{function}(given.text)" for function in functions)
    sql = f"select {calls} from unnest(%s::text[]) with ordinality as given(text, place) order by place"
    return control.execute(sql, (texts,)).fetchall()


def test_every_day_is_read_in_all_forms(control):
    """Every day of 1999 to 2051, as ISO and with the day first, is that day, at midnight."""
    days = [date(1999, 1, 1) + timedelta(days=number) for number in range((date(2052, 1, 1) - date(1999, 1, 1)).days)]
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y"):
        found = read_all(control, [day.strftime(form) for day in days], "parse_date", "parse_timestamp")
        assert found == [(day, datetime(day.year, day.month, day.day)) for day in days]


def test_no_day_is_read_that_its_month_does_not_have(control):
    """Every day number 0 to 32 of every month 0 to 13 of ordinary, leap and century years: a day, or nothing."""
    years = ("0000", "0004", "0999", "1000", "1582", "1900", "2000", "2023", "2024", "2100", "2400", "9999")
    parts = [(year, month, day) for year in years for month in range(14) for day in range(33)]
    expected = []
    for year, month, day in parts:
        try:
            expected.append(date(int(year), month, day) if int(year) >= 1000 else None)
        except ValueError:
            expected.append(None)
    for form in ("{0}-{1:02}-{2:02}", "{2:02}/{1:02}/{0}", "{2:02}-{1:02}-{0}"):
        found = read_all(control, [form.format(*part) for part in parts], "parse_date", "parse_timestamp")
        assert [day for day, _ in found] == expected
        assert [moment and moment.date() for _, moment in found] == expected


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-05-16 06:56:13", datetime(2024, 5, 16, 6, 56, 13)),
        ("2024-05-16T06:56:13Z", datetime(2024, 5, 16, 6, 56, 13)),
        ("2024-05-16T06:56Z", datetime(2024, 5, 16, 6, 56)),
        ("2024-05-16 06:56:13.5", datetime(2024, 5, 16, 6, 56, 13, 500000)),
        ("2024-12-31 23:59:59.9999999Z", datetime(2024, 12, 31, 23, 59, 59, 999999)),
        ("  2024-05-16  ", datetime(2024, 5, 16)),
        ("27/03/2024 23:59", datetime(2024, 3, 27, 23, 59)),
        ("27/03/2024 23:59:58", datetime(2024, 3, 27, 23, 59, 58)),
        ("29/02/2024", datetime(2024, 2, 29)),
        ("27-03-2024", datetime(2024, 3, 27)),
        ("29-02-2024 23:59:58", datetime(2024, 2, 29, 23, 59, 58)),
        *(
            (text, None)
            for text in (
                "2024-05-16 24:00:00",
                "2024-05-16 23:60",
                "2024-05-16 23:59:60",
                "2024-05-16 6:56",
                "2024-05-16Z",
                "2024-05-16.5",
                "2024-05-16 06:56.5",
                "2024-05-16 06:56:13+02:00",
                "2024-05-16 06:56:13 UTC",
                "2024-05-16  06:56",
                "2024-5-16",
                "1/2/2024",
                "03/27/2024",
                "27-03/2024",
                "27-03-24",
                "27/03/24",
                "20240516",
                "2024-05-16\n",
                "2024-05-16\n2024-05-17",
                "\u0662\u0660\u0662\u0664-\u0660\u0665-\u0661\u0666",
                "today",
                "",
                " ",
                None,
            )
        ),
    ],
)
def test_times_are_read_or_refused(control, text, moment):
    """With a time or without, with a fraction (cut to microseconds), with Z; anything else is nothing, for dates as for times."""
    assert read_all(control, [text], "parse_timestamp", "parse_date") == [(moment, moment and moment.date())]


# All but NUL and halves of surrogate pairs. By categories, hypothesis would make a table of all characters first, for seconds.
ANY_CHARACTER = st.characters(min_codepoint=1, max_codepoint=0xD7FF) | st.characters(min_codepoint=0xE000)
TEXTS = st.one_of(
    st.text(ANY_CHARACTER, max_size=40),
    st.from_regex(r"[0-9]{4}-[0-1][0-9]-[0-3][0-9]([ T][0-2][0-9]:[0-6][0-9](:[0-6][0-9]([.][0-9]{0,9})?)?Z?)?", fullmatch=True),
    st.from_regex(r"[0-3][0-9]([/-])[0-1][0-9]\1[0-9]{4}([ T][0-2][0-9]:[0-6][0-9](:[0-6][0-9])?)?", fullmatch=True),
    st.from_regex(r"[-+]?[0-9]{0,12}[.]?[0-9]{0,9}", fullmatch=True),
    st.sampled_from(
        ["TRUE", "False", "y", "NO", "1", "0", "t", "2", "null", "None", "Infinity", "nan", "1e3", "0x10", "--1", "1,5"]
    ),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS, min_size=50, max_size=200))
def test_any_text_is_read_as_the_judge_reads_it(control, texts):
    """Random texts, near misses among them: no function raises, and each agrees with an independent reading in Python."""
    found = read_all(control, texts, "parse_date", "parse_timestamp", "parse_boolean", "parse_number")
    for text, (day, moment, flag, number) in zip(texts, found, strict=True):
        expected = read_time(text.strip(" "))
        assert (day, moment) == (expected and expected.date(), expected), text
        assert flag == read_flag(text), text
        expected_number = read_number(text.strip(" "))
        assert number == (None if expected_number is None else round_as_redshift(expected_number)), text


def round_as_redshift(number: Decimal) -> Decimal:
    return number.quantize(Decimal("0.0000001"), "ROUND_HALF_UP")


def test_nothing_has_many_spellings(control):
    """Exports write null, None and NaN for nothing; other words are words, trimmed."""
    texts = ["null", "NULL", "None", " nan ", "", "   ", None, " Nancy ", "none of it", "0"]
    cleaned = [*[None] * 7, "Nancy", "none of it", "0"]
    assert read_all(control, texts, "clean_text", "clean_value") == [(text, text) for text in cleaned]


def test_a_currency_is_three_letters(control):
    """In capitals, whatever it was written in."""
    texts = ["usd", " EUR ", "US", "USDT", "U$D", "€", "", None, "éur", "INR\n"]
    assert [code for (code,) in read_all(control, texts, "parse_currency")] == ["USD", "EUR", *[None] * 8]


def test_a_broken_rule_is_told_whatever_its_value_is(control):
    """NULL too: the row would else break nothing, and be accepted."""
    sql = "select apartments_control.tell_broken('bad_price: price=', given) from unnest(%s::text[]) as given"
    told = [text for (text,) in control.execute(sql, (["-1", "", None, "é" * 200],)).fetchall()]
    assert told == [f"bad_price: price={value}" for value in ("-1", "", "", "é" * 128)]


def test_the_calendar_is_whole(control):
    """It has every day of its range once, with the Monday and the first day of the month, and knows which days are its own."""
    rows = control.execute("select * from apartments_control.calendar order by calendar_date").fetchall()
    days = [FIRST_DAY + timedelta(days=number) for number in range((LAST_DAY - FIRST_DAY).days + 1)]
    assert rows == [(day, day - timedelta(days=day.weekday()), day.replace(day=1)) for day in days]
    edges = [FIRST_DAY - timedelta(days=1), FIRST_DAY, LAST_DAY, LAST_DAY + timedelta(days=1)]
    found = [control.execute("select apartments_control.is_in_calendar(%s)", (day,)).fetchone()[0] for day in edges]
    assert found == [False, True, True, False]


def test_the_calendar_mends_itself(control, warehouse):
    """Making it again adds the days that are missing and doubles none."""
    control.execute("delete from apartments_control.calendar where month_start = '2024-02-01'")
    warehouse.execute(["set search_path to apartments_control", *read_marketplace(SQL_ROOT, "apartments").control[:39]])
    test_the_calendar_is_whole(control)

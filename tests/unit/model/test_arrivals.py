"""Bounds in literals exclude nothing that lies between two values, whatever these are."""

import pytest

from rental_pipeline.model.arrivals import write_bounds


@pytest.mark.parametrize(
    ("kind", "least", "greatest", "expected"),
    [
        ("bigint", "-5", "12", "t.k >= -5 and t.k <= 12"),
        ("decimal(20,0)", "0", "18446744073709551615", "t.k >= 0 and t.k <= 18446744073709551615"),
        ("varchar(40)", "a-1", "b_2", "t.k >= 'a-1' and t.k <= 'b_2'"),
        ("date", "2026-01-01", "2026-01-31", "t.k >= '2026-01-01' and t.k <= '2026-01-31'"),
        # A text that a reader may take otherwise, or that may sort otherwise, bounds nothing; nor does a number with a fraction.
        ("varchar(40)", "it's", "zürich", "true"),
        ("varchar(40)", "a\\\\b", "x", "t.k <= 'x'"),
        ("real", "0.1", "0.3", "true"),
        ("decimal(10,2)", "1.50", "2.50", "true"),
        ("timestamp", "2026-01-01 00:00:00", "2026-01-02 00:00:00", "true"),
        ("bigint", None, None, "true"),
    ],
)
def test_bounds_are_literals_that_mean_one_thing(kind, least, greatest, expected):
    assert write_bounds("t.k", kind, least, greatest) == expected

"""Redshift's messages become the error that says how to react."""

import pytest

from rental_pipeline.base.errors import FixConfiguration, FixData, RetryLater
from rental_pipeline.warehouse.data_api import Submission, classify
from rental_pipeline.warehouse.steps.step import literal


@pytest.mark.parametrize(
    ("message", "kind", "remedy"),
    [
        ("ERROR: 1023 DETAIL: Serializable isolation violation on table", RetryLater, ""),
        ("ERROR: DELETE REFUSED: 90 of 100 rows of listings would go", FixData, "force_deletes"),
        ("ERROR: OVERTAKEN: run 3 may not write any more", FixConfiguration, "new execution"),
        ("ERROR: KEY NOT UNIQUE: bookings has 5 rows but only 4 different keys", FixConfiguration, "source.yaml"),
        ("ERROR: S3ServiceException:The specified key does not exist", FixData, "new execution"),
        ('ERROR: permission denied for schema "apartments_raw"', FixConfiguration, ""),
    ],
)
def test_messages_are_sorted_by_reaction(message, kind, remedy):
    """The message itself is kept, and a remedy is added where one is known."""
    error = classify(message)
    assert type(error) is kind
    assert message in str(error)
    assert remedy in str(error)


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        (
            'ERROR: null value in column "_row_hash" violates not-null constraint DETAIL: Failing row contains ',
            "(1, secret).",
            "",
        ),
        ("ERROR: invalid input syntax for type numeric: ", '"the "secret"\nof many lines"', ""),
        ("ERROR: Invalid digit, Value ", "'secret'", ", Pos 0, Type: Integer"),
        ("ERROR: date/time field value out of range: ", '"secret"', ""),
        ("ERROR: duplicate key value DETAIL: Key ", "(email)=(secret)", " already exists."),
    ],
)
def test_no_value_of_a_row_is_told(before, value, after):
    """The message goes to logs, mail and the ledger."""
    assert str(classify(before + value + after)) == f"{before}…{after}"


def test_26_a_batch_beyond_the_limit_is_refused_before_it_is_sent():
    """More than 40 statements would no longer be one transaction."""
    with pytest.raises(FixConfiguration, match="41 statements"):
        Submission("publish", ("select 1",) * 41, {})


def test_literals_survive_both_readings_of_a_backslash():
    """A quote or a backslash never ends the literal early."""
    assert literal("it's") == "'it''s'"
    assert literal("\\' or 1=1 --") == "'\\\\'' or 1=1 --'"
    assert literal(None) == "null"
    assert literal(7) == "7"

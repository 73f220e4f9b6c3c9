"""Redshift's messages become the error that says how to react."""

import pytest

from rental_pipeline.base.errors import FixConfiguration, FixData, RetryLater
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.warehouse.data_api import Submission, classify


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


# The role, the key or the region is wrong; the same words as where a file is missing, but for status and error.
S3_REFUSES = (
    "S3ServiceException:Access Denied,Status 403,Error AccessDenied,Rid 1A2B3C4D5E6F7A8B,ExtRid abc+/=,CanRetry 1",
    "Problem reading manifest file - S3ServiceException:Access Denied,Status 403,Error AccessDenied,Rid 1A2B,CanRetry 1",
    "S3ServiceException:The AWS Access Key Id you provided does not exist in our records.,Status 403,Error InvalidAccessKeyId",
    "S3ServiceException:The bucket you are attempting to access must be addressed using the specified endpoint. Please send all"
    " future requests to this endpoint.,Status 301,Error PermanentRedirect,Rid 1A2B",
    "S3ServiceException:The specified bucket does not exist,Status 404,Error NoSuchBucket,Rid 1A2B",
    "S3ServiceException:arn:aws:kms:eu-west-1:123456789012:key/1 is disabled.,Status 400,Error KMS.DisabledException,Rid 1A2B",
    "Spectrum Scan Error code: 15001 context: Forbidden: HTTP response error code: 403 Message: AccessDenied Access Denied",
)

# As Redshift, S3 and the guards of sql/control/procedures.sql say it, by the reaction that it asks for.
MESSAGES = {
    RetryLater: [
        "ERROR: 1023 DETAIL: Serializable isolation violation on table - 108017, transactions forming the cycle are: 1, 2",
        "ERROR: could not serialize access due to concurrent update",
        "ERROR: deadlock detected DETAIL: Process 1 waits for AccessExclusiveLock",
        "ERROR: could not open relation with OID 108017",
        "server closed the connection unexpectedly",
        'connection to server at "10.0.0.1", port 5439 failed: Connection refused',
        "FATAL: terminating connection due to administrator command",
        "FATAL: the database system is starting up",
        "ERROR: could not complete because of conflict with concurrent transaction",
        "ERROR: 1018 DETAIL: Relation does not exist.",
        "S3ServiceException:Please reduce your request rate.,Status 503,Error SlowDown,Rid 1A2B,ExtRid x/y=,CanRetry 1",
        "S3ServiceException:We encountered an internal error. Please try again.,Status 500,Error InternalError,CanRetry 1",
        "S3ServiceException:Unknown,Status 502,Error Unknown,Rid 1A2B",
        "S3ServiceException:The provided token has expired.,Status 400,Error ExpiredToken,Rid 1A2B,CanRetry 1",
        "error:  Spectrum Scan Error: Retries exceeded",
        "error:  Spectrum Scan Error: Access throttled",
        "Spectrum Scan Error DETAIL: code: 15001 context: HTTP response error code: 503 Message: SlowDown Please reduce",
        "S3 Query Exception (Fetch). code: 15001 context: Could not fetch file. curlError=Connection timeout: 10001 ms",
    ],
    FixData: [
        "ERROR: ROWS LOST: the manifest of bookings lists 10 rows, COPY brought 9",
        "ERROR: DELETE REFUSED: 6 of 10 rows of bookings would go",
        "ERROR: NOT AUDITED: 1 of 2 checks have a result, 0 fail",
        "ERROR: REPLAY DIFFERS: 1 of 2 loads of bookings were made again",
        "ERROR: STILL DIFFERENT: table bookings, all keys: 3 rows in the source, 2 in raw",
        "S3ServiceException:The specified key does not exist.,Status 404,Error NoSuchKey,Rid 1A2B,ExtRid x=,CanRetry 1",
        "Problem reading manifest file - S3ServiceException:The specified key does not exist.,Status 404,Error NoSuchKey",
        "Spectrum Scan Error: File not found https://s3.eu-west-1.amazonaws.com/bucket/apartments/raw/x.parquet",
        "File 'https://s3.eu-west-1.amazonaws.com/b/x has an invalid version number: )",
        "ERROR: Spectrum Scan Error: incompatible Parquet schema for column",
        "ERROR: The manifest is malformed",
        "ERROR: value too long for type character varying(256)",
        'ERROR: value "9999999999" is out of range for type integer',
        "ERROR: Numeric data overflow (result precision)",
        "ERROR: invalid input syntax for type numeric",
        "ERROR: Invalid digit, Value 'x', Pos 0, Type: Integer",
    ],
    FixConfiguration: [
        "ERROR: KEY NOT UNIQUE: bookings has 5 rows but only 4 different keys",
        "ERROR: OVERTAKEN: run 3 may not write any more, run 4 has the lease",
        "ERROR: RUN CLOSED: run 3 may not write any more",
        "ERROR: POSITION MOVED: curated bookings stands at run 3, the step was planned on 2",
        "ERROR: WATERMARK MOVED: bookings stands at 2026-01-02, the run was planned on 2026-01-01",
        "ERROR: Query cancelled on user's request",
        'ERROR: permission denied for schema "apartments_raw"',
        'ERROR: relation "bookings" does not exist',
        "ERROR: Not authorized to get credentials of role arn:aws:iam::123456789012:role/copy",
        *S3_REFUSES,
        "error:  Spectrum Scan Error: Resource limit exceeded",
    ],
}


@pytest.mark.parametrize(
    ("kind", "message"), [(kind, message) for kind, messages in MESSAGES.items() for message in messages], ids=str
)
def test_every_known_message_asks_for_its_reaction(kind, message):
    """What may pass is tried again, what data broke stops, and whatever is not known is for a person to mend."""
    assert type(classify(message)) is kind


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        ("OVERTAKEN: run 3 may not write any more", "start a new execution instead of resuming this one"),
        ("RUN CLOSED: run 3 may not write any more", "redrive the run's own"),
        ("Query cancelled on user's request", "redrive the execution, or start a new one"),
        ("POSITION MOVED: curated bookings stands at run 3", "plans from the new position"),
        ("WATERMARK MOVED: bookings stands at 2026-01-02", "plans from the new watermark"),
        ("ROWS LOST: the manifest of bookings lists 10 rows", "reads the same window again"),
        ("REPLAY DIFFERS: 1 of 2 loads", "raw was left as it was"),
        ("STILL DIFFERENT: table bookings", "the load was taken back"),
        ("Not authorized to get credentials of role x", "CopyRoleArn must be a role that is attached"),
        *((message, "CopyRoleArn must be one that the bucket's policy lets in") for message in S3_REFUSES),
        ("Spectrum Scan Error: File not found", "reads the same window again"),
        ("Spectrum Scan Error: Resource limit exceeded", "lower PartBytes"),
    ],
)
def test_a_known_message_brings_its_way_out(message, remedy):
    """For who reads it at night."""
    assert remedy in str(classify(message))


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

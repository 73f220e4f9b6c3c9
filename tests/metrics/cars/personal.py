"""Whether personal data of users is anywhere on S3: every object is read, Parquet values and file bytes alike."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import pyarrow.parquet


def assert_no_personal_data(s3: Any, bucket: str, users: Iterable[tuple]) -> None:
    """Read every object of the bucket and look for what names a user: the columns between user_id and creation_date.

    Names that are common words would be found by chance: first and last names are looked for as whole values of a column, email
    addresses, numbers and licences as parts of anything.

    Raises:
        AssertionError: with the object's key and the column's number, not the value.
    """
    names, numbers = set(), set()
    for _, first_name, last_name, email, phone_number, driver_license_number, *_ in users:
        names |= {first_name, last_name, f"{first_name} {last_name}"}
        numbers |= {email, phone_number, driver_license_number}
    names.discard(None)
    clear = [text.encode() for text in numbers if text]
    keys = [
        found["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket) for found in page.get("Contents", [])
    ]
    assert clear and any(key.endswith(".parquet") for key in keys), "without users and files nothing is shown"
    for key in keys:
        content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        if key.endswith(".parquet"):
            table = pyarrow.parquet.read_table(io.BytesIO(content))
            for column in table.column_names:
                assert not names & set(map(str, table[column].unique().to_pylist())), (key, column)
            # Compressed pages hide their texts from a search of the bytes.
            content = "\n".join(str(value) for column in table.columns for value in column.unique().to_pylist()).encode()
        assert not [place for place, text in enumerate(clear) if text in content], key

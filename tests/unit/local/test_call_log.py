"""local/standins/call_log.py: each AWS call is noted by what it names, with its outcome, and nothing of what it carries."""

from __future__ import annotations

import os

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from local.standins.call_log import VARIABLE, AwsCall, log_calls, log_calls_if_asked, read_calls


@pytest.fixture
def unpatched(monkeypatch):
    """What is replaced in boto3 is put back."""
    monkeypatch.setattr(BaseClient, "_make_api_call", BaseClient._make_api_call)


@pytest.fixture
def s3():
    client = boto3.client("s3", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stubber:
        stubber.add_response("put_object", {})
        stubber.add_client_error("get_object", "NoSuchKey")
        stubber.add_response("delete_objects", {})
        yield client


def test_calls_are_noted_by_what_they_name(unpatched, s3, tmp_path):
    """Bucket and keys, and the error that AWS answered with; never the content."""
    log_calls(tmp_path / "calls.jsonl")
    s3.put_object(Bucket="files", Key="a", Body=b"private", Tagging="state=new")
    with pytest.raises(ClientError):
        s3.get_object(Bucket="files", Key="b")
    s3.delete_objects(Bucket="files", Delete={"Objects": [{"Key": "c"}, {"Key": "d"}]})
    assert list(read_calls(tmp_path / "calls.jsonl")) == [
        AwsCall("s3", "PutObject", {"Bucket": "files", "Key": "a", "Tagging": "state=new"}),
        AwsCall("s3", "GetObject", {"Bucket": "files", "Key": "b"}, "NoSuchKey"),
        AwsCall("s3", "DeleteObjects", {"Bucket": "files", "Keys": ["c", "d"]}),
    ]
    assert "private" not in (tmp_path / "calls.jsonl").read_text()


def test_nothing_is_noted_unless_asked(unpatched, monkeypatch):
    """And the function that runs in the process does not see that it was asked."""
    make_call = BaseClient._make_api_call
    monkeypatch.delenv(VARIABLE, raising=False)
    log_calls_if_asked()
    assert BaseClient._make_api_call is make_call
    monkeypatch.setenv(VARIABLE, "/nowhere")
    log_calls_if_asked()
    assert BaseClient._make_api_call is not make_call

    assert VARIABLE not in os.environ

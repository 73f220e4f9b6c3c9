"""Findings of the doctor that the one-machine stack cannot be brought to."""

from __future__ import annotations

import sys

from rental_pipeline.operate.doctor import operation_checks, source_checks
from rental_pipeline.operate.doctor.report import Report


def test_dependencies_of_another_processor(monkeypatch):
    """They cannot be imported: said with the way out, before a slice fails by it."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    report = Report()
    source_checks._check_dependencies(report)
    (finding,) = report.to_json()
    assert (finding["status"], finding["check"]) == ("fail", "dependencies")
    assert "Architecture in samconfig.toml" in finding["says"]


def test_dependencies_that_run():
    """With their versions, and the processor."""
    report = Report()
    source_checks._check_dependencies(report)
    (finding,) = report.to_json()
    assert finding["status"] == "ok"
    assert "pyarrow" in finding["says"]


def test_an_address_that_was_not_confirmed(monkeypatch):
    """It counts only after its owner clicked the link (SNS API reference, ListSubscriptionsByTopic: PendingConfirmation)."""

    class Sns:
        def list_subscriptions_by_topic(self, **_given):
            return {"Subscriptions": [{"SubscriptionArn": "PendingConfirmation", "Protocol": "email"}]}

    monkeypatch.setattr(operation_checks.boto3, "client", lambda _service: Sns())
    report = Report()
    operation_checks._check_topic(report, "arn:aws:sns:eu-west-1:123456789012:alarms", "alarms")
    (finding,) = report.to_json()
    assert finding["status"] == "warn"
    assert "nobody, until the link in AWS's mail is clicked" in finding["says"]

"""What the doctor sees of the price of a Redshift Serverless workgroup: how far it may scale, and how much it may use.

Amazon Redshift Management Guide, "Billing for on-demand compute capacity", "Setting usage limits, including setting RPU limits".
"""

from __future__ import annotations

from typing import Any

import boto3

from rental_pipeline.operate.doctor.asking import asking
from rental_pipeline.operate.doctor.report import Report

_CHECK = "cost"
_COMPUTE = "serverless-compute"
# What each breach action does, but the one that only writes a line which nobody is told of.
_TELLING = {"emit-metric": "people are told", "deactivate": "queries are refused, and so runs fail"}


def check_workgroup(report: Report, name: str, counted_rpus: int) -> None:
    """Look whether the workgroup's cost is bounded, in each second and in all.

    Args:
        counted_rpus: Base capacity that estimates of a run's cost count with (RedshiftRpus).

    Raises:
        FixConfiguration: there is no such workgroup, or the role may not look.
        RetryLater: AWS did not answer.
    """
    client = boto3.client("redshift-serverless")
    with asking(f"the workgroup {name}", "redshift-serverless:GetWorkgroup"):
        workgroup = client.get_workgroup(workgroupName=name)["workgroup"]
    base, most = workgroup.get("baseCapacity"), workgroup.get("maxCapacity")
    if base and base != counted_rpus:
        report.warn(
            _CHECK,
            f"the base capacity of {name} is {base} RPUs, and a run's cost is estimated with {counted_rpus}: deploy with"
            f" RedshiftRpus={base}, or change the workgroup",
        )
    if most:
        report.ok(_CHECK, f"{name} uses {most} RPUs at most")
    else:
        enough = base or counted_rpus
        report.warn(
            _CHECK,
            f"{name} has no maximum capacity, so a heavy query may scale it far beyond its base of {enough} RPUs, at their price:"
            f" aws redshift-serverless update-workgroup --workgroup-name {name} --max-capacity {enough} (or more)",
        )
    _check_limits(report, client, name, workgroup["workgroupArn"])


def _check_limits(report: Report, client: Any, name: str, arn: str) -> None:
    """Say what happens when much was used; a limit of data between regions is not about that."""
    with asking(f"the workgroup {name}", "redshift-serverless:ListUsageLimits"):
        pages = client.get_paginator("list_usage_limits").paginate(resourceArn=arn, usageType=_COMPUTE)
        limits = [limit for page in pages for limit in page.get("usageLimits", ())]
    told = [
        f"after {limit['amount']} RPU-hours ({limit['period']}) {_TELLING[limit['breachAction']]}"
        for limit in limits
        if limit["breachAction"] in _TELLING
    ]
    if told:
        report.ok(_CHECK, f"usage of {name} is limited: {'; '.join(told)}")
        return
    report.warn(
        _CHECK,
        f"usage of {name} is {'limited by a log entry alone, which tells nobody' if limits else 'not limited'}: aws"
        f" redshift-serverless create-usage-limit --resource-arn {arn} --usage-type {_COMPUTE} --period monthly"
        " --amount <RPU-hours> --breach-action emit-metric (deactivate also refuses queries)",
    )

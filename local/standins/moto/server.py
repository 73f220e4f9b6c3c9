"""`python -m local.standins.moto.server PORT [RETRY_PACE]`: Step Functions and the workgroup by stand-ins of our own, other
AWS services by moto, until it is killed."""

from __future__ import annotations

import logging
import os
import sys


def main() -> None:
    """Serve on 127.0.0.1."""
    port = int(sys.argv[1])
    retry_pace = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"  # where state machines find S3 and SNS

    from moto.iam.access_control import PermissionResult
    from moto.s3.models import FakeBucket
    from werkzeug.serving import run_simple

    from local.standins.moto.application import MotoApplication
    from local.standins.moto.kept_objects import KeptObjects
    from local.standins.redshift.workgroup import RedshiftServerless
    from local.standins.step_functions.machines import StateMachines
    from local.standins.step_functions.server import StepFunctions, make_tasks

    # moto knows no conditions of a bucket's policy: it would refuse all by the statement that refuses what comes without TLS.
    # That the policies allow what is done, tests/permissions proves.
    setattr(FakeBucket, "get_permission", lambda self, action, resource: PermissionResult.NEUTRAL)  # noqa: B010 - replaced on purpose
    machines = StateMachines(make_tasks(), retry_pace=retry_pace)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    application = StepFunctions(machines, RedshiftServerless(KeptObjects(MotoApplication())))
    run_simple("127.0.0.1", port, application, threaded=True)


if __name__ == "__main__":
    main()

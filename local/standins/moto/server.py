"""`python -m local.standins.moto.server PORT [RETRY_PACE]`: AWS services by moto, until it is killed."""

from __future__ import annotations

import logging
import os
import sys


def main() -> None:
    """Serve on 127.0.0.1."""
    port = int(sys.argv[1])
    retry_pace = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    os.environ["MOTO_PORT"] = str(port)  # the interpreter's way back to this server

    from moto.core.config import default_user_config
    from moto.iam.access_control import PermissionResult
    from moto.s3.models import FakeBucket
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import run_simple

    from local.standins.step_functions.moto_patch import complete_interpreter

    # moto knows no conditions of a bucket's policy: it would refuse all by the statement that refuses what comes without TLS.
    # That the policies allow what is done, tests/permissions proves.
    FakeBucket.get_permission = lambda self, action, resource: PermissionResult.NEUTRAL
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    complete_interpreter(retry_pace)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    run_simple("127.0.0.1", port, DomainDispatcherApplication(create_backend_app), threaded=True)


if __name__ == "__main__":
    main()

"""The functions of a stack in containers, by AWS's own command: `sam build`, `sam local invoke`, `sam local start-lambda`.

    with run_engine() as engine, Stack(folder, functions=SamLocal(engine, folder)) as stack:
        stack.functions.start(stack.deployment)

What the other way to run them (`aws_lambda.service`) cannot show: the built layers at /opt, Lambda's version of Python, code that
cannot be written, memory limits everywhere. The services of this machine listen at 127.0.0.1, which inside a container is another
place: a relay offers them at the address where containers find this machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local.processes import ChildProcess, find_free_port, is_listening
from local.standins.account import REGION
from local.standins.aws_lambda.execution_environment import Answer, LocalFunction, map_answer
from local.standins.aws_lambda.python import machine
from local.standins.cloudformation.deploy import Deployment
from local.standins.cloudformation.template import load_template
from local.standins.containers.docker_engine import Engine
from local.standins.containers.relay import Relay
from local.standins.moto.aws import CREDENTIALS

ROOT = Path(__file__).parents[3]
START_SECONDS = 120
# A function's own limit is at most 900 s; the first invocation also makes the image.
# Of this process's environment; behind a proxy, or with authorities of its own, a build reaches packages by these only.
_HANDED_ON = ("HOME", "LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_INVOKE_SECONDS = 1200
_SAM = (sys.executable, "-m", "samcli")


class SamFailed(Exception):
    """`sam` itself failed, not the function; the message holds the end of what it said."""


class SamLocal:
    """Stands where Stack has `LambdaService`: `sam local start-lambda` answers the Invoke API.

    Args:
        engine: Runs the containers.
        folder: Takes the build, and sam's log.
    """

    memory_note = None  # Docker limits the memory

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self._folder = folder.resolve()
        self._build = self._folder / "build"
        self._template = self._build / "template-here.json"
        self._port = find_free_port()
        self._environments: dict[str, dict[str, str]] = {}
        self._service: ChildProcess | None = None
        # A variable by which our containers are known among those of others that use the engine.
        self._mark = f"LOCAL_STACK={uuid.uuid4()}"
        self._relay = Relay(engine.gateway)

    @property
    def endpoint_url(self) -> str:
        """Where boto3 and Step Functions find the functions, once `start` was called."""
        return f"http://127.0.0.1:{self._port}"

    def reach(self, port: int) -> str:
        """Return the host under which the functions find the service of this machine at a port of 127.0.0.1."""
        self._relay.open(port)
        return self._engine.gateway

    def deploy(self, function: LocalFunction, environment: dict[str, str]) -> None:
        """Note what a function's variables are, of its template and beside."""
        name, value = self._mark.split("=")
        self._environments[function.name] = {**function.environment, **environment, name: value}

    def start(self, deployment: Deployment) -> None:
        """Build, and serve the functions that were deployed.

        Raises:
            SamFailed: the build failed.
            DidNotStart: the service did not come up.
        """
        self._sam("build", "--base-dir", str(ROOT), "--template", str(ROOT / "template.yaml"), "--build-dir", str(self._build))
        self._write_template(deployment)
        self._service = ChildProcess(
            # A container per function that stays: a new one for each invocation would cost seconds every time.
            [*_SAM, *self._local("start-lambda", "--port", str(self._port), "--warm-containers", "LAZY")],
            log=self._folder / "logs" / "start-lambda.log",
            environment=self._variables(),
            folder=self._folder,
        )
        self._service.wait_until(lambda: is_listening(self._port), START_SECONDS, "sam local start-lambda")

    def initialize(self, name: str, number: int) -> None:
        """Do nothing: a container starts with its first invocation."""

    def invoke(self, name: str, event: Any) -> Answer:
        """Invoke a function by its name through the service, and wait for its answer."""
        client = boto3.client(
            "lambda",
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=Config(read_timeout=_INVOKE_SECONDS, retries={"total_max_attempts": 1}),
        )
        answer = client.invoke(FunctionName=name.rpartition(":function:")[2], Payload=json.dumps(event).encode())
        return Answer(answer["Payload"].read(), answer.get("FunctionError"))

    def invoke_once(self, function: str, event: Path) -> Answer:
        """Run `sam local invoke` for a function (its logical id) with an event's file: a container for this one invocation.

        Raises:
            SamFailed: there was no answer. That the function failed is no reason: sam's exit code does not tell, the answer does.
        """
        said = self._sam(*self._local("invoke", function, "--event", str(event)))
        if not said.stdout.strip():
            raise SamFailed(f"sam local invoke {function} gave no answer: {said.stderr[-2000:]}")
        return map_answer(200, said.stdout.strip().encode(), "sam-local-invoke", 0)

    def stop(self) -> None:
        """End the service with its containers, and the relay."""
        # First the containers: sam takes its time for each, and leaves them where it has none.
        for container in self._engine.client.containers.list(all=True, filters={"label": "sam.cli.container.type=lambda"}):
            if self._mark in container.attrs["Config"]["Env"]:
                container.remove(force=True)
        if self._service:
            self._service.stop()
        self._relay.close()

    def _write_template(self, deployment: Deployment) -> None:
        """Write what sam built again, with the names that Step Functions knows and the variables of this machine.

        Variables that the template does not have, such as the services' addresses, cannot be given to sam in any other way.
        """
        template = load_template(self._build / "template.yaml")
        for logical_id, function in deployment.functions.items():
            properties = template["Resources"][logical_id]["Properties"]
            properties["FunctionName"] = function.name
            properties["Environment"] = {"Variables": self._environments[function.name]}
        self._template.write_text(json.dumps(template, indent=2, default=str))

    def _local(self, command: str, *arguments: str) -> list[str]:
        """Return the words after `sam` for one of its local commands."""
        return [
            *("local", command, *arguments, "--template", str(self._template)),
            *("--invoke-image", self._engine.image, "--skip-pull-image"),
            *("--layer-cache-basedir", str(self._folder / "layers")),
        ]

    def _sam(self, *words: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*_SAM, *words],
            cwd=self._folder,
            env=self._variables(),
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_INVOKE_SECONDS,
        )
        if done.returncode != 0:
            raise SamFailed(f"sam {' '.join(words[:3])} failed: {(done.stdout + done.stderr)[-2000:]}")
        return done

    def _variables(self) -> dict[str, str]:
        given = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
        given |= {name: value for name, value in os.environ.items() if name.startswith(("UV_", "PIP_", "DOCKER_"))}
        if self._engine.address:
            given["DOCKER_HOST"] = self._engine.address
        path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
        return {
            **given,
            **CREDENTIALS,
            "PATH": path,
            "AWS_DEFAULT_REGION": REGION,
            "ARCHITECTURE": machine(),
            "SAM_CLI_TELEMETRY": "0",
        }

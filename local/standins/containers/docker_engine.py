"""A Docker engine for `sam local`: the one that runs here, or one of our own; and in it the image that Lambda's functions run in.

Where no registry can be reached, a stand-in is made of Debian's packages: the same version of Python, AWS's own runtime client,
the same folders. It is newer than Lambda's Amazon Linux, which the tests of the layer make up for (they check its binaries).
"""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import docker
from docker.errors import DockerException
from uv import find_uv_bin

from local.processes import ChildProcess, DidNotStart
from local.standins.aws_lambda.python import VERSION, NoLambdaPython, machine, make_root_filesystem

START_SECONDS = 60
_LOCK = Path(tempfile.gettempdir()) / "rental-pipeline-docker.lock"
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
_LAMBDA_IMAGE = f"public.ecr.aws/lambda/python:{VERSION}-{machine()}"
_STAND_IN = f"rental-pipeline/stand-in-for-lambda-python:{VERSION}-{machine()}"
# What Lambda's image has in it beside Python; the SDK comes with our layer.
_RUNTIME_CLIENT = ("awslambdaric", "simplejson", "snapshot-restore-py")
_BOOTSTRAP = f"""#!/bin/sh
# As Lambda's: the layers' packages come before the runtime's own (AWS Lambda Developer Guide, "Packaging your layer content").
export PYTHONPATH="$LAMBDA_TASK_ROOT:/opt/python/lib/python{VERSION}/site-packages:/opt/python:/var/runtime"
exec python{VERSION} -m awslambdaric "$_HANDLER"
"""


class NoContainers(Exception):
    """Containers cannot be run on this machine; the message says why."""


@dataclass(frozen=True)
class Engine:
    """A Docker engine that answers.

    Attributes:
        client: Docker's SDK, connected.
        address: What DOCKER_HOST must be to reach it; None where that is so already.
        gateway: Where containers find this machine.
        image: What functions run in.
    """

    client: docker.DockerClient
    address: str | None
    gateway: str
    image: str


@contextlib.contextmanager
def run_engine() -> Iterator[Engine]:
    """Use the engine that runs here; where none does, run one until the end of the block.

    Raises:
        NoContainers: there is none and none can be started, or it has no image and none can be made.
    """
    with tempfile.TemporaryDirectory(prefix="docker-", ignore_cleanup_errors=True) as name, contextlib.ExitStack() as closing:
        folder, address = Path(name), None
        try:
            client = docker.from_env()
            client.ping()
        except DockerException:
            address = closing.enter_context(_start_engine(folder))
            client = docker.DockerClient(base_url=address)
            closing.callback(_remove_containers, client)
        closing.callback(client.close)
        yield Engine(client, address, _find_gateway(client), _find_image(client, folder))


@contextlib.contextmanager
def _start_engine(folder: Path) -> Iterator[str]:
    """Run an engine with everything that is its own in a folder; yield its address."""
    program = shutil.which("dockerd", path=_PATH)
    if os.geteuid() != 0:
        raise NoContainers("no Docker engine runs here, and only root may start one")
    if not program:
        raise NoContainers("no Docker engine runs here, and there is none to start (dockerd)")
    address = f"unix://{folder}/socket"
    # Containers shall reach this machine and nothing else, so its firewall and forwarding are left alone.
    command: list[str | Path] = [program, "--host", address, "--data-root", folder / "data", "--exec-root", folder / "run"]
    command += ["--pidfile", folder / "pid", "--iptables=false", "--ip6tables=false", "--ip-masq=false", "--ip-forward=false"]
    with _LOCK.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two engines would take the same bridge and the same addresses
        had_bridge = Path("/sys/class/net/docker0").exists()
        engine = ChildProcess(command, log=folder / "log", environment={"PATH": _PATH})
        try:
            engine.wait_until(lambda: _answers(address), START_SECONDS, "the Docker engine")
            yield address
        except DidNotStart as error:
            raise NoContainers(f"no Docker engine runs here, and none can be started: {error}") from error
        finally:
            engine.stop()
            if not had_bridge:
                subprocess.run(["ip", "link", "delete", "docker0"], check=False, capture_output=True, env={"PATH": _PATH})


def _answers(address: str) -> bool:
    with contextlib.suppress(DockerException):
        return bool(docker.DockerClient(base_url=address).ping())
    return False


def _find_gateway(client: docker.DockerClient) -> str:
    """Return the address of this machine in the network of the containers."""
    try:
        network = client.networks.get("bridge").attrs["IPAM"]["Config"][0]
        # A new engine does not name it yet, and takes the first address.
        gateway = network.get("Gateway") or str(next(ipaddress.ip_network(network["Subnet"]).hosts()))
        with socket.socket() as probe:
            probe.bind((gateway, 0))
    except (DockerException, KeyError, IndexError, OSError) as error:
        raise NoContainers(f"containers of this Docker engine have no address of this machine: {error}") from error
    return gateway


def _remove_containers(client: docker.DockerClient) -> None:
    for container in client.containers.list(all=True):
        container.remove(force=True)


def _find_image(client: docker.DockerClient, folder: Path) -> str:
    """Return the image that the functions run in: AWS's where there is one or it can be fetched, else the stand-in."""
    for name in (_LAMBDA_IMAGE, _STAND_IN):
        with contextlib.suppress(docker.errors.ImageNotFound):
            client.images.get(name)
            return name
    try:
        client.images.pull(_LAMBDA_IMAGE)
        return _LAMBDA_IMAGE
    except DockerException as error:
        try:
            _make_stand_in(client, folder)
        except (NoLambdaPython, subprocess.CalledProcessError) as reason:
            raise NoContainers(f"{_LAMBDA_IMAGE} cannot be fetched ({error}), and no stand-in can be made: {reason}") from reason
    return _STAND_IN


def _make_stand_in(client: docker.DockerClient, folder: Path) -> None:
    root = folder / "image"
    make_root_filesystem(root)
    runtime = root / "var" / "runtime"
    command = [find_uv_bin(), "pip", "install", "--quiet", "--python", sys.executable, "--target", str(runtime)]
    processor = {"x86_64": "x86_64", "arm64": "aarch64"}[machine()]
    command += [
        "--no-deps",
        "--only-binary=:all:",
        f"--python-version={VERSION}",
        f"--python-platform={processor}-manylinux_2_28",
    ]
    command += [f"{name}=={version(name)}" for name in _RUNTIME_CLIENT]
    subprocess.run(command, check=True, capture_output=True)
    bootstrap = runtime / "bootstrap"
    bootstrap.write_text(_BOOTSTRAP)
    bootstrap.chmod(0o755)
    archive = folder / "image.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(root, arcname=".")
    repository, tag = _STAND_IN.rsplit(":", 1)
    environment = "LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime LANG=en_US.UTF-8 TZ=:UTC"
    client.api.import_image_from_file(str(archive), repository=repository, tag=tag, changes=[f"ENV {environment}"])
    client.images.get(_STAND_IN)

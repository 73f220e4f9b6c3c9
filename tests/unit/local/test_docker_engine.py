"""local/standins/containers/docker_engine.py: where containers cannot run, it is said why."""

from __future__ import annotations

import pytest
from docker.errors import DockerException

from local.standins.containers import docker_engine
from local.standins.containers.docker_engine import NoContainers, run_engine


@pytest.fixture
def no_engine(monkeypatch):
    """No Docker engine answers."""

    def refuse() -> None:
        raise DockerException("nothing listens")

    monkeypatch.setattr(docker_engine.docker, "from_env", refuse)


def test_only_root_starts_an_engine(no_engine, monkeypatch):
    """Who may not is told so, and nothing is started."""
    monkeypatch.setattr(docker_engine.os, "geteuid", lambda: 1000)
    with pytest.raises(NoContainers, match="only root"), run_engine():
        pass


def test_an_engine_that_is_not_installed_is_named(no_engine, monkeypatch):
    """`make sam-local` installs it."""
    monkeypatch.setattr(docker_engine.os, "geteuid", lambda: 0)
    monkeypatch.setattr(docker_engine, "_PATH", "/nonexistent")
    with pytest.raises(NoContainers, match="dockerd"), run_engine():
        pass


def test_an_engine_that_does_not_start_tells_why(no_engine, monkeypatch, tmp_path):
    """With the end of its log; as in a container that may not mount."""
    program = tmp_path / "dockerd"
    program.write_text("#!/bin/sh\necho cannot mount cgroups >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(docker_engine.os, "geteuid", lambda: 0)
    monkeypatch.setattr(docker_engine, "_PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(docker_engine, "_LOCK", tmp_path / "lock")
    with pytest.raises(NoContainers, match="cannot mount cgroups"), run_engine():
        pass

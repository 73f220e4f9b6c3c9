"""local/standins/containers/relay.py: what containers reach of this machine."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest

from local.standins.containers.relay import Relay

ELSEWHERE = "127.0.0.2"  # another address of this machine


class Echo(socketserver.BaseRequestHandler):
    """Sends everything back, when the caller has said all."""

    def handle(self) -> None:
        said = b""
        while data := self.request.recv(65536):
            said += data
        self.request.sendall(said)


@pytest.fixture
def service() -> Iterator[int]:
    """The port of a service that listens at 127.0.0.1."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def relay() -> Iterator[Relay]:
    """A relay at an address where nothing listens."""
    relay = Relay(ELSEWHERE)
    yield relay
    relay.close()


def ask(port: int, said: bytes) -> bytes:
    with socket.create_connection((ELSEWHERE, port), timeout=20) as connection:
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while data := connection.recv(65536):
            answer += data
        return answer


def test_a_service_answers_at_the_other_address(service, relay):
    """Both directions are whole, and the end of one is not the end of the other."""
    with pytest.raises(OSError):
        ask(service, b"")
    relay.open(service)
    relay.open(service)
    said = bytes(range(256)) * 10_000
    assert ask(service, said) == said
    assert ask(service, b"again") == b"again"


def test_a_service_that_is_down_ends_the_connection(relay):
    """As if it were called directly; the relay goes on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    relay.open(port)
    assert ask(port, b"") == b""


def test_nothing_listens_after_the_end(service):
    """The address is free again."""
    relay = Relay(ELSEWHERE)
    relay.open(service)
    relay.close()
    with pytest.raises(OSError):
        ask(service, b"")

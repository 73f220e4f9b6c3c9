"""Logging in to the source: within a deadline, whatever answers, and with a password in any script.

PyMySQL's `connect_timeout` bounds the TCP connection alone. A server that accepts it and stays silent (as the kernel does for one
that hangs), a port of another protocol, a stalled TLS handshake: all would hold a function until its own time limit ends it, with
no word of the cause.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import struct
import threading
import time
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.constants import CLIENT, CR
from pymysql.converters import conversions

from rental_pipeline.base.errors import FixConfiguration, PipelineError, RetryLater

if TYPE_CHECKING:
    from rental_pipeline.source.connection import SourceAddress

CONNECT_SECONDS = 10

# Values stay the text that the server printed: nothing of their exactness can be lost on this side.
_ENCODERS_ONLY = {kind: encoder for kind, encoder in conversions.items() if not isinstance(kind, int)}

# A MySQL server speaks first: three bytes of length, the number 0, then its protocol's version or an error (MySQL Internals,
# "Protocol::HandshakeV10", "ERR_Packet").
_GREETING_BYTES = 5
_GREETING_KINDS = (10, 255)
_LONGEST_GREETING = 4096
_REST_OF_GREETING_SECONDS = 0.2
_OTHER_PROTOCOLS = (
    (b"HTTP/", "HTTP"),
    (b"SSH-", "SSH"),
    (b"220", "a mail or FTP server's protocol"),
    (b"* OK", "IMAP"),
    (b"+OK", "POP3"),
    (b"-", "Redis's protocol"),
    (b"E\0\0", "PostgreSQL's protocol"),
    (b"\x15\x03", "TLS"),
    (b"\x16\x03", "TLS"),
    (b"\x05\0\0\0\x0b", "MySQL's X protocol, whose port is 33060: take the classic protocol's, mostly 3306"),
)
# What PyMySQL raises where a packet is not what it should be, beside errors of its own that have no number.
_NOT_UNDERSTOOD = (struct.error, ValueError, IndexError, TypeError, AttributeError, AssertionError)


class Login:
    """One attempt to log in.

    Attributes:
        connection: PyMySQL's, also while it is not logged in yet: it then tells how far the login came.
    """

    def __init__(self, address: SourceAddress, password: str, **options: Any):
        self._address = address
        self._deadline = time.monotonic() + CONNECT_SECONDS
        self.connection = pymysql.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            # PyMySQL would write a text as latin1; servers keep the hash of its UTF-8.
            password=password.encode(),
            database=address.database,
            charset="utf8mb4",
            sql_mode="",
            autocommit=True,
            conv=_ENCODERS_ONLY,
            defer_connect=True,
            **options,
        )

    def open(self, *statements: str) -> pymysql.Connection:
        """Return the connection, logged in, after it has run the statements.

        Raises:
            FixConfiguration: the host does not exist, or what answers there is no MySQL server.
            RetryLater: nothing answers, or not in time.
            pymysql.MySQLError: the server refuses the login or a statement.
        """
        opened = self._reach()
        with contextlib.closing(opened.dup()) as handle:
            timer = threading.Timer(self._seconds_left(), self._cut, (handle,))
            timer.daemon = True
            timer.start()
            try:
                self._expect_greeting(opened)
                self.connection.connect(opened)
                with self.connection.cursor() as cursor:
                    for statement in statements:
                        cursor.execute(statement)
            except BaseException as error:
                opened.close()
                self.connection._force_close()
                if isinstance(error, PipelineError) or not isinstance(error, Exception):
                    raise
                if explained := self._explain(error):
                    raise explained from error
                raise
            finally:
                timer.cancel()
                timer.join()
        return self.connection

    @property
    def offers_tls(self) -> bool:
        """Whether the server said in its greeting that it can encrypt."""
        return bool(getattr(self.connection, "server_capabilities", 0) & CLIENT.SSL)

    def _seconds_left(self) -> float:
        return max(self._deadline - time.monotonic(), 0.001)

    @property
    def _is_late(self) -> bool:
        return time.monotonic() >= self._deadline

    @staticmethod
    def _cut(handle: socket.socket) -> None:
        """End every wait of the connection; a second handle, because TLS takes the first one's socket away."""
        with contextlib.suppress(OSError):
            handle.shutdown(socket.SHUT_RDWR)

    def _reach(self) -> socket.socket:
        """Return the TCP connection to the first address of the host that takes it."""
        failure: OSError | None = None
        for family, kind, protocol, _, place in self._resolve():
            opened = socket.socket(family, kind, protocol)
            try:
                opened.settimeout(self._seconds_left())
                opened.connect(place)
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            except OSError as error:
                failure = error
                opened.close()
            else:
                return opened
        raise RetryLater(
            f"the source {self._address} cannot be reached ({failure}): it may be restarting; if it goes on,"
            f" {self._check_address}, and that the functions' subnets and security group may reach it"
        ) from failure

    def _resolve(self) -> list[tuple[Any, ...]]:
        """Return the host's addresses. In a thread, which may stay behind: nothing bounds the wait for a name server."""
        answers: queue.SimpleQueue[list[tuple[Any, ...]] | Exception] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put(socket.getaddrinfo(self._address.host, self._address.port, type=socket.SOCK_STREAM))
            except Exception as error:
                answers.put(error)

        threading.Thread(target=ask, daemon=True).start()
        try:
            answer: list[tuple[Any, ...]] | Exception = answers.get(timeout=self._seconds_left())
        except queue.Empty:
            answer = socket.gaierror(socket.EAI_AGAIN, f"no answer within {CONNECT_SECONDS} seconds")
        if not isinstance(answer, Exception):
            return answer
        host, secret = self._address.host, self._address.secret
        if isinstance(answer, socket.gaierror) and answer.args[0] == socket.EAI_AGAIN:
            raise RetryLater(
                f"the name server does not tell where the source's host {host!r} is ({answer}): if it goes on, check host in the"
                f" secret {secret}, and the name servers of the functions' network"
            ) from answer
        raise FixConfiguration(
            f"the host of the source is unknown: {host!r} ({answer}); check host in the secret {secret}"
        ) from answer

    def _expect_greeting(self, opened: socket.socket) -> None:
        """Look at the first bytes, and leave them where they are."""
        opened.settimeout(self._seconds_left())
        try:
            first = opened.recv(_GREETING_BYTES, socket.MSG_PEEK)
            if 0 < len(first) < _GREETING_BYTES:
                time.sleep(_REST_OF_GREETING_SECONDS)
                first = opened.recv(_GREETING_BYTES, socket.MSG_PEEK)
        except TimeoutError:
            first = b""
        if first and not _may_greet(first):
            raise FixConfiguration(
                f"what answers at {self._place} is no MySQL server: it speaks {_guess_protocol(first)}; {self._check_address}"
            )
        if self._is_late:
            raise RetryLater(
                f"{self._place} accepts connections but says nothing within {CONNECT_SECONDS} seconds: is this a MySQL port?"
                " A MySQL server speaks first; HTTP, TLS and PostgreSQL wait to be spoken to. If it is one, it hangs, or a proxy"
                f" has no server behind it; else {self._check_address}"
            )
        if not first:
            raise self._explain_end()

    def _explain(self, error: Exception) -> PipelineError | None:
        """Return what broke the login off; None where the server itself has told."""
        if self._is_late:
            return RetryLater(
                f"{self._place} answers, but the login was not done within {CONNECT_SECONDS} seconds: it stalled {self._stage};"
                f" the server or a proxy before it may hang; if it goes on, {self._check_address}"
            )
        if isinstance(error, RuntimeError):
            return FixConfiguration(
                f"the user {self._address.user!r} of the source {self._address} cannot log in this way ({error}): encrypt the"
                f" connection, see tls in the secret {self._address.secret}, or give the user another way:"
                " caching_sha2_password (MySQL) or mysql_native_password (MariaDB)"
            )
        is_unnumbered = isinstance(error, pymysql.MySQLError) and not isinstance(next(iter(error.args), None), int)
        if is_unnumbered or isinstance(error, _NOT_UNDERSTOOD):
            return FixConfiguration(
                f"what answers at {self._place} is no MySQL server, or a broken one: it cannot be understood {self._stage}"
                f" ({type(error).__name__}); {self._check_address}"
            )
        cause = getattr(error, "original_exception", None)
        is_lost = isinstance(error, pymysql.MySQLError) and error.args[:1] in ((CR.CR_SERVER_LOST,), (CR.CR_SERVER_GONE_ERROR,))
        is_reset = isinstance(cause, ConnectionError | ssl.SSLEOFError) or isinstance(error, OSError)
        return self._explain_end() if is_lost or is_reset else None

    def _explain_end(self) -> PipelineError:
        return RetryLater(
            f"{self._place} accepts connections and closes them {self._stage}: the server may be starting or stopping, or a proxy"
            f" has no server behind it; if it goes on, {self._check_address}"
        )

    @property
    def _place(self) -> str:
        return f"{self._address.host}:{self._address.port}"

    @property
    def _check_address(self) -> str:
        return f"check host and port in the secret {self._address.secret}"

    @property
    def _stage(self) -> str:
        """How far the login came."""
        if not hasattr(self.connection, "server_capabilities"):
            return "in its greeting"
        if self.connection.ssl and not self.connection._secure:
            return "in the TLS handshake"
        return "after its greeting, while the user logs in"


def _may_greet(first: bytes) -> bool:
    if len(first) < _GREETING_BYTES:
        return first[3:] in (b"", b"\0")  # as far as it goes; PyMySQL judges the rest
    return first[3] == 0 and first[4] in _GREETING_KINDS and int.from_bytes(first[:3], "little") <= _LONGEST_GREETING


def _guess_protocol(first: bytes) -> str:
    return next((name for start, name in _OTHER_PROTOCOLS if first.startswith(start)), "a protocol that is not known here")

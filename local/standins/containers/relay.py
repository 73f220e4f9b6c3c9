"""Services of 127.0.0.1, offered at another address of this machine as well: there containers find them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from functools import partial

_CHUNK = 65536


class Relay:
    """Passes connections on from an address of this machine to the same port of 127.0.0.1.

    Args:
        host: The address to listen at.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._ports: set[int] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)
        self._thread.start()

    def open(self, port: int) -> None:
        """Listen at a port; do nothing where it does already.

        Raises:
            OSError: the address is not this machine's, or the port is taken there.
        """
        if port not in self._ports:
            server = asyncio.start_server(partial(_pass_on, port), self._host, port)
            asyncio.run_coroutine_threadsafe(server, self._loop).result()
            self._ports.add(port)

    def close(self) -> None:
        """End every connection, and stop listening."""
        asyncio.run_coroutine_threadsafe(_end_tasks(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _pass_on(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.closing(writer), contextlib.suppress(OSError):
        service_reader, service_writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.closing(service_writer):
            await asyncio.gather(_copy(reader, service_writer), _copy(service_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy up to the end, and pass that on: the other direction may have more to say."""
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


async def _end_tasks() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

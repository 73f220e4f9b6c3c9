"""Receiving in a thread of its own, so that the next rows arrive while those before are decoded and written."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from threading import Thread
from typing import TypeVar

Item = TypeVar("Item")

_AHEAD = 2
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class _End:
    """Stands behind the last item: what ended them, or None if they were all."""

    error: BaseException | None


def receive_ahead(items: Iterable[Item], interrupt: Callable[[], None]) -> Generator[Item]:
    """Yield the items of an iterable that is walked in another thread, at most two ahead; its exceptions are raised here.

    Args:
        interrupt: Ends a wait within the iterator, so that the thread ends when this is closed early.
    """
    ready: queue.Queue[Item | _End] = queue.Queue(_AHEAD)

    def fill() -> None:
        try:
            for item in items:
                ready.put(item)
        except BaseException as error:
            ready.put(_End(error))
        else:
            ready.put(_End(None))

    thread = Thread(target=fill, name="receive-rows", daemon=True)
    thread.start()
    is_over = False
    try:
        while True:
            item = ready.get()
            if isinstance(item, _End):
                is_over = True
                if item.error:
                    raise item.error
                return
            yield item
    finally:
        if not is_over:
            interrupt()
        while thread.is_alive():  # it may wait for room in the queue
            with contextlib.suppress(queue.Empty):
                ready.get(timeout=_POLL_SECONDS)

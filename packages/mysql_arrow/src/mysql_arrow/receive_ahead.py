"""Receiving in a thread of its own, so that the next rows arrive while those before are decoded and written."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable, Iterator
from threading import Thread
from typing import TypeVar

Item = TypeVar("Item")

_AHEAD = 2
_POLL_SECONDS = 0.05


def receive_ahead(items: Iterator[Item], interrupt: Callable[[], None]) -> Iterator[Item]:
    """Yield the items of an iterator that runs in another thread, at most two ahead; its exceptions are raised here.

    Args:
        interrupt: Ends a wait within the iterator, so that the thread ends when this is closed early.
    """
    ready: queue.Queue[tuple[str, object]] = queue.Queue(_AHEAD)

    def fill() -> None:
        try:
            for item in items:
                ready.put(("item", item))
            ready.put(("end", None))
        except BaseException as error:
            ready.put(("error", error))

    thread = Thread(target=fill, name="receive-rows", daemon=True)
    thread.start()
    is_over = False
    try:
        while True:
            kind, content = ready.get()
            is_over = kind != "item"
            if kind == "end":
                return
            if kind == "error":
                raise content
            yield content
    finally:
        if not is_over:
            interrupt()
        while thread.is_alive():  # it may wait for room in the queue
            with contextlib.suppress(queue.Empty):
                ready.get(timeout=_POLL_SECONDS)

"""A history that grows is read from its end, and only as far as it is new."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from local.started_execution import StartedExecution


class Service:
    """GetExecutionHistory over events that a test adds to; it counts the pages that were asked for."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.pages = 0

    def get_paginator(self, operation: str) -> Service:
        assert operation == "get_execution_history"
        return self

    def paginate(self, executionArn: str, reverseOrder: bool, PaginationConfig: dict[str, int]) -> Iterator[dict[str, Any]]:
        assert reverseOrder
        newest_first, size = self.events[::-1], PaginationConfig["PageSize"]
        for start in range(0, len(newest_first), size):
            self.pages += 1
            yield {"events": newest_first[start : start + size]}


def test_what_is_known_of_a_history_is_not_read_again():
    """Every event comes once and in order, however many came meanwhile."""
    service = Service()
    execution = StartedExecution(service, "arn", lambda arn: None)
    assert execution.history() == []
    for more, pages in ((10, 1), (0, 1), (1, 1), (60, 3), (100, 4), (3, 1)):
        service.events += [{"id": len(service.events) + 1 + number} for number in range(more)]
        service.pages = 0
        assert execution.history() == service.events
        assert service.pages == pages, more

"""How far a command is: a line per stage, with a bar on a terminal, elapsed time, and what came of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TextColumn
from rich.progress import Progress as Bars
from rich.text import Text

_TITLE_WIDTH, _BAR_WIDTH = 20, 16  # with the seconds and what is told, a line of 80 characters


class Stage:
    """A line: on a terminal with a bar that moves, elsewhere written when the stage is over.

    Args:
        title: What happens, in a few words.
        out: Where lines go.
        console: Of the terminal; None where there is none.
    """

    def __init__(self, title: str, out: TextIO, console: Console | None) -> None:
        self._title = title
        self._out = out
        self._since = time.monotonic()
        self._bars: Bars | None = None
        if console:
            title_column = TextColumn(f"  {{task.description:<{_TITLE_WIDTH}}}", markup=False)
            told = [_Seconds(), TextColumn("{task.fields[told]}", markup=False)]
            self._bars = Bars(
                title_column,
                BarColumn(_BAR_WIDTH, complete_style="cyan", finished_style="green", pulse_style="cyan"),
                *told,
                console=console,
                refresh_per_second=5,
            )
            self._task = self._bars.add_task(title, total=None, told="", seconds=None)
            self._bars.start()

    def show(self, told: str = "", done: int | None = None, total: int | None = None) -> None:
        """Show how far it is: a text, and how much of how much; without a total, the bar only moves."""
        if self._bars:
            self._bars.update(self._task, told=told, completed=done, total=total)

    def end(self, told: str = "", seconds: float | None = None, is_good: bool = True) -> None:
        """Say that it is over, and what came of it.

        Args:
            seconds: How long it took, where the caller knows better.
            is_good: Whether the bar is full.
        """
        took = time.monotonic() - self._since if seconds is None else seconds
        if self._bars:
            self._bars.update(self._task, told=told, seconds=took)
            if is_good:
                self._bars.update(self._task, completed=1, total=1)
            self._bars.stop()
        else:
            print(f"  {self._title:<{_TITLE_WIDTH}} {_write_seconds(took)}  {told}".rstrip(), file=self._out, flush=True)


class Progress:
    """The lines of a command, one stage at a time.

    Args:
        is_verbose: Whether details are told as well.
        out: Where lines go; bars are drawn only where it is a terminal.
    """

    def __init__(self, is_verbose: bool = False, out: TextIO | None = None) -> None:
        self.is_verbose = is_verbose
        self._out = out or sys.stdout
        console = Console(file=self._out)
        self._console = console if console.is_terminal and not is_verbose else None
        self._open: Stage | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._open:  # whatever happened, the terminal is left in order
            self._open.end("not finished", is_good=False)
            self._open = None

    def say(self, text: str) -> None:
        """Write a line between stages."""
        print(text, file=self._out, flush=True)

    def detail(self, text: str) -> None:
        """Write a line that is told only to those who asked for details."""
        if self.is_verbose:
            self.say(text)

    def begin(self, title: str) -> None:
        """Begin a stage; the one before must have ended."""
        self._open = Stage(title, self._out, self._console)

    def show(self, told: str = "", done: int | None = None, total: int | None = None) -> None:
        """Show how far the stage is."""
        if self._open:
            self._open.show(told, done, total)

    def end(self, told: str = "", seconds: float | None = None) -> None:
        """End the stage, and say what came of it."""
        if self._open:
            self._open.end(told, seconds)
            self._open = None

    @contextmanager
    def stage(self, title: str) -> Iterator[list[str]]:
        """Be a stage as long as the block lasts; what is put into the list is what came of it."""
        told: list[str] = []
        self.begin(title)
        yield told
        self.end(", ".join(told))


class _Seconds(ProgressColumn):
    """How long a stage takes so far, or took."""

    def render(self, task: Task) -> Text:
        took = task.fields["seconds"]
        return Text(_write_seconds((task.elapsed or 0.0) if took is None else took))


def _write_seconds(seconds: float) -> str:
    return f"{seconds:5.1f} s"

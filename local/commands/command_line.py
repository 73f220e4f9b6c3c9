"""The command line as a person reads it: one line that says what is wrong and what to write instead, in the Makefile's words."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

_OF_ONE_WORD = re.compile(r"argument (?:-\w/)?--([\w-]+): ")
_NEEDED = re.compile(r"the following arguments are required: (.*)")


class CommandLine(argparse.ArgumentParser):
    """A parser that refuses in one line, without its usage, which `make help` has in the words that people type."""

    def error(self, message: str) -> NoReturn:
        """End with code 2."""
        message = _OF_ONE_WORD.sub(lambda match: f"{_name_variable(match[1])}: ", message)
        if needed := _NEEDED.fullmatch(message):
            names = ", ".join(_name_variable(word.strip().lstrip("-")) for word in needed[1].split(","))
            message = f"this needs {names}"
        self.exit(2, f"{message}. `make help` lists what each command takes.\n")


def _name_variable(option: str) -> str:
    return option.upper().replace("-", "_")


def count_days(text: str) -> int:
    """Return a number of days from 1 on.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not re.fullmatch(r"[0-9]{1,4}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days: write 1 or more, as DAYS=7")
    return int(text)


def read_scale(text: str) -> float:
    """Return a number above 0.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not re.fullmatch(r"[0-9]*\.?[0-9]+", text) or float(text) <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: write a number above 0, as SCALE=0.5")
    return float(text)


def read_seed(text: str) -> int:
    """Return a whole number from 0 on.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no seed: write a whole number, as SEED=2")
    return int(text)


def one_of(known: Sequence[str], way_out: str = "") -> Callable[[str], str]:
    """Return what takes one of some words.

    Args:
        known: The words.
        way_out: What to do for another, as a clause.
    """

    def read(text: str) -> str:
        if text not in known:
            raise argparse.ArgumentTypeError(f"{text!r} is not known; it is one of {', '.join(known)}{way_out}")
        return text

    return read


def list_marketplaces(sql_root: Path) -> list[str]:
    """Return the folders of sql/ that have a contract."""
    return sorted(path.parent.name for path in sql_root.glob("*/source.yaml"))

"""The sample sources of `make run`: made once, remembered, and lived on for a day before each increment."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pymysql

from local.commands.progress import Progress
from local.marketplace import generator, market
from local.marketplace.day import play_day
from local.marketplace.schema import create_sample_schema
from local.refusal import Refused
from local.stack import Stack

# A market that one believes, and the laboratory: the original files' shape, sizes and dirt. Each has a state folder of its own.
MARKET, LAB = "market", "lab"
DATA = (MARKET, LAB)
_DEFAULT_SCALES = {MARKET: market.DEFAULT_SCALE, LAB: generator.DEFAULT_SCALE}
_DEFAULT_SEED = 1


class RunFailed(Refused):
    """The run cannot start or did not succeed; the message says why and what to do."""


class Journal:
    """What a state folder's source was made from, kept beside it as JSON: so that a second run continues it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "source.json"
        self.facts: dict[str, Any] = json.loads(self._path.read_text()) if self._path.exists() else {}

    def note(self, **facts: Any) -> None:
        """Add facts and write them."""
        self.facts.update(facts)
        self._path.write_text(json.dumps(self.facts))


@dataclass(frozen=True)
class Sample:
    """The made-up source that a user wants.

    Attributes:
        data: One of DATA.
        scale, seed: None takes those with which it was made, or the defaults of its data.
        days: How many days are played, each with a run after it.
    """

    data: str = MARKET
    scale: float | None = None
    seed: int | None = None
    days: int = 1


def refuse_another_source(journal: Journal, sample: Sample) -> None:
    """Refuse a scale or seed other than that of the source which is there.

    Raises:
        RunFailed: naming both.
    """
    for name, wanted in (("scale", sample.scale), ("seed", sample.seed)):
        made_with = journal.facts.get(name, wanted)
        if wanted is not None and made_with != wanted:
            raise RunFailed(f"the source here was made with {name} {made_with}, not {wanted}: `make clean` first")


def make_source(stack: Stack, journal: Journal, sample: Sample, progress: Progress) -> bool:
    """Create and fill the source unless it is there; return whether it still has to be loaded for the first time.

    Raises:
        RunFailed: an earlier run was killed while it filled the source.
    """
    with closing(stack.source.connect()) as connection:
        create_sample_schema(connection, stack.marketplace)  # a file may be newer than the source
    if "scale" not in journal.facts:
        scale = _DEFAULT_SCALES[sample.data] if sample.scale is None else sample.scale
        seed = _DEFAULT_SEED if sample.seed is None else sample.seed
        today = _today()
        with progress.stage("Make a sample source") as told, closing(stack.source.connect()) as connection:
            try:
                if sample.data == MARKET:
                    rows = market.found_market(connection, stack.marketplace, scale, seed, today, progress.show)
                else:
                    rows = generator.fill(connection, scale, seed, progress=progress.show, marketplace=stack.marketplace)
            except generator.SourceNotEmpty as error:
                raise RunFailed("an earlier run was killed while it filled the source: `make clean`, then `make run`") from error
            told.append(f"{sum(rows.values()):,} rows (scale {scale:g}, seed {seed})")
        journal.note(scale=scale, seed=seed, founded=today.isoformat(), days_played=0)
        progress.detail("  " + ", ".join(f"{count:,} {table}" for table, count in rows.items()))
    return not journal.facts.get("is_loaded")


@dataclass(frozen=True)
class NextDay:
    """The day of marketplace life that comes next.

    Attributes:
        number: 1 after the first load.
        first, last: The days that it is made of: more than one where the market was left alone for days.
        title: What it is called.
    """

    number: int
    first: date
    last: date
    title: str


def find_next_day(journal: Journal, data: str) -> NextDay:
    """Return the day after the last one that was played, and of a market those too that have gone by since."""
    number, today = journal.facts["days_played"] + 1, _today()
    if data == LAB:  # which lives by the clock alone
        return NextDay(number, today, today, f"day {number}")
    lived_until = journal.facts.get("lived_until")
    first = date.fromisoformat(lived_until) + timedelta(days=1) if lived_until else date.fromisoformat(journal.facts["founded"])
    last = max(first, today)
    return NextDay(number, first, last, f"{last.day} {last:%b %Y}")


def play(stack: Stack, journal: Journal, data: str, day: NextDay) -> int:
    """Let a day of marketplace life happen on the source; return how many rows changed.

    The market's second day may be tomorrow: its source's clock goes ahead of this machine's then, and the pipeline goes by that.
    """
    return sum(_play(stack, journal, data, day).values())


def play_next_day(stack: Stack, journal: Journal, data: str, progress: Progress) -> None:
    """Let the next day of marketplace life happen on the source, and tell it."""
    day = find_next_day(journal, data)
    progress.say("")
    with progress.stage(f"Play {day.title}") as told:
        changes = _play(stack, journal, data, day)
        told.append(f"{sum(changes.values()):,} changes in the source")
    progress.detail("  " + ", ".join(f"{count} {what}" for what, count in changes.items() if count))


def _play(stack: Stack, journal: Journal, data: str, day: NextDay) -> dict[str, int]:
    facts = journal.facts
    stack.set_source_ahead(day.last - _today())
    with closing(stack.source.connect()) as connection:
        if data == LAB:
            changes = play_day(connection, facts["seed"], day.number, stack.marketplace)
        else:
            founded = date.fromisoformat(facts["founded"])
            try:
                changes = market.live_on(
                    connection, stack.marketplace, facts["scale"], facts["seed"], founded, first=day.first, last=day.last
                )
            except pymysql.IntegrityError as error:
                raise RunFailed(
                    f"the source here has rows that its market never had ({error.args[1]}): somebody else wrote them, or another"
                    " version of this project made it; `make clean` first"
                ) from error
    journal.note(days_played=day.number, lived_until=day.last.isoformat())
    return changes


def _today() -> date:
    return datetime.now(UTC).date()

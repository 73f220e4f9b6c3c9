"""Replay: the archived loads of one table are made again, one after the other, beside raw; then they take its place."""

from __future__ import annotations

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.base.object_store import replay_key, replayed_loads_key
from rental_pipeline.model.document import read_document
from rental_pipeline.model.load_document import Replay, ReplayedLoad
from rental_pipeline.model.raw_tables import EVENT_DAY, METADATA, name_replayed, quote_identifier
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.model.strategies import Append
from rental_pipeline.warehouse.steps.load import Load
from rental_pipeline.warehouse.steps.step import ReplayRequest, Step


def compose_replay(request: ReplayRequest) -> Step:
    """Compose the step: a transaction for each of its loads; the first step of a table begins it, the last exchanges the rows.

    Until then raw is as it was, and stays so where a load gives another count of rows than it did when it was made.

    Raises:
        FixConfiguration: these are no loads of one step.
    """
    table, name = request.table, literal(request.name)
    first, last = request.first, request.last
    bucket, place = request.settings.bucket, (request.schemas.marketplace, request.run_sequence, request.name)
    replay = read_document(Replay, bucket, replay_key(*place))
    listed = read_document(tuple[ReplayedLoad, ...], bucket, replayed_loads_key(*place, first)) if first < last else ()
    if len(listed) != last - first:
        raise FixConfiguration(f"loads {first} to {last} of {request.name} are no part of the plan: it has {len(listed)} there")
    made = name_replayed(request.schemas.staging, request.name)
    raw = f"{request.schemas.raw}.{quote_identifier(request.name)}"
    event_day = [EVENT_DAY] if isinstance(table.strategy, Append) else []
    columns = ", ".join([*map(quote_identifier, replay.columns), *METADATA, *event_day])
    begin = request.write(
        f"drop table if exists {made}",
        replay.definition,
        f"delete from {request.schemas.control}.replayed_load where table_name = {name}",
        label="begin",
        title=f"replay {request.name}: begin",
    )
    loads = [
        submission
        for load in listed
        for submission in request.write_all(
            *_repeat(request, load),
            label=f"load-{load.run_sequence:06d}",
            title=f"replay {request.name}: load of run {load.run_sequence}",
        )
    ]
    exchange = request.write(
        f"call confirm_replay({request.run_sequence}, {name}, {replay.loads})",
        f"delete from {raw}",
        f"insert into {raw} ({columns}) select * from {made}",
        f"drop table {made}",
        label="exchange",
        title=f"replay {request.name}: exchange",
    )
    is_last = last == replay.loads
    return Step(request.statement_name, (*([begin] if first == 0 else []), *loads, *([exchange] if is_last else [])))


def _repeat(request: ReplayRequest, load: ReplayedLoad) -> list[str]:
    """Return the statements of a load, without what only the first time is to have: watermark and changed days."""
    repeated = RepeatedLoad(request, load)
    return [*repeated.copy(), *(repeated.replace_days() if isinstance(load.table.strategy, Append) else repeated.add_versions())]


class RepeatedLoad(Load):
    """A load that an earlier run committed, into the table of the same name in the staging schema."""

    def __init__(self, request: ReplayRequest, load: ReplayedLoad):
        super().__init__(request, load.table, load.totals)
        self.replaying_run = request.run_sequence
        self.run = load.run_sequence
        self.raw = name_replayed(request.schemas.staging, request.name)
        self.observed_at = literal(load.source_time.replace("T", " "))
        self.recorded = load.rows_added, load.rows_removed

    @property
    def _measured_cursor(self) -> None:
        """It was measured when the load was made."""

    def _count(self, **counts: str) -> str:
        return (
            f"insert into {self.control}.replayed_load"
            " (run_sequence, table_name, load_sequence, rows_added, rows_removed, rows_added_before, rows_removed_before)"
            f" select {self.replaying_run}, {literal(self.table.name)}, {self.run}, {counts['rows_added']},"
            f" {counts['rows_removed']}, {self.recorded[0]}, {self.recorded[1]}"
        )

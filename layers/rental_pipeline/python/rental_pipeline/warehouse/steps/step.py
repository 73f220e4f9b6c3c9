"""What a step is made of, and what it is composed from."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from typing import Any

from rental_pipeline.base.errors import FixConfiguration
from rental_pipeline.base.object_store import DIRTY, LEDGER, LOADS, NEWEST, PENDING, PLAN, run_key
from rental_pipeline.base.settings import WarehouseSettings
from rental_pipeline.definitions.marketplace import Marketplace, Schemas
from rental_pipeline.definitions.sql_files import hash_texts
from rental_pipeline.model.arrivals import Pending, PeriodRange
from rental_pipeline.model.document import Kind, read_document
from rental_pipeline.model.ledger import Ledger
from rental_pipeline.model.load_document import TableLoad
from rental_pipeline.model.plan_document import Plan
from rental_pipeline.model.request_size import MAX_BYTES, MAX_STATEMENTS, count_bytes, divide_texts
from rental_pipeline.model.sql_literal import literal
from rental_pipeline.model.table_plan import PlannedTable
from rental_pipeline.warehouse.data_api import Submission

Rows = list[dict[str, Any]]

_INSERT_BYTES = 40_000
GUARDS = 3  # statements with which every writing batch begins
# A procedure cannot hold them on the one-machine stack, which copies and unloads outside of its database.
_NEVER_IN_PROCEDURE = re.compile(r"\s*(copy|unload)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Snapshot:
    """Selects that are to see one version of what they read, however many they are.

    Attributes:
        selects: SQL texts; the rows of each are wanted.
        version: A select of one row, which changes with every change of what the others read.
        parameters: As of a Submission.
    """

    selects: tuple[str, ...]
    version: str
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """Statements to run, then rows to read, then a result to return.

    Attributes:
        name: Prefix of the statements' names, unique in the warehouse: marketplace, run, step, table.
        submissions: Run one after another; each is a transaction of its own.
        reads: Selects, run after the last submission committed.
        snapshot: Selects that are read instead.
        finish: Makes the step's result from the rows of what was read.
    """

    name: str
    submissions: tuple[Submission, ...] = ()
    reads: tuple[str, ...] = ()
    snapshot: Snapshot | None = None
    finish: Callable[[list[Rows]], dict[str, Any]] = field(default=lambda rows: {})

    @cached_property
    def read_requests(self) -> list[Submission]:
        """What is read, as requests: each is one transaction, and sees one state of the warehouse. Those of a snapshot begin with
        its version."""
        if not self.snapshot:
            return [Submission("read", tuple(selects)) for selects in divide_texts(self.reads, MAX_STATEMENTS)]
        version, most_bytes = self.snapshot.version, MAX_BYTES - count_bytes(self.snapshot.version)
        batches = divide_texts(self.snapshot.selects, MAX_STATEMENTS - 1, most_bytes)
        return [Submission("read", (version, *selects), self.snapshot.parameters) for selects in batches]


@dataclass(frozen=True)
class OpenRequest:
    """The step that opens a run, which has no number yet.

    Attributes:
        execution_id: The ARN of the execution. execution_name: Its last part.
        run_input: The execution's input, as it came.
    """

    settings: WarehouseSettings
    marketplace: Marketplace
    execution_id: str
    execution_name: str
    run_input: dict[str, Any] = field(default_factory=dict)

    @property
    def schemas(self) -> Schemas:
        return self.marketplace.schemas

    @property
    def title(self) -> str:
        """The step, as messages name it."""
        return "open"

    @property
    def statement_name(self) -> str:
        """The prefix of the names of the step's statements."""
        return f"{self.schemas.marketplace}/open/{self.execution_name}"


@dataclass(frozen=True)
class StepRequest:
    """One step of an open run: the event's fields, and the run's files behind them.

    Attributes:
        step: The step's name in run.asl.yaml.
        run_sequence: The run.
        run_input: The execution's input, as it came.
    """

    settings: WarehouseSettings
    marketplace: Marketplace
    step: str
    run_sequence: int
    run_input: dict[str, Any] = field(default_factory=dict)

    @property
    def schemas(self) -> Schemas:
        return self.marketplace.schemas

    @property
    def title(self) -> str:
        """The step and its table, as the ledger records them."""
        return self.step

    @property
    def statement_name(self) -> str:
        """The prefix of the names of the step's statements: marketplace, run, step, table."""
        return f"{name_run(self.schemas.marketplace, self.run_sequence)}/{self.step}"

    @cached_property
    def plan(self) -> Plan:
        return self._read(Plan, PLAN)

    @cached_property
    def loads(self) -> dict[str, TableLoad]:
        return self._read(dict[str, TableLoad], LOADS)

    @cached_property
    def pending(self) -> Pending:
        """What the step of that name found."""
        return self._read(Pending, PENDING)

    @cached_property
    def dirty(self) -> dict[str, PeriodRange]:
        """The dirty periods of the metrics, once curated tables are built."""
        return self._read(dict[str, PeriodRange], DIRTY) if self.pending.curated else self.pending.dirty

    @cached_property
    def newest(self) -> dict[str, str]:
        """The newest periods of metrics once the run is closed, ISO; a metric of which none is known is not there."""
        return self._read(dict[str, str], NEWEST)

    @cached_property
    def ledger(self) -> Ledger:
        """What the open step noted for the run."""
        return self._read(Ledger, LEDGER)

    def by(self, ledger: Ledger) -> StepRequest:
        """Return the same request by another ledger than the one that the open step noted."""
        request = replace(self)
        request.__dict__["ledger"] = ledger  # where cached_property keeps it
        return request

    @property
    def execution_id(self) -> str:
        """The execution that opened the run (a redriven one keeps its id)."""
        return self.ledger.execution_id

    def require_same_files(self) -> None:
        """Refuse to go on with other SQL than the run began with.

        What it has built would be recorded under the hashes of the new files, and never be built by them.

        Raises:
            FixConfiguration: the SQL was deployed again meanwhile.
        """
        if self.ledger.files_hash != self.marketplace.files_hash:
            raise FixConfiguration(
                f"the SQL of {self.schemas.marketplace} was deployed again after run {self.run_sequence} had begun:"
                " start a new execution, which makes again whatever the new files touch"
            )

    def is_rebuilt(self, layer: str, sources: Collection[str]) -> bool:
        """Whether a layer's table is built whole because that was asked for, or because raw was made again.

        Args:
            layer: curated, presentation, or control (the lake's exchange rates, which a rebuild of any whole layer brings).
            sources: The raw tables that it is made of.
        """
        rebuild = self.plan.rebuild
        if rebuild is None or layer not in ("control", *rebuild.layers):
            return False
        return rebuild.tables is None or not set(sources).isdisjoint(rebuild.tables)

    def _read(self, kind: type[Kind], name: str) -> Kind:
        return read_document(kind, self.settings.bucket, run_key(self.schemas.marketplace, self.run_sequence, name))

    def write(self, *statements: str, once: bool = True, label: str = "write", title: str | None = None) -> Submission:
        """Return the step's one guarded batch.

        Args:
            statements: What to write.
            once: Record the step, so that a second execution raises ALREADY DONE and changes nothing. Without it the step is
                one whose repetition computes the same again.
            label: The submission's part of the statement name.
            title: What the ledger records, where it is not the step's own title.
        """
        guard = f"enter_step({self.run_sequence}, {literal(title or self.title)}," if once else f"hold_lease({self.run_sequence},"
        return Submission(
            label=label,
            statements=(
                f"set search_path to {self.schemas.control}",
                "lock lease",
                f"call {guard} {self.settings.lease_seconds})",
                *statements,
            ),
            parameters={"as_of": self.plan.as_of},
        )

    def write_all(
        self, *statements: str, once: bool = True, label: str = "write", title: str | None = None
    ) -> tuple[Submission, ...]:
        """Return the submissions that write any number of statements in the step's one guarded batch; arguments as of `write`.

        What a request cannot hold (40 statements, 100 KB) is put into procedures, which the batch calls and drops: all is still
        one transaction behind one guard. It makes them itself, where their texts fit into it. Else batches of their own make
        them, whose repetition makes the same again; a run that was overtaken can neither make nor call one (docs/decisions,
        "A transaction of any size").

        Raises:
            FixConfiguration: a single statement has over 95,000 bytes, or all have over about 1.7 MB.
        """
        if len(statements) + GUARDS <= MAX_STATEMENTS and count_bytes(*statements) <= MAX_BYTES:
            return (self.write(*statements, once=once, label=label, title=title),)
        if too_long := [sql for sql in statements if count_bytes(sql) > MAX_BYTES]:
            raise FixConfiguration(
                f"step {self.title}: a statement has {count_bytes(too_long[0])} bytes, and a request to the Redshift Data API"
                f" holds {MAX_BYTES} of one; it begins with: {' '.join(too_long[0].split())[:200]}"
            )
        name = f"batch_{hash_texts(title or self.title)[:16]}"
        bodies: list[list[str]] = []
        calls: list[str] = []
        for group in _group_for_procedures(statements):
            if _NEVER_IN_PROCEDURE.match(group[0]):
                calls += group
                continue
            for body in divide_texts([self._fill_in(sql) for sql in group]):
                calls.append(f"call {name}_{len(bodies)}()")
                bodies.append(body)
        definitions = [
            f"create or replace procedure {name}_{number}() as $batch$\nbegin\n"
            + "".join(f"{sql}\n;\n" for sql in body)
            + "end;\n$batch$ language plpgsql"
            for number, body in enumerate(bodies)
        ]
        drops = [f"drop procedure {name}_{number}()" for number in range(len(bodies))]
        together = (*definitions, *calls, *drops)
        if len(together) + GUARDS <= MAX_STATEMENTS and count_bytes(*together) <= MAX_BYTES:
            return (self.write(*together, once=once, label=label, title=title),)
        return (
            *(self.write(sql, once=False, label=f"{label}-part-{number}") for number, sql in enumerate(definitions)),
            self.write(*calls, *drops, once=once, label=label, title=title),
        )

    def _fill_in(self, sql: str) -> str:
        """A procedure's body takes no parameters of the Data API."""
        return re.sub(r"(?<!:):as_of\b", literal(self.plan.as_of), sql)


@dataclass(frozen=True, kw_only=True)
class TableRequest(StepRequest):
    """A step that is made once for each table or metric.

    Attributes:
        name: The table of raw or curated, or the metric.
    """

    name: str

    @property
    def title(self) -> str:
        return f"{self.step} {self.name}"

    @property
    def statement_name(self) -> str:
        return f"{super().statement_name}/{self.name}"

    @property
    def table(self) -> PlannedTable:
        """The plan's entry for the table (raises as `Plan.table`)."""
        return self.plan.table(self.name)


@dataclass(frozen=True, kw_only=True)
class ReplayRequest(TableRequest):
    """Some loads of a table that are made again.

    Attributes:
        first, last: Which, by their places in the table's list; half-open.
    """

    first: int
    last: int


def _group_for_procedures(statements: Sequence[str]) -> Iterable[list[str]]:
    """Part statements that a procedure can hold from those that it cannot, in their order."""
    for _, group in groupby(statements, key=lambda sql: bool(_NEVER_IN_PROCEDURE.match(sql))):
        yield list(group)


def name_run(marketplace: str, run_sequence: int) -> str:
    """Return the prefix of all statement names of a run."""
    return f"{marketplace}/{run_sequence:06d}"


def divide_statements(label: str, first: str, statements: Iterable[str], skip_if: str | None = None) -> tuple[Submission, ...]:
    """Divide statements that need no common transaction into batches, each beginning with the same statement.

    `skip_if` is that of Submission.
    """
    return tuple(
        Submission(f"{label}-{number}", (first, *batch), skip_if=skip_if)
        for number, batch in enumerate(divide_texts(statements, MAX_STATEMENTS - 1))
    )


def insert_rows(into: str, rows: Iterable[str]) -> list[str]:
    """Return the inserts of any number of rows, each written as `(…, …)`.

    Args:
        into: The table with its columns: `table (column, column)`.
    """
    return [f"insert into {into} values {', '.join(values)}" for values in divide_texts(rows, most_bytes=_INSERT_BYTES)]

"""A schedule of the model, done in the model and in the real pipeline side by side."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from rental_pipeline.base.errors import FixConfiguration
from tests.fixtures.market import Market, StartedRun
from tests.model.protections import Protections
from tests.model.protocol import END, STEPS, crash
from tests.model.schedules import Scope, begin, list_actions
from tests.model.source import CHILD
from tests.model.state import CHILDREN, PARENTS, Row, get

REFUSALS = "OVERTAKEN|RUN CLOSED|deployed again"


class Replay:
    """Does actions by their names, and compares what the model and the pipeline then hold."""

    def __init__(self, market: Market, scope: Scope):
        self.market = market
        self.on = Protections()
        self.actions = dict(list_actions(scope, self.on))
        self.model = begin(scope, self.on)
        self.runs: dict[int, StartedRun] = {}
        self.removed_child: tuple | None = None
        self.transaction: Any = None
        if scope.starts_loaded:
            market.insert_parent()
            market.insert_child()
            market.run_well()
            market.pass_time(hours=1)
            market.pass_time(weeks=1)
        self.compare("in the beginning")

    def do(self, action: str) -> None:
        """Do one action on both sides, and compare."""
        before = self.model
        after = self.actions[action](before)
        if after is None and len(before.runs) > 1:  # the model has no room for a third run: the others never go on
            after = self.actions[action](crash(before))
        assert after is not None, f"the model cannot do {action!r} here"
        self.model = after
        if action in EVENTS:
            EVENTS[action](self)
        elif found := re.fullmatch(r"(\w+) run(?: stops before (.*))?", action):
            self.market.pipeline.forget_state()  # the model's run begins, also where there is nothing to do
            run = self.market.start(self._choose_input(found[1]))
            self.runs[after.lease] = run
            self._go_on(after.lease, found[2] or END)
        elif found := re.fullmatch(r"the (last stopped run|stopped run before it) (.*)", action):
            sequence = before.runs[-1 if found[1].startswith("last") else -2].sequence
            if found[2] == "repeats its step":
                self._repeat(sequence)
            else:
                stop = re.fullmatch("goes on to its end|goes on and stops before (.*)", found[2])[1]
                self._go_on(sequence, stop or END)
        else:
            raise AssertionError(f"the pipeline has nothing for {action!r}")
        self.compare(f"after {action!r}")

    def compare(self, when: str) -> None:
        """Compare raw's versions, curated and rejected rows, and what is published."""
        assert self._read_raw() == self._model_raw(), f"raw {when}"
        curated, rejected = self._read_curated()
        assert (curated, rejected) == (self._model_curated(), dict(self.model.rejected)), f"curated {when}"
        published = {
            (metric, (week - self.market.first_day).days // 7): value
            for metric in (PARENTS, CHILDREN)
            if self._exists(f"market_presentation.{metric}_weekly")
            for week, value in self.market.query(f"select * from {metric}_weekly")
        }
        assert published == dict(self.model.published), f"presentation {when}"

    def _choose_input(self, kind: str) -> dict[str, Any]:
        if kind == "window":
            near = timedelta(minutes=20)
            window = {"from": (self.market.clock - near).isoformat(), "to": (self.market.clock + near).isoformat()}
            return {"window": window, "tables": [PARENTS, CHILDREN]}
        return {} if kind == "incremental" else {kind: [CHILDREN] if kind == "erase" else True}

    def _go_on(self, sequence: int, stop: str) -> None:
        run = self.runs[sequence]
        last = len(STEPS) if stop == END else STEPS.index(stop)
        try:
            while run.state is not None and (stop == END or self._place(run.state, sequence) < last):
                run.step()
        except FixConfiguration as refusal:
            assert re.search(REFUSALS, str(refusal))
            assert all(each.sequence != sequence for each in self.model.runs), f"only the pipeline refuses: {refusal}"

    def _repeat(self, sequence: int) -> None:
        """Call the function of the step that was done last again, with the same event."""
        run = next(each for each in self.model.runs if each.sequence == sequence)
        step, _, table = STEPS[run.done - 1].partition(" ")
        if run.kind == "replay":
            loads = self.market.pipeline.read(f"market/runs/{sequence:06d}/replay/{table}.json")["loads"]
            self.market.pipeline.step("replay", sequence, table, first=0, last=loads)
        else:
            self.market.pipeline.step(step, sequence, table)

    def _place(self, state: str, sequence: int) -> int:
        """Return the number of the model's step in which a state of the machine lies."""
        kind, _, name = state.partition(" ")
        if kind == "extract_slice":
            name = self.market.pipeline.read(f"market/runs/{sequence:06d}/slices.json")[int(name)]["table"]
            return STEPS.index("read parents") if name == PARENTS else STEPS.index("read children")
        places = {
            "write_manifests": "load parents",
            "load parents": "load parents",
            "load": "load children",
            "replay parents": "load parents",
            "replay": "load children",
            "pending": "curate parents",
            "curate children": "curate children",
            "curate": "curate parents",
            "stage": "stage",
            "check": "publish",
            "publish": "publish",
            "close": "publish",
        }
        step = places.get(state) or places.get(kind)
        return STEPS.index(step) if step else -1

    def _read_raw(self) -> dict[tuple[str, int], list]:
        """Return the contents of all versions by key, None for a tombstone."""
        versions: dict[tuple[str, int], list] = {}
        for table in (PARENTS, CHILDREN):
            if not self._exists(f"market_raw.{table}"):
                continue
            column = "extra" if "extra" in self._columns(table) else "cast(null as integer)"
            selected = f"state, {column}" if table == PARENTS else "day, state"
            for number, operation, first, second in self.market.query(
                f"select id, _operation, {selected} from market_raw.{table} order by id, _run_sequence"
            ):
                if operation == "D":
                    content = None
                elif table == PARENTS:
                    content = (first, 0 if second is None else 1)
                else:
                    content = ((first - self.market.first_day).days // 7, second)
                versions.setdefault((table, number), []).append(content)
        return versions

    def _model_raw(self) -> dict[tuple[str, int], list]:
        versions: dict[tuple[str, int], list] = {}
        for version in sorted(self.model.raw, key=lambda version: version.run):
            versions.setdefault(version.key, []).append(version.content)
        return versions

    def _read_curated(self) -> tuple[dict, dict]:
        curated, rejected = {}, {}
        if self._exists("market_curated.parents"):
            curated |= {(PARENTS, number): rule for number, rule in self.market.query("select id, rule - 1 from parents")}
        if self._exists("market_curated.children"):
            for number, day, rule in self.market.query("select id, day, rule - 1 from children"):
                curated[CHILDREN, number] = ((day - self.market.first_day).days // 7, rule)
        if self._exists("market_curated.rejected_rows"):
            for table, number, rule in self.market.query("select table_name, row_key, broken_rule from rejected_rows"):
                rejected[table, int(number)] = rule
        return curated, rejected

    def _model_curated(self) -> dict:
        return {key: rule if key[0] == PARENTS else (content[0], rule) for key, (content, rule) in self.model.curated}

    def _exists(self, table: str) -> bool:
        return self.market.query(f"select to_regclass('{table}') is not null") == [(True,)]

    def _columns(self, table: str) -> list[str]:
        found = self.market.query(
            f"select column_name from information_schema.columns where table_schema = 'market_raw' and table_name = '{table}'"
        )
        return [name for (name,) in found]

    def begin_transaction(self) -> None:
        """Leave a transaction open that inserted another child."""
        values = (2, 1, self.market.day(0))
        self.transaction = self.market.begin(
            "insert into children (id, parent_id, day, state) values (%s, %s, %s, 'ok')", *values
        )

    def delete_child(self) -> None:
        """Delete the child, and keep its row as a backup would."""
        (self.removed_child,) = self.market.source.query("select * from children where id = 1")
        self.market.execute("delete from children where id = 1")

    def move_child(self, cursor: str) -> None:
        """Move the child to the other week, with its cursor or without."""
        week = get(self.model.rows, CHILD, Row((0, ""), 0)).content[0]
        self.market.execute(f"update children set day = %s, changed_at = {cursor} where id = 1", self.market.day(week))


EVENTS = {
    "parent inserted": lambda self: self.market.insert_parent(),
    "parent broken": lambda self: self.market.execute("update parents set state = 'broken'"),
    "parent mended": lambda self: self.market.execute("update parents set state = 'ok'"),
    "parent deleted": lambda self: self.market.execute("delete from parents"),
    "child inserted": lambda self: self.market.insert_child(),
    "child moved to the other week": lambda self: self.move_child("now(6)"),
    "child broken": lambda self: self.market.execute("update children set state = 'broken' where id = 1"),
    "child deleted": Replay.delete_child,
    "child restored with its old cursor": lambda self: self.market.execute(
        "insert into children values (%s, %s, %s, %s, %s)", *self.removed_child
    ),
    "child moved by a cascade": lambda self: self.move_child("changed_at"),
    "parent and child inserted": lambda self: (self.market.insert_parent(), self.market.insert_child()),
    "transaction inserts another child": Replay.begin_transaction,
    "transaction commits": lambda self: self.transaction.commit(),
    "column added to parents": lambda self: self.market.execute("alter table parents add column extra int not null default 7"),
    "an hour passes": lambda self: self.market.pass_time(hours=1),
    "a week passes": lambda self: self.market.pass_time(weeks=1),
    "rule edited": lambda self: [
        self.market.edit(f"curated/{table}.sql", "cast(1 as integer)", "cast(2 as integer)") for table in (PARENTS, CHILDREN)
    ],
    "formula edited": lambda self: [
        self.market.edit(f"presentation/{metric}_weekly.sql", "count(*) * 1", "count(*) * 2") for metric in (PARENTS, CHILDREN)
    ],
}

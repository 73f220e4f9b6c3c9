"""A world with a loaded marketplace: one for the module's tests, each of which leaves it able to run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import pytest

from local.marketplace.generator import fill
from local.standins.step_functions.execution import Execution
from tests.fixtures.layers import assert_same_layers, read_layers
from tests.fixtures.world import World, open_world
from tests.soak.audit import Audit
from tests.soak.history import History


@dataclass
class Marketplace:
    """A loaded world, and what its source held."""

    world: World
    history: History = field(init=False)
    audit: Audit = field(init=False)

    def __post_init__(self) -> None:
        self.history = History(self.world.source)
        self.audit = Audit(self.world, self.history)

    def change(self) -> None:
        """Change a row of each kind: every state of the next run has something to do."""
        self.world.source.execute("update apartments set price = price + 1 order by id limit 2")
        self.world.source.execute(
            "update apartment_attributes set square_feet = coalesce(square_feet, 1) + 1 order by id limit 1"
        )
        self.world.source.execute("update bookings set total_price = total_price + 1 order by booking_id limit 3")
        self.world.source.execute("insert into user_viewing (user_id, apartment_id, viewed_at) values (1, 1, '2026-01-02')")
        self.history.observe()

    def disturb_nothing(self) -> None:
        """Take every fault away."""
        self.world.around = lambda function, event, call: call()
        self.world.entering = lambda visit: None
        self.world.calls.fault = None
        self.world.is_end_told = True

    def assert_complete(self, execution: Execution) -> None:
        """The execution has succeeded, and brought everything: each layer is the model's, and what a rebuild makes of raw."""
        assert execution.status == "SUCCEEDED", f"{execution.error}: {execution.cause}"
        self.disturb_nothing()
        with self.world.warehouse.connect() as connection:
            recorded = connection.execute(
                "select status, error from apartments_control.run where execution_id = %s", (execution.arn,)
            ).fetchall()
        assert recorded == [("succeeded", None)]
        as_of = datetime.now(UTC).date()
        self.audit.check(as_of, self.history.changes)
        assert not self.audit.findings
        incremental = read_layers(self.world.warehouse)
        rebuilt = self.world.run({"rebuild": True})
        assert rebuilt.output["status"] == "succeeded"
        assert_same_layers(incremental, read_layers(self.world.warehouse))

    def runs(self, status: str) -> int:
        """Count the ledger's runs of a status."""
        with self.world.warehouse.connect() as connection:
            return Counter(status for (status,) in connection.execute("select status from apartments_control.run").fetchall())[
                status
            ]


@pytest.fixture(scope="module")
def loaded() -> Iterator[Marketplace]:
    """The marketplace after a first load."""
    with open_world() as world:
        with closing(world.source.connect()) as connection:
            fill(connection, scale=0.0001, seed=5, anchor=date(2026, 11, 1))
        marketplace = Marketplace(world)
        marketplace.history.observe()
        assert world.run().output["status"] == "succeeded"
        yield marketplace


@pytest.fixture
def marketplace(loaded: Marketplace) -> Iterator[Marketplace]:
    """The marketplace with changes to bring."""
    loaded.change()
    yield loaded
    loaded.disturb_nothing()
    loaded.world.wake_up()

"""State machines and their executions, walked state by state, stopped anywhere and redriven: the one engine of this repository.

Tests walk it in their process, where tasks are Python functions and nothing waits; `server` puts it behind Step Functions' API.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from local.standins.step_functions.execution import Execution
from local.standins.step_functions.language import NESTED, Json, check_definition
from local.standins.step_functions.walk import Entry, MapRun, StartRefused, name_arn

_NAME = re.compile(r"""[^\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}""")

Task = Callable[[Json], Json]


@dataclass(frozen=True)
class Machine:
    """A state machine."""

    arn: str
    name: str
    definition: Json
    role_arn: str
    created_at: datetime


@dataclass
class StateMachines:
    """All state machines of an account, and their executions.

    Attributes:
        tasks: What a Task may call, by resource (`lambda:invoke`, `s3:getObject`), with its parameters; raises StateFailed.
            Nested executions need none.
        sleep: Waits so many seconds.
        retry_pace: Factor on the waits before a Retry; below 1 nobody need wait as long as in production.
        clock: The time, in UTC.
        entering: Called before each state that `Execution.run` does; what it raises happens to the execution.
        ended: Called with each execution that `Execution.run` has brought to an unsuccessful end.
        machines: By ARN, of a version too, oldest first. executions, map_runs: Likewise.
    """

    tasks: Mapping[str, Task]
    sleep: Callable[[float], object] = time.sleep
    retry_pace: float = 1.0
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    entering: Callable[[Entry], object] = lambda entry: None
    ended: Callable[[Execution], object] = lambda execution: None
    machines: dict[str, Machine] = field(default_factory=dict)
    executions: dict[str, Execution] = field(default_factory=dict)
    map_runs: dict[str, MapRun] = field(default_factory=dict)

    def create(self, name: str, definition: Json, role_arn: str = "role") -> Machine:
        """Create a state machine, or make one again.

        Raises:
            DefinitionRefused: see `language.check_definition`.
        """
        check_definition(definition, {NESTED, *self.tasks})
        machine = Machine(name_arn("stateMachine", name), name, definition, role_arn, self.clock())
        self.machines[machine.arn] = machine
        return machine

    def publish(self, machine_arn: str) -> str:
        """Return the ARN of a machine's next version, which stays as the machine is now.

        Raises:
            StartRefused: there is no such machine.
        """
        machine = self._find(machine_arn)
        numbers = (arn.removeprefix(f"{machine_arn}:") for arn in self.machines if arn.startswith(f"{machine_arn}:"))
        version = f"{machine_arn}:{max(map(int, numbers), default=0) + 1}"
        self.machines[version] = machine
        return version

    def start(self, machine_arn: str, given: Json, name: str | None = None) -> Execution:
        """Return a new execution, which nobody walks yet, of a machine or of a version of it.

        Raises:
            StartRefused: there is no such machine; the name is none (API reference, "StartExecution"), or is taken.
        """
        machine = self._find(machine_arn)
        name = name or str(uuid.uuid4())
        if not _NAME.fullmatch(name):
            raise StartRefused("InvalidName", f"Invalid Name: '{name}'")
        execution = Execution(self, machine, machine.definition, name_arn("execution", machine.name, name), given)
        if self.executions.setdefault(execution.arn, execution) is not execution:
            raise StartRefused("ExecutionAlreadyExists", f"Execution Already Exists: '{execution.arn}'")
        return execution

    def _find(self, machine_arn: str) -> Machine:
        machine = self.machines.get(machine_arn)
        if not machine:
            raise StartRefused("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{machine_arn}'")
        return machine

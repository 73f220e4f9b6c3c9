"""What moto's Step Functions interpreter (5.2.5) leaves out and this project's state machines need; each piece says what.

`complete_interpreter` is called once, in the server's process, before the server starts.
"""

from __future__ import annotations

import datetime
import os
import sys
import threading
import time
import uuid
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.session
from moto.core.responses import ActionResult
from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType, MapRunFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name import custom_error_name
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import iteration_worker
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.distributed_iteration_component import (
    DistributedIterationComponent,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor import distributed_item_processor_worker
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_callback
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import StateTaskServiceSfn
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.responses import StepFunctionResponse

_NESTED_POLL_SECONDS = 0.05


def complete_interpreter(retry_pace: float) -> None:
    """Replace the pieces.

    Args:
        retry_pace: Factor on the waits before a Retry; below 1 a test need not wait as long as production would.
    """
    _reach_other_servers()
    _spell_nested_calls_as_aws()
    _fail_maps_whose_children_fail()
    _read_history_backwards()
    _let_platform_errors_leave_maps()
    _abort_at_once()
    # moto asks every half second whether a nested execution has ended; a run has dozens of them.
    state_task_service_callback._DELAY_SECONDS_SYNC_CONDITION_CHECK = _NESTED_POLL_SECONDS
    retrier_decl.time = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds * retry_pace))
    # A map's worker takes its next item by calling itself.
    sys.setrecursionlimit(20_000)


def _reach_other_servers() -> None:
    """Let tasks reach the servers named by AWS_ENDPOINT_URL_<SERVICE>; moto calls only itself."""

    made: dict[tuple[str, str | None], Any] = {}
    making = threading.Lock()  # boto3's default session may not be used by two threads at once

    def client(service_name: str, endpoint_url: str | None = None, **options: Any) -> Any:
        # moto makes one for every task; they are safe to share between threads, and cost more than the call itself.
        with making:
            if (service_name, endpoint_url) not in made:
                service_id = botocore.session.get_session().get_service_model(service_name).service_id
                own = os.environ.get("AWS_ENDPOINT_URL_" + service_id.replace(" ", "_").upper())
                made[service_name, endpoint_url] = boto3.client(service_name, endpoint_url=own or endpoint_url, **options)
            return made[service_name, endpoint_url]

    boto_client.boto3 = SimpleNamespace(client=client)


def _spell_nested_calls_as_aws() -> None:
    """Take and give the fields of a nested execution in AWS's spelling (`Input`, `$.Output`); moto leaves boto3's (`output`).

    AWS Step Functions Developer Guide, "Start workflow executions from a state machine".
    """
    normalise_parameters = StateTaskServiceSfn._normalise_parameters

    def spell_parameters(self: StateTaskServiceSfn, parameters: dict[str, Any], *names: Any, **named: Any) -> None:
        normalise_parameters(self, parameters, *names, **named)
        for key in list(parameters):
            parameters[key[0].lower() + key[1:]] = parameters.pop(key)

    def spell_answer(_self: StateTaskServiceSfn, response: dict[str, Any], *_names: Any, **_named: Any) -> None:
        for key in list(response):
            value = response.pop(key)
            if isinstance(value, datetime.datetime):
                value = int(value.timestamp() * 1000)
            response[key[0].upper() + key[1:]] = value

    StateTaskServiceSfn._normalise_parameters = spell_parameters
    StateTaskServiceSfn._normalise_response = spell_answer


class _ChildFailed(Exception):
    """A child execution of a Distributed Map did not succeed."""


class _Children:
    """The ended child executions of all map runs, as ListExecutions(mapRunArn), DescribeExecution and GetExecutionHistory do."""

    def __init__(self) -> None:
        self._by_arn: dict[str, dict[str, Any]] = {}
        self._histories: dict[str, list[Any]] = {}
        self._lock = threading.Lock()

    def add(self, map_run_arn: str, item: Any, status: str, history: list[Any], error: str | None, cause: str | None) -> None:
        machine, _, _ = map_run_arn.rpartition(":")
        name = str(uuid.uuid4())
        arn = f"{machine.replace(':mapRun:', ':execution:')}:{name}"
        now = datetime.datetime.now(datetime.UTC)
        child = {
            "executionArn": arn,
            "stateMachineArn": machine.replace(":mapRun:", ":stateMachine:"),
            "mapRunArn": map_run_arn,
            "name": name,
            "status": status,
            "startDate": now,
            "stopDate": now,
            "input": to_json_str(item, separators=(",", ":")),
            "error": error,
            "cause": cause,
        }
        with self._lock:
            self._by_arn[arn] = {key: value for key, value in child.items() if value is not None}
            self._histories[arn] = history

    def of(self, map_run_arn: str, status: str | None) -> list[dict[str, Any]]:
        with self._lock:
            found = [c for c in self._by_arn.values() if c["mapRunArn"] == map_run_arn and status in (None, c["status"])]
        return [{key: value for key, value in child.items() if key not in ("input", "error", "cause")} for child in found]

    def find(self, arn: str) -> dict[str, Any] | None:
        with self._lock:
            return self._by_arn.get(arn)

    def find_history(self, arn: str) -> list[Any] | None:
        with self._lock:
            return self._histories.get(arn)


def _let_platform_errors_leave_maps() -> None:
    """Let an iteration of a Map fail with Step Functions' own errors (States.TaskFailed), which moto takes for custom ones."""

    def name_error(error_name: str) -> ErrorName:
        is_own = error_name.startswith(custom_error_name.ILLEGAL_CUSTOM_ERROR_PREFIX)
        return StatesErrorName.from_name(error_name) if is_own else custom_error_name.CustomErrorName(error_name)

    iteration_worker.CustomErrorName = name_error


def _abort_at_once() -> None:
    """End a stopped execution as ABORTED at once (API reference, "StopExecution"); moto waits for its state to end."""
    stop = Execution.stop
    reflect_status = BaseExecutionWorkerCommunication._reflect_execution_status

    def abort(self: Execution, stop_date: datetime.datetime, error: str | None, cause: str | None) -> None:
        stop(self, stop_date, error, cause)
        self.exec_status, self.stop_date, self.error, self.cause = ExecutionStatus.ABORTED, stop_date, error, cause

    def reflect_unless_aborted(self: BaseExecutionWorkerCommunication) -> None:
        if self.execution.exec_status is not ExecutionStatus.ABORTED:
            reflect_status(self)

    Execution.stop = abort
    BaseExecutionWorkerCommunication._reflect_execution_status = reflect_unless_aborted


def _fail_maps_whose_children_fail() -> None:
    """Fail a Distributed Map at its first failed child, as AWS does with a tolerance of 0; moto counts failures and goes on.

    The error is States.ExceedToleratedFailureThreshold, whose cause does not say what happened in the child: as on AWS that is
    found with ListExecutions(mapRunArn), DescribeExecution and GetExecutionHistory, of which moto knows none for children.
    """
    children = _Children()
    worker_class = distributed_item_processor_worker.DistributedItemProcessorWorker
    evaluate_job = worker_class._eval_job
    run_map = DistributedIterationComponent._map_run
    list_executions, describe_execution = StepFunctionResponse.list_executions, StepFunctionResponse.describe_execution
    get_history = StepFunctionResponse.get_execution_history

    def evaluate_and_fail(self: Any, env: Any, job: Any) -> None:
        env.event_manager = EventManager()  # moto keeps one history for all children
        evaluate_job(self, env, job)
        ending = env.program_state()
        has_succeeded = isinstance(ending, ProgramEnded)
        details = getattr(ending, "error", None) or {}
        details = details if isinstance(details, dict) else {}
        children.add(
            self._map_run_record.map_run_arn,
            job.job_input,
            "SUCCEEDED" if has_succeeded else "FAILED",
            env.event_manager.get_event_history(),
            details.get("error"),
            details.get("cause"),
        )
        if not has_succeeded:
            job.job_output = _ChildFailed()

    def run_map_and_fail(self: DistributedIterationComponent, env: Any, eval_input: Any) -> None:
        try:
            run_map(self, env, eval_input)
        except _ChildFailed:
            kind = StatesErrorNameType.StatesExceedToleratedFailureThreshold
            details = MapRunFailedEventDetails(
                error=kind.to_name(), cause="The specified tolerated failure threshold was exceeded"
            )
            event = FailureEvent(
                env, StatesErrorName(typ=kind), HistoryEventType.MapRunFailed, EventDetails(mapRunFailedEventDetails=details)
            )
            raise FailureEventException(event) from None

    def list_with_children(self: StepFunctionResponse) -> ActionResult:
        if map_run_arn := self._get_param("mapRunArn"):
            return ActionResult({"executions": children.of(map_run_arn, self._get_param("statusFilter"))})
        return list_executions(self)

    def describe_with_children(self: StepFunctionResponse) -> ActionResult:
        child = children.find(self._get_param("executionArn"))
        return ActionResult(child) if child else describe_execution(self)

    def get_history_of_children(self: StepFunctionResponse) -> ActionResult:
        history = children.find_history(self._get_param("executionArn"))
        return get_history(self) if history is None else ActionResult({"events": history})

    worker_class._eval_job = evaluate_and_fail
    DistributedIterationComponent._map_run = run_map_and_fail
    StepFunctionResponse.list_executions = list_with_children
    StepFunctionResponse.describe_execution = describe_with_children
    StepFunctionResponse.get_execution_history = get_history_of_children


def _read_history_backwards() -> None:
    """Honour GetExecutionHistory's `reverseOrder`, which moto ignores."""
    get_history = StepFunctionResponse.get_execution_history

    def get_in_order(self: StepFunctionResponse) -> ActionResult:
        answer = get_history(self)
        if self._get_param("reverseOrder"):
            events = answer._result["events"]
            answer._result = {**answer._result, "events": list(reversed(events))}
        return answer

    StepFunctionResponse.get_execution_history = get_in_order

"""Close a run whose execution failed, timed out or was aborted, and tell people."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rental_pipeline.base.settings import FailureSettings, read_settings
from rental_pipeline.base.telemetry import observe
from rental_pipeline.operate.failed_run import close_failed_run


@observe
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take an EventBridge "Step Functions Execution Status Change" event."""
    return close_failed_run(event, read_settings(FailureSettings), lambda: context.get_remaining_time_in_millis() / 1000)

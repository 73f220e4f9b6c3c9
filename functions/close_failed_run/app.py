"""Close a run whose execution failed, timed out or was aborted, and tell people."""

from rental_pipeline.failure import close_failed_run
from rental_pipeline.settings import FailureSettings, read_settings
from rental_pipeline.telemetry import observe


@observe
def lambda_handler(event, context):
    """Take an EventBridge "Step Functions Execution Status Change" event."""
    return close_failed_run(event, read_settings(FailureSettings))

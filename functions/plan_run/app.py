"""Plan a run (see docs/architecture.md, "Functions")."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rental_pipeline.base.telemetry import observe
from rental_pipeline.plan.plan_run import plan_run


@observe
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Parse nothing, decide nothing: the work is `rental_pipeline.plan.plan_run.plan_run`."""
    return plan_run(event, context.get_remaining_time_in_millis)

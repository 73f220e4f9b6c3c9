"""Run one SQL step of a run through the Redshift Data API."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rental_pipeline.base.settings import WarehouseSettings, read_settings
from rental_pipeline.base.telemetry import observe
from rental_pipeline.warehouse.run_step import run_step


@observe
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Run a step, or ask again about one that is still running (docs/architecture.md, "Functions")."""
    return run_step(event, read_settings(WarehouseSettings), lambda: context.get_remaining_time_in_millis() / 1000)

"""Run one SQL step of a run through the Redshift Data API."""

from rental_pipeline.run_step import run_step
from rental_pipeline.settings import WarehouseSettings, read_settings
from rental_pipeline.telemetry import observe


@observe
def lambda_handler(event, context):
    """Run a step, or ask again about one that is still running (docs/architecture.md, "Functions")."""
    return run_step(event, read_settings(WarehouseSettings), lambda: context.get_remaining_time_in_millis() / 1000)

"""Show readers of the lake what a run unloaded (see docs/architecture.md, "Functions")."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rental_pipeline.base.telemetry import observe
from rental_pipeline.lake.glue_catalog import switch_catalogue


@observe
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Parse nothing, decide nothing: the work is `rental_pipeline.lake.glue_catalog.switch_catalogue`."""
    return switch_catalogue(event)

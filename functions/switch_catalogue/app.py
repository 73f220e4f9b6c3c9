"""Show readers of the lake what a run unloaded (see docs/architecture.md, "Functions")."""

from rental_pipeline.base.telemetry import observe
from rental_pipeline.lake.glue_catalog import switch_catalogue


@observe
def lambda_handler(event, context):
    """Parse nothing, decide nothing: the work is `rental_pipeline.lake.glue_catalog.switch_catalogue`."""
    return switch_catalogue(event)

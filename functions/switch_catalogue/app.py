"""Show readers of the lake what a run unloaded (see docs/architecture.md, "Functions")."""

from rental_pipeline.catalogue import switch_catalogue
from rental_pipeline.telemetry import observe


@observe
def lambda_handler(event, context):
    """Parse nothing, decide nothing: the work is `rental_pipeline.catalogue.switch_catalogue`."""
    return switch_catalogue(event)

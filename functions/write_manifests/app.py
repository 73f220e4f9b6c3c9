"""Write a run's COPY manifests (see docs/architecture.md, "Functions")."""

from rental_pipeline.manifests import write_manifests
from rental_pipeline.telemetry import observe


@observe
def lambda_handler(event, context):
    """Parse nothing, decide nothing: the work is `rental_pipeline.manifests.write_manifests`."""
    return write_manifests(event)

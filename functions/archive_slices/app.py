"""Tag what a run has loaded (see docs/architecture.md, "Functions")."""

from rental_pipeline.archive import archive_slices
from rental_pipeline.telemetry import observe


@observe
def lambda_handler(event, context):
    """Parse nothing, decide nothing: the work is `rental_pipeline.archive.archive_slices`."""
    return archive_slices(event)

"""Tag what a run has loaded (see docs/architecture.md, "Functions")."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rental_pipeline.base.telemetry import observe
from rental_pipeline.extract.archive import archive_slices


@observe
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Parse nothing, decide nothing: the work is `rental_pipeline.extract.archive.archive_slices`."""
    return archive_slices(event)

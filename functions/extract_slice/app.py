"""Read one slice of a table into Parquet (see docs/architecture.md, "Functions")."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rental_pipeline.base.telemetry import observe
from rental_pipeline.extract.extract_slice import extract_slice


@observe
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Parse nothing, decide nothing: the work is `rental_pipeline.extract.extract_slice.extract_slice`."""
    return extract_slice(event, context.get_remaining_time_in_millis)

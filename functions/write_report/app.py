"""Write the page about a run (see docs/architecture.md, "Functions")."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rental_pipeline.base.telemetry import observe
from rental_pipeline.operate.report.writing import write_report


@observe
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Parse nothing, decide nothing: the work is `rental_pipeline.operate.report.writing.write_report`."""
    return write_report(event)

"""Look at what a run needs of the source (see docs/architecture.md, "Functions")."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rental_pipeline.base.settings import SourceCheckSettings, read_settings
from rental_pipeline.base.telemetry import observe
from rental_pipeline.operate.doctor.source_checks import check_source


@observe
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Parse nothing, decide nothing: the work is `rental_pipeline.operate.doctor.source_checks.check_source`."""
    return check_source(event, read_settings(SourceCheckSettings))

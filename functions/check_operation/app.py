"""Look at what starts runs, and whom they tell (see docs/architecture.md, "Functions")."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rental_pipeline.base.settings import OperationCheckSettings, read_settings
from rental_pipeline.base.telemetry import observe
from rental_pipeline.operate.doctor.operation_checks import check_operation


@observe
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Parse nothing, decide nothing: the work is `rental_pipeline.operate.doctor.operation_checks.check_operation`."""
    return check_operation(read_settings(OperationCheckSettings))

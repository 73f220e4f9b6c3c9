"""Look at what a run needs of the warehouse and the bucket (see docs/architecture.md, "Functions")."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rental_pipeline.base.settings import WarehouseSettings, read_settings
from rental_pipeline.base.telemetry import observe
from rental_pipeline.operate.doctor.warehouse_checks import check_warehouse


@observe
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Parse nothing, decide nothing: the work is `rental_pipeline.operate.doctor.warehouse_checks.check_warehouse`."""
    return check_warehouse(read_settings(WarehouseSettings), lambda: context.get_remaining_time_in_millis() / 1000)

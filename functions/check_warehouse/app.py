"""Look at what a run needs of the warehouse and the bucket (see docs/architecture.md, "Functions")."""

from rental_pipeline.doctor.warehouse_checks import check_warehouse
from rental_pipeline.settings import WarehouseSettings, read_settings
from rental_pipeline.telemetry import observe


@observe
def lambda_handler(event, context):
    """Parse nothing, decide nothing: the work is `rental_pipeline.doctor.warehouse_checks.check_warehouse`."""
    return check_warehouse(read_settings(WarehouseSettings))

"""Look at what a run needs of the source (see docs/architecture.md, "Functions")."""

from rental_pipeline.doctor.source_checks import check_source
from rental_pipeline.settings import SourceCheckSettings, read_settings
from rental_pipeline.telemetry import observe


@observe
def lambda_handler(event, context):
    """Parse nothing, decide nothing: the work is `rental_pipeline.doctor.source_checks.check_source`."""
    return check_source(event, read_settings(SourceCheckSettings))

"""Write the page about a run (see docs/architecture.md, "Functions")."""

from rental_pipeline.base.telemetry import observe
from rental_pipeline.operate.report.writing import write_report


@observe
def lambda_handler(event, context):
    """Parse nothing, decide nothing: the work is `rental_pipeline.operate.report.writing.write_report`."""
    return write_report(event)

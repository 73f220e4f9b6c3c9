"""Write the page about a run (see docs/architecture.md, "Functions")."""

from rental_pipeline.report.writing import write_report
from rental_pipeline.telemetry import observe


@observe
def lambda_handler(event, context):
    """Parse nothing, decide nothing: the work is `rental_pipeline.report.writing.write_report`."""
    return write_report(event)

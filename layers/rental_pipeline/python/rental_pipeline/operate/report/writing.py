"""Write the page about a run to S3. The work of the function write_report."""

from __future__ import annotations

from typing import Any

from rental_pipeline.base.object_store import FIGURES, address, report_key, run_key, write_text
from rental_pipeline.base.settings import BucketSettings, read_settings
from rental_pipeline.base.telemetry import logger
from rental_pipeline.model.document import read_document, read_event
from rental_pipeline.model.events import RunEvent
from rental_pipeline.model.figures_document import Figures
from rental_pipeline.operate.report.page import render_page


def write_report(event: dict[str, Any]) -> dict[str, Any]:
    """Make a run's page of its `figures.json`, which the step `report` left; writing it again makes the same page.

    Args:
        event: `{"run_sequence": 7}`.

    Returns:
        `{"run_sequence", "key"}`: where the page is in the bucket.

    Raises:
        FixData: there are no figures of that run.
        FixConfiguration, RetryLater: S3 refuses or cannot be reached.
    """
    settings, run_sequence = read_settings(BucketSettings), read_event(RunEvent, event).run_sequence
    page = render_page(read_document(Figures, settings.bucket, run_key(settings.marketplace, run_sequence, FIGURES)))
    key = report_key(settings.marketplace, run_sequence)
    write_text(settings.bucket, key, page, "text/html")
    logger.info("the report is written", extra={"address": address(settings.bucket, key), "characters": len(page)})
    return {"run_sequence": run_sequence, "key": key}

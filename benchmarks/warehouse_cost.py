"""What a run costs on Redshift Serverless, by a model: the same on every machine, and an estimate, not a bill."""

from __future__ import annotations

from dataclasses import dataclass

from rental_pipeline.warehouse.cost import read_prices

# Seconds that the warehouse is awake for, and what of; the rate is that of scans with a few joins on the smallest workgroup.
REQUEST_SECONDS = 0.3
COMMIT_SECONDS = 1.0
NESTED_SECONDS = 1.0
WAKE_SECONDS = 5.0
# The source is read between two requests: the functions start cold, and each opens a connection.
PAUSE_SECONDS = 20.0
RPUS = 8
ROWS_A_SECOND = 20_000_000
LEAST_SECONDS = 60
# Of 30 days and 10 hours: a year's twelfth.
RUNS_A_MONTH = {"hourly": 730, "every five minutes": 8760}

ASSUMPTIONS = (
    f"the smallest workgroup ({RPUS} RPU), which scans {ROWS_A_SECOND:,} rows a second",
    f"{WAKE_SECONDS:g} s to wake, {REQUEST_SECONDS:g} s a submission to the Data API, {COMMIT_SECONDS:g} s a commit,"
    f" {NESTED_SECONDS:g} s a nested execution",
    f"{PAUSE_SECONDS:g} s more where the source is read between two requests (a pause this short does not let it sleep)",
    f"billed by the second, at least {LEAST_SECONDS} s a wake; no wake where nothing is asked",
)


@dataclass(frozen=True)
class WarehouseTime:
    """How long a run keeps the warehouse awake.

    Attributes:
        wakes: 0 where it was asked nothing.
        seconds: That it is awake.
        billed_seconds: Of which are paid for.
        dollars: For one run.
    """

    wakes: int
    seconds: float
    billed_seconds: float
    dollars: float

    def monthly(self, schedule: str) -> float:
        """Return the dollars of a month in which every run is like this one; `schedule` is a key of RUNS_A_MONTH."""
        return self.dollars * RUNS_A_MONTH[schedule]


def model_time(submissions: int, commits: int, nested: int, pauses: int, rows_visited: int) -> WarehouseTime:
    """Model a run from what it asked.

    Args:
        submissions: To the Data API.
        commits: Of them, those that wrote.
        nested: Executions of the SQL step's state machine.
        pauses: Readings of the source between two of the submissions.
        rows_visited: As rows_visited counts them.
    """
    if not submissions:
        return WarehouseTime(0, 0.0, 0.0, 0.0)
    seconds = (
        WAKE_SECONDS
        + submissions * REQUEST_SECONDS
        + commits * COMMIT_SECONDS
        + nested * NESTED_SECONDS
        + pauses * PAUSE_SECONDS
        + rows_visited / ROWS_A_SECOND
    )
    billed = max(LEAST_SECONDS, seconds)
    return WarehouseTime(1, seconds, billed, billed / 3600 * RPUS * read_prices()["redshift_rpu_hour"])

"""The pipeline's errors, named by how to react.

Step Functions matches them by class name in `Retry` (see statemachine/), so the names are part of the interface.
"""


class PipelineError(Exception):
    """Base of the three; never raised itself."""


class RetryLater(PipelineError):
    """The cause may pass by itself (a connection, a throttle, a lock): the same step may be tried again."""


class FixConfiguration(PipelineError):
    """A person must change a setting, the contract, a privilege or the execution's input before a rerun can help."""


class FixData(PipelineError):
    """The data breaks a rule that the pipeline will not publish over: mend the source (or the rule), then rerun."""

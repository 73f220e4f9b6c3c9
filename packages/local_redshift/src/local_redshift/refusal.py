"""The one error of this package's own: Redshift would refuse the statement, or it cannot be run here as Redshift would run it."""


class Refused(Exception):
    """A statement was not run; the message says what stands in the way and, where there is one, the way out."""

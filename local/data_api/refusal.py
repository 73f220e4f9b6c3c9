"""The one error of this package's own: a statement that Redshift would refuse, or that cannot be run here as Redshift would run it."""


class Refused(Exception):
    """A statement was not run; the message says what stands in the way and, where there is one, the way out."""

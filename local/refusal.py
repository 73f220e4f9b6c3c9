"""What a command does not do, told to a person without a traceback."""


class Refused(Exception):
    """Something is not as it has to be; the message says what, and the way out."""

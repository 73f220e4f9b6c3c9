"""`python -m local.standins.redshift`: the package local_redshift, with the stack's log of AWS calls."""

import sys

from local.standins.call_log import log_calls_if_asked
from local_redshift.__main__ import main

if __name__ == "__main__":
    log_calls_if_asked()
    sys.exit(main())

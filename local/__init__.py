"""The pipeline on one machine: stand-ins for Aurora, Redshift and AWS's services, and the commands that use them."""

import warnings

# PostgreSQL's package says so at every start without a login session (root, CI); its fallback is right.
warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")

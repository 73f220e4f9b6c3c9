"""The pipeline on one machine: stand-ins for Aurora, Redshift and AWS's services, and the commands that use them."""

import sys
import warnings
from pathlib import Path

# The package that the functions share lies where its layer wants it; here nothing installs it.
for folder in ("layers/rental_pipeline/python", "packages/mysql_arrow/src", "packages/local_redshift/src"):
    sys.path.append(str(Path(__file__).parents[1] / folder))

# PostgreSQL's package says so at every start without a login session (root, CI); its fallback is right.
warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")

"""The pipeline on one machine: stand-ins for Aurora, Redshift and AWS's services, and the commands that use them."""

import sys
from pathlib import Path

# The package that the functions share lies where its layer wants it; here nothing installs it.
sys.path.append(str(Path(__file__).parents[1] / "layers" / "rental_pipeline" / "python"))

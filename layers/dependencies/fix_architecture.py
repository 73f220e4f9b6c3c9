"""Let a built template take only the processor that its dependencies layer was built for.

`fix_architecture.py TEMPLATE ARCHITECTURE`, after `sam build`. CloudFormation then refuses the other one before it changes
anything, and `sam local` starts the right one.
"""

import re
import sys
from pathlib import Path

# As `sam build` writes it.
PARAMETER = re.compile(r"(?<=\n)(  Architecture:\n    Type: String\n    Default: )\w+(\n    AllowedValues:\n)(?:    - \w+\n)+")


def fix_architecture(template: str, architecture: str) -> str:
    """Return the built template's text with one allowed Architecture, which is also the default."""
    fixed, found = PARAMETER.subn(rf"\g<1>{architecture}\g<2>    - {architecture}\n", template)
    if found != 1:
        sys.exit("the built template has no parameter Architecture as expected: see layers/dependencies/fix_architecture.py")
    return fixed


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(fix_architecture(path.read_text(encoding="utf-8"), sys.argv[2]), encoding="utf-8")

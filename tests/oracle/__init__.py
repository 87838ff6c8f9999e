"""Checks that nobody here wrote: Azure's own API descriptions, and recorded traffic with Azure.

They are not part of the project. A directory called the oracle holds them: the environment
variable PATCHCTL_ORACLE names it, else it is looked for as `shared/oracle` beside the project.
"""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "PATCHCTL_ORACLE"
SKIPPED = f"SKIPPED: there is no oracle here to check against; {VARIABLE} can name one"


def find() -> Path | None:
    """The directory of the oracle, or None where there is none."""
    named = os.environ.get(VARIABLE)
    beside = [above / "shared/oracle" for above in Path(__file__).resolve().parents[3:]]
    places = [Path(named)] if named else beside
    return next((place for place in places if (place / "validate_request.py").is_file()), None)

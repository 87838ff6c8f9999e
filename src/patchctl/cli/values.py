"""What is typed on the command line, read: time spans, moments, values of a property."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from typing import Any

from patchctl.errors import BadInput

FARTHEST = 10 * 366 * 86400
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def seconds(text: str, option: str = "--by") -> float:
    if not re.fullmatch(r"(\d+[smhdw])+", text):
        raise BadInput([f"{option}: '{text}' is no time span; write it like 90m, 3d or 1d12h"])
    total = sum(int(n) * UNITS[unit] for n, unit in re.findall(r"(\d+)([smhdw])", text))
    if total > FARTHEST:
        raise BadInput([f"{option}: {text} is too far; at most ten years at a time"])
    return float(total)


def moment(text: str | None) -> float:

    if text is None:
        return float(int(time.time()))
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput([f"--at: '{text}' is no time; write it like 2027-01-01T12:00"]) from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def value(text: str) -> Any:
    """A value as JSON if it is JSON, else as the text that it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text

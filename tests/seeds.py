"""Seeds beyond those of the usual run: a few for every run of CI, the rest for the night."""

from __future__ import annotations

from typing import Any

import pytest


def more(first: int, end: int, *, for_ci: int) -> list[Any]:
    """Seeds as parameters: the first ones are `slow`, the rest `nightly`."""
    return [
        pytest.param(n, marks=pytest.mark.slow if n < first + for_ci else pytest.mark.nightly)
        for n in range(first, end)
    ]

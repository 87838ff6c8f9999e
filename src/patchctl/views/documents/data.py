"""A report as plain data, for JSON."""

from __future__ import annotations

import json
from typing import Any

from patchctl.figures import Compliance, Figures
from patchctl.views.data import plain


def data(figures: Figures) -> dict[str, Any]:
    """The figures under their own names, and compliance with both its denominators."""
    return {
        "compliance": {
            "compliant": figures.count(Compliance.COMPLIANT),
            "non_compliant": figures.count(Compliance.NON_COMPLIANT),
            "no_data": figures.count(Compliance.NO_DATA),
            "assessed": figures.assessed,
            "machines": len(figures.machines),
        },
        **plain(figures),
    }


def text(figures: Figures) -> str:
    return json.dumps(data(figures), indent=2) + "\n"

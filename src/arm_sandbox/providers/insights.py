"""Microsoft.Insights: what its services refuse alike, in the flat shape of its errors."""

from __future__ import annotations

import re
from collections.abc import Iterable

from arm_sandbox.wire import Refusal, gateway


def bad(message: str, code: str = "BadRequest", status: int = 400) -> Refusal:
    return Refusal(status, code, message, shape="flat")


def require_location(type: str, location: str, available: Iterable[str]) -> None:
    if location.replace(" ", "").lower() not in available:
        raise gateway(
            400,
            "LocationNotAvailableForResourceType",
            f"The provided location '{location}' is not available for resource type "
            f"'{type.lower()}'. List of available regions for the resource type is "
            f"'{','.join(available)}'.",
        )


def require_name(name: str) -> None:
    """1 to 260 characters, some of them barred (azure-docs, resource-name-rules)."""
    if len(name) > 260 or re.search(r"[:<>+/&%\\?|\x00-\x1f]", name) or name.endswith((" ", ".")):
        raise bad(f"The resource name '{name}' is not valid.", "InvalidResourceName")

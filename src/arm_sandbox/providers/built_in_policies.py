"""Policy definitions of Microsoft's own: a few of those in github.com/Azure/azure-policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from arm_sandbox.ids import same

DEFINITION = "Microsoft.Authorization/policyDefinitions"


@cache
def shown() -> Mapping[str, dict[str, Any]]:
    """Each as it is shown, by the GUID that is its name."""
    text = files("arm_sandbox.providers").joinpath("built_in_policies.json").read_text("utf-8")
    return {
        found["name"]: {
            "properties": found["properties"],
            "id": f"/providers/{DEFINITION}/{found['name']}",
            "type": DEFINITION,
            "name": found["name"],
        }
        for found in json.loads(text)
    }


def named(display_name: str) -> str:
    """The GUID of a definition. Raises ValueError where there is none of that name."""
    for guid, found in shown().items():
        if same(found["properties"]["displayName"], display_name):
            return guid
    raise ValueError(f"the sandbox knows no built-in policy '{display_name}'")

"""Two states of a world compared, resource by resource: what has come, gone and changed.

For what nobody but its owner may touch. Left out is what Azure itself writes: etags and states, the
extensions that patching brings, and how the settings of a machine are spelled.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from arm_sandbox.world import Resource, World

Body = dict[str, Any]
State = dict[str, Body]
"""What stands, by lower-cased id."""

MACHINES = ("microsoft.compute/virtualmachines", "microsoft.hybridcompute/machines")
PATCH_EXTENSIONS = ("microsoft.cplat.core", "microsoft.softwareupdatemanagement")
"""Publishers of what comes by itself with the first assessment or installation."""
CONFIGURATIONS = ("windowsConfiguration", "linuxConfiguration")
AZURES = ("etag", "provisioningState")
"""What Azure writes at every write, at any depth."""


def state(world: World, besides: Callable[[Resource], bool] = lambda resource: False) -> State:
    """Everything in a world, but for what `besides` says; a copy."""
    return {
        key: _seen(resource)
        for key, resource in world.resources.items()
        if not _comes_by_itself(resource) and not besides(resource)
    }


def differences(before: State, after: State) -> list[str]:
    """One line for each thing that came or went, or value that changed; none where all is equal."""
    came = [f"came: {after[key]['id']}" for key in after.keys() - before.keys()]
    went = [f"went: {before[key]['id']}" for key in before.keys() - after.keys()]
    changed = [
        f"changed: {before[key]['id']}: {line}"
        for key in before.keys() & after.keys()
        for line in _changes("", before[key], after[key])
    ]
    return sorted((*came, *went, *changed))


def patch_settings(machine: Body) -> Body:
    """How a machine is patched in the end, whatever of it is spelled out and whatever is not."""
    profile = (machine.get("properties") or {}).get("osProfile") or {}
    configurations = (profile.get(name) or {} for name in CONFIGURATIONS)
    sent: Body = next((c["patchSettings"] for c in configurations if c.get("patchSettings")), {})
    platform = sent.get("automaticByPlatformSettings") or {}
    reboot = platform.get("rebootSetting")
    return {
        "patchMode": sent.get("patchMode"),
        "assessmentMode": sent.get("assessmentMode"),
        "bypass": bool(platform.get("bypassPlatformSafetyChecksOnUserSchedule")),
        "reboot": reboot if reboot != "Unknown" else None,
        "hotpatching": bool(sent.get("enableHotpatching")),
    }


def _seen(resource: Resource) -> Body:
    body: Body = _without_azures(resource.body)
    if resource.type.lower() in MACHINES:
        body["patch settings"] = patch_settings(body)
        body["tags"] = body.get("tags") or {}
        for name in CONFIGURATIONS:
            (body["properties"].get("osProfile", {}).get(name) or {}).pop("patchSettings", None)
    return body


def _without_azures(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_azures(v) for k, v in value.items() if k not in AZURES}
    return [_without_azures(item) for item in value] if isinstance(value, list) else value


def _comes_by_itself(resource: Resource) -> bool:
    publisher = str(resource.body.get("properties", {}).get("publisher", ""))
    return resource.type.lower().endswith("/extensions") and publisher.lower() in PATCH_EXTENSIONS


def _changes(path: str, before: Any, after: Any) -> list[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            line
            for name in sorted(before.keys() | after.keys())
            for line in _changes(f"{path}.{name}", before.get(name), after.get(name))
        ]
    if before == after:
        return []
    return [f"{path[1:]}: {json.dumps(before)} -> {json.dumps(after)}"]

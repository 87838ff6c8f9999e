"""What Azure remembers of a deployment: tags that say whose it is and what was asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from patchctl.config import STANDING, Config, Layer, flattened

MANAGED_BY = "managed-by"
DEPLOYMENT = "patchctl-deployment"
SUFFIX = "patchctl-suffix"
OWNER = "patchctl-owner"
CREATED_BY = "patchctl-created-by"
CREATED_AT = "patchctl-created-at"
VERSION = "patchctl-version"
ASKED = "patchctl-asked-"
PARTS = ("emails", "tags", "schedule", "patches", "machine", "prerequisites", "alerts")
"""Of what can be asked for, what holds until something else is asked for."""
TAG_VALUE = 256
"""Longest value that Azure takes for a tag."""


def is_ours(tags: Mapping[str, str] | None, name: str) -> bool:
    """Whether tags say that a resource belongs to the deployment of this name."""
    lowered = {key.lower(): value for key, value in (tags or {}).items()}
    return lowered.get(MANAGED_BY) == "patchctl" and lowered.get(DEPLOYMENT) == name


def as_tags(config: Config) -> dict[str, str]:
    """What was asked for, as JSON split over as many tags as it takes."""
    data = config.model_dump(mode="json", include=set(PARTS))
    if config.machines is not None:
        data["machines"] = []  # which ones is seen from their assignments
    text = json.dumps(flattened(data), separators=(",", ":"), sort_keys=True)
    parts = [text[at : at + TAG_VALUE] for at in range(0, len(text), TAG_VALUE)]
    return {f"{ASKED}{number:02}": part for number, part in enumerate(parts, 1)}


def as_layer(tags: Mapping[str, str]) -> Layer:
    """The layer of what stands. Tags that somebody has damaged count as nothing remembered."""
    parts = [value for key, value in sorted(tags.items()) if key.lower().startswith(ASKED)]
    try:
        values = json.loads("".join(parts)) if parts else {}
    except ValueError:
        values = {}
    found = values if isinstance(values, dict) else {}
    return Layer(STANDING, {k: v for k, v in found.items() if v is not None}, {})


def release(version: str) -> tuple[int, ...]:
    """Major and minor version; a patch release never changes what is remembered."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])

"""What Azure remembers of a deployment: tags that say whose it is and what was asked for."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterable, Mapping

from patchctl.config import Config
from patchctl.layers import STANDING, Layer, flattened
from patchctl.report import lowered

MANAGED_BY = "managed-by"
DEPLOYMENT = "patchctl-deployment"
SUFFIX = "patchctl-suffix"
OWNER = "patchctl-owner"
CREATED_BY = "patchctl-created-by"
CREATED_AT = "patchctl-created-at"
VERSION = "patchctl-version"
ASKED = "patchctl-asked-"
MACHINES = "patchctl-machines-"
AT_WORK = "patchctl-at-work"
"""Who is writing now; see `at_work`."""
PARTS = (
    *("emails", "tags", "schedule", "patches", "machine", "prerequisites", "machine_tags"),
    "alerts",
)
"""Of what can be asked for, what holds until something else is asked for."""
TAG_VALUE = 256
"""Longest value that Azure takes for a tag."""
MOST_TAGS, SPARE = 50, 5
"""How many tags Azure takes, and how many of them are left to others."""


def is_ours(tags: Mapping[str, str] | None, name: str) -> bool:
    """Whether tags say that a resource belongs to the deployment of this name."""
    found = lowered(tags)
    return found.get(MANAGED_BY) == "patchctl" and found.get(DEPLOYMENT) == name


def tags_back(id: str, name: str) -> str:
    """What helps what only looks foreign; but a group has lost more with its tags than these."""
    tags = f"{MANAGED_BY}=patchctl {DEPLOYMENT}={name}"
    return (
        f"If it is yours and has lost its tags, give them back with az tag update --resource-id "
        f"{id} --operation Merge --tags {tags}."
    )


def as_tags(config: Config) -> dict[str, str]:
    """What was asked for, as JSON split over as many tags as it takes."""
    data = config.model_dump(mode="json", include=set(PARTS))
    if config.machines is not None:
        data["machines"] = []  # which ones is remembered apart
    text = json.dumps(flattened(data), separators=(",", ":"), sort_keys=True)
    return _parts(ASKED, text)


def machines_as_tags(ids: Iterable[str], others: int) -> dict[str, str]:
    """Machines that were asked for, packed, since ids are long and much alike: some hundreds of
    them. None where they do not fit beside the `others`, as many tags of ours."""
    text = "\n".join(sorted({id.lower() for id in ids}))
    packed = base64.b64encode(zlib.compress(text.encode(), 9)).decode() if text else ""
    parts = _parts(MACHINES, packed)
    return parts if len(parts) + others <= MOST_TAGS - SPARE else {}


def machines(tags: Mapping[str, str]) -> frozenset[str]:
    """The ids, in lower case, of the machines that were asked for; none where that is damaged."""
    try:
        text = zlib.decompress(base64.b64decode(_joined(MACHINES, tags))).decode()
    except (ValueError, zlib.error):
        return frozenset()
    return frozenset(text.splitlines())


def split(tags: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The tags that people read, and those that remember what was asked for."""
    memory = {k.lower(): v for k, v in tags.items() if k.lower().startswith((ASKED, MACHINES))}
    return {k: v for k, v in tags.items() if k.lower() not in memory}, memory


def _parts(name: str, text: str) -> dict[str, str]:
    parts = [text[at : at + TAG_VALUE] for at in range(0, len(text), TAG_VALUE)]
    return {f"{name}{number:02}": part for number, part in enumerate(parts, 1)}


def _joined(name: str, tags: Mapping[str, str]) -> str:
    return "".join(v for key, v in sorted(tags.items()) if key.lower().startswith(name))


def as_layer(tags: Mapping[str, str]) -> Layer:
    """The layer of what stands. Tags that somebody has damaged count as nothing remembered."""
    text = _joined(ASKED, tags)
    try:
        values = json.loads(text) if text else {}
    except ValueError:
        values = {}
    found = values if isinstance(values, dict) else {}
    return Layer(STANDING, {k: v for k, v in found.items() if v is not None}, {})


def release(version: str) -> tuple[int, ...]:
    """Major and minor version; a patch release never changes what is remembered."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])

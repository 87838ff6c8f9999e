"""Tags: what Azure takes for one, and that their names go by any case (docs, "Use tags")."""

from __future__ import annotations

import re
from typing import Any

from arm_sandbox.wire import gateway

Tags = dict[str, str]
MOST, LONGEST_NAME, LONGEST_VALUE = 50, 512, 256


def checked(tags: Any) -> Tags:
    """The tags as text. Raises a Refusal where they are over the limits."""
    found = {str(name): str(value) for name, value in (tags or {}).items()}
    if len(found) > MOST:
        message = f"Too many tags on the resource: {len(found)}, at most {MOST}."
        raise gateway(400, "TooManyTags", message)
    for name, value in found.items():
        if len(name) > LONGEST_NAME or re.search(r"[<>%&\\?/]", name):
            raise gateway(400, "InvalidTagNameCharacters", f"The tag name '{name}' is not valid.")
        if len(value) > LONGEST_VALUE:
            raise gateway(400, "InvalidTagValueLength", f"The value of tag '{name}' is too long.")
    return found


def merged(tags: Tags, sent: Tags) -> Tags:
    """Tags with others added. One whose name differs in case only is changed and keeps its name."""
    names = {name.lower(): name for name in tags}
    return tags | {names.get(name.lower(), name): value for name, value in sent.items()}


def without(tags: Tags, sent: Tags) -> Tags:
    """Tags without those of which both name and value are given."""
    gone = {name.lower(): value for name, value in sent.items()}
    return {name: value for name, value in tags.items() if gone.get(name.lower()) != value}

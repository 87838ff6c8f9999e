"""A file beside the tags that remember how machines were: for the day a tool has dropped them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from patchctl.errors import BadInput, PatchctlError
from patchctl.machines import Memory, remembered


def keep(file: Path, memories: Mapping[str, Memory]) -> None:
    """Add to a file. Raises PatchctlError when it cannot be written: nothing is to be changed that
    is not remembered."""
    with suppress(BadInput):
        known = read(file)
        memories = {**known, **{id: _first(known.get(id), m) for id, m in memories.items()}}
    text = json.dumps({id: memory.written() for id, memory in memories.items()}, indent=1)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.write_text(text, encoding="utf-8")
        part.replace(file)
    except OSError as error:
        raise PatchctlError(
            "StateUnusable",
            f"{file} cannot be written: {error.strerror or error}",
            "Name a directory that can be written with PATCHCTL_STATE_DIR.",
        ) from None


def _first(known: Memory | None, now: Memory) -> Memory:
    """What we have left ourselves is not what was before, even where the tag is gone."""
    ours = known is not None and now.before == known.left
    return Memory(known.before, now.left) if known is not None and ours else now


def read(file: Path) -> dict[str, Memory]:
    """Memories by id in lower case. Raises BadInput for what is no such file."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        memories = {str(id).lower(): remembered(text) for id, text in found.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise BadInput([f"{file}: {error}"], "Name a file that deploy has written.") from None
    return {id: memory for id, memory in memories.items() if memory is not None}

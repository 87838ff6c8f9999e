"""A file beside the tags that remember how machines were: for the day a tool has dropped them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from patchctl.deployment import Deployment
from patchctl.errors import BadInput, PatchctlError
from patchctl.machines import Memory, remembered


@dataclass(frozen=True)
class Kept:
    """Whose machines they are, and what each of them was, by its id in lower case."""

    suffix: str
    machines: Mapping[str, Memory]


def keep(file: Path, suffix: str, memories: Mapping[str, Memory]) -> None:
    """Add to a file. Raises PatchctlError when it cannot be written: nothing is to be changed that
    is not remembered."""
    with suppress(BadInput):
        known = read(file).machines
        memories = {**known, **{id: _first(known.get(id), m) for id, m in memories.items()}}
    written = {id: memory.written() for id, memory in memories.items()}
    text = json.dumps({"suffix": suffix, "machines": written}, indent=1)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.write_text(text, encoding="utf-8")
        part.replace(file)
    except OSError as error:
        raise PatchctlError(
            "StateUnusable",
            f"{file} cannot be written: {error.strerror or error}",
        ) from None


def _first(known: Memory | None, now: Memory) -> Memory:
    """What we have left ourselves is not what was before, even where the tag is gone."""
    if known is None or not known.is_ours(now.before):
        return now
    return replace(now, before=known.before, earlier=now.before)


def read(file: Path) -> Kept:
    """Raises BadInput for what is no such file."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        suffix = str(found["suffix"])
        machines = {str(id).lower(): remembered(text) for id, text in found["machines"].items()}
    except OSError as error:
        raise _unusable(file, error.strerror or str(error)) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _unusable(file, "no file that deploy has kept") from None
    return Kept(suffix, {id: memory for id, memory in machines.items() if memory is not None})


def _unusable(file: Path, why: str) -> BadInput:
    return BadInput([f"--restore-from {file}: {why}"], "Name a file that deploy has written.")


def with_kept(deployment: Deployment, kept: Kept) -> Deployment:
    """A deployment that knows what a file does, even where nothing of it stands any more.

    Raises BadInput for a file of another one of the same name.
    """
    if deployment.stands and deployment.suffix != kept.suffix:
        raise BadInput(
            [f"--restore-from: the file is of {kept.suffix}, and {deployment.suffix} stands"],
            "Name the file that ends in the suffix that stands.",
        )
    return replace(deployment, suffix=kept.suffix, memories=kept.machines)

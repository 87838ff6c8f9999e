"""What a world may be made to do to its clients: everything that is off unless asked for.

The same names are the keys of the TOML file of `patchctl sandbox reset --with FILE`.
"""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

STRICT = ConfigDict(extra="forbid")
Range = tuple[float, float]
"""From so many seconds to so many; where in between, the seed decides."""
NEVER = (0.0, 0.0)


@dataclass(config=STRICT)
class Access:
    """What a principal may do from a scope down: a built-in role by its name, or actions."""

    role: str = ""
    actions: list[str] = Field(default_factory=list)
    scope: str = "/"
    principal: str = ""
    """An object id; the world's own principal when left out."""


@dataclass(config=STRICT)
class Options:
    access: list[Access] = Field(default_factory=list)
    """Without any, the world's own principal is Owner of every subscription."""
    access_delay: Range = NEVER
    """Until a new role assignment holds, and until a removed one does no longer."""
    read_lag: Range = NEVER
    """How long a read does not show what was written."""
    list_lag: Range = NEVER
    """How long a list does not."""


def options(data: dict[str, Any]) -> Options:
    """Options from plain data. Raises ValueError that names what is wrong."""
    return TypeAdapter(Options).validate_python(data)

"""What a world may be made to do to its clients: everything that is off unless asked for.

The same names are the keys of the TOML file of `patchctl sandbox reset --with FILE`.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from arm_sandbox.providers import built_in_policies, roles

STRICT = ConfigDict(extra="forbid")


def _ordered(span: tuple[float, float]) -> tuple[float, float]:
    if not 0 <= span[0] <= span[1]:
        raise ValueError("it goes from the shorter to the longer time, in seconds")
    return span


Range = Annotated[tuple[float, float], AfterValidator(_ordered)]
"""From so many seconds to so many; where in between, the seed decides."""
NEVER = (0.0, 0.0)


def _known(role: str) -> str:
    if role:
        roles.named(role)
    return role


@dataclass(config=STRICT)
class Access:
    """What a principal may do from a scope down: a built-in role by its name, or actions."""

    role: Annotated[str, AfterValidator(_known)] = ""
    actions: list[str] = Field(default_factory=list)
    scope: str = "/"
    principal: str = ""
    """An object id; the world's own principal when left out."""


@dataclass(config=STRICT)
class Lock:
    """A lock that stands from the beginning, on something that may not be there yet."""

    scope: str
    level: Literal["CanNotDelete", "ReadOnly"] = "CanNotDelete"


def _known_policy(definition: str) -> str:
    built_in_policies.named(definition)
    return definition


@dataclass(config=STRICT)
class Policy:
    """A built-in policy definition, by its display name, that is assigned from the beginning."""

    definition: Annotated[str, AfterValidator(_known_policy)]
    scope: str
    parameters: dict[str, Any] = Field(default_factory=dict)


@dataclass(config=STRICT)
class Failure:
    """Some writes of a type that fail: the `nth` and so many more, or each with a chance.

    Two types are no resources: `Microsoft.ResourceGraph/resources`, whose queries fail, and
    `Microsoft.Entra/tokens`, where signing in does (with a code like `AADSTS50076`).
    """

    type: str
    on: str = "create"
    """`create`, `update`, `delete`, or the name of an action; `query` and `get` of the two."""
    nth: int = 1
    times: int = 1
    share: float = 0.0
    status: Literal["Failed", "Canceled"] = "Failed"
    refused: Annotated[int, Field(ge=0, le=599)] = 0
    """The status of an answer that refuses the write at once, instead of one that fails later."""
    code: str = ""
    message: str = ""
    """What the service is known to say, when left out."""


FaultKind = Literal[
    "connection-refused",
    "connection-reset",
    "timeout",
    "answer-lost",
    "broken-off",
    "answer-cut",
    "not-json",
    "400",
    "401",
    "403",
    "404",
    "408",
    "409-in-progress",
    "409-conflict",
    "412",
    "429",
    "429-retry-after",
    "500",
    "503",
    "504-after",
    "operation-failed",
    "operation-canceled",
    "operation-endless",
    "operation-untold",
    "killed-before",
    "killed-after",
    "interrupt",
    "interrupt-twice",
    "terminate",
    "deleted",
    "edited",
    "stopped",
    "locked",
    "denied",
]
"""See `faults`, which says what each is."""


@dataclass(config=STRICT)
class Fault:
    """One request, or several in a row, at which something goes wrong."""

    kind: FaultKind
    method: str = ""
    path: str = ""
    """Requests of this method and this path are counted, of any when left out."""
    nth: int = 1
    times: int = 1
    """So many requests from the `nth` on; 0 for all of them."""


@dataclass(config=STRICT)
class Options:
    throttling: bool = True
    """Off for load tests: the one thing that every world does unless it is told not to."""
    access: list[Access] = Field(default_factory=list)
    """Without any, the world's own principal is Owner of every subscription."""
    access_delay: Range = NEVER
    """Until a new role assignment holds, and until a removed one does no longer."""
    locks: list[Lock] = Field(default_factory=list)
    policies: list[Policy] = Field(default_factory=list)
    failures: list[Failure] = Field(default_factory=list)
    faults: list[Fault] = Field(default_factory=list)
    quota: dict[str, int] = Field(default_factory=dict)
    """Cores that may be used in a region: of a family of sizes, or of all (`cores`)."""
    restricted: dict[str, list[str]] = Field(default_factory=dict)
    """Sizes that cannot be had for the moment, and in which regions."""
    read_lag: Range = NEVER
    """How long a read does not show what was written."""
    list_lag: Range = NEVER
    """How long a list does not."""
    result_lag: Range = (600.0, 3600.0)
    """Until Resource Graph shows how an installation, or a run, has begun or ended."""
    update_failures: float = Field(default=0.0, ge=0.0, le=1.0)
    """The share of updates that fail to install, and of reboots that take too long."""


def options(data: dict[str, Any]) -> Options:
    """Options from plain data. Raises pydantic's ValidationError with all that is wrong."""
    return TypeAdapter(Options).validate_python(data)


def load(file: Path) -> Options:
    """Options from a TOML file. Raises what `options` does, UnicodeDecodeError or TOMLDecodeError
    for what is no TOML, and OSError where it cannot be read."""
    return options(tomllib.loads(file.read_text(encoding="utf-8")))

"""What can be asked for: every value, its rules, and what comes of several layers of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from patchctl import wording
from patchctl.clouds import known_cloud
from patchctl.errors import BadInput
from patchctl.layers import STANDING, Layer, nested
from patchctl.schedule import recurrence, time_zones, window

WINDOWS = (
    "Critical",
    "Security",
    "UpdateRollup",
    "FeaturePack",
    "ServicePack",
    "Definition",
    "Tools",
    "Updates",
)
LINUX = ("Critical", "Security", "Other")
CLASSIFICATIONS = {"windows": WINDOWS, "linux": LINUX}
LISTS = {
    "include_kbs": "windows",
    "exclude_kbs": "windows",
    "include_packages": "linux",
    "exclude_packages": "linux",
}
"""The lists of updates by name, and the system that each is for."""
DEFAULT_CLASSIFICATIONS = {"windows": ("Critical", "Security", "Updates"), "linux": LINUX}
TOGETHER = frozenset({"patches", "machine", "machines", "endpoint", "cloud", "sandbox"})
"""What must fit each other; where one of these is wrong by itself, no more is said of it."""

MAX_NAME = 50
"""`vnet-NAME-SUFFIX` must stay within the 64 characters that a virtual network's name may have."""
MAX_EMAIL = 64
MAX_TAGS = 25
"""Azure takes 50 on a resource; the group needs the rest to remember what was asked for."""
RESERVED_TAGS = ("managed-by", "patchctl", "microsoft", "azure", "windows")


def _as_text(value: Any) -> Any:
    """TOML may write a time or a date without quotes; they mean the same."""
    if isinstance(value, time):
        return value.isoformat("minutes")
    return value.isoformat() if isinstance(value, date) else value


Text = Annotated[str, BeforeValidator(_as_text)]


def _as_table(value: Any) -> Any:
    """The command line writes tags as a list of KEY=VALUE."""
    if not isinstance(value, list):
        return value
    wrong = [item for item in value if "=" not in str(item)]
    if wrong:
        raise ValueError(f"{_quoted(wrong)} has no value; write it like owner=platform")
    return dict(str(item).split("=", 1) for item in value)


Tags = Annotated[dict[str, str], BeforeValidator(_as_table)]


class Model(BaseModel):
    """Frozen; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


M = TypeVar("M", bound=Model)


class Schedule(Model):
    """When patches are installed."""

    at: Text = Field(default="02:00", description="Time of day at which the window opens, HH:MM.")
    first: Text | None = Field(
        default=None, description="First day, YYYY-MM-DD; the next fitting one when left out."
    )
    recur: str = Field(default="1Week Saturday", description="How often, in Azure's grammar.")
    time_zone: str = Field(
        default="Eastern Standard Time", description="A Windows or an IANA name."
    )
    duration: Text = Field(default="02:00", description="Length of the window, 01:30 to 03:55.")

    @field_validator("at")
    @classmethod
    def _time(cls, value: str) -> str:
        return window.parse_time(value).isoformat("minutes")

    @field_validator("first")
    @classmethod
    def _date(cls, value: str | None) -> str | None:
        try:
            return value if value is None else date.fromisoformat(value).isoformat()
        except ValueError:
            raise ValueError(f"'{value}' is not a date; write it like 2027-01-02") from None

    @field_validator("recur")
    @classmethod
    def _recurrence(cls, value: str) -> str:
        return str(recurrence.parse(value))

    @field_validator("time_zone")
    @classmethod
    def _time_zone(cls, value: str) -> str:
        return time_zones.windows_name(value)

    @field_validator("duration")
    @classmethod
    def _duration(cls, value: str) -> str:
        return window.format_duration(window.parse_duration(value))


class Patches(Model):
    """What is installed. An include list adds to the classifications."""

    reboot: Literal["IfRequired", "Never", "Always"] = Field(
        default="IfRequired", description="Whether a machine may be restarted."
    )
    classifications: tuple[str, ...] | None = Field(
        default=None,
        description=f"Windows: {', '.join(WINDOWS)}. Linux: {', '.join(LINUX)}.",
    )
    include_kbs: tuple[str, ...] = Field(
        default=(), description="Windows updates to install as well."
    )
    exclude_kbs: tuple[str, ...] = Field(
        default=(), description="Windows updates never to install."
    )
    include_packages: tuple[str, ...] = Field(
        default=(), description="Linux packages to install as well."
    )
    exclude_packages: tuple[str, ...] = Field(
        default=(), description="Linux packages never to install."
    )

    @field_validator("include_kbs", "exclude_kbs")
    @classmethod
    def _kbs(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [value for value in values if not re.fullmatch(r"(?i)(kb)?\d{4,8}", value)]
        if wrong:
            raise ValueError(f"{_quoted(wrong)} is no KB number; write it like KB5031364")
        return tuple(f"KB{value.lower().removeprefix('kb')}" for value in values)

    @field_validator("include_packages", "exclude_packages")
    @classmethod
    def _packages(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [
            value for value in values if not re.fullmatch(r"[\w.+*:~-]+(=[\w.+*:~-]+)?", value)
        ]
        if wrong:
            raise ValueError(
                f"{_quoted(wrong)} is no package mask; write name, name=version or name*"
            )
        return values


class Selection(Model):
    """Machines that stand already."""

    vm: str = Field(
        min_length=1,
        description="Id or name of an Azure VM or an Arc machine, a pattern like web-*, @FILE "
        "with one of these a line, or - for standard input.",
    )


def _as_selections(value: Any) -> Any:
    """The command line writes each as its text."""
    if not isinstance(value, (list, tuple)):
        return value
    return [{"vm": item} if isinstance(item, str) else item for item in value]


Selections = Annotated[tuple[Selection, ...], BeforeValidator(_as_selections)]


def _id_of(value: str | None, resource: str) -> str | None:
    """An id of a resource in a group, if there is any. What is in capitals may be anything."""
    like = f"/subscriptions/ID/resourceGroups/GROUP/providers/{resource}"
    shape = re.sub("/[A-Z]+(?=/|$)", "/[^/]+", like)
    if value is not None and not re.fullmatch(shape, value, re.IGNORECASE):
        raise ValueError(f"'{value}' is no id; write it like {like}")
    return value


class Machine(Model):
    """The machine that is made to be patched."""

    os: Literal["windows", "linux"] = Field(default="windows", description="windows or linux.")
    size: str | None = Field(
        default=None, description="VM size; Standard_B2s or the next that is offered when left out."
    )
    outbound: Literal["default", "nat", "none"] = Field(
        default="default", description="How the machine reaches its update source."
    )
    subnet: str | None = Field(
        default=None,
        description="Id of a subnet that stands, to put the machine into; no network is made then.",
    )

    @field_validator("subnet")
    @classmethod
    def _subnet(cls, value: str | None) -> str | None:
        return _id_of(value, "Microsoft.Network/virtualNetworks/NETWORK/subnets/NAME")

    @model_validator(mode="after")
    def _one_way_out(self) -> Machine:
        if self.subnet is not None and self.outbound == "nat":
            raise ValueError("a subnet that stands has its own way out; leave out outbound = nat")
        return self


class Alerts(Model):
    """What is told about the results of patching, and how."""

    results: bool = Field(
        default=True, description="Whether anybody is mailed about the results of patching."
    )
    notify: Literal["failures", "warnings", "all"] = Field(
        default="warnings",
        description="failures; warnings too (a reboot is due, the window was too short); or all.",
    )
    per: Literal["run", "machine"] = Field(
        default="run", description="One mail a run, or one for each machine in it."
    )
    identity: str | None = Field(
        default=None,
        description="Id of a user-assigned identity that may read the machines already.",
    )
    action_group: str | None = Field(
        default=None,
        description="Id of an action group that stands: it tells whom it will, and none is made.",
    )
    workspace: str | None = Field(
        default=None, description="Id of a Log Analytics workspace to scope the rules to."
    )

    @field_validator("identity")
    @classmethod
    def _identity(cls, value: str | None) -> str | None:
        return _id_of(value, "Microsoft.ManagedIdentity/userAssignedIdentities/NAME")

    @field_validator("action_group")
    @classmethod
    def _action_group(cls, value: str | None) -> str | None:
        return _id_of(value, "Microsoft.Insights/actionGroups/NAME")

    @field_validator("workspace")
    @classmethod
    def _workspace(cls, value: str | None) -> str | None:
        return _id_of(value, "Microsoft.OperationalInsights/workspaces/NAME")


class Config(Model):
    """Everything that can stand in patchctl.toml. Flags and environment variables win over it."""

    name: str = Field(default="demo", description="Name of the deployment.")
    location: str = Field(default="eastus", description="Azure region of everything that is made.")
    resource_group: str | None = Field(
        default=None,
        description="Name of a resource group that stands, to put everything into.",
    )
    emails: tuple[str, ...] = Field(default=(), description="Who gets the mail.")
    tags: Tags = Field(default_factory=dict, description="Put on every resource.")
    schedule: Schedule = Schedule()
    patches: Patches = Patches()
    machine: Machine = Machine()
    machines: Selections | None = Field(
        default=None, description="Your own machines, instead of one that is made."
    )
    prerequisites: Literal["patch", "report"] = Field(
        default="patch",
        description="Whether your machines' patch settings are set, or only told to their owner.",
    )
    machine_tags: bool = Field(
        default=True,
        description="Whether a tag on each of your machines remembers what its settings were; "
        "else the deployment's group does.",
    )
    alerts: Alerts = Alerts()
    subscription: str | None = Field(default=None, description="Id or name of the subscription.")
    tenant: str | None = Field(
        default=None, description="Tenant to sign in to, where not the usual one."
    )
    cloud: Literal["public", "usgov", "china"] = Field(default="public", description="Which Azure.")
    endpoint: str | None = Field(
        default=None, description="Address of a Resource Manager that is no Azure cloud."
    )
    parallelism: int = Field(default=8, ge=1, le=64, description="How many steps may run at once.")
    timeout: int = Field(default=60, ge=1, le=1440, description="Minutes that one step may take.")
    sandbox: bool = Field(
        default=False, strict=True, description="Work in the sandbox instead of Azure."
    )
    first_now: bool = Field(
        default=False, description="Whether to open one more window about 20 minutes ahead."
    )

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        if len(value) > MAX_NAME:
            raise ValueError(f"{len(value)} characters are too many; Azure takes {MAX_NAME} here")
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", value):
            raise ValueError(
                f"'{value}' has characters that Azure does not take; use lower-case letters, "
                "digits and, between them, hyphens, like web-1"
            )
        return value

    @field_validator("location")
    @classmethod
    def _location(cls, value: str) -> str:
        return value.replace(" ", "").lower()

    @field_validator("resource_group")
    @classmethod
    def _resource_group(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[\w().-]{0,89}[\w()-]", value):
            raise ValueError(f"'{value}' is no name of a resource group")
        return value

    @field_validator("endpoint")
    @classmethod
    def _endpoint(cls, value: str | None) -> str | None:
        problem = _endpoint_problem(value or "")
        if value is not None and problem:
            raise ValueError(problem)
        return value.rstrip("/") if value else None

    @field_validator("emails")
    @classmethod
    def _emails(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        problems = [problem for value in values if (problem := _email_problem(value))]
        if problems:
            raise ValueError("; ".join(problems))
        return tuple({value.lower(): value for value in values}.values())

    @field_validator("tags")
    @classmethod
    def _tags(cls, values: dict[str, str]) -> dict[str, str]:
        problems = [problem for item in values.items() if (problem := _tag_problem(*item))]
        if len({name.lower() for name in values}) < len(values):
            problems.append("two tags differ in case only, which Azure takes for one")
        if len(values) > MAX_TAGS:
            problems.append(f"{len(values)} tags are too many; there is room for {MAX_TAGS}")
        if problems:
            raise ValueError("; ".join(problems))
        return values

    @model_validator(mode="before")
    @classmethod
    def _cloud_of_the_endpoint(cls, values: Any) -> Any:
        """The address of a known cloud is that cloud."""
        known = known_cloud(str(values.get("endpoint") or ""))
        return {"cloud": known, **values} if known else values

    @model_validator(mode="after")
    def _one_place(self) -> Config:
        if self.endpoint and self.sandbox:
            raise ValueError(
                f"both the sandbox and the endpoint {self.endpoint} are asked for; leave out "
                "--sandbox (unset PATCHCTL_SANDBOX) or --endpoint (unset PATCHCTL_ENDPOINT)"
            )
        if self.endpoint and self.cloud != (known_cloud(self.endpoint) or "public"):
            raise ValueError(
                f"both the cloud {self.cloud} and the endpoint {self.endpoint} are asked for, "
                "which is not of that cloud; leave one of them out"
            )
        return self

    @model_validator(mode="after")
    def _fits_the_system(self) -> Config:
        problems = patch_problems(self.systems, self.patches)
        if problems:
            raise ValueError("; ".join(f"patches.{problem}" for problem in problems))
        return self

    @property
    def systems(self) -> tuple[str, ...]:
        """The operating systems that may be met: of machines that stand, any."""
        return (self.machine.os,) if self.machines is None else tuple(CLASSIFICATIONS)

    def classifications(self, os: str) -> tuple[str, ...]:
        """Those asked for, or the default of the operating system, in Azure's spelling."""
        return classifications(os, self.patches)


def classifications(os: str, patches: Patches) -> tuple[str, ...]:
    """Those asked for, or the default of the operating system, in Azure's spelling."""
    if patches.classifications is None:
        return DEFAULT_CLASSIFICATIONS[os]
    lowered = {value.lower() for value in patches.classifications}
    return tuple(value for value in CLASSIFICATIONS[os] if value.lower() in lowered)


def _quoted(values: list[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


SECTIONS: Mapping[str, type[Model]] = {
    "schedule": Schedule,
    "patches": Patches,
    "machine": Machine,
    "alerts": Alerts,
}


def _endpoint_problem(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme == "http":
        return f"'{value}' is not encrypted; only https:// is talked to, since tokens go there"
    if parts.scheme != "https" or not parts.hostname or parts.username is not None:
        return f"'{value}' is no address; write it like https://127.0.0.1:8443"
    if parts.path.strip("/") or parts.query or parts.fragment:
        return f"'{value}' has more than a host and a port; write it like https://127.0.0.1:8443"
    return ""


def _email_problem(value: str) -> str:
    if len(value) > MAX_EMAIL:
        return f"'{value}' is {len(value)} characters long; an action group takes {MAX_EMAIL}"
    if not value.isascii():
        return (
            f"'{value}' is not in ASCII, and an action group takes nothing else; write a domain "
            "like that with xn--"
        )
    if not re.fullmatch(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(\.[\w-]+)+", value):
        return f"'{value}' is not an e-mail address; write it like you@example.com"
    return ""


def _tag_problem(name: str, value: str) -> str:
    """Azure's limits (resource-name-rules), and the names that are taken."""
    if not name or len(name) > 512 or re.search(r"[<>%&\\?/]", name):
        return f"the tag name '{name[:40]}' is not possible: 1 to 512 characters, none of <>%&\\?/"
    if name.lower().startswith(RESERVED_TAGS):
        return (
            f"the tag name '{name}' is reserved; it may not start with {', '.join(RESERVED_TAGS)}"
        )
    if len(value) > 256:
        return f"the value of tag '{name}' has {len(value)} characters; Azure takes 256"
    return ""


def patch_problems(systems: tuple[str, ...], patches: Patches) -> list[str]:
    """What cannot be asked of machines of these operating systems, each with its key."""
    known = tuple(dict.fromkeys(value for os in systems for value in CLASSIFICATIONS[os]))
    asked = patches.classifications
    lowered = [value.lower() for value in known if asked is not None]
    problems = []
    if unknown := [value for value in asked or () if value.lower() not in lowered]:
        problems.append(
            f"classifications: {_quoted(unknown)} is not known for "
            f"{' or '.join(systems)}; choose from {', '.join(known)}"
        )
    for key, owner in LISTS.items():
        if getattr(patches, key) and owner not in systems:
            kind = key.partition("_")[2]
            problems.append(f"{key}: {kind} can be named for {owner} only, not for {systems[0]}")
    if "linux" in systems and asked is not None:
        # The agent treats the two as one (LinuxPatchExtension's README).
        both = {value.lower() for value in asked} & {"critical", "security"}
        if len(both) == 1:
            problems.append(
                "classifications: Linux wants both of Critical and Security, or neither"
            )
    if asked == () and not (patches.include_kbs or patches.include_packages):
        problems.append("classifications: name at least one, or something to include")
    return problems


@dataclass(frozen=True)
class Asked:
    """A valid configuration, and where each value of it was asked for."""

    config: Config
    sources: Mapping[str, str]

    def source(self, path: str) -> str:
        return self.sources.get(path, "default")

    def is_remembered(self, path: str) -> bool:
        """Whether it was asked for before, and not this time."""
        return self.source(path) == STANDING


def layered(layers: list[Layer]) -> Asked:
    """Lay the layers over each other, the first one on top, and check the whole.

    Raises BadInput with every problem at once, each with its place and what would be right.
    """
    values: dict[str, Any] = {}
    owner: dict[str, Layer] = {}
    for layer in layers:
        for path, value in layer.values.items():
            if path not in values:
                values[path], owner[path] = value, layer
    config = validated(Config, nested(values), owner)
    return Asked(config, {path: layer.called(path) for path, layer in owner.items()})


def validated(model: type[M], values: Mapping[str, Any], owner: Mapping[str, Layer]) -> M:
    """Raises BadInput with every problem at once; `owner` is the layer of each path."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = [*error.errors(), *_of_the_rest(model, values, error)]
        raise BadInput([_problem(problem, model, owner) for problem in problems]) from None


def _of_the_rest(model: type[M], values: Mapping[str, Any], error: ValidationError) -> list[Any]:
    """What is wrong about several keys together, which nobody has looked at where one is wrong."""
    wrong = {problem["loc"][0] for problem in error.errors() if problem["loc"]}
    if not wrong or wrong & TOGETHER:
        return []
    try:
        model.model_validate({key: value for key, value in values.items() if key not in wrong})
    except ValidationError as further:
        return list(further.errors())
    return []


def _problem(problem: Any, model: type[Model], owner: Mapping[str, Layer]) -> str:
    path = ".".join(str(part) for part in problem["loc"])
    known = next((p for p in owner if path == p or path.startswith(f"{p}.")), path)
    field = model.model_fields.get(path)
    message = wording.said(problem, wording.limits_of(field.metadata if field else []))
    if problem["type"] in wording.UNKNOWN:
        message += f"; known are {', '.join(sorted(known_keys(problem['loc'])))}"
    if not path:
        return "; ".join(placed(each, owner) for each in message.split("; "))
    called = owner[known].called(known) if known in owner else known
    return f"{called}: {message}"


def placed(problem: str, owner: Mapping[str, Layer]) -> str:
    """A problem of more than one key, told where the one that it begins with was written."""
    path, _, said = problem.partition(": ")
    return f"{owner[path].called(path)}: {said}" if path in owner else problem


def known_keys(location: tuple[Any, ...]) -> set[str]:
    """The keys that could stand where an unknown one does."""
    sections: dict[str, type[Model]] = {**SECTIONS, "machines": Selection}
    model = sections.get(str(location[0]), Config) if len(location) > 1 else Config
    return set(model.model_fields)

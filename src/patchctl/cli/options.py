"""The options that commands share, each declared once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from patchctl.cli.command import Command


def completing(place: str) -> Callable[[], list[str]]:
    """What Tab offers for a value that belongs at this place of the configuration."""

    def complete() -> list[str]:
        from patchctl.cli.completion import offered

        return offered(place)

    return complete


class Output(StrEnum):
    text = "text"
    json = "json"


Name = Annotated[
    str | None,
    typer.Option(
        "--name",
        "-n",
        help="The deployment. [default: demo]",
        metavar="NAME",
        envvar="PATCHCTL_NAME",
    ),
]
Subscription = Annotated[
    str | None,
    typer.Option(
        help="Id or name. [default: the Azure CLI's current one]",
        metavar="ID|NAME",
        envvar="PATCHCTL_SUBSCRIPTION",
    ),
]
ResourceGroup = Annotated[
    str | None,
    typer.Option(
        "--resource-group",
        "-g",
        help="A group that stands, to put everything into. [default: a new one]",
        metavar="NAME",
        envvar="PATCHCTL_RESOURCE_GROUP",
    ),
]
Tenant = Annotated[
    str | None,
    typer.Option(
        help="Tenant to sign in to, where not the usual.", metavar="ID", envvar="PATCHCTL_TENANT"
    ),
]
Cloud = Annotated[
    str | None,
    typer.Option(
        metavar="public|usgov|china",
        help="Which Azure. [default: public]",
        envvar="PATCHCTL_CLOUD",
        autocompletion=completing("cloud"),
    ),
]
Endpoint = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="A Resource Manager that is no Azure cloud, such as the one that "
        "'patchctl sandbox serve' serves.",
        envvar="PATCHCTL_ENDPOINT",
    ),
]
OutputAs = Annotated[
    Output,
    typer.Option(
        "--output",
        "-o",
        help="For people or for programs.",
        metavar="text|json",
        envvar="PATCHCTL_OUTPUT",
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="Configuration file. [default: patchctl.toml, if it is here]",
        metavar="FILE",
        envvar="PATCHCTL_CONFIG",
    ),
]
Sandbox = Annotated[
    bool | None,
    typer.Option("--sandbox", help="Work in the sandbox, not in Azure.", envvar="PATCHCTL_SANDBOX"),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", envvar="PATCHCTL_YES")]
TakeOver = Annotated[
    bool, typer.Option("--take-over", help="Go on with what somebody else has made.")
]
Timeout = Annotated[
    str | None,
    typer.Option(
        help="Minutes that one step may take. [default: 60]",
        metavar="MINUTES",
        envvar="PATCHCTL_TIMEOUT",
    ),
]
Parallelism = Annotated[
    str | None,
    typer.Option(
        help="Steps that may run at once. [default: 8]", metavar="N", envvar="PATCHCTL_PARALLELISM"
    ),
]

# -- what deploy and plan are asked for

Email = Annotated[
    list[str] | None,
    typer.Option(
        "--email", help="Who gets the mail; repeatable.", metavar="ADDRESS", envvar="PATCHCTL_EMAIL"
    ),
]
Location = Annotated[
    str | None,
    typer.Option(
        "--location",
        "-l",
        help="Region. [default: eastus]",
        metavar="REGION",
        envvar="PATCHCTL_LOCATION",
    ),
]
Os = Annotated[
    str | None,
    typer.Option(
        "--os",
        metavar="windows|linux",
        help="[default: windows]",
        envvar="PATCHCTL_OS",
        autocompletion=completing("machine.os"),
    ),
]
Size = Annotated[
    str | None,
    typer.Option(
        help="VM size. [default: Standard_B2s or the next offered]",
        metavar="SIZE",
        envvar="PATCHCTL_SIZE",
    ),
]
At = Annotated[
    str | None,
    typer.Option(metavar="HH:MM", help="Time of day. [default: 02:00]", envvar="PATCHCTL_AT"),
]
First = Annotated[
    str | None,
    typer.Option(
        metavar="DATE|now",
        help="First day; or one more window some 20 minutes ahead. [default: the next that fits]",
        envvar="PATCHCTL_FIRST",
    ),
]
Recur = Annotated[
    str | None,
    typer.Option(
        help="How often, like '1Month Second Tuesday Offset4'. [default: 1Week Saturday]",
        metavar="RULE",
        envvar="PATCHCTL_RECUR",
    ),
]
TimeZone = Annotated[
    str | None,
    typer.Option(
        help="Windows or IANA name. [default: Eastern Standard Time]",
        metavar="ZONE",
        envvar="PATCHCTL_TIME_ZONE",
        autocompletion=completing("schedule.time_zone"),
    ),
]
Duration = Annotated[
    str | None,
    typer.Option(
        metavar="HH:MM", help="01:30 to 03:55. [default: 02:00]", envvar="PATCHCTL_DURATION"
    ),
]
Reboot = Annotated[
    str | None,
    typer.Option(
        metavar="IfRequired|Never|Always",
        help="[default: IfRequired]",
        envvar="PATCHCTL_REBOOT",
        autocompletion=completing("patches.reboot"),
    ),
]
Classification = Annotated[
    list[str] | None,
    typer.Option(
        help="What to install, like Security; repeatable. [default: Critical, Security, and "
        "Updates for Windows, Other for Linux]",
        metavar="NAME",
        envvar="PATCHCTL_CLASSIFICATION",
        autocompletion=completing("patches.classifications"),
    ),
]
IncludeKb = Annotated[
    list[str] | None,
    typer.Option(
        help="A Windows update to install as well.", metavar="KB", envvar="PATCHCTL_INCLUDE_KB"
    ),
]
ExcludeKb = Annotated[
    list[str] | None,
    typer.Option(
        help="A Windows update never to install.", metavar="KB", envvar="PATCHCTL_EXCLUDE_KB"
    ),
]
IncludePackage = Annotated[
    list[str] | None,
    typer.Option(
        help="A Linux package to install as well.",
        metavar="MASK",
        envvar="PATCHCTL_INCLUDE_PACKAGE",
    ),
]
ExcludePackage = Annotated[
    list[str] | None,
    typer.Option(
        help="A Linux package never to install.", metavar="MASK", envvar="PATCHCTL_EXCLUDE_PACKAGE"
    ),
]
Tag = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="Put on everything; repeatable.", envvar="PATCHCTL_TAG"),
]
Vm = Annotated[
    list[str] | None,
    typer.Option(
        "--vm",
        help="Your own machine, instead of one that is made: id, name, pattern, @FILE or - ; "
        "repeatable.",
        metavar="ID|NAME",
        envvar="PATCHCTL_VM",
    ),
]
Prerequisites = Annotated[
    str | None,
    typer.Option(
        metavar="patch|report",
        help="Whether your machines' patch settings are set, or only told. [default: patch]",
        envvar="PATCHCTL_PREREQUISITES",
        autocompletion=completing("prerequisites"),
    ),
]
MachineTags = Annotated[
    bool | None,
    typer.Option(
        "--machine-tags/--no-machine-tags",
        help="Remember what your machines' settings were in a tag on each. [default: yes]",
        envvar="PATCHCTL_MACHINE_TAGS",
    ),
]
Outbound = Annotated[
    str | None,
    typer.Option(
        metavar="default|nat|none",
        help="How the machine gets to its updates. [default: default]",
        envvar="PATCHCTL_OUTBOUND",
        autocompletion=completing("machine.outbound"),
    ),
]

ResultAlerts = Annotated[
    bool | None,
    typer.Option(
        "--result-alerts/--no-result-alerts",
        help="Mail about the results of patching. [default: yes]",
        envvar="PATCHCTL_RESULT_ALERTS",
    ),
]
Notify = Annotated[
    str | None,
    typer.Option(
        metavar="failures|warnings|all",
        help="What to mail about; warnings means failures too. [default: warnings]",
        envvar="PATCHCTL_NOTIFY",
        autocompletion=completing("alerts.notify"),
    ),
]
NotifyPer = Annotated[
    str | None,
    typer.Option(
        "--notify-per",
        metavar="run|machine",
        help="One mail for each. [default: run]",
        envvar="PATCHCTL_NOTIFY_PER",
        autocompletion=completing("alerts.per"),
    ),
]
AlertIdentity = Annotated[
    str | None,
    typer.Option(
        help="A user-assigned identity that may read the machines already. [default: a new one]",
        metavar="ID",
        envvar="PATCHCTL_ALERT_IDENTITY",
    ),
]
ActionGroup = Annotated[
    str | None,
    typer.Option(
        help="An action group that stands, which the alerts are to tell. [default: a new one]",
        metavar="ID",
        envvar="PATCHCTL_ACTION_GROUP",
    ),
]
Subnet = Annotated[
    str | None,
    typer.Option(
        help="A subnet that stands, to put the machine into. [default: a new network]",
        metavar="ID",
        envvar="PATCHCTL_SUBNET",
    ),
]
Workspace = Annotated[
    str | None,
    typer.Option(
        help="A Log Analytics workspace to scope the alerts on results to, where Azure wants one.",
        metavar="ID",
        envvar="PATCHCTL_WORKSPACE",
    ),
]

DebugLog = Annotated[
    Path | None,
    typer.Option(
        "--debug-log",
        metavar="FILE",
        help="Append every request to Azure, as JSON lines without secrets.",
        envvar="PATCHCTL_DEBUG_LOG",
    ),
]

NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Do not wait until Azure has deleted the group.")
]
RestoreFrom = Annotated[
    Path | None,
    typer.Option(
        "--restore-from",
        metavar="FILE",
        help="Put machines back by a file that deploy has kept, where their tags are gone.",
    ),
]
EndToEnd = Annotated[
    bool,
    typer.Option("--end-to-end", help="Let an alert on results fire, to test all on its way."),
]
DetailedExitcode = Annotated[
    bool, typer.Option("--detailed-exitcode", help="Exit 5 when there is something to write.")
]

Options = Mapping[str, tuple[Any, Any]]
"""Options by name: how each is declared, and its default."""

WANTED: Options = {
    "email": (Email, None),
    "location": (Location, None),
    "vm": (Vm, None),
    "prerequisites": (Prerequisites, None),
    "machine_tags": (MachineTags, None),
    "os": (Os, None),
    "size": (Size, None),
    "at": (At, None),
    "first": (First, None),
    "recur": (Recur, None),
    "time_zone": (TimeZone, None),
    "duration": (Duration, None),
    "reboot": (Reboot, None),
    "classification": (Classification, None),
    "include_kb": (IncludeKb, None),
    "exclude_kb": (ExcludeKb, None),
    "include_package": (IncludePackage, None),
    "exclude_package": (ExcludePackage, None),
    "tag": (Tag, None),
    "outbound": (Outbound, None),
    "result_alerts": (ResultAlerts, None),
    "notify": (Notify, None),
    "notify_per": (NotifyPer, None),
    "alert_identity": (AlertIdentity, None),
    "action_group": (ActionGroup, None),
    "subnet": (Subnet, None),
    "workspace": (Workspace, None),
}
MAKING: Options = {
    "parallelism": (Parallelism, None),
    "timeout": (Timeout, None),
    "take_over": (TakeOver, False),
}
EVERYWHERE: Options = {
    "name": (Name, None),
    "subscription": (Subscription, None),
    "resource_group": (ResourceGroup, None),
    "tenant": (Tenant, None),
    "cloud": (Cloud, None),
    "endpoint": (Endpoint, None),
    "config": (ConfigFile, None),
    "sandbox": (Sandbox, None),
    "yes": (Yes, False),
    "debug_log": (DebugLog, None),
    "output": (OutputAs, Output.text),
}

PATHS = {
    "name": "name",
    "subscription": "subscription",
    "resource_group": "resource_group",
    "tenant": "tenant",
    "cloud": "cloud",
    "endpoint": "endpoint",
    "sandbox": "sandbox",
    "timeout": "timeout",
    "parallelism": "parallelism",
    "email": "emails",
    "location": "location",
    "vm": "machines",
    "prerequisites": "prerequisites",
    "machine_tags": "machine_tags",
    "os": "machine.os",
    "size": "machine.size",
    "outbound": "machine.outbound",
    "at": "schedule.at",
    "first": "schedule.first",
    "recur": "schedule.recur",
    "time_zone": "schedule.time_zone",
    "duration": "schedule.duration",
    "reboot": "patches.reboot",
    "classification": "patches.classifications",
    "include_kb": "patches.include_kbs",
    "exclude_kb": "patches.exclude_kbs",
    "include_package": "patches.include_packages",
    "exclude_package": "patches.exclude_packages",
    "tag": "tags",
    "result_alerts": "alerts.results",
    "notify": "alerts.notify",
    "notify_per": "alerts.per",
    "alert_identity": "alerts.identity",
    "action_group": "alerts.action_group",
    "subnet": "machine.subnet",
    "workspace": "alerts.workspace",
}
"""Where each option's value belongs in the configuration."""


def placed(option: str, value: Any) -> tuple[str, Any]:
    """Where a value belongs, and as what. `--first now` is a wish of this command alone."""
    if (option, value) == ("first", "now"):
        return "first_now", True
    return PATHS[option], value


def takes(
    name: str, *groups: Options
) -> Callable[[Callable[[Command], None]], Callable[..., None]]:
    """Make a command of a body: give it these options, and run it as every command is run.

    Typer reads a function's signature; written out, the same options would stand there six times.
    """
    options: Options = {option: how for group in groups for option, how in group.items()}

    def decorate(body: Callable[[Command], None]) -> Callable[..., None]:
        def run(ctx: typer.Context, **given: Any) -> None:
            from patchctl.cli.command import command

            with command(ctx, name) as c:
                body(c)

        kinds = {"ctx": typer.Context, **{option: kind for option, (kind, _) in options.items()}}
        run.__doc__, run.__annotations__ = body.__doc__, kinds
        run.__dict__["__signature__"] = _signature(options)
        return run

    return decorate


def _signature(options: Options) -> Signature:
    ctx = Parameter("ctx", Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    given = (
        Parameter(option, Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for option, (kind, default) in options.items()
    )
    return Signature([ctx, *given])

"""Every error of patchctl's own is met, and what it says to do leads out of it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure.mgmt.resource.resources.models import ResourceGroup, ResourceGroupPatchable

from arm_sandbox import by_hand, patch_night
from arm_sandbox.failures import SIGN_IN
from arm_sandbox.options import Access, Failure, Fault, FaultKind, Options
from arm_sandbox.world import Resource, World
from patchctl.clients import Clients, Connection
from patchctl.deployment import Deployment
from patchctl.steps import network, resource_group
from tests.patchctl.shell import EMAIL, GROUP, Cli, follow
from tests.patchctl.test_group_that_stands import GROUP as THEIRS
from tests.patchctl.test_group_that_stands import hide_a_rule, make_group

pytestmark = [pytest.mark.world, pytest.mark.slow]

SUBSCRIPTION = "/subscriptions/5a4d0000-0000-4000-8000-000000000001"
MACHINES = "Microsoft.Compute/virtualMachines"
SCHEDULES = "Microsoft.Maintenance/maintenanceConfigurations"
ASSIGNMENTS = "Microsoft.Maintenance/configurationAssignments"
ACTION_GROUPS = "Microsoft.Insights/actionGroups"
DEPLOY = ("deploy", *EMAIL)
Act = Callable[[Cli, pytest.MonkeyPatch], object]


def nothing(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None: ...


def behaving(**options: Any) -> Act:
    """A world with options, or with none: then whoever was asked has done what they could."""
    return lambda cli, _: cli.change(lambda world: setattr(world, "options", Options(**options)))


def faulty(kind: FaultKind, path: str = "", method: str = "", nth: int = 1, times: int = 1) -> Act:
    return behaving(faults=[Fault(kind, method, path, nth, times)])


well = behaving()


def run(*commands: tuple[str, ...]) -> Act:
    return lambda cli, _: [cli(*command) for command in commands]


def deployed(then: Act = nothing) -> Act:
    def act(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        cli.deploy()
        then(cli, monkeypatch)

    return act


def changed(how: Callable[[World], object]) -> Act:
    return lambda cli, _: cli.change(how)


def the(world: World, type: str) -> Resource:
    (found,) = (each for each in world.resources.values() if each.type.lower() == type.lower())
    return found


def delete(type: str) -> Act:
    return changed(lambda world: by_hand.delete(world, the(world, type)))


def edit(type: str, path: str, value: object) -> Act:
    return changed(lambda world: by_hand.edit(world, the(world, type), path, value))


# -- what takes more than a line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def somebody_says_no(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("no\n"))


def break_ourselves(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    async def inspect(*_: object) -> None:
        raise RuntimeError("oh")

    monkeypatch.setattr(network, "inspect", inspect)


def another_patchctl_begins(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whenever ours has written the group, another one writes its suffix over it."""
    standing = resource_group._standing

    async def after_the_other(clients: Clients, deployment: Deployment) -> object:
        groups = clients.resources.resource_groups
        if (group := await standing(clients, deployment)) is not None:
            tags = {**(group.tags or {}), "patchctl-suffix": "0e0e0e"}
            await groups.update(deployment.group, ResourceGroupPatchable(tags=tags))
        return await standing(clients, deployment)

    monkeypatch.setattr(resource_group, "_standing", after_the_other)


def undo(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mend what was broken around it, and keep the sandbox."""
    monkeypatch.undo()
    monkeypatch.setenv("PATCHCTL_SANDBOX", "1")
    monkeypatch.setenv("PATCHCTL_SANDBOX_DIR", str(cli.store.directory))
    monkeypatch.chdir(cli.store.directory)


def no_folder(name: str) -> Act:
    def act(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        file = cli.store.directory / "file"
        file.write_text("", encoding="utf-8")
        monkeypatch.setenv(name, str(file / "folder"))

    return act


def nowhere_to_remember(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand_only(cli, monkeypatch)
    (cli.store.directory / "machines").write_text("", encoding="utf-8")


def somewhere_to_remember(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    (cli.store.directory / "machines").unlink()


def foreign_group(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def act(connection: Connection) -> None:
        groups = connection.clients.resources.resource_groups
        connection.run(groups.create_or_update(GROUP, ResourceGroup(location="eastus")))

    cli.azure(act)


def become_somebody_else(world: World) -> None:
    world.principal |= {"oid": "0b1ec700-0000-4000-8000-0000000000cc", "upn": "new@example.com"}


def damage(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.store.save(World())
    cli.store.file.write_text("{", encoding="utf-8")


def stand_in_the_way(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".x.new").mkdir()


def miss_a_window(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    delete(ASSIGNMENTS)(cli, monkeypatch)
    world = cli.world
    patch_night.advance(world, world.now + 8 * 86400)
    cli.store.save(world)


def by_hand_only(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(MACHINES, PATCH_MODE, "Manual")(cli, monkeypatch)


PATCH_MODE = "properties.osProfile.windowsConfiguration.patchSettings.patchMode"
SCHEDULE = f"{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/{SCHEDULES}/mc-weekly-patches-daab01"
MACHINE = f"{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/{MACHINES}/vm-demo-daab01"


NET = MACHINE.replace(MACHINES, "Microsoft.Network/networkSecurityGroups").replace("vm-", "nsg-")
ACTION_GROUP = f"{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/{ACTION_GROUPS}/ag-patching-daab01"
LATER = ("--at", "14:00")


def leave_a_machine_behind(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody deletes the group of a deployment that patches a machine of another one."""
    mine = (*MINE, *LATER)
    run(mine)(cli, monkeypatch)
    cli.change(lambda world: by_hand.delete(world, by_hand.resource(world, "rg-patching-mine")))


def deny_a_group_once(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """One wrong answer, about the group of a deployment that patches a machine of another one."""
    run((*MINE, *LATER))(cli, monkeypatch)
    faulty("404", by_hand.resource(cli.world, "rg-patching-mine").id, "GET")(cli, monkeypatch)


MINE = ("deploy", *EMAIL, "--name", "mine", "--vm", MACHINE)


def hide_in_a_group(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    make_group(cli, THEIRS)
    cli.deploy("--resource-group", THEIRS)
    cli.change(hide_a_rule)


@dataclass(frozen=True)
class Scene:
    """How an error is met, by which command, and what somebody then does because it says so.

    `again`: whether the command must succeed in the end; one that asked for too much never does.
    """

    command: tuple[str, ...]
    before: Act = nothing
    mend: Act = nothing
    again: bool = True


OWN: Mapping[str, Scene] = {
    "BadInput": Scene((*DEPLOY, "--at", "25:00"), again=False),
    "Unexpected": Scene(DEPLOY, break_ourselves, undo),
    "Interrupted": Scene(DEPLOY, faulty("interrupt", nth=40), well),
    "NotConfirmed": Scene(("destroy",), deployed(somebody_says_no), undo, again=False),
    "TimedOut": Scene(
        (*DEPLOY, "--timeout", "20"),
        faulty("operation-endless", MACHINE, "PUT"),
        run(("sandbox", "advance", "--by", "8d")),
    ),
    "NoConnection": Scene(DEPLOY, faulty("connection-refused", times=0), well),
    "NoAnswer": Scene(DEPLOY, faulty("answer-cut", times=0), well),
    "NotAzure": Scene(DEPLOY, faulty("not-json", times=0), well),
    "NotSignedIn": Scene(
        DEPLOY,
        behaving(failures=[Failure(SIGN_IN, "get", times=9, message="Please run 'az login'.")]),
        well,
    ),
    "NoSubscription": Scene(
        (*DEPLOY, "--subscription", "Sandbox"),
        behaving(access=[Access(role="Reader", scope="/subscriptions/0")]),
        well,
    ),
    "Foreign": Scene(DEPLOY, foreign_group, again=False),
    "MadeBySomebodyElse": Scene(DEPLOY, deployed(changed(become_somebody_else))),
    "NotDeployed": Scene(("status",)),
    "LeftBehind": Scene(
        ("status", "--name", "mine"), deployed(leave_a_machine_behind), again=False
    ),
    "NotSure": Scene(("status", "--name", "mine"), deployed(deny_a_group_once)),
    "StillThere": Scene(("destroy", "--yes"), hide_in_a_group, well),
    "Vanished": Scene(DEPLOY, faulty("deleted", ACTION_GROUP, "GET", times=0), well),
    "GroupBeingDeleted": Scene(DEPLOY, deployed(run(("destroy", "--yes", "--no-wait")))),
    "NewerDeployment": Scene(
        DEPLOY,
        deployed(run(("sandbox", "edit", GROUP, "tags.patchctl-version=99.0.0"))),
        run(("sandbox", "edit", GROUP, "tags.patchctl-version=0.1.0")),
    ),
    "PlanChanged": Scene(
        (*DEPLOY, "--at", "03:00"), deployed(faulty("edited", SCHEDULE, "GET", nth=2)), well
    ),
    "BegunTwice": Scene(DEPLOY, another_patchctl_begins, undo),
    "NoResult": Scene(
        ("test-notify",), deployed(faulty("operation-untold", method="POST", times=0)), well
    ),
    "NotMade": Scene(
        (*DEPLOY, "--at", "03:00"), deployed(faulty("edited", SCHEDULE, "GET", times=0)), well
    ),
    "NotAsItShouldBe": Scene(("validate",), deployed(delete(ASSIGNMENTS))),
    "WillNotBePatched": Scene(
        ("status", "--explain", "vm-demo-daab01"), deployed(delete(ASSIGNMENTS))
    ),
    "SomethingToWrite": Scene(("plan", *EMAIL, "--detailed-exitcode")),
    "PartlyDone": Scene(
        (*MINE, "--prerequisites", "report", *LATER),
        deployed(by_hand_only),
        edit(MACHINES, PATCH_MODE, "AutomaticByPlatform"),
    ),
    "NotReady": Scene(("doctor",), behaving(access=[Access("Reader")]), well),
    "PermissionsMissing": Scene(DEPLOY, behaving(access=[Access("Reader")]), well),
    "RightWithheld": Scene(DEPLOY, behaving(access=[Access("Contributor")]), well),
    "AssessmentFailed": Scene((*DEPLOY, "--outbound", "none"), again=False),
    "InstallationFailed": Scene(
        ("install", "--now", "--yes"),
        deployed(behaving(failures=[Failure(MACHINES, "installPatches", times=9)])),
        well,
    ),
    "NobodyToMail": Scene(
        ("test-notify",), deployed(edit(ACTION_GROUPS, "properties.emailReceivers", []))
    ),
    "NotHandedOver": Scene(
        ("test-notify",),
        deployed(behaving(failures=[Failure(ACTION_GROUPS, "createNotifications")])),
        well,
    ),
    "NothingToProve": Scene(("test-notify", "--end-to-end"), run((*DEPLOY, "--no-result-alerts"))),
    "NothingFired": Scene(("test-notify", "--end-to-end"), deployed(delete(ASSIGNMENTS))),
    "NothingWillRun": Scene(
        ("status", "--fail-if-missed"),
        deployed(delete(SCHEDULES)),
        run(("sandbox", "advance", "--by", "30m")),
    ),
    "WindowMissed": Scene(("status", "--fail-if-missed"), deployed(miss_a_window), again=False),
    "NotWritten": Scene(("report", "--out", "x"), deployed(stand_in_the_way), again=False),
    "StateUnusable": Scene(
        (*MINE, *LATER),
        deployed(nowhere_to_remember),
        somewhere_to_remember,
    ),
    "SandboxUnusable": Scene(DEPLOY, no_folder("PATCHCTL_SANDBOX_DIR"), undo),
    "SandboxDamaged": Scene(DEPLOY, damage),
}
ELSEWHERE = {
    "NoCredential": "test_endpoint",
    "ForeignAuthority": "test_endpoint",
    "ForeignCredential": "test_endpoint",
    "NoResourceManager": "test_endpoint",
    "NotServed": "test_serve",
    "PortTaken": "test_serve",
    "SandboxInUse": "test_serve",
}
"""Those that take a server, and who provokes them."""


IN_EVERY_RUN = (
    *("BadInput", "Foreign", "NotSure", "NothingFired", "NotSignedIn", "SandboxDamaged"),
)
"""Some of each kind; the others take half a minute."""
SELECTED = [
    pytest.param(code, marks=() if code in IN_EVERY_RUN else pytest.mark.slow) for code in OWN
]


@pytest.mark.parametrize("code", SELECTED)
def test_what_it_says_leads_out_of_it(cli: Cli, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = OWN[code]
    scene.before(cli, monkeypatch)
    ended = cli(*scene.command, "--output", "json")
    error = json.loads(ended.out)["error"]
    assert error["code"] == code
    scene.mend(cli, monkeypatch)
    follow(cli, error)
    if scene.again:
        assert cli(*scene.command).code == 0


def test_who_provokes_the_others() -> None:
    for code, file in ELSEWHERE.items():
        text = Path(__file__).with_name(f"{file}.py").read_text(encoding="utf-8")
        assert code in text

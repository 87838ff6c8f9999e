"""What goes wrong at one call, told in words; the matrix of tests/matrix has all of them."""

from __future__ import annotations

from typing import Any

import pytest

from arm_sandbox import by_hand
from arm_sandbox.options import Fault, FaultKind
from arm_sandbox.world import World
from tests.patchctl.shell import EMAIL, Cli

pytestmark = pytest.mark.world

IDENTITIES = "microsoft.managedidentity/userassignedidentities"
ROLES = "microsoft.authorization/roleassignments"


def strike(cli: Cli, kind: FaultKind, **more: Any) -> None:
    def change(world: World) -> None:
        world.options.faults = [Fault(kind, **more)]
        world.attempts.clear()

    cli.change(change)


def test_a_web_page_is_no_answer(cli: Cli) -> None:
    strike(cli, "not-json", nth=3)
    error = cli.json("deploy", *EMAIL, code=1)["error"]
    assert error["code"] == "NotAzure"
    assert "management.azure.com" in error["message"]
    assert error["next"].startswith("patchctl deploy")
    assert cli("deploy", *EMAIL).code == 0


def test_who_is_interrupted_during_the_assessment_waits_for_it_next_time(cli: Cli) -> None:
    cli.deploy()
    machine = cli.the("Microsoft.Compute/virtualMachines").id
    cli.change(lambda world: by_hand.delete(world, by_hand.resource(world, machine)))
    strike(cli, "answer-lost", method="POST", path=f"{machine}/assessPatches")
    assert cli("deploy").code == 1
    assert cli("deploy").code == 0
    assert cli("validate").code == 0


def test_a_deleted_identity_leaves_no_role_behind(cli: Cli) -> None:
    cli.deploy()

    def standing(type: str) -> list[str]:
        return [id for id, r in cli.world.resources.items() if r.type.lower() == type]

    granted = standing(ROLES)
    assert len(granted) == 1
    (identity,) = standing(IDENTITIES)
    cli.change(lambda world: by_hand.delete(world, by_hand.resource(world, identity)))
    assert standing(ROLES) == granted
    assert "role of a deleted identity" in cli("validate").out
    assert cli("deploy").code == 0
    assert len(standing(ROLES)) == 1
    assert standing(ROLES) != granted
    assert cli("destroy", "--yes").code == 0
    assert standing(ROLES) == []


BUSY = pytest.mark.parametrize(
    ("kind", "type"),
    [
        ("409-in-progress", "Microsoft.Network/networkInterfaces"),
        ("409-conflict", "Microsoft.Compute/virtualMachines"),
    ],
)
"""What each service says while it is at work on the same thing."""


@BUSY
def test_what_azure_is_at_work_on_is_waited_for(cli: Cli, kind: FaultKind, type: str) -> None:
    cli.deploy()
    cli.leave_a_foreign_address()  # so that the group does not go as a whole
    asked = cli.the(type).id
    strike(cli, kind, method="DELETE", path=asked, times=5)
    cli.json("destroy", "--yes")
    assert cli.world.find(asked) is None


@BUSY
def test_but_for_half_an_hour_only(cli: Cli, kind: FaultKind, type: str) -> None:
    cli.deploy()
    cli.leave_a_foreign_address()
    asked = cli.the(type).id
    strike(cli, kind, method="DELETE", path=asked, times=0)
    began = cli.world.now
    error = cli.json("destroy", "--yes", code=4)["error"]
    assert error["code"] in ("AnotherOperationInProgress", "Conflict")
    assert 1800 <= cli.world.now - began < 3600


def test_a_machine_that_azure_is_at_work_on_is_mended_after_it(cli: Cli) -> None:
    cli.deploy()
    machine = cli.the("Microsoft.Compute/virtualMachines").id
    strike(cli, "409-conflict", method="PATCH", path=machine, times=5)
    assert cli("deploy", "--reboot", "Never").code == 0

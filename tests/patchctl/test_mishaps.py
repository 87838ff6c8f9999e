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

"""What doctor sees, what it says helps, and the role that it prints."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from arm_sandbox import transport
from arm_sandbox.app import respond
from arm_sandbox.options import Access, Failure, Fault, Options
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World
from patchctl.doctor import Verdict, clock
from patchctl.errors import Exit
from tests.patchctl.shell import EMAIL, Cli

pytestmark = pytest.mark.world

SUBSCRIPTION = "/subscriptions/5a4d0000-0000-4000-8000-000000000001"
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def behave(cli: Cli, **options: Any) -> None:
    def change(world: World) -> None:
        world.options = Options(**options)

    cli.change(change)


def checks(cli: Cli, *arguments: str, code: int = 0) -> dict[str, dict[str, str]]:
    """The checks that are not all right, by their subjects."""
    document = cli.json("doctor", *arguments, code=code)
    return {check["subject"]: check for check in document["checks"] if check["verdict"] != "ok"}


def test_all_is_well(cli: Cli) -> None:
    cli.deploy()
    assert checks(cli) == {}
    ended = cli("doctor")
    assert ended.code == 0
    assert ended.out.endswith("A deploy would work from here.\n")


def test_it_changes_nothing(cli: Cli) -> None:
    before = cli.world.resources
    assert cli("doctor").code == 0
    assert cli.world.resources == before


def test_what_a_deploy_can_do_by_itself_is_only_a_warning(cli: Cli) -> None:
    found = checks(cli)["resource provider"]
    assert found["verdict"] == "warning"
    assert found["cure"].startswith("az provider register --namespace Microsoft.")


def test_a_provider_that_one_may_not_register_has_failed(cli: Cli) -> None:
    behave(cli, access=[Access(role="Reader", scope=SUBSCRIPTION)])
    assert checks(cli, code=5)["resource provider"]["verdict"] == "failed"


def test_missing_permissions_are_named_with_who_could_grant_them(cli: Cli) -> None:
    behave(cli, access=[Access(role="Reader", scope=SUBSCRIPTION)])
    found = checks(cli, code=5)
    network = found["permissions of network"]
    assert network["verdict"] == "failed"
    assert f"Microsoft.Network/virtualNetworks/write on {SUBSCRIPTION}" in network["found"]
    assert network["cure"].startswith("az role assignment create --assignee ")
    assert network["cure"].endswith(f'--role "patchctl demo" --scope {SUBSCRIPTION}')


def test_what_a_deploy_goes_on_without_is_only_a_warning(cli: Cli) -> None:
    behave(cli, access=[Access(role="Contributor", scope=SUBSCRIPTION)])
    role = checks(cli)["permissions of alert-role"]
    assert role["verdict"] == "warning"
    assert "an administrator has to grant" in role["found"]


def test_rights_that_one_may_not_ask_about_are_not_taken_for_granted(cli: Cli) -> None:
    behave(cli, access=[Access(actions=["*/register/action", "*/write"], scope=SUBSCRIPTION)])
    found = checks(cli, code=5)
    assert found["permissions"]["verdict"] == "warning"
    assert "permissions of network" not in found
    assert found["deployment"]["verdict"] == "failed"


def test_quota(cli: Cli) -> None:
    behave(cli, quota={"standardBSFamily": 1})
    assert "ok       quota: 1000 of 1000 Total Regional vCPUs are left" in cli("doctor").out
    found = checks(cli, code=5)["quota"]
    assert found["found"] == "1 of 1 standardBSFamily vCPUs are left, 2 are wanted"
    assert "--resource-name standardBSFamily" in found["cure"]
    assert "--limit-object value=2" in found["cure"]


def test_a_machine_that_stands_takes_no_more(cli: Cli) -> None:
    behave(cli, quota={"cores": 2})
    cli.deploy()
    behave(cli, quota={"cores": 2}, restricted={"Standard_B2s": ["eastus"]})
    assert checks(cli) == {}
    assert cli("deploy").code == 0
    assert "ok       size: the machine stands as Standard_B2s" in cli("doctor").out


def test_one_that_never_came_up_is_made_again(cli: Cli) -> None:
    failing = Failure(type="Microsoft.Compute/virtualMachines", code="OSProvisioningTimedOut")
    behave(cli, failures=[failing])
    assert cli("deploy", *EMAIL).code == Exit.REFUSED
    behave(cli, quota={"cores": 3})
    assert "quota" in checks(cli, code=5)


def test_one_that_stands_has_the_size_that_it_has(cli: Cli) -> None:
    cli.deploy()
    other = ("--size", "Standard_D2s_v5")
    found = checks(cli, *other, code=5)["size"]
    assert "the machine stands as Standard_B2s" in found["found"]
    assert found["found"] in cli("deploy", *other).err


def test_what_is_told_only_once_compute_is_registered(cli: Cli) -> None:
    def forget(world: World) -> None:
        world.registrations[f"{next(iter(world.subscriptions))}/microsoft.compute"] = (
            "NotRegistered"
        )

    cli.change(forget)
    found = checks(cli)
    assert {found[subject]["verdict"] for subject in ("size", "image")} == {"warning"}
    assert cli("deploy", *EMAIL).code == 0


def test_what_the_location_does_not_offer(cli: Cli) -> None:
    found = checks(cli, "--size", "Standard_D2s_v6", "--location", "uksouth", code=5)["size"]
    assert "Standard_D2s_v6" in found["found"]
    assert found["cure"].startswith("az vm list-skus --location ")


def test_own_machines_need_neither_size_nor_network(cli: Cli) -> None:
    cli.deploy()
    machine = cli.the("Microsoft.Compute/virtualMachines")
    document = cli.json("doctor", "--name", "web", "--vm", machine.id, code=0)
    subjects = {check["subject"] for check in document["checks"]}
    assert not {"size", "quota", "image", "permissions of network"} & subjects
    role = json.loads(cli("doctor", "--role", "--name", "web", "--vm", machine.id).out)
    assert "Microsoft.Resources/tags/write" in role["Actions"]
    assert not [a for a in role["Actions"] if a.startswith("Microsoft.Network/virtual")]


@pytest.mark.parametrize("own", [False, True])
def test_a_place_that_is_not_there(cli: Cli, own: bool) -> None:
    how: tuple[str, ...] = ()
    if own:
        cli.deploy()
        how = ("--name", "web", "--vm", cli.the("Microsoft.Compute/virtualMachines").id)
    found = checks(cli, "--location", "nowhere", *how, code=5)["location"]
    assert "there is no location 'nowhere'" in found["found"]
    assert found["cure"].startswith("az account list-locations ")
    assert cli("deploy", *EMAIL, "--location", "nowhere", *how).code == 2


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [(0, "ok"), (-30, "ok"), (31, "warning"), (-299, "warning"), (300, "failed")],
)
def test_clocks(seconds: int, verdict: str) -> None:
    found = clock(NOON + timedelta(seconds=seconds), NOON)
    assert found.verdict == verdict
    assert bool(found.cure) is (verdict != "ok")


def test_a_clock_is_not_off_by_what_is_waited_for(cli: Cli) -> None:
    asked = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/permissions"
    behave(cli, faults=[Fault("429-retry-after", path=asked, times=2)])
    assert "clock" not in checks(cli)


def be(state: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Azure tell this state of the subscription."""

    def telling(world: World, request: Request) -> Response:
        response = respond(world, request)
        if request.path == SUBSCRIPTION and isinstance(response.body, dict):
            return replace(response, body={**response.body, "state": state})
        return response

    monkeypatch.setattr(transport, "respond", telling)


@pytest.mark.parametrize("state", ["enabled", "PastDue", None])
def test_a_subscription_that_takes_writes(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, state: str | None
) -> None:
    be(state, monkeypatch)
    assert "subscription" not in checks(cli)


@pytest.mark.parametrize("state", ["Warned", "disabled", "Deleted"])
def test_a_subscription_that_takes_none(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    be(state, monkeypatch)
    found = checks(cli, code=5)["subscription"]
    assert found["found"].endswith(f" is {state}")
    assert found["cure"].startswith("az account show --subscription ")


def test_a_clock_that_nobody_tells_is_not_known() -> None:
    assert clock(NOON, None).verdict is Verdict.WARNING


def test_without_a_sign_in_what_can_be_seen_is_shown(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    behave(cli, access=[Access(role="Owner", scope="/subscriptions/another")])
    ended = cli("doctor", *EMAIL)
    assert ended.code in (3, 4)
    assert "ok       packages: " in ended.out
    assert "failed   sign-in: " in ended.out


def test_a_proxy_is_shown_without_its_password(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://me:secret@proxy.example:8080")
    ended = cli("doctor")
    assert "proxy: https: http://proxy.example:8080" in ended.out
    assert "secret" not in ended.out + ended.err


def test_certificates_that_are_not_there(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "nowhere.pem")
    assert checks(cli, code=5)["certificates"]["found"].startswith("REQUESTS_CA_BUNDLE: nowhere")

"""What doctor sees, what it says helps, and the role that it prints."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from arm_sandbox.options import Access, Options
from arm_sandbox.world import World
from patchctl.doctor import Verdict, clock
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
    assert "ok       quota: 998 of 1000 Total Regional vCPUs are left, 2 are wanted" in ended.out
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
    found = checks(cli, code=5)["quota"]
    assert found["found"] == "1 of 1 standardBSFamily vCPUs are left, 2 are wanted"
    assert "--resource-name standardBSFamily" in found["cure"]
    assert "--limit-object value=2" in found["cure"]


@pytest.mark.parametrize(
    "how", [("--size", "Standard_D2s_v6", "--location", "uksouth"), ("--location", "nowhere")]
)
def test_what_the_location_does_not_offer(cli: Cli, how: tuple[str, ...]) -> None:
    found = checks(cli, *how, code=5)["size"]
    assert how[1] in found["found"]
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


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [(0, "ok"), (-30, "ok"), (31, "warning"), (-299, "warning"), (300, "failed")],
)
def test_clocks(seconds: int, verdict: str) -> None:
    found = clock(NOON + timedelta(seconds=seconds), NOON)
    assert found.verdict == verdict
    assert bool(found.cure) is (verdict != "ok")


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

"""Whole lives of deployments, through the command line, on the sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.mgmt.resource.resources.models import ResourceGroup

from arm_sandbox.options import Fault
from arm_sandbox.world import Resource, World
from patchctl.clients import Connection
from patchctl.config import layered
from patchctl.layers import read_file
from patchctl.steps import STEPS
from tests.patchctl.shell import EMAIL, Cli, outcomes

pytestmark = pytest.mark.world

NAMES = [step.NAME for step in STEPS]
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.toml"))
GROUP = "rg-patching-demo"
COMMON = {"command", "deployment", "sandbox", "endpoint", "ok", "steps", "error"}


UNCHANGED = dict.fromkeys(NAMES, "unchanged")
CREATED = {
    **dict.fromkeys(NAMES, "created"),
    "resource-providers": "updated",
    "patch-settings": "unchanged",  # a machine that is made has them from the start
}


# -- deploying, and deploying again


def test_deploy_makes_every_step_and_validate_agrees(cli: Cli) -> None:
    assert cli.deploy() == CREATED
    assert set(outcomes(cli.json("validate")).values()) == {"ok"}


@pytest.mark.parametrize("later", ["0s", "8d"])
def test_deploy_again_writes_nothing(cli: Cli, later: str) -> None:
    cli.deploy()
    assert cli("sandbox", "advance", "--by", later).code == 0
    before = cli.world.events
    assert cli.deploy() == UNCHANGED
    assert cli.world.events == before


def test_deploy_keeps_what_was_asked_for_before(cli: Cli) -> None:
    cli.deploy("--at", "03:00", "--duration", "03:00")
    assert outcomes(cli.json("deploy", "--email", "new@example.com")) == {
        **UNCHANGED,
        "resource-group": "updated",
        "action-group": "updated",
    }
    window = cli.the("Microsoft.Maintenance/maintenanceConfigurations").properties[
        "maintenanceWindow"
    ]
    assert window["duration"] == "03:00"
    assert window["startDateTime"].endswith(" 03:00")
    receivers = cli.the("Microsoft.Insights/actionGroups").properties["emailReceivers"]
    assert [receiver["emailAddress"] for receiver in receivers] == ["new@example.com"]


def test_a_plan_warns_of_a_start_that_the_clocks_skip(cli: Cli) -> None:
    cli("sandbox", "reset", "--at", "2026-11-23T12:00")
    asked = (*EMAIL, "--time-zone", "America/New_York", "--recur", "Day")
    assert "skip 02:30 on 2027-03-14" in cli("plan", *asked, "--at", "02:30").out
    assert "2027-03-14" not in cli("plan", *asked, "--at", "03:00").out


def test_linux(cli: Cli) -> None:
    assert cli.deploy("--os", "linux") == CREATED
    assert cli.deploy() == UNCHANGED
    profile = cli.the("Microsoft.Compute/virtualMachines").properties["osProfile"]
    assert profile["linuxConfiguration"]["patchSettings"]["patchMode"] == "AutomaticByPlatform"
    assert cli("validate").code == 0


def test_a_size_that_was_asked_for_stands(cli: Cli) -> None:
    assert cli.deploy("--size", "Standard_B2s") == CREATED
    assert cli.deploy() == UNCHANGED
    error = cli.json("deploy", "--size", "Standard_B2ms", code=2)["error"]
    assert error["message"].endswith("the machine stands as Standard_B2s")


def test_outbound_by_nat_gateway(cli: Cli) -> None:
    assert cli.deploy("--outbound", "nat") == CREATED
    assert cli.deploy() == UNCHANGED
    gateway = cli.the("Microsoft.Network/natGateways").id
    subnet = cli.the("Microsoft.Network/virtualNetworks/subnets").properties
    assert subnet["natGateway"]["id"].lower() == gateway.lower()


def test_a_machine_that_gets_nowhere_cannot_be_assessed(cli: Cli) -> None:
    document = cli.json("deploy", *EMAIL, "--outbound", "none", code=1)
    assert document["error"]["code"] == "AssessmentFailed"
    assert document["error"]["step"] == "assessment"
    assert "update source" in document["error"]["hint"]
    assert outcomes(document)["assessment"] == "failed"
    assert cli("destroy", "--yes").code == 0


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples(cli: Cli, example: Path) -> None:
    config = layered([read_file(example)]).config
    file = ("--config", str(example))
    planned = outcomes(cli.json("plan", *file))
    assert planned["virtual-machine"] == "create"
    assert not list(cli.world.resources)
    document = cli.json("deploy", *file)
    assert document["deployment"] == config.name
    assert outcomes(document) == CREATED
    assert outcomes(cli.json("deploy", *file)) == UNCHANGED
    assert cli("validate", *file).code == 0


# -- drift by hand


def _patch_by_os(cli: Cli) -> tuple[str, ...]:
    machine = cli.the("Microsoft.Compute/virtualMachines").id
    settings = "properties.osProfile.windowsConfiguration.patchSettings"
    return "edit", machine, f"{settings}.patchMode=AutomaticByOS"


def _unassign(cli: Cli) -> tuple[str, ...]:
    return "delete", cli.the("Microsoft.Maintenance/configurationAssignments").id


def _disable_an_alert(cli: Cli) -> tuple[str, ...]:
    suffix = cli.the("Microsoft.Maintenance/maintenanceConfigurations").id.rsplit("-", 1)[-1]
    return "edit", f"Patch-Deployment-Deleted-{suffix}", "properties.enabled=false"


def _mail_nobody(cli: Cli) -> tuple[str, ...]:
    return "edit", cli.the("Microsoft.Insights/actionGroups").id, "properties.emailReceivers=[]"


def _take_longer(cli: Cli) -> tuple[str, ...]:
    configuration = cli.the("Microsoft.Maintenance/maintenanceConfigurations").id
    return "edit", configuration, "properties.maintenanceWindow.duration=03:00"


@pytest.mark.parametrize(
    ("step", "drift", "mended"),
    [
        ("virtual-machine", _patch_by_os, "updated"),
        ("assignment", _unassign, "created"),
        ("activity-log-alerts", _disable_an_alert, "updated"),
        ("action-group", _mail_nobody, "updated"),
        ("maintenance-configuration", _take_longer, "updated"),
    ],
)
def test_drift_is_found_and_mended(
    cli: Cli, step: str, drift: Callable[[Cli], tuple[str, ...]], mended: str
) -> None:
    cli.deploy()
    assert cli("sandbox", *drift(cli)).code == 0
    found = cli.json("validate", code=5)
    assert found["error"]["message"].startswith(f"{step}: ")
    assert [s for s, outcome in outcomes(found).items() if outcome != "ok"] == [step]
    assert cli("plan", "--detailed-exitcode").code == 5
    assert cli.deploy() == {**UNCHANGED, step: mended}
    assert cli("validate").code == 0
    assert cli("plan", "--detailed-exitcode").code == 0


# -- mail


def test_test_notify_reaches_a_confirmed_address(cli: Cli) -> None:
    cli.deploy()
    cli("sandbox", "advance", "--by", "5m")
    [mail] = cli.json("test-notify")["mails"]
    assert (mail["to"], mail["status"], mail["ok"]) == (EMAIL[1], "Succeeded", True)
    [test] = cli.mails("test")
    assert test["to"] == EMAIL[1]
    assert (cli.store.outbox / test["file"]).exists()
    assert cli.json("sandbox", "outbox")["mails"][-1]["subject"] == test["subject"]


def test_only_an_edit_by_hand_is_mailed(cli: Cli) -> None:
    cli.deploy()
    cli("sandbox", "advance", "--by", "1h")
    assert not cli.mails("alert")
    cli("sandbox", *_take_longer(cli))
    cli("sandbox", "advance", "--by", "1h")
    [alert] = cli.mails("alert")
    assert "Patch-Deployment-Activity" in alert["subject"]


@pytest.mark.parametrize("how", [(), ("--end-to-end",)])
def test_nobody_is_mailed_by_a_deployment_that_does_not_stand(
    cli: Cli, how: tuple[str, ...]
) -> None:
    cli.deploy()
    error = cli.json("test-notify", "--name", "nix", *how, code=5)["error"]
    assert (error["code"], error["resource"]) == ("NotDeployed", None)
    assert error["message"] == "nix does not stand here."


def test_list_does_not_call_empty_what_it_could_not_read(cli: Cli) -> None:
    groups = "/subscriptions/5a4d0000-0000-4000-8000-000000000001/resourcegroups"
    broken = Fault("500", "GET", groups, times=0)
    cli.change(lambda world: world.options.faults.append(broken))
    assert cli.json("list", code=1)["error"]["code"] == "InternalServerError"


def test_list_says_what_does_not_stand_and_how_to_make_just_that(cli: Cli) -> None:
    assert "Make one: patchctl deploy --email you@example.com" in cli("list").err
    cli.deploy()
    said = cli("list", "--name", "foo").err
    assert "No deployment here" not in said
    assert "See what is here: patchctl list." in said
    assert "patchctl deploy --name foo --email you@example.com" in said


# -- destroying


def test_destroy_takes_everything_away(cli: Cli) -> None:
    cli.deploy()
    assert cli("destroy").code == 2  # there is nobody to ask, and --yes is missing
    document = cli.json("destroy", "--yes")
    assert document["left"] == []
    assert "deleted" in outcomes(document).values()
    assert not cli.world.resources
    assert cli.json("validate", code=5)["error"]["message"] == "demo does not stand here."
    assert cli.json("destroy", "--yes")["steps"] == []
    cli("sandbox", "advance", "--by", "1h")
    assert not cli.mails("alert")


def test_a_second_life_has_another_suffix(cli: Cli) -> None:
    cli.deploy()
    first = cli.the("Microsoft.Compute/virtualMachines").id
    cli("destroy", "--yes")
    assert cli.deploy() == {**CREATED, "resource-providers": "unchanged"}
    assert cli.the("Microsoft.Compute/virtualMachines").id != first


def test_no_wait_is_seen_through_by_a_second_destroy(cli: Cli) -> None:
    cli.deploy()
    cli.json("destroy", "--yes", "--no-wait")
    assert cli.the("Microsoft.Resources/resourceGroups")
    cli.json("destroy", "--yes")
    assert not cli.world.resources


def test_what_is_foreign_in_the_group_is_listed_and_left(cli: Cli) -> None:
    cli.deploy()
    cli.leave_a_foreign_address()
    address = cli.the("Microsoft.Network/publicIPAddresses").id
    document = cli.json("destroy", "--yes")
    assert [id.lower() for id in document["left"]] == [address.lower()]
    assert outcomes(document)["resource-group"] == "left"
    left = {r.type.lower() for r in cli.world.resources.values()}
    assert left == {"microsoft.network/publicipaddresses", "microsoft.resources/resourcegroups"}


# -- whose it is


def test_a_group_of_our_name_that_is_not_ours_is_refused(cli: Cli) -> None:
    def add_group(connection: Connection) -> None:
        groups = connection.clients.resources.resource_groups
        connection.run(groups.create_or_update(GROUP, ResourceGroup(location="eastus")))

    cli.azure(add_group)
    for command in (("deploy", *EMAIL), ("destroy", "--yes"), ("validate",)):
        assert cli.json(*command, code=6)["error"]["code"] == "Foreign"
    assert [r.body.get("tags") or {} for r in cli.world.resources.values()] == [{}]


def test_somebody_else_has_to_take_over(cli: Cli) -> None:
    cli.deploy()

    def become_somebody_else(world: World) -> None:
        world.principal |= {"oid": "0b1ec700-0000-4000-8000-0000000000cc", "upn": "new@example.com"}

    cli.change(become_somebody_else)
    for command in (("deploy", *EMAIL), ("destroy", "--yes")):
        assert cli.json(*command, code=6)["error"]["code"] == "MadeBySomebodyElse"
    assert cli("validate").code == 0
    assert cli.deploy("--take-over") == {**UNCHANGED, "resource-group": "updated"}
    assert cli.deploy() == UNCHANGED
    assert cli.json("list")["deployments"][0]["created_by"] == "new@example.com"


def test_a_newer_patchctl_has_been_here(cli: Cli) -> None:
    cli.deploy()
    cli("sandbox", "edit", GROUP, "tags.patchctl-version=99.0.0")
    document = cli.json("deploy", *EMAIL, code=1)
    assert document["error"]["code"] == "NewerDeployment"
    assert "99.0.0" in document["error"]["message"]


# -- output for programs


def test_json_has_the_documented_keys(cli: Cli) -> None:
    commands: list[tuple[tuple[str, ...], set[str]]] = [
        (("plan", *EMAIL), {"missing_permissions", "monthly_cost_usd", "windows"}),
        (("deploy", *EMAIL), {"monthly_cost_usd", "windows"}),
        (("validate",), set()),
        (("test-notify",), {"mails"}),
        (("list",), {"deployments", "unread"}),
        (("sandbox", "outbox"), {"mails"}),
        (("sandbox", "advance", "--by", "1h"), {"now", "runs", "mails"}),
        (("sandbox", "edit", GROUP, "tags.note=1"), set()),
        (("destroy", "--yes"), {"left"}),
        (("sandbox", "delete", "x"), set()),
        (("sandbox", "reset"), set()),
    ]
    for arguments, extra in commands:
        document = cli.json(*arguments, code=2 if "delete" in arguments else 0)
        assert set(document) == COMMON | extra, arguments
        assert document["command"] == " ".join(arguments[: 2 if arguments[0] == "sandbox" else 1])
        assert document["sandbox"] is True
        for step in document["steps"]:
            assert set(step) == {"step", "outcome", "seconds", "resources", "findings"}
            for finding in step["findings"]:
                assert set(finding) == {"subject", "want", "got", "ok"}
    error = cli.json("validate", code=5)["error"]
    assert set(error) == {"code", "message", "hint", "next", "step", "resource", "request_id"}


def test_schema_describes_the_configuration_file(cli: Cli) -> None:
    ended = cli("schema")
    assert ended.code == 0
    assert json.loads(ended.out)["title"] == "patchctl.toml"


def test_a_subscription_that_has_never_had_a_machine(cli: Cli) -> None:
    def unregister(world: World) -> None:
        for namespace in ("microsoft.compute", "microsoft.network"):
            world.registrations[f"{next(iter(world.subscriptions))}/{namespace}"] = "NotRegistered"

    cli.change(unregister)
    before = cli.world.registrations
    assert cli("plan", *EMAIL).code == 0
    assert cli.world.registrations == before  # the SDK would register on a mere read
    assert cli("deploy", *EMAIL).code == 0
    assert cli("validate").code == 0


def test_nat_is_taken_away_when_it_is_no_longer_wanted(cli: Cli) -> None:
    cli.deploy("--outbound", "nat")
    assert cli.deploy("--outbound", "default")["network"] == "updated"
    types = {resource.type for resource in cli.world.resources.values()}
    assert not types & {"Microsoft.Network/natGateways", "Microsoft.Network/publicIPAddresses"}
    assert cli("validate").code == 0


def test_what_others_have_set_on_the_network_stays(cli: Cli) -> None:
    cli.deploy()

    def set_dns(world: World) -> None:
        for resource in world.of_type["microsoft.network/virtualnetworks"].values():
            resource.properties["dhcpOptions"] = {"dnsServers": ["10.0.0.4"]}

    cli.change(set_dns)
    assert cli.deploy("--tag", "owner=me")["network"] == "updated"
    [network] = cli.world.of_type["microsoft.network/virtualnetworks"].values()
    assert network.properties["dhcpOptions"] == {"dnsServers": ["10.0.0.4"]}


def test_tags_of_others_stay_on_everything(cli: Cli) -> None:
    cli.deploy("--outbound", "nat", "--notify", "all")

    def tagged(world: World) -> dict[str, dict[str, str]]:
        return {r.id: r.body["tags"] for r in world.resources.values() if r.body.get("tags")}

    cli.change(lambda world: [tags.update(costcenter="7") for tags in tagged(world).values()])
    cli.deploy("--tag", "owner=me")
    stood = tagged(cli.world)
    assert len({id.split("/")[-2] for id in stood}) > 9
    wanted = ("7", "me")
    assert {id for id, t in stood.items() if (t["costcenter"], t.get("owner")) != wanted} == set()


def test_a_machine_that_never_came_up_is_made_again(cli: Cli) -> None:
    cli.deploy()

    def fail(world: World) -> None:
        machine = machine_of(world)
        machine.properties["provisioningState"] = "Failed"
        machine.hidden["power"] = ""

    cli.change(fail)
    assert "deleted with its disk" in cli("plan").out
    assert cli.deploy()["virtual-machine"] == "created"
    assert cli("validate").code == 0


def test_a_stopped_machine_that_failed_is_never_deleted(cli: Cli) -> None:
    cli.deploy()

    def fail(world: World) -> None:
        machine = machine_of(world)
        machine.properties["provisioningState"] = "Failed"
        machine.hidden["power"] = "deallocated"

    cli.change(fail)
    before = machine_of(cli.world).properties["vmId"]
    cli.deploy()
    assert machine_of(cli.world).properties["vmId"] == before


def machine_of(world: World) -> Resource:
    machines = "Microsoft.Compute/virtualMachines"
    return next(r for r in world.resources.values() if r.type == machines)


def test_deploy_waits_for_nobody_who_is_leaving(cli: Cli) -> None:
    cli.deploy()
    gone = cli.json("destroy", "--yes", "--no-wait")
    assert outcomes(gone)["resource-group"] == "deleting"
    ended = cli("deploy", *EMAIL)
    assert (ended.code, "patchctl destroy --yes" in ended.err) == (1, True)


def test_an_expired_schedule_is_found(cli: Cli) -> None:
    cli.deploy()

    def expire(world: World) -> None:
        for resource in world.resources.values():
            if resource.type.endswith("maintenanceConfigurations"):
                resource.properties["maintenanceWindow"]["expirationDateTime"] = "2020-01-01 00:00"

    cli.change(expire)
    assert cli("validate").code == 5
    assert cli.deploy()["maintenance-configuration"] == "updated"
    assert cli("validate").code == 0


def test_a_tag_of_the_users_wins_over_the_demos_whatever_its_case(cli: Cli) -> None:
    assert cli.deploy("--tag", "Environment=prod") == CREATED
    assert cli.deploy() == UNCHANGED


def test_a_tag_asked_for_in_another_case_is_the_one_that_stands(cli: Cli) -> None:
    assert cli.deploy("--tag", "Environment=prod") == CREATED
    cli.deploy("--tag", "environment=dev")
    for resource in cli.world.resources.values():
        tags = resource.body.get("tags") or {}
        found = [value for name, value in tags.items() if name.lower() == "environment"]
        assert found in ([], ["dev"]), (resource.id, tags)
    assert cli.deploy() == UNCHANGED


def test_more_tags_than_a_group_can_hold_are_refused_first(cli: Cli) -> None:
    tags = [part for n in range(25) for part in ("--tag", f"t{n}={'x' * 250}")]
    ended = cli("deploy", *EMAIL, *tags)
    assert (ended.code, "Azure takes 50" in ended.err) == (2, True)
    assert cli.world.resources == {}


def test_the_next_size_is_taken_where_the_recipes_is_not_offered(cli: Cli) -> None:
    assert "size: Standard_B2s\n" in cli("plan", *EMAIL).out
    elsewhere = cli("plan", *EMAIL, "--location", "swedencentral").out
    assert "size: Standard_B2as_v2\n" in elsewhere


def test_a_name_that_stands_in_another_subscription_is_pointed_out(cli: Cli) -> None:
    other = "5a4d0000-0000-4000-8000-000000000002"

    def add_subscription(world: World) -> None:
        world.subscriptions[other] = "Other"

    assert cli("sandbox", "reset").code == 0
    cli.change(add_subscription)
    assert cli.deploy("--subscription", "Other") == CREATED
    ended = cli("validate")
    assert ended.code == 5
    assert f"--subscription {other}" in ended.err
    listed = cli.json("list")["deployments"]
    assert [one["subscription_name"] for one in listed] == ["Other"]


def test_a_receiver_added_by_hand_is_reported_and_kept(cli: Cli) -> None:
    cli.deploy()

    def add_receiver(world: World) -> None:
        for resource in world.resources.values():
            if resource.type.lower() == "microsoft.insights/actiongroups":
                receivers = resource.properties["emailReceivers"]
                boss = {"name": "boss", "emailAddress": "boss@example.com", "status": "Enabled"}
                receivers.append({**boss, "useCommonAlertSchema": True})

    cli.change(add_receiver)
    ended = cli("validate")
    assert (ended.code, "added by hand as boss; kept" in ended.out) == (0, True)
    assert cli.json("deploy", "--email", "new@example.com", "--yes")["ok"]
    groups = [r for r in cli.world.resources.values() if "emailReceivers" in r.properties]
    addresses = {r["emailAddress"] for r in groups[0].properties["emailReceivers"]}
    assert addresses == {"boss@example.com", "new@example.com"}


# -- one window to try the schedule out


CONFIGURATION = "Microsoft.Maintenance/maintenanceConfigurations"


def first_window(cli: Cli) -> dict[str, str]:
    [found] = [
        r for r in cli.world.resources.values() if r.type == CONFIGURATION and "mc-first" in r.id
    ]
    window: dict[str, str] = found.properties["maintenanceWindow"]
    return window


@pytest.mark.parametrize(
    ("before", "after"), [("2027-03-06", "2026-12-05"), ("2026-12-05", "2027-01-16")]
)
def test_another_first_day_moves_the_schedule(cli: Cli, before: str, after: str) -> None:
    cli.deploy("--first", before)
    assert cli.deploy("--first", after)["maintenance-configuration"] == "updated"
    assert (
        cli.the(CONFIGURATION).properties["maintenanceWindow"]["startDateTime"] == f"{after} 02:00"
    )
    assert cli.deploy() == UNCHANGED


def test_a_start_that_somebody_has_put_off_is_found(cli: Cli) -> None:
    cli.deploy()
    begun = cli.the(CONFIGURATION).properties["maintenanceWindow"]["startDateTime"]
    cli.change(lambda world: put_off(world, "2027-03-06 02:00"))
    assert cli("validate").code == 5
    assert cli.deploy()["maintenance-configuration"] == "updated"
    assert cli.the(CONFIGURATION).properties["maintenanceWindow"]["startDateTime"] == begun


def put_off(world: World, start: str) -> None:
    for resource in world.of_type[CONFIGURATION.lower()].values():
        resource.properties["maintenanceWindow"]["startDateTime"] = start


def test_first_now_opens_one_window_beside_the_schedule(cli: Cli) -> None:
    cli.deploy()
    before = cli("plan", *EMAIL).out
    assert outcomes(cli.json("plan", "--first", "now")) == {
        **UNCHANGED,
        "maintenance-configuration": "update",
        "assignment": "update",
    }
    ended = cli("deploy", "--first", "now", "--yes")
    assert ended.code == 0
    assert "And one window to try it out" in ended.out
    assert "first window" not in before
    started = first_window(cli)["startDateTime"]
    assert cli.deploy("--first", "now") == UNCHANGED
    assert cli.deploy() == UNCHANGED
    assert cli("validate").code == 0
    cli("sandbox", "advance", "--by", "3h")
    assert cli.deploy() == UNCHANGED
    assert cli.deploy("--first", "now")["maintenance-configuration"] == "updated"
    assert first_window(cli)["startDateTime"] > started


def test_a_first_window_that_a_file_asks_for_is_no_drift_when_it_is_over(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(cli.store.directory)
    Path("patchctl.toml").write_text("first_now = true\n", encoding="utf-8")
    cli.deploy()
    cli("sandbox", "advance", "--by", "5h")
    assert cli("validate").code == 0


def test_the_first_window_opens_soon_and_once(cli: Cli) -> None:
    begun = cli.world.now
    cli.deploy("--first", "now", "--time-zone", "UTC")
    start = datetime.fromisoformat(first_window(cli)["startDateTime"]).replace(tzinfo=UTC)
    assert 20 * 60 <= start.timestamp() - begun <= 25 * 60
    assigned = [r.id for r in cli.world.resources.values() if "/assign-mc-first" in r.id]
    assert len(assigned) == 1
    expires = first_window(cli)["expirationDateTime"]
    assert datetime.fromisoformat(expires).replace(tzinfo=UTC) < start + timedelta(days=1)
    assert cli("destroy", "--yes").code == 0
    assert not cli.world.resources


# -- by hand


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        ("properties=5", "is an object, and cannot be a number"),
        ("location=3", "is a string, and cannot be a number"),
        ("properties.hardwareProfile.vmSize=[]", "is a string, and cannot be a list"),
        ("properties.storageProfile.dataDisks.0.name=x", "there is no 0 on the way"),
        ("properties.x.y=1", "there is no x on the way"),
        ("id=x", "it cannot be edited"),
    ],
)
def test_what_makes_no_sense_is_not_edited(cli: Cli, edit: str, why: str) -> None:
    cli.deploy()
    before = cli.world.resources
    error = cli.json("sandbox", "edit", "virtualMachines/vm-demo-daab01", edit, code=2)["error"]
    assert why in error["message"]
    assert cli.world.resources == before


def test_what_is_in_use_is_not_deleted_by_hand_either(cli: Cli) -> None:
    cli.deploy()
    for name in ("osdisk", "nic", "vnet", "nsg"):
        error = cli.json("sandbox", "delete", f"{name}-demo-daab01", code=2)["error"]
        assert "cannot be deleted" in error["message"]
    assert cli("sandbox", "delete", GROUP).code == 0
    assert not cli.world.resources

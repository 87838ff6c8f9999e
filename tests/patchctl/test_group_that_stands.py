"""Everything put into a resource group that somebody has made, and nothing of it left there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from azure.mgmt.resource.resources.models import ResourceGroup

from arm_sandbox import by_hand
from arm_sandbox.options import Access, Fault
from arm_sandbox.world import Resource, World
from patchctl.clients import Connection
from tests.comparison import State, differences, state
from tests.fleet.building import build
from tests.patchctl.own_machines import quiet
from tests.patchctl.shell import EMAIL, Cli, outcomes
from tests.patchctl.test_lifecycle import CREATED, NAMES, UNCHANGED

pytestmark = [pytest.mark.world, pytest.mark.slow]

GROUP = "rg-theirs"
TAGS = {"owner": "somebody", "managed-by": "terraform"}
INTO = ("--resource-group", GROUP)
MINE = (*EMAIL, *INTO)


@pytest.fixture
def theirs(cli: Cli) -> Cli:
    """A group of somebody's, with something in it, in another region than the default."""
    make_group(cli, GROUP)
    cli.change(_put_something_in)
    return cli


def make_group(cli: Cli, name: str) -> None:
    def act(connection: Connection) -> None:
        group = ResourceGroup(location="westeurope", tags=TAGS)
        groups = connection.clients.resources.resource_groups
        connection.run(groups.create_or_update(name, group))

    cli.azure(act)


def _put_something_in(world: World) -> None:
    group = next(id for id in world.resources if id.endswith(f"/{GROUP}"))
    id = f"{world.resources[group].id}/providers/Microsoft.Network/publicIPAddresses/theirs"
    body = {"id": id, "name": "theirs", "location": "westeurope", "properties": {}}
    world.add(Resource(id, "Microsoft.Network/publicIPAddresses", body))


def in_the_group(world: World) -> Iterator[Resource]:
    scope = f"/resourcegroups/{GROUP}/"
    return (resource for key, resource in world.resources.items() if scope in key)


def the_group(world: World) -> Resource:
    return next(r for key, r in world.resources.items() if key.endswith(f"/{GROUP}"))


def note(world: World) -> Resource:
    """The template spec that remembers."""
    return next(r for r in in_the_group(world) if r.type.endswith("templateSpecs"))


def test_a_whole_life_leaves_exactly_what_was_there(theirs: Cli) -> None:
    before = state(theirs.world)
    planned = theirs("plan", *MINE)
    assert f"The group {GROUP} is used, and itself stays as it is." in planned.out
    assert differences(before, state(theirs.world)) == []
    assert theirs.deploy(*INTO) == CREATED
    assert the_group(theirs.world).body["tags"] == TAGS
    made = [r.body for r in in_the_group(theirs.world) if r.body["name"] != "theirs"]
    assert {body["location"].lower() for body in made if "location" in body} == {
        "westeurope",
        "global",
    }
    assert differences(before, state(theirs.world, _is_in_the_group)) == [
        f"went: {id}" for id in _ids(before)
    ]
    going = theirs("destroy", "--yes")
    assert going.code == 0
    assert f"The group {GROUP} stays, with everything else in it." in going.out
    assert "demo is gone." in going.out
    assert differences(before, state(theirs.world)) == []


def _is_in_the_group(resource: Resource) -> bool:
    return f"/resourcegroups/{GROUP}/" in resource.id.lower()


def _ids(stood: State) -> list[str]:
    return [body["id"] for key, body in stood.items() if f"/resourcegroups/{GROUP}/" in key]


def test_without_its_name_the_group_is_found_again(theirs: Cli) -> None:
    theirs.deploy(*INTO)
    assert theirs.deploy() == UNCHANGED
    assert theirs("plan", "--detailed-exitcode").code == 0
    assert set(outcomes(theirs.json("validate")).values()) == {"ok"}
    assert len(theirs.json("status")["status"]["machines"]) == 1
    assert theirs("report").code == 0
    assert theirs.json("test-notify")["mails"]
    (listed,) = theirs.json("list")["deployments"]
    assert (listed["name"], listed["location"]) == ("demo", "westeurope")
    assert listed["group"].endswith(f"/{GROUP}")
    assert GROUP in theirs("list").out
    assert theirs.json("list", "--resource-group", "other")["deployments"] == []
    theirs.deploy("--at", "03:00")
    assert outcomes(theirs.json("deploy")) == UNCHANGED


def test_two_deployments_in_one_group_know_nothing_of_each_other(theirs: Cli) -> None:
    theirs.deploy(*INTO, "--name", "one")
    theirs.json("deploy", "--email", "two@example.com", *INTO, "--name", "two")
    assert theirs("sandbox", "advance", "--by", "1h").code == 0
    assert theirs.mails("alert") == []
    assert outcomes(theirs.json("deploy", "--name", "one")) == UNCHANGED
    between = state(theirs.world)
    assert {d["name"] for d in theirs.json("list")["deployments"]} == {"one", "two"}
    theirs.json("deploy", *EMAIL, *INTO, "--name", "three")
    assert theirs("destroy", "--name", "three", "--yes").code == 0
    assert differences(between, state(theirs.world)) == []
    theirs.json("deploy", "--name", "two", "--at", "06:00")
    theirs("sandbox", "advance", "--by", "1h")
    assert {mail["to"] for mail in theirs.mails("alert")} == {"two@example.com"}


def test_a_group_that_is_not_there_is_refused_before_anything_is_touched(cli: Cli) -> None:
    before = state(cli.world)
    for command in ("plan", "deploy"):
        error = cli.json(command, *MINE, code=2)["error"]
        assert f"--resource-group: the resource group {GROUP} is not there" in error["message"]
        assert "az group create --subscription" in error["hint"]
        assert f"--name {GROUP} --location eastus" in error["hint"]
    assert cli("validate", *INTO).code == 5
    assert cli("destroy", *INTO, "--yes").code == 0
    assert differences(before, state(cli.world)) == []


def test_another_region_than_the_groups(theirs: Cli) -> None:
    assert theirs.deploy(*INTO, "--location", "westus2") == CREATED
    machine = theirs.the("Microsoft.Compute/virtualMachines").body
    assert machine["location"] == "westus2"
    assert theirs.deploy() == UNCHANGED
    assert theirs.json("plan", "--location", "westeurope", code=2)["error"]["code"] == "BadInput"


def test_a_deployment_cannot_move(theirs: Cli) -> None:
    theirs.deploy("--name", "own")
    message = theirs.json("deploy", *INTO, "--name", "own", code=2)["error"]["message"]
    assert f"{GROUP} is asked for and rg-patching-own stands" in message
    assert theirs("validate", *INTO, "--name", "own").code == 0
    theirs.deploy(*INTO)
    make_group(theirs, "rg-other")
    message = theirs.json("plan", "--resource-group", "rg-other", code=2)["error"]["message"]
    assert f"rg-other is asked for and {GROUP} stands" in message
    assert outcomes(theirs.json("plan", "--resource-group", GROUP.upper())) == UNCHANGED


def test_a_deploy_that_was_stopped_goes_on_without_the_groups_name(theirs: Cli) -> None:
    before = state(theirs.world)
    refused = theirs.json("deploy", *MINE, "--outbound", "none", code=1)
    assert outcomes(refused)["assessment"] == "failed"
    resumed = outcomes(theirs.json("plan"))
    assert [step for step in NAMES if resumed[step] != "unchanged"] == ["assessment"]
    assert theirs("destroy", "--yes").code == 0
    assert differences(before, state(theirs.world)) == []


def hide_a_rule(world: World) -> None:
    """As where a read reaches a region that does not know of it."""
    rule = next(r for r in in_the_group(world) if "Patch-Run-Missed" in r.id)
    world.options.faults = [Fault("404", "GET", rule.id, times=0)]


def test_the_note_stays_while_anything_else_does(theirs: Cli) -> None:
    before = state(theirs.world)
    theirs.deploy(*INTO)
    theirs.change(hide_a_rule)
    error = theirs.json("destroy", "--yes", code=1)["error"]
    assert error["code"] == "StillThere"
    assert "Patch-Run-Missed" in error["resource"]
    theirs.change(lambda world: world.options.faults.clear())
    assert theirs("destroy", "--yes").code == 0
    assert differences(before, state(theirs.world)) == []


def test_reads_that_lag_are_waited_for_also_by_who_does_not_wait(theirs: Cli) -> None:
    before = state(theirs.world)
    theirs.deploy(*INTO)
    theirs.change(lambda world: setattr(world.options, "read_lag", (3.0, 8.0)))
    ended = outcomes(theirs.json("destroy", "--yes", "--no-wait"))
    assert set(ended.values()) == {"deleted", "absent"}
    assert differences(before, state(theirs.world)) == []


def keep_the_note(world: World) -> None:
    """As where reads are answered by a region that does not hear of its deletion."""
    world.options.read_lag = (300.0, 300.0)


def test_what_is_still_shown_is_not_called_gone(theirs: Cli) -> None:
    theirs.deploy(*INTO)
    theirs.change(keep_the_note)
    error = theirs.json("destroy", "--yes", code=1)["error"]
    assert error["code"] == "StillThere"
    assert error["message"] == f"{error['step']} was taken away, and still stands."
    for _ in NAMES:
        if error["step"] != "resource-group":
            theirs("sandbox", "advance", "--by", "10m")
            error = theirs.json("destroy", "--yes", code=1)["error"]
    assert "The template spec patchctl-demo in rg-theirs still stands" in error["message"]
    assert error["resource"].endswith("/templateSpecs/patchctl-demo")
    theirs("sandbox", "advance", "--by", "10m")
    assert theirs("destroy", "--yes").code == 0


def test_what_somebody_changes_of_the_note_is_mended(theirs: Cli) -> None:
    theirs.deploy(*INTO)
    theirs.change(lambda world: note(world).body["tags"].update(purpose="theirs"))
    (step,) = [s for s in theirs.json("plan")["steps"] if s["step"] == "resource-group"]
    (wrong,) = [f for f in step["findings"] if f["ok"] is False]
    assert wrong["subject"] == "template spec's tags"
    assert outcomes(theirs.json("deploy")) == {**UNCHANGED, "resource-group": "updated"}
    assert note(theirs.world).body["tags"]["purpose"] == "patching-demo"


def delete_the_note(world: World) -> None:
    by_hand.delete(world, note(world))


def test_deploy_takes_up_what_is_left_when_the_note_was_deleted(theirs: Cli) -> None:
    theirs.deploy(*INTO)
    before = state(theirs.world)
    theirs.change(delete_the_note)
    assert outcomes(theirs.json("deploy", *MINE)) == {**UNCHANGED, "resource-group": "created"}
    changed = differences(before, state(theirs.world))
    assert all("/templateSpecs/patchctl-demo" in line for line in changed)  # made anew, and later


@pytest.mark.parametrize("named", [(), INTO])
def test_destroy_takes_away_what_is_left_when_the_note_was_deleted(
    theirs: Cli, named: tuple[str, ...]
) -> None:
    before = state(theirs.world)
    theirs.deploy(*INTO)
    theirs.change(delete_the_note)
    assert f"what it made in {GROUP} stands" in theirs("destroy", "--yes", *named).err
    assert differences(before, state(theirs.world)) == []
    assert "nothing to do" in theirs("destroy", "--yes").out


def test_who_may_not_list_everything_destroys_by_what_is_remembered(theirs: Cli) -> None:
    theirs.change(_forbid_lists)
    assert "nothing to do" in theirs("destroy", "--yes").out


def _forbid_lists(world: World) -> None:
    listed = f"/subscriptions/{next(iter(world.subscriptions))}/resources"
    world.options.faults = [Fault("403", "GET", listed, 1, 0)]


def test_what_stands_under_our_name_is_not_taken(theirs: Cli) -> None:
    theirs.deploy(*INTO)
    theirs.change(_disown)
    assert theirs.json("deploy", *MINE, code=6)["error"]["code"] == "Foreign"
    assert theirs.json("destroy", "--yes", *INTO, code=6)["error"]["code"] == "Foreign"


def _disown(world: World) -> None:
    note(world).body["tags"]["managed-by"] = "somebody"


def test_the_night_in_a_group_of_somebodys(theirs: Cli) -> None:
    theirs.deploy(*INTO, "--notify", "all")
    assert theirs("sandbox", "advance", "--to", "next-window").code == 0
    assert theirs("sandbox", "advance", "--by", "6h").code == 0
    assert any("Patch-Run-Succeeded" in mail["subject"] for mail in theirs.mails("alert"))
    assert theirs("rehearse").code == 0


def test_the_right_to_grant_is_asked_of_the_group_itself(theirs: Cli) -> None:
    """It is there before the deployment is, and one may be no more than its administrator."""
    scope = the_group(theirs.world).id

    def permit(*roles: tuple[str, str]) -> None:
        def change(world: World) -> None:
            world.options.access = [Access(role=role, scope=scope) for role, scope in roles]

        theirs.change(change)

    contributor = ("Contributor", scope.split("/resourceGroups/")[0])
    permit(contributor, ("User Access Administrator", scope))
    assert theirs.deploy(*INTO) == CREATED
    theirs.json("destroy", "--yes")
    permit(contributor)
    error = theirs.json("deploy", *MINE, code=7)["error"]
    assert f"--scope {scope}" in error["message"]


def test_your_machines_and_a_group_of_yours(cli: Cli) -> None:
    fleet = quiet(2)
    cli.store.save(build(fleet))
    make_group(cli, GROUP)
    before = state(cli.world)
    names = [option for machine in fleet.machines for option in ("--vm", machine.name)]
    assert cli("deploy", *MINE, *names).code == 0
    assert outcomes(cli.json("plan"))["assignment"] == "unchanged"
    assert cli("destroy", "--yes").code == 0
    assert differences(before, state(cli.world)) == []

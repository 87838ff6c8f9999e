"""Machines that are not to be tagged: their deployment's group remembers what they were."""

from __future__ import annotations

import pytest

from arm_sandbox.options import Fault
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World
from patchctl import template_spec
from patchctl.report import Outcome
from patchctl.steps import patch_settings
from tests.comparison import differences, state
from tests.fleet.building import build, put
from tests.fleet.drawing import Fleet
from tests.patchctl.conftest import EMAIL
from tests.patchctl.own_machines import WANTED, Place, at, outcome, quiet, unassign
from tests.patchctl.shell import Cli, outcomes

pytestmark = pytest.mark.slow

ASKED = ("--vm", "vm-*", "--email", EMAIL, "--no-machine-tags")


@pytest.fixture
def three(cli: Cli) -> Fleet:
    """Three machines in the sandbox of the command line."""
    fleet = quiet(3)
    cli.store.save(build(fleet))
    return fleet


def tags(world: World, fleet: Fleet) -> list[dict[str, str]]:
    return [world.resources[m.id.lower()].body.get("tags") or {} for m in fleet.machines]


def noted(place: Place) -> set[str]:
    deployment = place.deployment(machines=None, machine_tags=None)
    return set(place.connection.run(template_spec.memories(place.connection.clients, deployment)))


def test_no_tag_of_a_machine_is_touched_and_all_is_put_back(cli: Cli, three: Fleet) -> None:
    before = state(cli.world)
    deployed = cli("deploy", *ASKED)
    assert deployed.code == 0
    assert "How the machines were is kept in their deployment's group and in" in deployed.err
    assert tags(cli.world, three) == [before[m.id.lower()]["tags"] for m in three.machines]
    assert cli("plan", "--detailed-exitcode").code == 0
    assert cli("validate").code == 0
    going = cli("destroy", "--yes")
    assert "These stay, and get back the patch settings that they had:" in going.out
    assert differences(before, state(cli.world)) == []


def test_in_a_group_that_stands_what_is_noted_stays_when_more_is_asked_for(
    cli: Cli, three: Fleet
) -> None:
    before = state(cli.world)
    group = three.machines[0].group.id.rsplit("/", 1)[1]
    assert cli("deploy", *ASKED, "--resource-group", group).code == 0
    assert outcomes(cli.json("deploy", "--at", "03:00"))["resource-group"] == "updated"
    ended = outcomes(cli.json("destroy", "--yes"))
    assert (ended["patch-settings"], ended["resource-group"]) == ("deleted", "deleted")
    assert differences(before, state(cli.world)) == []


def test_a_machine_that_is_on_no_schedule_any_more_is_put_back(cli: Cli, three: Fleet) -> None:
    before = state(cli.world)
    assert cli("deploy", *ASKED).code == 0
    cli.change(lambda world: unassign(world, three.machines[0]))
    assert cli("destroy", "--yes").code == 0
    assert differences(before, state(cli.world)) == []


def test_what_the_group_has_shown_counts_where_a_later_read_denies_it(
    cli: Cli, three: Fleet
) -> None:
    before = state(cli.world)
    assert cli("deploy", *ASKED).code == 0
    [spec] = (id for id in cli.world.resources if "/templatespecs/" in id)
    denied = Fault("404", "GET", spec, nth=2, times=0)
    cli.change(lambda world: world.options.faults.append(denied))
    assert cli("destroy", "--yes").code == 0
    assert differences(before, state(cli.world)) == []


def test_the_group_remembers_before_a_machine_is_changed() -> None:
    fleet = quiet(2)
    with at(fleet) as place:
        writes: list[str] = []

        def watch(asked: Request, response: Response) -> None:
            if asked.method in ("PUT", "PATCH"):
                writes.append(asked.path.lower())

        place.watchers.append(watch)
        place.deploy(machine_tags=False)
        assert noted(place) == {m.id.lower() for m in fleet.machines}
        changed = [writes.index(machine.id.lower()) for machine in fleet.machines]
        assert writes.index(next(w for w in writes if "/templatespecs/" in w)) < min(changed)


@pytest.mark.parametrize("first", [True, False])
def test_what_is_remembered_moves(*, first: bool) -> None:
    """From tags into the group and back again, without a machine's settings being written."""
    fleet = quiet(2)
    with at(fleet) as place:
        before = state(place.world)
        place.deploy(machine_tags=first)
        for tagging in (not first, first):
            reports = place.deploy(machine_tags=tagging)
            assert outcome(reports, patch_settings.NAME) is Outcome.UPDATED
            assert not any("virtualMachines/" in w and "tags" not in w for w in place.writes)
            assert all(bool(found) is tagging for found in _ours(place, fleet))
            assert noted(place) == (set() if tagging else {m.id.lower() for m in fleet.machines})
            assert not place.plan(place.deployment(machine_tags=None))[patch_settings.NAME].writes
        place.destroy()
        assert differences(before, state(place.world)) == []


def _ours(place: Place, fleet: Fleet) -> list[list[str]]:
    found = tags(place.world, fleet)
    return [[name for name in each if name.startswith("patchctl")] for each in found]


def test_a_released_machine_is_forgotten() -> None:
    fleet = quiet(2)
    first, second = fleet.machines
    with at(fleet) as place:
        place.deploy(machine_tags=False)
        place.deploy(machines=[first.name])
        assert noted(place) == {first.id.lower()}
        assert place.settings(second) != WANTED


def test_what_could_not_be_put_back_is_kept_in_a_file(cli: Cli, three: Fleet) -> None:
    """The group goes, and what it remembered with it."""
    before = state(cli.world)
    assert cli("deploy", *ASKED).code == 0
    (file,) = cli.store.directory.glob("machines/*/*/*.json")
    file.unlink()
    lock = f"{three.machines[0].id}/providers/Microsoft.Authorization/locks/theirs"
    cli.change(lambda world: put(world, lock, {"properties": {"level": "ReadOnly"}}, "2020-05-01"))
    assert cli("destroy", "--yes").code == 8
    cli.change(lambda world: world.remove(lock))
    assert cli("destroy", "--yes", "--restore-from", str(file)).code == 0
    assert differences(before, state(cli.world)) == []


def test_a_machine_with_fifty_tags_can_be_set_up(cli: Cli, three: Fleet) -> None:
    full = {f"tag-{number}": "x" for number in range(50)}
    key = three.machines[0].id.lower()
    cli.change(lambda world: world.resources[key].body.update(tags=full))
    before = state(cli.world)
    assert "it has 50 tags" in cli("plan", *ASKED[:-1]).out
    assert cli("deploy", *ASKED).code == 0
    assert cli("destroy", "--yes").code == 0
    assert differences(before, state(cli.world)) == []

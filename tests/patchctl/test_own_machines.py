"""Machines that stand already, in several subscriptions: set up, patched, and put back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from arm_sandbox import by_hand, tables
from arm_sandbox.app import settle
from arm_sandbox.clock import VirtualLoop
from arm_sandbox.transport import SandboxCredential, SandboxTransport
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World
from patchctl import engine
from patchctl.clients import Clients, Connection
from patchctl.clouds import CLOUDS
from patchctl.config import Layer
from patchctl.deployment import Deployment, Identity
from patchctl.engine import Limits, Plan
from patchctl.errors import Partly
from patchctl.report import Outcome, StepReport
from patchctl.resolving import resolve
from patchctl.selection import with_machines
from patchctl.steps import OUT_BEFORE_THE_GROUP, STEPS, assignment, patch_settings
from tests.comparison import State, differences, state
from tests.comparison import patch_settings as settings_in
from tests.fleet.building import NOON, build, put
from tests.fleet.drawing import EVERY, SUBSCRIPTIONS, Fleet, Machine, draw
from tests.fleet.truth import expectation, in_the_way
from tests.patchctl.conftest import EMAIL, ignore
from tests.patchctl.shell import Cli

WANTED = {
    "patchMode": "AutomaticByPlatform",
    "assessmentMode": "AutomaticByPlatform",
    "bypass": True,
    "reboot": "IfRequired",
    "hotpatching": False,
}
WINDOW = datetime(2026, 11, 28, 7, 0, tzinfo=UTC).timestamp()
"""Saturday, 02:00 in New York: the first window of the default schedule."""
HOURS = 3600.0
ME = Identity("you", "0b1ec700-0000-4000-8000-0000000000bb", "a tenant")


@dataclass
class Place:
    """A world of machines, and commands at work on it without a terminal."""

    world: World
    connection: Connection
    writes: list[str] = field(default_factory=list)
    asked: dict[str, Any] = field(default_factory=lambda: {"machines": ["*"]})

    def deployment(self, **asked: Any) -> Deployment:
        values = {"name": "web", "emails": [EMAIL], **self.asked, **asked}
        layer = Layer("the test", {k: v for k, v in values.items() if v is not None}, {})
        run, clients = self.connection.run, self.connection.clients
        now = datetime.fromtimestamp(int(self.world.now), UTC)
        found = run(resolve(clients, [layer], ME, now, lambda: "0a1b2c", making=True))
        return run(with_machines(clients, found))

    def plan(self, deployment: Deployment) -> Plan:
        clients = self.connection.clients
        return self.connection.run(engine.inspect(STEPS, clients, deployment, ignore, Limits()))

    def deploy(self, **asked: Any) -> list[StepReport]:
        deployment = self.deployment(**asked)
        plan, clients = self.plan(deployment), self.connection.clients
        self.writes.clear()
        going = engine.deploy(STEPS, clients, deployment, plan, ignore, Limits())
        return self.connection.run(going)

    def destroy(self) -> list[StepReport]:
        deployment, clients = self.deployment(machines=None), self.connection.clients
        going = engine.destroy(OUT_BEFORE_THE_GROUP, clients, deployment, ignore, Limits())
        return self.connection.run(going)

    def settings(self, machine: Machine) -> dict[str, Any]:
        return settings_in(self.world.resources[machine.id.lower()].body)

    @property
    def assigned(self) -> set[str]:
        kind = "microsoft.maintenance/configurationassignments"
        found = (r for r in self.world.resources.values() if r.type.lower() == kind)
        ours = (r for r in found if "mc-weekly" in r.properties["maintenanceConfigurationId"])
        return {str(r.properties["resourceId"]).lower() for r in ours}


@contextmanager
def at(fleet: Fleet) -> Iterator[Place]:
    """The fleet in a world that is kept in memory only."""
    world, writes = build(fleet), list[str]()
    settle(world, NOON + HOURS)  # whoever is silent is known to be by then

    def watch(asked: Request, response: Response) -> None:
        if asked.method not in ("GET", "HEAD") and "ResourceGraph" not in asked.path:
            writes.append(f"{asked.method} {asked.path}")

    loop = VirtualLoop(world.now)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        clients = Clients(
            SandboxCredential(world),
            SandboxTransport(world, (watch,)),
            CLOUDS["public"],
            SUBSCRIPTIONS[0],
        )
        connection = Connection(runner, clients, lambda: datetime.now(UTC), lambda: "0a1b2c")
        yield Place(world, connection, writes)


def hindered(machine: Machine) -> bool:
    """Whether it cannot be put on our schedule, by the rules in plain Python."""
    expected = expectation(machine)
    changes = has_to_change(machine)
    unsettable = expected.settings_refused - UNFORESEEN[machine.sort] or (
        changes and expected.tag_refused
    )
    # The windows of the next months; further ones are those of the same days.
    weeks = (WINDOW + week * 7 * 24 * HOURS for week in range(20))
    overlaps = any(in_the_way(machine, start, 2 * HOURS) for start in weeks)
    return bool(unsettable or expected.assignment_refused or overlaps)


UNFORESEEN = {sort: set[str]() for sort in EVERY} | {"gallery": {"image not supported"}}
"""What only Azure knows, and tells when the settings are written."""


def refused_later(machine: Machine) -> bool:
    return bool(expectation(machine).settings_refused & UNFORESEEN[machine.sort])


def has_to_change(machine: Machine) -> bool:
    return machine.sort != "arc" and settings_in_words(machine) != WANTED


def settings_in_words(machine: Machine) -> dict[str, Any]:
    settings = machine.settings
    return {
        "patchMode": settings.mode,
        "assessmentMode": settings.assessment,
        "bypass": bool(settings.bypass),
        "reboot": settings.reboot,
        "hotpatching": settings.hotpatching,
    }


def changed(plan: Plan, step: str) -> set[str]:
    return {f.subject.removeprefix("schedule of ") for f in plan[step].findings if f.ok is False}


def shown(machines: list[Machine]) -> set[str]:
    return {f"{machine.group.id.rsplit('/', 1)[1]}/{machine.name}" for machine in machines}


def patched(world: World) -> set[str]:
    """Ids of the machines on which something was installed without a fault."""
    rows = tables.rows(world, "patchinstallationresources")
    return {
        str(row["id"]).lower().split("/patchinstallationresults/")[0]
        for row in rows
        if row["properties"].get("status") in ("Succeeded", "CompletedWithWarnings")
        and row["type"].endswith("patchinstallationresults")
    }


def outcome(reports: list[StepReport], step: str) -> Outcome:
    return next(report.outcome for report in reports if report.step == step)


# -- from the plan to the end


@pytest.mark.parametrize("seed", [5])
def test_two_hundred_machines_in_three_subscriptions(seed: int) -> None:
    drawn = draw(seed, 210, sorts=EVERY)
    machines = tuple(machine for machine in drawn.machines if not refused_later(machine))[:200]
    fleet = replace(drawn, machines=machines)
    able = [machine for machine in fleet.machines if not hindered(machine)]
    with at(fleet) as place:
        before = state(place.world)
        plan = place.plan(place.deployment())
        to_change = [machine for machine in able if has_to_change(machine)]
        assert changed(plan, patch_settings.NAME) == shown(to_change)
        assert changed(plan, assignment.NAME) == shown(able)
        place.deploy()
        assert all(place.settings(machine) == WANTED for machine in to_change)
        assert place.assigned == {machine.id.lower() for machine in able}
        _nothing_more_to_do(place)
        ready = {m.id.lower() for m in able if not expectation(m).not_patched}
        place.connection.run(asyncio.sleep(WINDOW + 6 * HOURS - place.world.now))
        settle(place.world, WINDOW + 6 * HOURS)
        assert patched(place.world) & place.assigned == ready
        reports = place.destroy()
        _is_as_before(place, before, fleet, reports)


def _nothing_more_to_do(place: Place) -> None:
    again = place.deployment()
    assert not any(found.writes for found in place.plan(again).values())
    place.deploy()
    assert place.writes == []
    kept = place.deployment(machines=None)
    assert kept.own
    assert not kept.released
    assert {machine.id for machine in kept.machines} <= {m.id for m in again.machines}


def _is_as_before(place: Place, before: State, fleet: Fleet, reports: list[StepReport]) -> None:
    """But for what a lock or Azure itself keeps us from taking back, and that is told."""
    locked = {m.name for m in fleet.machines if m.lock and m.id.lower() in place.assigned}
    kept = {m.name for m in fleet.machines if not hindered(m) and stays_managed(m)}
    assert told_of(reports, assignment.NAME) == locked
    assert told_of(reports, patch_settings.NAME) == kept
    assert _changed(before, state(place.world)) == locked | kept


def stays_managed(machine: Machine) -> bool:
    """Azure does not let a machine go back to its own times that it has no such times for."""
    scheduled = machine.sort != "arc" and machine.support == "scheduled"
    return (
        scheduled and machine.settings.mode == WANTED["patchMode"] and not machine.settings.bypass
    )


def told_of(reports: list[StepReport], step: str) -> set[str]:
    """Names of the machines that a step could not deal with."""
    report = next(report for report in reports if report.step == step)
    notes = report.inspection.notes if report.outcome is Outcome.PARTLY else ()
    return {note.split(":")[0].split("/")[1] for note in notes}


def _changed(before: State, after: State) -> set[str]:
    """Names of the machines that are not as they were, or have something that they had not."""
    found = (re.search(r"/(?:virtualMachines|machines)/([^/:]+)", line, re.IGNORECASE)
             for line in differences(before, after))  # fmt: skip
    return {match[1] if match else "" for match in found}


@pytest.mark.parametrize("seed", range(3))
def test_random_fleets(seed: int) -> None:
    _is_restored_after_drifts(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 300))
def test_many_random_fleets(seed: int) -> None:
    _is_restored_after_drifts(seed)


def _is_restored_after_drifts(seed: int) -> None:
    """Somebody edits some machines after deploy: those edits stay, and all others are put back."""
    random = Random(seed)
    fleet = draw(f"drift-{seed}", 12, groups=2, trouble=0.1, sorts=EVERY)
    with at(fleet) as place:
        before = state(place.world)
        planned = place.plan(place.deployment())
        place.deploy()
        late = shown([machine for machine in fleet.machines if refused_later(machine)])
        done = shown([m for m in fleet.machines if m.id.lower() in place.assigned])
        assert done == changed(planned, assignment.NAME) - late
        edited = _edit_some(place, fleet, random)
        theirs = {id: place.world.resources[id].body["properties"]["osProfile"] for id in edited}
        reports = place.destroy()
        for id, profile in theirs.items():
            assert place.world.resources[id].body["properties"]["osProfile"] == profile
        named = {place.world.resources[id].body["name"] for id in edited}
        kept = {m.name for m in fleet.machines if not hindered(m) and stays_managed(m)}
        locked = {m.name for m in fleet.machines if m.lock}
        told = told_of(reports, patch_settings.NAME)
        assert told == named | kept
        assert _changed(before, state(place.world)) <= told | locked


def _edit_some(place: Place, fleet: Fleet, random: Random) -> list[str]:
    """Their owners ask for no restarts on some of those that were changed."""
    edited = []
    for machine in fleet.machines:
        resource = place.world.resources[machine.id.lower()]
        remembers = any(tag.startswith("patchctl-before") for tag in resource.body.get("tags", {}))
        if remembers and not refused_later(machine) and random.random() < 0.3:
            os = "windows" if machine.image.os == "Windows" else "linux"
            path = f"properties.osProfile.{os}Configuration.patchSettings"
            platform = f"{path}.automaticByPlatformSettings.rebootSetting"
            by_hand.edit(place.world, resource, platform, _other(machine.settings.reboot))
            edited.append(resource.id.lower())
    return edited


def _other(reboot: str | None) -> str:
    """A setting that is neither the one before nor ours: back to before is no difference."""
    return "Always" if reboot == "Never" else "Never"


# -- one at a time


def quiet(number: int = 3) -> Fleet:
    """Machines without any trouble, patched by their own systems."""
    fleet = draw("quiet", number * 40, groups=1, trouble=0)
    plain = [m for m in fleet.machines if m.settings.mode != "AutomaticByPlatform"]
    return replace(fleet, machines=tuple(replace(m, schedules=()) for m in plain[:number]))


def test_fewer_machines_release_the_others() -> None:
    fleet = quiet()
    first, *others = fleet.machines
    with at(fleet) as place:
        before = state(place.world)
        place.deploy()
        plan = place.plan(place.deployment(machines=[first.name]))
        notes = " ".join(plan[patch_settings.NAME].notes)
        assert all(f"/{m.name} is released" in notes for m in others)
        place.deploy(machines=[first.name])
        assert place.assigned == {first.id.lower()}
        for machine in others:
            key = machine.id.lower()
            assert differences({key: before[key]}, {key: state(place.world)[key]}) == []
        place.destroy()
        assert differences(before, state(place.world)) == []


def test_drift_is_mended_and_what_was_before_is_still_known() -> None:
    fleet = quiet(1)
    (machine,) = fleet.machines
    with at(fleet) as place:
        before = state(place.world)
        place.deploy()
        os = "windows" if machine.image.os == "Windows" else "linux"
        path = f"properties.osProfile.{os}Configuration.patchSettings.assessmentMode"
        resource = place.world.resources[machine.id.lower()]
        by_hand.edit(place.world, resource, path, "ImageDefault")
        reports = place.deploy()
        assert outcome(reports, patch_settings.NAME) is Outcome.UPDATED
        assert place.settings(machine) == WANTED
        place.destroy()
        assert differences(before, state(place.world)) == []


def test_nothing_is_set_where_a_report_is_enough() -> None:
    fleet = quiet(2)
    with at(fleet) as place:
        before = state(place.world)
        deployment = place.deployment(prerequisites="report")
        assert not deployment.machines
        assert all("settings" in reason.reason for _, reason in deployment.hindered)
        place.deploy(prerequisites="report")
        key = [machine.id.lower() for machine in fleet.machines]
        now = state(place.world)
        assert differences({k: before[k] for k in key}, {k: now[k] for k in key}) == []
        assert place.assigned == set()


def test_one_machine_that_fails_stops_no_other() -> None:
    fleet = quiet(3)
    with at(fleet) as place:
        deployment = place.deployment()
        plan = place.plan(deployment)
        lock = f"{fleet.machines[0].id}/providers/Microsoft.Authorization/locks/late"
        put(place.world, lock, {"properties": {"level": "ReadOnly"}}, "2020-05-01")
        clients = place.connection.clients
        going = engine.deploy(STEPS, clients, deployment, plan, ignore, Limits())
        reports = place.connection.run(going)
        assert outcome(reports, patch_settings.NAME) is Outcome.PARTLY
        assert outcome(reports, "activity-log-alerts") is Outcome.CREATED
        assert place.assigned == {m.id.lower() for m in fleet.machines[1:]}
        assert issubclass(Partly, Exception)


# -- as people use it


@pytest.fixture
def three(cli: Cli) -> Fleet:
    """Three machines in the sandbox of the command line."""
    fleet = quiet(3)
    cli.store.save(build(fleet))
    return fleet


def test_the_commands(cli: Cli, three: Fleet) -> None:
    before = state(cli.world)
    names = [option for machine in three.machines[:2] for option in ("--vm", machine.name)]
    planned = cli("plan", *names, "--email", EMAIL)
    assert "virtual-machine            unchanged" in planned.out
    assert all(machine.name in planned.out for machine in three.machines[:2])
    assert three.machines[2].name not in planned.out
    deployed = cli("deploy", *names, "--email", EMAIL)
    assert deployed.code == 0
    assert "patch-settings 2 of 2" in deployed.err
    assert cli("plan", "--detailed-exitcode").code == 0
    assert cli("validate").code == 0
    assert len(cli.json("status")["status"]["machines"]) == 2
    going = cli("destroy", "--yes")
    assert "These stay, and get back the patch settings that they had:" in going.out
    assert differences(before, state(cli.world)) == []


def test_a_list_comes_from_a_file_and_what_is_wrong_with_it_is_told_at_once(
    cli: Cli, three: Fleet, tmp_path: Path
) -> None:
    first, *_ = three.machines
    file = tmp_path / "machines.txt"
    file.write_text(f"# ours\n{first.id}\n\n", encoding="utf-8")
    assert "1 of 1" in cli("deploy", "--vm", f"@{file}", "--email", EMAIL).err
    file.write_text("nosuch\nneither-*\n", encoding="utf-8")
    refused = cli("deploy", "--vm", f"@{file}", "--email", EMAIL)
    assert refused.code == 2
    assert "nosuch" in refused.err
    assert "neither-*" in refused.err


def test_a_file_puts_back_what_has_lost_its_tag(cli: Cli, three: Fleet) -> None:
    before = state(cli.world)
    assert cli("deploy", "--vm", "vm-*", "--email", EMAIL).code == 0
    cli.change(lambda world: _drop_tags(world, three))
    (file,) = cli.store.directory.glob("machines/*/*/*.json")
    assert cli("destroy", "--yes", "--restore-from", str(file)).code == 0
    assert differences(before, state(cli.world)) == []


def _drop_tags(world: World, fleet: Fleet) -> None:
    """A tool that knows the tags of its own only."""
    for machine in fleet.machines:
        tags = world.resources[machine.id.lower()].body["tags"]
        for name in [name for name in tags if name.startswith("patchctl-")]:
            del tags[name]


def test_a_deployment_of_a_machine_it_has_made_takes_no_others(cli: Cli, three: Fleet) -> None:
    cli.deploy("--no-result-alerts")
    refused = cli("deploy", "--vm", three.machines[0].name, "--email", EMAIL)
    assert refused.code == 2
    assert "a machine that it has made" in refused.err


def test_a_report_tells_owners_what_to_write(cli: Cli, three: Fleet) -> None:
    asked = ("--vm", "vm-*", "--email", EMAIL, "--prerequisites", "report")
    said = cli("plan", *asked).out
    assert "bypass_platform_safety_checks_on_user_schedule_enabled = true" in said
    assert "patchMode: 'AutomaticByPlatform'" in said
    assert all(machine.name in said for machine in three.machines)


def test_validate_finds_machines_on_which_nothing_is_ever_installed(cli: Cli, three: Fleet) -> None:
    first, second, _ = three.machines
    cli.deploy("--vm", first.name, "--vm", second.name)
    cli.change(lambda world: _unassign(world, second))
    document = cli.json("validate", code=5)
    (settings,) = [step for step in document["steps"] if step["step"] == "patch-settings"]
    wrong = [finding for finding in settings["findings"] if finding["ok"] is False]
    assert [finding["subject"].endswith(second.name) for finding in wrong] == [True]
    assert "nothing is ever installed" in wrong[0]["got"]


def _unassign(world: World, machine: Machine) -> None:
    ours = f"{machine.id}/providers/microsoft.maintenance/".lower()
    for key in [key for key in world.resources if key.startswith(ours)]:
        by_hand.delete(world, world.resources[key])


def test_a_machine_that_is_left_makes_exit_code_8(cli: Cli, three: Fleet) -> None:
    lock = f"{three.machines[0].id}/providers/Microsoft.Authorization/locks/theirs"
    cli.change(lambda world: put(world, lock, {"properties": {"level": "ReadOnly"}}, "2020-05-01"))
    ended = cli("deploy", "--vm", "vm-*", "--email", EMAIL)
    assert ended.code == 8
    assert "a ReadOnly lock is on it; remove the lock" in ended.err
    assert len(cli.json("status")["status"]["machines"]) == 2

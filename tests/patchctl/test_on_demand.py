"""`patchctl assess` and `patchctl install`: every machine gets its turn, and is told of."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import datetime, timedelta
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from arm_sandbox import tables
from arm_sandbox.app import settle
from arm_sandbox.options import Fault
from arm_sandbox.patching import updates
from arm_sandbox.providers import machines
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World
from patchctl.config import Patches
from patchctl.engine import Limits
from patchctl.errors import Interrupted
from patchctl.machines import Machine as Known
from patchctl.on_demand import assessing, installing, on_each
from patchctl.orders import Order
from tests.arm_sandbox.ask import ask
from tests.fleet.building import NOON, build
from tests.fleet.drawing import EVERY, Fleet, Machine, draw
from tests.fleet.truth import expectation
from tests.patchctl.conftest import ignore
from tests.patchctl.own_machines import HOURS, Place, at, patched
from tests.patchctl.shell import Cli

pytestmark = pytest.mark.world
EVERYTHING = Order(Patches(), timedelta(hours=3, minutes=55))
ASSESSED = "patchassessmentresources"
INSTALLED = "patchinstallationresources"


def lacks(world: World, machine: Machine) -> list[str]:
    """The updates that it still lacks, by KB or by name."""
    found = updates.missing(world, world.resources[machine.id.lower()])
    return [update.kb or update.name for update in found]


def started_by(world: World, table: str) -> list[tuple[str, str]]:
    """Of the results in a table: the machine, and who has started it."""
    settle(world, world.now + HOURS)
    return [
        (str(row["id"]).split("/patch")[0].rsplit("/", 1)[1], row["properties"]["startedBy"])
        for row in tables.rows(world, table)
        if not row["type"].endswith("softwarepatches")
    ]


# -- as people use it


@pytest.fixture
def mixed(cli: Cli) -> Fleet:
    """A machine with Windows, one with Linux and one of Arc, in no deployment."""
    drawn = draw("on-demand", 60, groups=2, trouble=0, sorts=EVERY)
    plain = [replace(machine, schedules=()) for machine in drawn.machines]
    vms = [machine for machine in plain if machine.sort == "marketplace"]
    chosen = (
        next(m for m in vms if m.image.os == "Windows"),
        next(m for m in vms if m.image.os == "Linux"),
        next(m for m in plain if m.sort == "arc" and m.image.os == "Windows"),
    )
    fleet = replace(drawn, machines=chosen)
    cli.store.save(build(fleet))
    return fleet


def test_the_machine_that_deploy_has_made(cli: Cli) -> None:
    cli.deploy()
    assert "Succeeded" in cli("assess").out
    ended = cli("install", "--now", "--yes", "--longest", "PT3H")
    assert ended.code == 0
    assert "Windows: Critical, Security, Updates" in ended.out
    assert "install 1 of 1" in ended.err
    world = cli.world
    name = world.resources[cli.the("Microsoft.Compute/virtualMachines").id.lower()].body["name"]
    assert started_by(world, INSTALLED) == [(name, "User")]
    assert (name, "User") in started_by(world, ASSESSED)


def test_a_file_says_what_is_not_to_be_installed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.deploy()
    monkeypatch.chdir(cli.store.directory)
    patches = 'classifications = ["Security"]\nexclude_kbs = ["KB5067910"]\nreboot = "Never"'
    Path("patchctl.toml").write_text(f"[patches]\n{patches}\n", encoding="utf-8")
    said = cli("install", "--now", "--yes").out
    assert "Windows: Security; never KB5067910" in said
    assert "Restart: Never" in said


def test_your_own_machines_without_a_deployment(cli: Cli, mixed: Fleet) -> None:
    document = cli.json("assess", "--vm", "*")
    found = {entry["machine"]: entry["assessment"]["pending"] for entry in document["machines"]}
    world = cli.world
    for machine in mixed.machines:
        assert sum(found[machine.id].values()) == len(lacks(world, machine)) > 0
    ended = cli("install", "--now", "--vm", "*", "--yes")
    assert ended.code == 0, ended.err
    assert all(re.search(rf"{m.name} +Succeeded", ended.out) for m in mixed.machines)
    world = cli.world
    assert sorted(started_by(world, INSTALLED)) == sorted((m.name, "User") for m in mixed.machines)
    assert {m.id.lower() for m in mixed.machines} == patched(world)


def test_one_update_on_the_machines_that_it_is_for(cli: Cli, mixed: Fleet) -> None:
    windows, linux, _ = mixed.machines
    before = [lacks(cli.world, machine) for machine in mixed.machines]
    kb = next(kb for kb in before[0] if kb in before[2])
    document = cli.json("install", "--now", "--vm", "*", "--kb", kb, "--yes")
    assert document["left"] == [linux.id]
    assert [entry["run"]["installed"] for entry in document["machines"]] == [1, 1]
    (states,) = [
        {update["kb"]: update["state"] for update in entry["updates"]}
        for entry in document["machines"]
        if entry["machine"] == windows.id
    ]
    assert states[kb] == "Installed"
    before[0].remove(kb)
    before[2].remove(kb)
    assert [lacks(cli.world, machine) for machine in mixed.machines] == before


def test_nothing_begins_unasked(cli: Cli, mixed: Fleet) -> None:
    for words, flag in (
        (("install", "--vm", "*", "--yes"), "--now"),
        (("install", "--vm", "*", "--now"), "--yes"),
    ):
        ended = cli(*words)
        assert ended.code == 2
        assert f"{flag} is needed" in ended.err
        assert ended.err.rstrip().endswith(f"patchctl {' '.join(words)} {flag}".replace("*", "'*'"))
    assert started_by(cli.world, INSTALLED) == []


class Terminal(StringIO):
    """A terminal at which somebody types."""

    def isatty(self) -> bool:
        return True


def test_somebody_is_asked(cli: Cli, mixed: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    windows, *_ = mixed.machines
    words = ("install", "--now", "--vm", windows.name)
    for typed, code, done in (("n", 130, 0), ("y", 0, 1)):
        monkeypatch.setattr("sys.stdin", Terminal(f"{typed}\n"))
        ended = cli(*words)
        assert ended.code == code
        assert "Install this on 1 machine now, 1 at a time?" in ended.out + ended.err
        assert len(started_by(cli.world, INSTALLED)) == done


def test_where_there_is_no_machine(cli: Cli, mixed: Fleet) -> None:
    assert cli("assess").code == 5
    nowhere = cli("install", "--now", "--yes", "--vm", "nowhere")
    assert (nowhere.code, "no machine that you can read is called that" in nowhere.err) == (2, True)
    linux = mixed.machines[1]
    wrong = cli("install", "--now", "--yes", "--vm", linux.name, "--kb", "KB5031364")
    assert wrong.code == 2


def test_one_that_is_off_stops_no_other(cli: Cli, mixed: Fleet) -> None:
    off = mixed.machines[0]
    cli.change(lambda w: machines.stop(w, w.resources[off.id.lower()]))
    document = cli.json("install", "--now", "--vm", "*", "--yes", code=8)
    outcomes = {entry["machine"]: entry["outcome"] for entry in document["machines"]}
    assert outcomes == {m.id: "failed" if m is off else "ok" for m in mixed.machines}
    assert document["error"]["message"].startswith(off.group.id.rsplit("/", 1)[1])
    ended = cli("assess", "--vm", off.name)
    assert ended.code == 4
    assert "not running" in ended.out
    assert "AssessmentFailed" in ended.err


@pytest.mark.slow
def test_what_ends_badly_is_told_and_mails_nobody(cli: Cli, mixed: Fleet) -> None:
    """The alerts are on the runs of the schedule, and this belongs to none."""
    cli.deploy("--vm", "*", "--notify", "all")
    machine = mixed.machines[0]
    cli.change(lambda w: w.failing.update(machines=[machine.id.lower()]))
    before = len(cli.mails("alert"))
    ended = cli("install", "--now", "--yes")
    assert ended.code == 8
    assert f"{machine.name}: The operation timed out" in ended.err
    cli("sandbox", "advance", "--by", "20h")
    assert len(cli.mails("alert")) == before
    last = cli.json("status")["status"]["schedules"][0]["last_window"]
    assert last["run"] is None


def test_at_most_so_many_at_a_time(cli: Cli, mixed: Fleet) -> None:
    document = cli.json("install", "--now", "--vm", "*", "--yes", "--at-most", "1")
    turns = sorted(
        (datetime.fromisoformat(entry["run"]["started"]), entry["seconds"])
        for entry in document["machines"]
    )
    for (began, took), (following, _) in pairwise(turns):
        assert following >= began + timedelta(seconds=took - 60)


def test_what_another_is_at_work_on_is_told(cli: Cli, mixed: Fleet) -> None:
    busy = mixed.machines[0]

    def begin(world: World) -> None:
        body = {"rebootSetting": "Never", "maximumDuration": "PT2H"}
        begun = ask(world, "POST", f"{busy.id}/installPatches", body, version="2026-04-01")
        assert begun.status == 202

    cli.change(begin)
    ended = cli("install", "--now", "--vm", "*", "--yes")
    assert ended.code == 8
    assert f"{busy.name}: " in ended.err
    assert re.search(r"\(Conflict, request [0-9a-f-]{36}\)", ended.err)


def test_what_is_sent(mixed: Fleet) -> None:
    sent: dict[str, Any] = {}
    wanted = Patches(reboot="Never", exclude_packages=("kernel*",), exclude_kbs=("KB2222222",))
    with at(mixed) as place:

        def watch(asked: Request, answer: Response) -> None:
            if asked.path.endswith("/installPatches"):
                sent[asked.path.split("/")[-2]] = asked.body

        place.watchers.append(watch)
        work = installing(place.connection.clients, Order(wanted, timedelta(minutes=90)))
        going = on_each("install", known(mixed), work, ignore, Limits(3, 3 * HOURS))
        place.connection.run(going)
    how = {"maximumDuration": "PT01H30M00S", "rebootSetting": "Never"}
    classes = {"classificationsToInclude": ["Critical", "Security", "Updates"]}
    windows = {**how, "windowsParameters": {**classes, "kbNumbersToExclude": ["KB2222222"]}}
    classes = {"classificationsToInclude": ["Critical", "Security", "Other"]}
    linux = {**how, "linuxParameters": {**classes, "packageNameMasksToExclude": ["kernel*"]}}
    names = [machine.name for machine in mixed.machines]
    assert sent == dict(zip(names, (windows, linux, windows), strict=True))


# -- against the rules


def known(fleet: Fleet) -> list[Known]:
    return [Known(m.id, m.image.os.lower(), m.group.location, None) for m in fleet.machines]


def able(machine: Machine) -> bool:
    """Whether it can be patched on demand: no mode and no schedule has to be set for it."""
    refused = machine.lock == "ReadOnly" or not machine.group.writable
    return not (refused or expectation(machine).not_patched)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_just_the_machines_are_patched_that_can_be(seed: int) -> None:
    fleet = draw(f"now-{seed}", 60, groups=3, trouble=0.1, sorts=EVERY)
    expected = {machine.id for machine in fleet.machines if able(machine)}
    with at(fleet) as place:
        clients = place.connection.clients
        work = installing(clients, EVERYTHING)
        going = on_each("install", known(fleet), work, ignore, Limits(16, 6 * HOURS))
        turns = place.connection.run(going)
        assert [turn.machine.id for turn in turns] == [machine.id for machine in fleet.machines]
        assert {turn.machine.id for turn in turns if not turn.problem} == expected
        settle(place.world, place.world.now + 2 * HOURS)
        assert {id.lower() for id in expected} <= patched(place.world)


# -- when it does not come to its end


def run_for(place: Place, fleet: Fleet, seconds: float, limits: Limits) -> list[Any]:
    """An assessment that is cancelled, as Ctrl-C does, after some seconds."""

    async def work() -> list[Any]:
        begun = assessing(place.connection.clients, datetime.fromtimestamp(NOON).astimezone())
        task = asyncio.ensure_future(on_each("assess", known(fleet), begun, ignore, limits))
        asyncio.get_running_loop().call_later(seconds, task.cancel)
        return await task

    return place.connection.run(work())


def two() -> Fleet:
    drawn = draw("two", 20, groups=1, trouble=0)
    return replace(drawn, machines=drawn.machines[:2])


def test_when_interrupted_what_has_ended_is_kept() -> None:
    with at(two()) as place:
        first, second = run_for(place, two(), 250, Limits(1, HOURS))
        assert not first.problem
        assert isinstance(second.error, Interrupted)
        assert "assessPatches of " in place.connection.clients.operations.told


def test_a_machine_has_its_time() -> None:
    with at(two()) as place:
        turns = run_for(place, two(), HOURS, Limits(2, 60.0))
        assert [turn.error.code for turn in turns] == ["TimedOut", "TimedOut"]
        assert [round(turn.seconds) for turn in turns] == [60, 60]


def test_what_came_of_it_may_be_told_nowhere() -> None:
    with at(two()) as place:
        place.world.options.faults = [Fault("operation-untold", "POST", times=0)]
        turns = run_for(place, two(), HOURS, Limits(2, HOURS))
        assert [turn.error.code for turn in turns] == ["NoResult", "NoResult"]

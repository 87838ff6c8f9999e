"""Patching on demand: machines are assessed, or updates are installed, now and not by schedule."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from itertools import count
from typing import Any

from azure.mgmt.compute import models as compute
from azure.mgmt.hybridcompute import models as hybrid

from patchctl import turns
from patchctl.clients import Clients, ended
from patchctl.engine import Limits, Notify
from patchctl.errors import Interrupted, PatchctlError, unexpected
from patchctl.machines import Machine
from patchctl.observation import Assessment, Run, Update
from patchctl.orders import Order
from patchctl.report import Finished, Progressed, Started, StepReport
from patchctl.translation import translated
from patchctl.turns import Answer, T, Turn

Work = Callable[[Machine], Coroutine[Any, Any, tuple[T, tuple[Update, ...]]]]
POLL = 30
"""Seconds between two looks at an operation that takes minutes, where the service names none."""


async def on_each(
    name: str, machines: Sequence[Machine], work: Work[T], notify: Notify, limits: Limits
) -> list[Turn[T]]:
    """Every machine's turn, in order. One that fails stops no other; when it is interrupted, those
    that have not ended say so."""
    gate, done = asyncio.Semaphore(limits.parallelism), count(1)

    async def one(machine: Machine) -> Turn[T]:
        async with gate:
            notify(Started(machine.shown))
            turn = await _turn(machine, work, limits.timeout)
        notify(Finished(StepReport(machine.shown, turn.outcome, turn.seconds)))
        notify(Progressed(name, next(done), len(machines)))
        return turn

    notify(Started(name))
    tasks = [asyncio.create_task(one(machine)) for machine in machines]
    try:
        await asyncio.wait(tasks)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    return [
        _interrupted(machine) if task.cancelled() else task.result()
        for machine, task in zip(machines, tasks, strict=True)
    ]


async def _turn(machine: Machine, work: Work[T], within: float) -> Turn[T]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(within):
            found, updates = await translated(work(machine))
    except Exception as error:  # whatever it is, it is this machine's alone
        return Turn(machine, loop.time() - began, error=_ours(error, machine, within))
    return Turn(machine, loop.time() - began, found, updates)


def _ours(error: Exception, machine: Machine, within: float) -> PatchctlError:
    if isinstance(error, TimeoutError):
        message = f"it was not done within {within / 60:.0f} minutes; Azure may still be at work"
        return PatchctlError("TimedOut", message, resource=machine.id)
    return error if isinstance(error, PatchctlError) else unexpected(error)


def _interrupted(machine: Machine) -> Turn[Any]:
    return Turn(machine, error=Interrupted("Interrupted", "interrupted before its end"))


# -- assessments


def assessing(clients: Clients, now: datetime) -> Work[Assessment]:
    """Look for the updates that a machine lacks. `now` is what the assessment is dated."""

    async def assess(machine: Machine) -> tuple[Assessment, tuple[Update, ...]]:
        answer = await _assess(clients.within(machine.subscription), machine)
        return turns.assessment(machine, answer, now), turns.updates(machine, answer)

    return assess


async def _assess(clients: Clients, machine: Machine) -> Answer:
    where = (machine.group, machine.name)
    if machine.arc:
        machines = clients.hybrid_compute.machines
        on_arc = await machines.begin_assess_patches(*where, polling_interval=POLL)
        return _plain(await ended(on_arc, "the assessment"))
    virtual_machines = clients.compute.virtual_machines
    on_vm = await virtual_machines.begin_assess_patches(*where, polling_interval=POLL)
    return _plain(await ended(on_vm, "the assessment"))


# -- installations


def installing(clients: Clients, order: Order) -> Work[Run]:
    """Install what is ordered."""

    async def install(machine: Machine) -> tuple[Run, tuple[Update, ...]]:
        answer = await _install(clients.within(machine.subscription), machine, order)
        return turns.run(machine, answer), turns.updates(machine, answer)

    return install


async def _install(clients: Clients, machine: Machine, order: Order) -> Answer:
    where = (machine.group, machine.name)
    if machine.arc:
        machines, wanted = clients.hybrid_compute.machines, _of_arc(order, machine.os)
        on_arc = await machines.begin_install_patches(*where, wanted, polling_interval=POLL)
        return _plain(await ended(on_arc, "the installation"))
    virtual_machines, asked = clients.compute.virtual_machines, _of_vm(order, machine.os)
    on_vm = await virtual_machines.begin_install_patches(*where, asked, polling_interval=POLL)
    return _plain(await ended(on_vm, "the installation"))


def _of_vm(order: Order, os: str) -> compute.VirtualMachineInstallPatchesParameters:
    windows = compute.WindowsParameters(order.parameters(os)) if os == "windows" else None
    linux = compute.LinuxParameters(order.parameters(os)) if os == "linux" else None
    return compute.VirtualMachineInstallPatchesParameters(
        maximum_duration=order.longest,
        reboot_setting=order.patches.reboot,
        windows_parameters=windows,
        linux_parameters=linux,
    )


def _of_arc(order: Order, os: str) -> hybrid.MachineInstallPatchesParameters:
    windows = hybrid.WindowsParameters(order.parameters(os)) if os == "windows" else None
    linux = hybrid.LinuxParameters(order.parameters(os)) if os == "linux" else None
    return hybrid.MachineInstallPatchesParameters(
        maximum_duration=order.longest,
        reboot_setting=order.patches.reboot,
        windows_parameters=windows,
        linux_parameters=linux,
    )


def _plain(result: Any) -> Answer:
    """A model of either service as the JSON that it was read from."""
    found: Answer = result.as_dict()
    return found

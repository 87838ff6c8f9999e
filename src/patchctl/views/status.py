"""How machines stand, as text of 80 columns for one of them or for ten thousand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from rich.console import RenderableType
from rich.text import Text

from patchctl.observation import URGENT, Assessment
from patchctl.report import ago
from patchctl.schedule.window import Occurrence
from patchctl.status import LAG, LastWindow, MachineStatus, Past, ScheduleStatus, Status
from patchctl.views import text

MOST = 20
"""Machines that are all listed; of more, only those with something to say, unless all are asked
for."""
UNSEEN = "Not seen: Azure shows an assessment within the hour and keeps it for 7 days."


def status(found: Status, now: datetime, *, everything: bool = False) -> Iterator[RenderableType]:
    """The schedule, the last window, the machines, and what stands in the way."""
    for number, schedule in enumerate(found.schedules):
        yield from _schedule(schedule, now, first=number == 0)
    machines, listed = found.machines, _listed(found.machines, everything=everything)
    yield Text(f"\n{_counted(machines)}", "bold")
    if listed:
        yield text.listed(
            [_row(machine, now) for machine in listed],
            "machine",
            "assessed",
            "pending",
            "reboot",
            "last run",
        )
    if len(listed) < len(machines):
        yield Text(f"{len(machines) - len(listed)} more with nothing to say: --all", "dim")
    if any(machine.assessment is None for machine in listed):
        yield Text(UNSEEN, "dim")
    for machine in listed:
        yield from _remarks(machine)
    at_fault = any(machine.obstacles or machine.drifted for machine in machines)
    if machines and not at_fault and not found.schedules[0].schedule.problem:
        yield Text("Settings, assignment and power are as they should be.", "dim")


def last_window(last: LastWindow) -> str:
    """What became of it, in a sentence; nothing where there was none."""
    if last.window is None:
        return ""
    when = f"The window of {_moment(last.window.utc)} UTC"
    run = last.run
    if last.past is Past.RAN and run is not None:
        how = f"{run.succeeded} of {run.total} machines succeeded" if run.total else "ran"
        return f"{when}: {run.status or 'ran'}, {how}."
    sentences = {
        Past.MISSED: f"{when} has passed, and nothing ran.",
        Past.AWAITED: f"{when} has closed, and its run is not to be seen yet: rows come up to "
        f"{LAG // timedelta(minutes=1)} minutes late.",
        Past.FORGOTTEN: f"{when} is longer ago than Azure remembers.",
    }
    return sentences[last.past]


def _schedule(found: ScheduleStatus, now: datetime, *, first: bool) -> Iterator[Text]:
    """Of a schedule beside the first only its windows count: it may well be over."""
    if found.schedule.problem and first:
        yield Text(f"Nothing will run: {found.schedule.problem}.", "bold red")
    if found.open_window is not None:
        yield Text(f"A window is open until {found.open_window.end_utc:%H:%M} UTC.", "bold")
    if found.next_window is not None:
        yield Text(f"Next window: {found.next_window}, {_ahead(found.next_window, now)}.")
        if found.next_window.note:
            yield Text(f"  note: {found.next_window.note}", "yellow")
    style = "bold red" if found.last_window.past is Past.MISSED else ""
    if sentence := last_window(found.last_window):
        yield Text(sentence, style)


def _listed(machines: Sequence[MachineStatus], *, everything: bool) -> list[MachineStatus]:
    if everything or len(machines) <= MOST:
        return list(machines)
    return [machine for machine in machines if machine.remarkable]


def _counted(machines: Sequence[MachineStatus]) -> str:
    stopped = sum(bool(machine.obstacles) for machine in machines)
    failed = sum(not machine.ended_well for machine in machines)
    reboots = sum(machine.reboot_pending for machine in machines)
    said = [
        "1 machine" if len(machines) == 1 else f"{len(machines)} machines",
        f"{stopped} with something in the way" if stopped else "",
        f"{failed} whose last run did not end well" if failed else "",
        f"{reboots} waiting for a reboot" if reboots else "",
    ]
    return ", ".join(part for part in said if part)


def _row(machine: MachineStatus, now: datetime) -> tuple[str, ...]:
    assessment, last = machine.assessment, machine.last_run
    if assessment is None:
        assessed = ("not seen", "unknown", "")
    else:
        status = "" if assessment.succeeded else f" ({assessment.status})"
        reboot = "pending" if assessment.reboot_pending else ""
        assessed = (f"{ago(now - assessment.at)}{status}", _pending(assessment), reboot)
    ran = "none" if last is None else f"{last.status}, {ago(now - last.at)}"
    return (machine.machine.name, *assessed, ran)


def _pending(assessment: Assessment) -> str:
    """By classification, the urgent ones first."""
    counts = sorted(assessment.pending.items(), key=lambda item: item[0] not in URGENT)
    return ", ".join(f"{count} {classification}" for classification, count in counts) or "nothing"


def _remarks(machine: MachineStatus) -> Iterator[Text]:
    name = machine.machine.name
    for obstacle in machine.obstacles:
        yield Text(f"{name}: {obstacle}.", "bold red")
    for finding in machine.drifted:
        if not any(finding.subject in obstacle for obstacle in machine.obstacles):
            yield Text(f"{name}: {finding.subject} is {finding.got}, not {finding.want}.", "yellow")
    if machine.last_run is not None and not machine.ended_well:
        window = " and exceeded its window" if machine.last_run.exceeded else ""
        why = f": {machine.last_run.error}" if machine.last_run.error else ""
        yield Text(f"{name}: the last run ended {machine.last_run.status}{window}{why}", "yellow")
    if machine.assessment is not None and not machine.assessment.succeeded:
        why = f": {machine.assessment.error}" if machine.assessment.error else ""
        yield Text(f"{name}: the last assessment ended {machine.assessment.status}{why}", "yellow")


def _moment(at: datetime) -> str:
    return f"{at:%a %Y-%m-%d %H:%M}"


def _ahead(window: Occurrence, now: datetime) -> str:
    hours = (window.utc - now) // timedelta(hours=1)
    return f"in {hours} hours" if hours < 48 else f"in {hours // 24} days"

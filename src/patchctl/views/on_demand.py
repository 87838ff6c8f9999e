"""Assessments and installations on demand, as text for people and as data for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from patchctl.errors import PatchctlError
from patchctl.machines import Machine
from patchctl.observation import Assessment, Run
from patchctl.orders import Order
from patchctl.schedule.window import format_duration
from patchctl.turns import Turn
from patchctl.views import text
from patchctl.views.data import plain
from patchctl.views.progress import seconds

MOST = 20
"""Machines that are all named before anything begins; of more the rest are counted."""
SYSTEMS = {"windows": "Windows", "linux": "Linux"}


def order(wanted: Order, machines: Sequence[Machine], left: Iterable[Machine]) -> Iterator[Text]:
    """What is going to be installed, and where."""
    for os in dict.fromkeys(machine.os for machine in machines):
        yield Text(f"{SYSTEMS[os]}: {_wanted(wanted.parameters(os))}")
    longest = format_duration(wanted.longest)
    yield Text(f"Restart: {wanted.patches.reboot}. Each for {longest} hours at most.")
    yield from named(machines)
    for machine in left:
        system = SYSTEMS.get(machine.os, "a system that it does not tell")
        yield Text(f"  left: {machine.shown}: nothing is asked of {system}", "yellow")


def named(machines: Sequence[Machine]) -> Iterator[Text]:
    yield from (Text(f"  {machine.shown}") for machine in machines[:MOST])
    if len(machines) > MOST:
        yield Text(f"  and {len(machines) - MOST} more")


def counted(machines: Sequence[object]) -> str:
    return "1 machine" if len(machines) == 1 else f"{len(machines)} machines"


def installed(turns: Sequence[Turn[Run]]) -> Iterator[RenderableType]:
    """A row a machine, and below them what went wrong."""
    titles = ("machine", "result", "installed", "failed", "pending", "restart", "took")
    yield text.listed([_installed(turn) for turn in turns], *titles)
    yield from _problems(turns)


def assessed(turns: Sequence[Turn[Assessment]]) -> Iterator[RenderableType]:
    titles = ("machine", "result", "critical, security", "other", "restart", "took")
    yield text.listed([_assessed(turn) for turn in turns], *titles)
    yield from _problems(turns)


def data(turns: Iterable[Turn[Any]], called: str) -> list[dict[str, Any]]:
    """What was found is under the name that it is called by."""
    return [
        {
            "machine": turn.machine.id,
            "os": turn.machine.os,
            "outcome": turn.outcome.value,
            "seconds": round(turn.seconds, 1),
            called: plain(turn.found),
            "updates": plain(turn.updates),
            "error": _error(turn.error),
        }
        for turn in turns
    ]


def _error(error: PatchctlError | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return {"code": error.code, "message": error.message, "request_id": error.request_id}


def _wanted(parameters: dict[str, list[str]]) -> str:
    """`Critical, Security, KB5031364; never KB890830`."""
    never = [", ".join(v) for name, v in parameters.items() if name.endswith("ToExclude")]
    wanted = [", ".join(v) for name, v in parameters.items() if name.endswith("ToInclude")]
    return "; never ".join((", ".join(wanted), *never))


def _installed(turn: Turn[Run]) -> tuple[str, ...]:
    run = turn.found
    if run is None:
        return (turn.machine.shown, turn.outcome, "", "", "", "", seconds(turn.seconds))
    counts = (str(run.installed), str(run.failed), str(run.pending))
    return (turn.machine.shown, run.status, *counts, run.reboot, seconds(turn.seconds))


def _assessed(turn: Turn[Assessment]) -> tuple[str, ...]:
    found = turn.found
    if found is None:
        return (turn.machine.shown, turn.outcome, "", "", "", seconds(turn.seconds))
    counts = (str(found.urgent), str(found.other), "pending" if found.reboot_pending else "")
    return (turn.machine.shown, found.status, *counts, seconds(turn.seconds))


def _problems(turns: Iterable[Turn[Any]]) -> Iterator[Text]:
    for turn in turns:
        if turn.problem:
            yield Text(f"{turn.machine.shown}: {turn.problem}", "bold red")
        elif turn.warning:
            yield Text(f"{turn.machine.shown}: {turn.warning}", "yellow")

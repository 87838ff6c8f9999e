"""A rehearsed patch night as text for people: a timeline, and the mails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich.text import Text

if TYPE_CHECKING:
    from patchctl.rehearsal import Night

SHOWN = 200
"""Lines of a timeline; the rest is counted."""
STYLES = {"Succeeded": "green", "Cancelled": "yellow"}
STEPS = {"search": "looks for updates", "reboot": "reboots", "assess": "is assessed"}
Moment = tuple[str, str, str, str]
"""When, which machine, what, and in which style."""


def night(night: Night, *, copied: bool) -> Iterator[Text]:
    what = "a copy of what stands" if copied else "what is asked for"
    yield Text(f"SANDBOX rehearsal of {what}. Nothing was changed, and no mail was sent.", "bold")
    if night.opens is None:
        yield Text("No window is to come: nothing would ever be patched.", "bold red")
        return
    yield Text(f"The window opens {night.opens:%a %Y-%m-%d %H:%M} UTC.")
    if not any(run["machines"] for run in night.runs):
        yield Text("Nothing runs: no machine is assigned to the schedule.", "bold red")
    moments = [moment for run in night.runs for moment in _run(run)]
    moments.sort(key=lambda moment: moment[0])
    yield from (_line(moment) for moment in moments[:SHOWN])
    if len(moments) > SHOWN:
        yield Text(f"  and {len(moments) - SHOWN} more; all are in --output json", "dim")
    yield from _mails(night)
    yield Text("Which updates there will be nobody knows yet: these are made up.", "dim")


def _run(run: Mapping[str, Any]) -> Iterator[Moment]:
    for turn in run["machines"]:
        machine = turn["machine"].rsplit("/", 1)[-1]
        yield from ((step["start"], machine, *_step(step)) for step in turn["steps"])
        if turn["end"] is not None:
            told = f"{turn['status']}{': ' if turn['error'] else ''}{turn['error']}"
            yield (turn["end"], machine, told, STYLES.get(turn["status"], "bold red"))


def _step(step: Mapping[str, Any]) -> tuple[str, str]:
    if step["what"] != "install":
        return STEPS[step["what"]], "dim"
    failed = f", and {', '.join(step['failed'])} fails" if step["failed"] else ""
    return f"installs {', '.join(step['updates'])}{failed}", "red" if failed else ""


def _line(moment: Moment) -> Text:
    at, machine, what, style = moment
    return Text(f"  {at[11:16]}  {machine}  {what}", style)


def _mails(night: Night) -> Iterator[Text]:
    if not night.mails:
        yield Text("No mail: nothing that anybody has to know.", "green")
        return
    yield Text("Mails:", "bold")
    for mail in night.mails:
        yield Text(f"  {mail['at'][11:16]}  to {mail['to']}: {mail['subject']}")

"""Runs of maintenance configurations in the sandbox as text for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

SHOWN = 20
"""Machines of a run that are shown; those that were not patched come first."""
STYLES = {"Succeeded": "green", "InProgress": "", "Cancelled": "yellow"}


def runs(traces: Sequence[Mapping[str, Any]]) -> Iterator[Text]:
    """A line a run, and below it a line a machine."""
    for trace in traces:
        window = f"{_minute(trace['opens'])} to {_minute(trace['closes'])[11:]} UTC"
        title = f"Run of {trace['configuration']}, {window}: {trace['status']}"
        yield Text(title, _style(trace["status"]))
        machines = sorted(trace["machines"], key=lambda turn: turn["status"] == "Succeeded")
        yield from (_machine(turn) for turn in machines[:SHOWN])
        if len(machines) > SHOWN:
            yield Text(f"  and {len(machines) - SHOWN} more; all are in --output json")
    if any(trace["status"] == "InProgress" for trace in traces):
        yield Text("Next: patchctl sandbox advance --by 6h")


def mails(sent: Sequence[Mapping[str, str]]) -> Iterator[Text]:
    """A line a mail; `patchctl sandbox outbox` prints one whole."""
    for mail in sent[:SHOWN]:
        yield Text(f"Mail to {mail['to']}, {_minute(mail['at'])[11:]}: {mail['subject']}")
    if len(sent) > SHOWN:
        yield Text(f"and {len(sent) - SHOWN} more mails: patchctl sandbox outbox")


def _machine(turn: Mapping[str, Any]) -> Text:
    name = turn["machine"].rsplit("/", 1)[1]
    counts = Counter(turn["updates"].values())
    told = [f"{number} {state}" for state, number in sorted(counts.items())]
    told += ["rebooted"] if any(step["what"] == "reboot" for step in turn["steps"]) else []
    until = f" at {_minute(turn['end'])[11:]}" if turn["end"] else ""
    parts = [f"  {name}  {turn['status']}{until}", ", ".join(told), turn["error"]]
    return Text(": ".join(part for part in parts if part), _style(turn["status"]))


def _minute(stamp: str) -> str:
    return stamp[:16].replace("T", " ")


def _style(status: str) -> str:
    return STYLES.get(status, "red")

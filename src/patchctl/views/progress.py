"""Steps while they run: a spinner each on a terminal, a line each where nothing may move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from patchctl.report import Event, Finished, Outcome, Started, StepReport

MARKS = {
    Outcome.CREATED: ("+", "green"),
    Outcome.UPDATED: ("~", "yellow"),
    Outcome.DELETED: ("-", "red"),
    Outcome.DELETING: ("-", "red"),
    Outcome.UNCHANGED: ("=", "dim"),
    Outcome.ABSENT: ("=", "dim"),
    Outcome.FAILED: ("x", "bold red"),
    Outcome.LEFT: ("!", "yellow"),
    Outcome.PARTLY: ("!", "bold yellow"),
    Outcome.FOREIGN: ("!", "red"),
}

LINES = 4
"""How often the machines of a step are counted where every line stays."""


class Progress(Protocol):
    def __enter__(self) -> Progress: ...

    def __exit__(self, *args: object) -> None: ...

    def notify(self, event: Event) -> None: ...


class Quiet:
    """For JSON and for looking, which takes a moment only."""

    def __enter__(self) -> Quiet:
        return self

    def __exit__(self, *args: object) -> None: ...

    def notify(self, event: Event) -> None: ...


class Lines:
    """One line when a step begins and one when it ends, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *args: object) -> None: ...

    def notify(self, event: Event) -> None:
        if isinstance(event, Started):
            self._console.print(f"  {event.step} ...", markup=False, highlight=False)
        elif isinstance(event, Finished):
            self._console.print(finished(event.report))
        elif event.done * LINES // event.total > (event.done - 1) * LINES // event.total:
            self._console.print(f"  {event.step} {event.done} of {event.total}", highlight=False)


class Spinners:
    """All running steps together, each with the time it has taken so far."""

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        self._console, self._clock = console, clock
        self._started: dict[str, float] = {}
        self._done: dict[str, str] = {}
        self._spinner = Spinner("dots")
        self._live = Live(
            console=console, get_renderable=self._render, refresh_per_second=8, transient=True
        )

    def __enter__(self) -> Spinners:
        self._live.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._live.stop()

    def notify(self, event: Event) -> None:
        if isinstance(event, Finished):
            self._started.pop(event.report.step, None)
            self._done.pop(event.report.step, None)
            self._console.print(finished(event.report))
        elif isinstance(event, Started):
            self._started[event.step] = self._clock()
        else:
            self._done[event.step] = f" {event.done} of {event.total}"

    def _render(self) -> Table:
        table = Table.grid(padding=(0, 1))
        for step, begun in list(self._started.items()):
            since = Text(seconds(self._clock() - begun), "dim")
            table.add_row(" ", self._spinner, f"{step}{self._done.get(step, '')}", since)
        return table


def finished(report: StepReport) -> Text:
    mark, style = MARKS.get(report.outcome, (" ", ""))
    line = f"  {mark} {report.step:<26} {report.outcome:<10} {seconds(report.seconds)}"
    return Text(line.rstrip(), style)


def seconds(duration: float) -> str:
    """A duration as people read it: 8 s, 2 min 05 s."""
    whole = round(duration)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02} s"

"""Steps while they run: a spinner each on a terminal, a line each without one."""

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
        else:
            self._console.print(finished(event.report))


class Spinners:
    """All running steps together, each with the time it has taken so far."""

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        self._console, self._clock = console, clock
        self._started: dict[str, float] = {}
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
            self._console.print(finished(event.report))
        else:
            self._started[event.step] = self._clock()

    def _render(self) -> Table:
        table = Table.grid(padding=(0, 1))
        for step, begun in list(self._started.items()):
            table.add_row(" ", self._spinner, step, Text(seconds(self._clock() - begun), "dim"))
        return table


def finished(report: StepReport) -> Text:
    mark, style = MARKS.get(report.outcome, (" ", ""))
    line = f"  {mark} {report.step:<26} {report.outcome:<10} {seconds(report.seconds)}"
    return Text(line.rstrip(), style)


def seconds(duration: float) -> str:
    """A duration as people read it: 8 s, 2 min 05 s."""
    whole = round(duration)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02} s"

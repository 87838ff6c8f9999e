"""A schedule as Azure keeps it: a maintenance configuration that opens windows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from patchctl.schedule.window import Window


@dataclass(frozen=True)
class PatchSchedule:
    """A maintenance configuration, and the window that it is to have."""

    configuration: str
    window: Window
    wanted: bool
    """Whether this command asks for it; one that is not asked for is left as it stands."""
    once: bool = False
    """Whether its window opens a single time."""

    @property
    def assignment(self) -> str:
        return f"assign-{self.configuration}"

    @property
    def expires(self) -> datetime | None:
        """When it ends, by the clocks of its time zone: before it would open a second time."""
        return self.window.start + timedelta(hours=12) if self.once else None

"""Whether a window is long enough for what is pending (azure-docs, update-manager/troubleshoot.md).

Azure keeps the end of a window for the reboot. On Linux it says how long it plans for a number of
packages. For Windows it says only that no update is begun in the last 25 minutes, not how long one
takes; so of Windows nothing can be told beforehand, and a run that exceeded its window tells.
"""

from datetime import timedelta

REBOOT = {"windows": timedelta(minutes=10), "linux": timedelta(minutes=15)}
"""Kept for the reboot at the end of the window."""
BATCH = 3
"""Linux packages that are installed one by one; what is beyond them goes faster."""


def usable(window: timedelta, os: str) -> timedelta:
    """What a window leaves for installing."""
    return window - REBOOT.get(os, timedelta(0))


def planned(os: str, updates: int) -> timedelta:
    """The time that Azure plans for some updates; none where it tells no time."""
    if os != "linux":
        return timedelta(0)
    beyond = max(0, updates - BATCH)
    return timedelta(minutes=5 * min(updates, BATCH) + 2 * beyond)


def warning(window: timedelta, os: str, updates: int) -> str:
    """A sentence when they do not fit, else nothing."""
    needed, left = planned(os, updates), usable(window, os)
    if needed <= left:
        return ""
    return (
        f"{updates} updates may take {_minutes(needed)} minutes, and the window leaves "
        f"{_minutes(left)}: some will wait for the next one"
    )


def _minutes(duration: timedelta) -> int:
    return duration // timedelta(minutes=1)

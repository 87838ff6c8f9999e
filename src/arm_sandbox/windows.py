"""Maintenance windows: what Microsoft.Maintenance finds wrong with start, length, zone, recurrence.

The grammar is that of the API description of 2023-04-01. Texts marked `quoted` are Azure's own
words; the others say the same kind of thing in the same manner.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from arm_sandbox.time_zones import NAMES

SHORTEST, LONGEST = timedelta(hours=1, minutes=30), timedelta(hours=3, minutes=55)
"""Of a window for guest patching (docs, maintenance configurations)."""
LEAST_HOURS = 6
"""Between two windows for guest patching (docs)."""
FARTHEST_OFFSET = 6
WEST_OF_ALL = timedelta(hours=12)
"""What is past even in the westernmost zone is past everywhere."""

_DAY = "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)"
_HOURS = re.compile(r"(\d*)\s*Hours?", re.IGNORECASE)
_DAYS_OR_WEEKS = re.compile(
    rf"(\d*)\s*(?:Days?|Weeks?(?:\s+{_DAY}(?:\s*,\s*{_DAY})*)?)", re.IGNORECASE
)
_BARE_MONTHS = re.compile(r"(\d*)\s*Months?", re.IGNORECASE)
_DAYS_OF_MONTH = re.compile(r"(\d*)\s*Months?\s+day\d{1,2}(?:\s*,\s*day\d{1,2})*", re.IGNORECASE)
_WEEK_OF_MONTH = re.compile(
    rf"(\d*)\s*Months?\s+(?:First|Second|Third|Fourth|Last)\s+{_DAY}(?:\s+Offset(-?\d+))?",
    re.IGNORECASE,
)


def complaint(window: dict[str, Any], *, guest: bool, now: datetime) -> str:
    """What is wrong with a `maintenanceWindow`, or an empty string; `now` is naive UTC."""
    start = window.get("startDateTime")
    if not start:
        return "StartDateTime is not set for maintenance window."  # quoted
    return (
        _time_complaint("StartDateTime", start)
        or _expiration_complaint(window.get("expirationDateTime"), start, now)
        or _duration_complaint(window.get("duration"), guest=guest)
        or _zone_complaint(window.get("timeZone"))
        or _recurrence_complaint(window.get("recurEvery"), guest=guest)
    )


def _time_complaint(name: str, text: Any) -> str:
    # A start in the past is accepted, whatever the API description says (recorded: 1970, 2021).
    if time(text) is None:
        return f"{name} '{text}' is not in the format YYYY-MM-DD hh:mm."
    return ""


def time(text: Any) -> datetime | None:
    """A moment by the clocks of the window's zone; None when it is written otherwise."""
    for form in ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"):
        try:
            return datetime.strptime(str(text), form)
        except ValueError:
            continue
    return None


def _expiration_complaint(text: Any, start: Any, now: datetime) -> str:
    if text is None:
        return ""
    expiration, begin = time(text), time(start)
    if expiration is None or begin is None:
        return _time_complaint("ExpirationDateTime", text)
    if expiration <= begin:
        return "ExpirationDateTime must be later than StartDateTime."
    if expiration.year < 9999 and expiration + WEST_OF_ALL <= now:
        return "ExpirationDateTime must be set to a future date."
    return ""


def _duration_complaint(text: Any, *, guest: bool) -> str:
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", str(text or ""))
    if match is None:
        # Other scopes have a default of their own (API description).
        return (
            ""
            if text is None and not guest
            else f"Duration '{text or ''}' is not in the format HH:mm."
        )
    length = timedelta(hours=int(match[1]), minutes=int(match[2]))
    if guest and not SHORTEST <= length <= LONGEST:
        return "Duration must be between 01:30 and 03:55 hours for maintenance scope InGuestPatch."
    return ""


def _zone_complaint(name: Any) -> str:
    return "" if name in NAMES else f"TimeZone '{name or ''}' is not a known time zone."


def _recurrence_complaint(text: Any, *, guest: bool) -> str:
    if text is None:
        return "RecurEvery is not set for maintenance window." if guest else ""
    text = str(text).strip()
    if _BARE_MONTHS.fullmatch(text):
        # Quoted in terraform#29738, although the API description gives `Month` as an example.
        return "Monthly maintenance window is missing day of month or week of month."
    if _hours_too_few(text) and guest:
        return (
            f"RecurEvery must be at least {LEAST_HOURS} hours for maintenance scope InGuestPatch."
        )
    if not _recurs(text):
        return f"RecurEvery '{text}' is not valid."
    return ""


def _hours_too_few(text: str) -> bool:
    match = _HOURS.fullmatch(text)
    return match is not None and int(match[1] or 1) < LEAST_HOURS


def _recurs(text: str) -> bool:
    for form in (_HOURS, _DAYS_OR_WEEKS, _DAYS_OF_MONTH, _WEEK_OF_MONTH):
        match = form.fullmatch(text)
        if match is not None:
            return int(match[1] or 1) > 0 and _days_exist(text) and _offset_near(match)
    return False


def _days_exist(text: str) -> bool:
    """`day0` and `day32` are no days of a month."""
    return all(1 <= int(day) <= 31 for day in re.findall(r"day(\d+)", text, re.IGNORECASE))


def _offset_near(match: re.Match[str]) -> bool:
    offset = match[2] if match.re is _WEEK_OF_MONTH else None
    return abs(int(offset or 0)) <= FARTHEST_OFFSET

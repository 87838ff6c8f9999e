"""Which of the updates that a machine lacks an installation is to install.

An include list adds to the classifications. Where neither is given everything is installed, as
LinuxPatchExtension does; for Windows that is unverified. An update that would be installed and
that an exclude list names is Excluded; one that nothing asks for is NotSelected.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, Literal

from arm_sandbox.patching.updates import URGENT, Update

Parameters = dict[str, Any]
"""`windowsParameters` or `linuxParameters`, of a maintenance configuration or of installPatches."""
Choice = Literal["Selected", "NotSelected", "Excluded"]


def choose(update: Update, parameters: Parameters) -> Choice:
    if not _wanted(update, parameters):
        return "NotSelected"
    return "Excluded" if _excluded(update, parameters) else "Selected"


def _wanted(update: Update, parameters: Parameters) -> bool:
    if _too_new(update, parameters.get("maxPatchPublishDate")):
        return False
    classifications = _classifications(update, parameters.get("classificationsToInclude") or ())
    named = [
        *(parameters.get("kbNumbersToInclude") or ()),
        *(parameters.get("packageNameMasksToInclude") or ()),
    ]
    if not classifications and not named:
        return True
    return update.classification.lower() in classifications or _named(update, named)


def _too_new(update: Update, latest: str | None) -> bool:
    """Whether it was published after the date that only installPatches can give."""
    return latest is not None and update.published > moment(latest).timestamp()


def moment(text: str) -> datetime:
    """A date, in UTC unless it says otherwise. Raises ValueError."""
    given = datetime.fromisoformat(text)
    return given if given.tzinfo is not None else given.replace(tzinfo=UTC)


def _classifications(update: Update, given: Iterable[str]) -> set[str]:
    """Lower-cased; on Linux, Critical and Security are one (LinuxPatchExtension)."""
    wanted = {str(each).lower() for each in given}
    urgent = {each.lower() for each in URGENT}
    return wanted | urgent if update.version and wanted & urgent else wanted


def _excluded(update: Update, parameters: Parameters) -> bool:
    named = [
        *(parameters.get("kbNumbersToExclude") or ()),
        # An exclusion with a version excludes every version (LinuxPatchExtension).
        *(str(m).split("=")[0] for m in parameters.get("packageNameMasksToExclude") or ()),
    ]
    reboots = update.reboots and bool(parameters.get("excludeKbsRequiringReboot"))
    return reboots or _named(update, named)


def _named(update: Update, names: Iterable[str]) -> bool:
    if update.version:
        return any(_fits(update, str(mask)) for mask in names)
    return bool(update.kb) and update.kb in {kb_number(str(name)) for name in names}


def _fits(update: Update, mask: str) -> bool:
    """Whether a package fits `mysql`, `libc=1.0.1.1` or `kernel*`."""
    name, _, version = (part.strip() for part in mask.partition("="))
    return fnmatchcase(update.name, name) and fnmatchcase(update.version, version or "*")


def kb_number(text: str) -> str:
    """The digits of `KB5068137`, which may be written without the letters."""
    return text.strip().upper().removeprefix("KB")

"""Everything that can end a command early, and the exit code of each kind."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patchctl.report import StepReport

UNREGISTERED = "MissingSubscriptionRegistration"


class Exit(IntEnum):
    """Exit codes, and what each says; the README and every help have them in these words."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Exit:
        exit = int.__new__(cls, code)
        exit._value_, exit.meaning = code, meaning
        return exit

    DONE = 0, "done"
    FAILED = 1, "failed"
    USAGE = 2, "usage or configuration"
    SIGN_IN = 3, "sign-in"
    REFUSED = 4, "Azure refused"
    NOT_AS_IT_SHOULD_BE = 5, "not as it should be"
    BELONGS_TO_SOMEBODY_ELSE = 6, "belongs to somebody else"
    UNFINISHED = 7, "done, but for what an administrator has to grant"
    PARTLY_DONE = 8, "done, but for some machines"
    INTERRUPTED = 130, "interrupted (Ctrl-C or SIGTERM), or not confirmed"


class PatchctlError(Exception):
    """What failed, where, why, and what to do next.

    Without a `hint` the one of its code counts, which stands in the catalogue. Before it is shown
    every hint is made to end in a command, which is then `next` as well.
    """

    exit = Exit.FAILED
    next = ""
    seconds = 0.0
    """How long the step that failed had been at work."""

    @property
    def told(self) -> str:
        """In one line, where it is one of many: `You may not. (AuthorizationFailed, request 1)`."""
        by = f", request {self.request_id}" if self.request_id else ""
        return f"{self.message} ({self.code}{by})"

    def __init__(
        self,
        code: str,
        message: str,
        hint: str = "",
        *,
        step: str | None = None,
        resource: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint
        self.step, self.resource, self.request_id = step, resource, request_id


def unexpected(cause: BaseException) -> PatchctlError:
    """An error of our own making. The cause is kept; PATCHCTL_DEBUG=1 shows where it arose."""
    error = PatchctlError(
        "Unexpected",
        f"patchctl has a fault: {type(cause).__name__}: {cause}",
    )
    error.__cause__ = cause
    return error


class BadInput(PatchctlError):
    """The command line, the environment or the configuration file asks for something impossible."""

    exit = Exit.USAGE

    def __init__(self, problems: list[str], hint: str = "") -> None:
        super().__init__("BadInput", "\n".join(problems), hint)
        self.problems = problems


class NotSignedIn(PatchctlError):
    exit = Exit.SIGN_IN


class Refused(PatchctlError):
    """Azure said no."""

    exit = Exit.REFUSED


class Unregistered(Refused):
    """A read of a resource provider that the subscription has not registered."""


class NotAsItShouldBe(PatchctlError):
    exit = Exit.NOT_AS_IT_SHOULD_BE


class Foreign(PatchctlError):
    """It belongs to somebody else."""

    exit = Exit.BELONGS_TO_SOMEBODY_ELSE


class Unfinished(PatchctlError):
    """All is done but for what only somebody with more rights can do."""

    exit = Exit.UNFINISHED


class Final(PatchctlError):
    """To try again would change nothing: it is somebody's will, or Azure's."""


class Partly(PatchctlError):
    """All is done but for some machines; `failures` tells of each what is in the way.

    `passing`: whether the same work again may do some of the rest.
    """

    exit = Exit.PARTLY_DONE

    def __init__(
        self,
        failures: Sequence[str],
        hint: str = "",
        *,
        step: str | None = None,
        passing: bool = False,
    ) -> None:
        super().__init__("PartlyDone", "\n".join(failures), hint, step=step)
        self.failures, self.passing = tuple(failures), passing


class Interrupted(PatchctlError):
    exit = Exit.INTERRUPTED


class Stopped(Exception):
    """A run ended early; `reports` tells how far each step came."""

    def __init__(self, error: PatchctlError, reports: list[StepReport]) -> None:
        super().__init__(str(error))
        self.error, self.reports = error, reports

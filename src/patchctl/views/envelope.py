"""The one JSON document that a command prints with `--output json`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from patchctl.errors import PatchctlError

if TYPE_CHECKING:
    from patchctl.report import StepReport


@dataclass
class Envelope:
    """Collects what a command has to say; `extra` holds what only that command has."""

    command: str
    deployment: str | None = None
    sandbox: bool = False
    endpoint: str | None = None
    steps: list[StepReport] = field(default_factory=list)
    error: PatchctlError | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        document = {
            "command": self.command,
            "deployment": self.deployment,
            "sandbox": self.sandbox,
            "endpoint": self.endpoint,
            "ok": self.error is None,
            **self.extra,
            "steps": list(_steps(self.steps)),
            "error": None if self.error is None else _error(self.error),
        }
        return json.dumps(document, indent=2)


def _steps(reports: Iterable[StepReport]) -> Iterable[Mapping[str, Any]]:
    for report in reports:
        yield {
            "step": report.step,
            "outcome": report.outcome.value,
            "seconds": round(report.seconds, 1),
            "resources": [*report.inspection.resources, *report.inspection.foreign],
            "findings": [
                {"subject": f.subject, "want": f.want, "got": f.got, "ok": f.ok}
                for f in report.inspection.findings
            ],
        }


def _error(error: PatchctlError) -> Mapping[str, Any]:
    return {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "next": error.next,
        "step": error.step,
        "resource": error.resource,
        "request_id": error.request_id,
    }

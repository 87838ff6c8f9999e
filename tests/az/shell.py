"""A shell whose `az` and `patchctl` talk to a sandbox that is being served."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATCHCTL = Path(sysconfig.get_path("scripts")) / "patchctl"
MAINTENANCE = "api-version=2023-04-01"
"""`az maintenance` is an extension, so `az rest` has to name the api-version."""


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Shell:
    """Commands as a person would type them, each a process of its own."""

    variables: Mapping[str, str]

    def run(self, *command: str | Path, seconds: float = 300) -> Ended:
        done = subprocess.run(
            [str(part) for part in command],
            env={**os.environ, **self.variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def az(self, *arguments: str) -> Any:
        """The document of an az command that ends well; None where it prints nothing."""
        ended = self.run("az", *arguments, "--output", "json")
        assert ended.code == 0, f"az {' '.join(arguments)}\n{ended.err}"
        return json.loads(ended.out) if ended.out.strip() else None

    def refused(self, *arguments: str) -> Ended:
        """What an az command says that ends badly."""
        ended = self.run("az", *arguments)
        assert ended.code != 0, f"az {' '.join(arguments)}\n{ended.out}"
        return ended

    def rest(self, method: str, path: str, body: Any = None, *, version: str = MAINTENANCE) -> Any:
        sent = [] if body is None else ["--body", json.dumps(body)]
        return self.az("rest", "--method", method, "--url", f"{path}?{version}", *sent)

    def patchctl(self, *arguments: str, code: int = 0) -> Any:
        """The document of a patchctl command that ends with this code."""
        ended = self.run(PATCHCTL, *arguments, "--output", "json")
        assert ended.code == code, f"patchctl {' '.join(arguments)}\n{ended.out}{ended.err}"
        return json.loads(ended.out)

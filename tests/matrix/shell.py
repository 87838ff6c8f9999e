"""Commands run in this process, in a sandbox that can be put back to any moment."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from patchctl.cli import main
from tests.canary import RECORD

KILLED = 137
JSON = ("--output", "json")
Saved = dict[str, bytes]
"""The files of a sandbox and of what patchctl keeps beside it, by their path. Mails are left out:
the world has them, too."""
FOLDERS = ("sandbox", "state")
WORLD = "sandbox/world.json"


@dataclass(frozen=True)
class Ended:
    """How a command ended. Nobody hears what a killed one had to say."""

    code: int
    out: str
    err: str
    exchanges: tuple[dict[str, Any], ...]

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any] | None:
        error: dict[str, Any] | None = self.document["error"]
        return error


class Shell:
    """Runs commands with `--output json` where nothing else disturbs them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._record = directory / "record.jsonl"

    def __enter__(self) -> Shell:
        self._before = dict(os.environ), Path.cwd()
        os.environ |= {
            "PATCHCTL_SANDBOX": "1",
            "PATCHCTL_SANDBOX_DIR": str(self.directory / "sandbox"),
            "PATCHCTL_STATE_DIR": str(self.directory / "state"),
            RECORD: str(self._record),
        }
        self.directory.mkdir(parents=True, exist_ok=True)
        os.chdir(self.directory)
        return self

    def __exit__(self, *_: object) -> None:
        environment, directory = self._before
        os.environ.clear()
        os.environ |= environment
        os.chdir(directory)

    def keep(self) -> Saved:
        return {
            str(file.relative_to(self.directory)): file.read_bytes()
            for folder in FOLDERS
            for file in (self.directory / folder).rglob("*")
            if file.is_file() and file.suffix not in (".lock", ".eml")
        }

    def restore(self, saved: Saved) -> None:
        for folder in FOLDERS:
            shutil.rmtree(self.directory / folder, ignore_errors=True)
        for name, content in saved.items():
            file = self.directory / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    def run(self, *arguments: str) -> Ended:
        self._record.unlink(missing_ok=True)
        out, err = io.StringIO(), io.StringIO()
        code = 0
        with redirect_stdout(out), redirect_stderr(err):
            try:
                main(list(arguments) if "--output" in arguments else [*arguments, *JSON])
            except SystemExit as end:
                code = int(end.code or 0)
        return Ended(code, out.getvalue(), err.getvalue(), self._exchanges())

    def run_apart(self, *arguments: str) -> Ended:
        """Run in a process of its own, which may be killed or get a signal."""
        told = self.directory / "told.pickle"
        told.unlink(missing_ok=True)
        with warnings.catch_warnings():
            # The threads of pytest-xdist stay behind; the child needs none of them.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if not child:
            self._tell(told, arguments)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if told.exists():
            ended: Ended = pickle.loads(told.read_bytes())
            return ended
        return Ended(status, "", "", self._exchanges())

    def _tell(self, told: Path, arguments: Sequence[str]) -> None:
        try:
            told.write_bytes(pickle.dumps(self.run(*arguments)))
        finally:
            os._exit(0)

    def _exchanges(self) -> tuple[dict[str, Any], ...]:
        if not self._record.exists():
            return ()
        lines = self._record.read_bytes().splitlines()
        return tuple(from_json(line) for line in lines)

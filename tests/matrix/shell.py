"""Commands run in this process, in a sandbox that can be put back to any moment."""

from __future__ import annotations

import io
import json
import os
import shlex
import shutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from patchctl import debug_log
from patchctl.cli import main
from tests.canary import RECORD

KILLED = 137
JSON = ("--output", "json")
Saved = dict[str, bytes]
"""The files of a sandbox and of what patchctl keeps beside it, by their path. Mails are left out:
the world has them, too."""
FOLDERS = ("sandbox", "state")
WORLD = "sandbox/world.json"
EXCHANGES, LOG = "record.jsonl", "log.jsonl"
"""What the sandbox and what patchctl write down of the requests of the latest command."""


@dataclass(frozen=True)
class Ended:
    """How a command ended. Nobody hears what a killed one had to say."""

    code: int
    out: str
    err: str
    record: str
    """Its exchanges, a line for each."""
    log: str
    """What patchctl wrote down of them."""

    @cached_property
    def exchanges(self) -> tuple[dict[str, Any], ...]:
        return tuple(from_json(line) for line in self.record.split("\n") if line)

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any] | None:
        error: dict[str, Any] | None = self.document["error"]
        return error


class Broken(Exception):
    """A command does not even do its work where nothing disturbs it."""


class Shell:
    """Runs commands with `--output json` where nothing else disturbs them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __enter__(self) -> Shell:
        self._before = dict(os.environ), Path.cwd()
        # Relative paths, so that a fork of this process needs only to go elsewhere.
        os.environ |= {
            "PATCHCTL_SANDBOX": "1",
            "PATCHCTL_SANDBOX_DIR": FOLDERS[0],
            "PATCHCTL_STATE_DIR": FOLDERS[1],
            RECORD: EXCHANGES,
            "PATCHCTL_DEBUG_LOG": LOG,
        }
        self.directory.mkdir(parents=True, exist_ok=True)
        self.enter(self.directory)
        return self

    def __exit__(self, *_: object) -> None:
        environment, directory = self._before
        os.environ.clear()
        os.environ |= environment
        os.chdir(directory)

    def enter(self, directory: Path) -> None:
        """Work in another directory from now on; the log of a command that runs goes on there."""
        self.directory = directory
        os.chdir(directory)
        for handler in debug_log.LOG.handlers:
            if isinstance(handler, debug_log.Lines):
                here = Path(LOG).open("a", encoding="utf-8")  # noqa: SIM115 - until it ends
                handler.setStream(here)

    def copy(self, directory: Path) -> None:
        """Make another directory in which all is as it is here."""
        directory.mkdir()
        for file in filter(Path.exists, map(Path, (EXCHANGES, LOG))):
            shutil.copy(file, directory)
        for name, content in self.keep().items():
            file = directory / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

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
        for file in (EXCHANGES, LOG):
            Path(file).unlink(missing_ok=True)
        out, err = io.StringIO(), io.StringIO()
        code = 0
        with redirect_stdout(out), redirect_stderr(err):
            try:
                main(list(arguments) if "--output" in arguments else [*arguments, *JSON])
            except SystemExit as end:
                code = int(end.code or 0)
        return Ended(code, out.getvalue(), err.getvalue(), _read(EXCHANGES), _read(LOG))

    def succeed(self, *arguments: str) -> Ended:
        """Run a command that nothing disturbs; raises Broken."""
        ended = self.run(*arguments)
        if ended.code != 0:
            command = shlex.join(("patchctl", *arguments))
            said = f"{ended.out} {ended.err}"
            raise Broken(f"{command} ended with {ended.code}, undisturbed\n{said}")
        return ended

    def silent(self, code: int) -> Ended:
        """What is known of a command that was killed."""
        return Ended(code, "", "", _read(EXCHANGES), _read(LOG))


def _read(name: str) -> str:
    file = Path(name)
    return file.read_text(encoding="utf-8") if file.exists() else ""

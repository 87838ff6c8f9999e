"""What to type next: every error's hint ends in a command that can be run as it stands."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patchctl.errors import Exit, PatchctlError

if TYPE_CHECKING:
    import typer

CARRIED = ("config", "cloud", "tenant", "subscription", "endpoint", "sandbox", "yes", "output")
"""Options that say where we are and how we speak; they hold for the next command as well."""
COMMAND = re.compile(r"(?:^|(?<=: ))(patchctl |\{again\}|\{help\}).*$")
ALIKE = ("deploy", "plan")
"""Commands that can be asked for the same."""
ASKING = ("deploy", "destroy", "install")
"""Commands that ask before they write; to the others --yes says nothing."""
WITHOUT_OPTIONS = ("{", "patchctl sandbox ", "patchctl explain ")


@dataclass(frozen=True)
class CommandLine:
    """A command line that was typed: its words, the command in it, and what is carried on."""

    words: tuple[str, ...]
    command: str = ""
    name: str | None = None
    carried: tuple[str, ...] = ()

    def filled(self, command: str) -> str:
        """A command of a hint, with what only this line knows."""
        if twin := self._twin(command):
            return typed(twin)
        options = "" if command.startswith(WITHOUT_OPTIONS) else typed(self._carried_to(command))
        named = f" --name {self.name}" if self.name else ""
        whole = f"{command} {options}".rstrip().replace(" --name {name}", named)
        whole = whole.replace("{help}", typed(("patchctl", *self.command.split(), "--help")))
        return whole.replace("{again}", typed(("patchctl", *self.words)))

    def _carried_to(self, command: str) -> Iterator[str]:
        asks = command.split()[1] in ASKING
        return (word for word in self.carried if asks or word != "--yes")

    def _twin(self, command: str) -> tuple[str, ...]:
        """What was asked of one of those that are alike, asked of the other."""
        other = next((name for name in ALIKE if command.startswith(f"patchctl {name} ")), "")
        if other in ("", self.command) or self.command not in ALIKE:
            return ()
        return ("patchctl", other, *(w for w in self.words[1:] if w != "--detailed-exitcode"))


def command_line(ctx: typer.Context, name: str | None) -> CommandLine:
    """The line that a command was called by."""
    carried = [word for option in CARRIED for word in _given(ctx, option)]
    command = ctx.command_path.partition(" ")[2]
    return CommandLine(tuple(ctx.obj or ()), command, name, tuple(carried))


def advise(error: PatchctlError, line: CommandLine) -> None:
    """Let its hint end in a command, its own or the one that its code is known to need."""
    from patchctl import catalogue

    entry = catalogue.find(error.code)
    hint = error.hint or (entry.hint if entry is not None else "")
    found = COMMAND.search(hint)
    if found is None:
        usual = "What can be asked for: {help}" if error.exit is Exit.USAGE else "Then: {again}"
        hint = f"{hint.rstrip('.')}. {usual}" if hint else usual
        found = COMMAND.search(hint)
        assert found is not None
    error.next = line.filled(found[0])
    error.hint = hint[: found.start()] + error.next


def typed(words: Iterable[str]) -> str:
    """Words as they are typed in a shell."""
    return subprocess.list2cmdline(list(words)) if os.name == "nt" else shlex.join(words)


def _given(ctx: typer.Context, option: str) -> tuple[str, ...]:
    """An option as the command line gave it; what the environment says holds anyway."""
    source = ctx.get_parameter_source(option)
    if source is None or source.name != "COMMANDLINE":
        return ()
    value = ctx.params[option]
    return (f"--{option}",) if value is True else (f"--{option}", str(value))

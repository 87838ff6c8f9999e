"""The command line: a file per command, each importing what it needs only when it runs."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from itertools import pairwise
from typing import Annotated

import typer

from patchctl import __version__
from patchctl.cli.commands import COMMANDS, Group
from patchctl.cli.streams import lasting
from patchctl.errors import Exit, PatchctlError
from patchctl.interruption import heeding

__all__ = ["COMMANDS", "app", "main"]

app = typer.Typer(
    name="patchctl",
    cls=Group,
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Scheduled patching of Azure VMs, and mail that tells the truth about it.\n\n"
    "Try it without Azure: patchctl deploy --email you@example.com --sandbox",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"patchctl {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    ctx: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Without a command, show what there is."""
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


USAGE_ERRORS: tuple[type[BaseException], ...] = typer.BadParameter.__bases__
"""What the parser raises for a command line that it cannot read."""


def main(arguments: list[str] | None = None) -> None:
    """Run, and leave with an exit code, whoever interrupts and whoever stops to listen."""
    arguments = sys.argv[1:] if arguments is None else arguments
    code = int(Exit.INTERRUPTED)
    with suppress(KeyboardInterrupt), heeding(signal.default_int_handler), lasting():
        code = _code(arguments)
    sys.exit(code)


def _code(arguments: list[str]) -> int:
    """Run; the parser's own errors come in the asked output form."""
    try:
        code = app(arguments, standalone_mode=False, prog_name="patchctl", obj=arguments)
        sys.stdout.flush()
    except USAGE_ERRORS as error:
        code = _bad_usage(error, arguments)
    except PatchctlError as error:  # the document of a command could not be written
        typer.echo(f"error: {error.message}", err=True)
        code = int(error.exit)
    return code if isinstance(code, int) else 0


def _bad_usage(error: BaseException, arguments: list[str]) -> int:
    from rich.console import Console

    from patchctl.cli.advice import CommandLine
    from patchctl.cli.command import finish
    from patchctl.errors import BadInput
    from patchctl.views.envelope import Envelope

    message = error.format_message() if hasattr(error, "format_message") else str(error)
    command = next((word for word in arguments if not word.startswith("-")), "")
    line = CommandLine(tuple(arguments), command if command in COMMANDS else "")
    bad = BadInput([str(message)])
    json, console = _output(arguments) == "json", Console(stderr=True)
    try:
        finish(Envelope(command, error=bad), line, json=json, console=console)
    except typer.Exit as end:
        return end.exit_code
    return 0


def _output(arguments: list[str]) -> str:
    """What the parser would have read: the last one on the line, or what the environment says."""
    asked = os.environ.get("PATCHCTL_OUTPUT", "")
    for word, following in pairwise([*arguments, ""]):
        if word in ("--output", "-o"):
            asked = following
        elif word.startswith(("--output=", "-o")):
            asked = word.removeprefix("--output=").removeprefix("-o")
    return asked

"""The command line: a file per command, each importing what it needs only when it runs."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from itertools import pairwise
from typing import Annotated, Any

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
    if problems := _no_text(arguments):
        return _bad_usage(problems, arguments)
    try:
        code = app(arguments, standalone_mode=False, prog_name="patchctl", obj=arguments)
        sys.stdout.flush()
    except USAGE_ERRORS as error:
        code = _bad_usage([_told(error)], arguments)
    except PatchctlError as error:  # the document of a command could not be written
        typer.echo(f"error: {error.message}", err=True)
        code = int(error.exit)
    return code if isinstance(code, int) else 0


def _no_text(arguments: list[str]) -> list[str]:
    """What is not text Python hands on as lone surrogates, which no answer could spell."""
    said = [("the command line", word) for word in arguments]
    said += [item for item in os.environ.items() if item[0].startswith("PATCHCTL_")]
    return [
        f"{place}: {text!a} is not text in UTF-8"
        for place, text in said
        if any("\ud800" <= letter <= "\udfff" for letter in text)
    ]


def _bad_usage(problems: list[str], arguments: list[str]) -> int:
    from rich.console import Console

    from patchctl.cli.advice import command_line
    from patchctl.cli.command import finish
    from patchctl.errors import BadInput
    from patchctl.views.envelope import Envelope

    ctx = _context(arguments)
    line, bad = command_line(ctx, None), BadInput(problems)
    envelope = Envelope(line.command, None, _in_sandbox(ctx, arguments), error=bad)
    json, console = _output(arguments) == "json", Console(stderr=True, highlight=False)
    try:
        finish(envelope, line, json=json, console=console)
    except typer.Exit as end:
        return end.exit_code
    return 0


def _context(arguments: list[str]) -> typer.Context:
    """Of the command that the first words name; not every error of the parser tells its own."""
    ctx = typer.Context(typer.main.get_command(app), info_name="patchctl", obj=arguments)
    for word in arguments:
        if found := getattr(ctx.command, "commands", {}).get(word):
            ctx = typer.Context(found, parent=ctx, info_name=word)
        elif not word.startswith("-"):
            break
    return ctx


def _told(error: Any) -> str:
    """What is wrong: with a value as everywhere else, with the line in the parser's words."""
    from pydantic import ValidationError

    from patchctl import wording

    if not isinstance(error.__cause__, ValidationError):
        return str(error.format_message())
    option = error.param
    source = error.ctx.get_parameter_source(option.name)
    named = option.envvar if source.name == "ENVIRONMENT" else max(option.opts, key=len)
    limits = {"ge": getattr(option, "min", None), "le": getattr(option, "max", None)}
    return f"{named}: {wording.said(error.__cause__.errors()[0], limits).rstrip('.')}"


def _in_sandbox(ctx: typer.Context, arguments: list[str]) -> bool:
    """Whether the command would have run there, had the parser come so far."""
    if "--sandbox" in arguments or ctx.command_path.startswith("patchctl sandbox"):
        return True
    for option in ctx.command.params:
        if option.name == "sandbox":
            with suppress(*USAGE_ERRORS):
                return bool(option.process_value(ctx, option.value_from_envvar(ctx)))
    return False


def _output(arguments: list[str]) -> str:
    """What the parser would have read: the last one on the line, or what the environment says."""
    asked = os.environ.get("PATCHCTL_OUTPUT", "")
    for word, following in pairwise([*arguments, ""]):
        if word in ("--output", "-o"):
            asked = following
        elif word.startswith(("--output=", "-o")):
            asked = word.removeprefix("--output=").removeprefix("-o")
    return asked

"""What every command does alike: read what is asked for, connect, speak, and end honestly."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer
from rich.console import Console, RenderableType
from rich.text import Text

from patchctl import __version__
from patchctl.cli.advice import CommandLine, advise, command_line
from patchctl.cli.options import PATHS, WANTED, Output, placed
from patchctl.clouds import known_cloud
from patchctl.errors import BadInput, Interrupted, PatchctlError, Stopped, unexpected
from patchctl.layers import FILE, Layer, read_file
from patchctl.views.envelope import Envelope

if TYPE_CHECKING:
    from patchctl.clients import Connection
    from patchctl.config import Config
    from patchctl.deployment import Deployment
    from patchctl.engine import Limits, Plan
    from patchctl.memories import Kept
    from patchctl.report import StepReport
    from patchctl.views.progress import Progress


T = TypeVar("T")
UNFOLDED = 1_000_000
"""A width that nothing reaches; no row is filled up to it."""
NOBODY_TO_ASK = "--yes is needed where nobody can be asked"


@dataclass
class Command:
    """One run of a command: what it was asked, where it speaks, what it will report."""

    envelope: Envelope
    given: Mapping[str, Any]
    """The options as the command line and the environment gave them."""
    json: bool
    layers: list[Layer]
    resources: ExitStack
    out: Console
    err: Console
    typed: CommandLine

    @cached_property
    def asked(self) -> Config:
        """What the layers ask for. Raises BadInput with all that is wrong in it."""
        from patchctl import config

        return config.layered(self.layers).config

    def say(self, *lines: RenderableType) -> None:
        """Talk: on stderr, in every output form."""
        for line in lines:
            self.err.print(line, soft_wrap=True)

    def show(self, *lines: RenderableType) -> None:
        """A result: on stdout, unless the JSON document will hold it."""
        for line in lines if not self.json else ():
            if isinstance(line, (str, Text)) or self.out.is_terminal:
                self.out.print(line, soft_wrap=isinstance(line, (str, Text)))
            else:
                self.out.print(_unpadded(self.out, line), soft_wrap=True, markup=False)

    def connect(self, *, one_subscription: bool = True) -> Connection:
        """Sign in, and say who and where we are."""
        from patchctl import clients

        asked = self.asked
        place = (asked.tenant, asked.subscription)
        stranger = asked.endpoint if not known_cloud(asked.endpoint or "") else None
        if asked.sandbox:
            way = clients.connect_to_sandbox(sandbox_directory(), asked.subscription, pace())
        elif stranger is not None:
            way = clients.connect_to_endpoint(stranger, *place, one=one_subscription)
        else:
            way = clients.connect_to_azure(asked.cloud, *place, one=one_subscription)
        connection = self.resources.enter_context(way)
        self.envelope.sandbox = connection.sandbox
        self.say(_who(connection))
        return connection

    def resolve(
        self, connection: Connection, *, making: bool = False, kept: Kept | None = None
    ) -> Deployment:
        """Find the deployment and its machines; say who else is at work on it, and where else its
        name stands if not here."""
        from patchctl.at_work import told
        from patchctl.memories import with_kept
        from patchctl.resolving import resolve
        from patchctl.selection import with_machines

        deployment = connection.run(
            resolve(
                connection.clients,
                self.layers,
                connection.me,
                connection.clock(),
                connection.draw_suffix,
                take_over=bool(self.given.get("take_over")),
                making=making,
            )
        )
        if kept is not None:
            deployment = with_kept(deployment, kept)
        deployment = connection.run(with_machines(connection.clients, deployment))
        for subscription in deployment.elsewhere:
            self.say(
                f"{deployment.name} does not stand here, but in subscription {subscription}: "
                f"--subscription {subscription}"
            )
        if said := told(deployment):
            self.say(said)
        if deployment.forgot:
            self.say(
                "What was asked for can no longer be read from the group's tags: defaults hold."
            )
        return deployment

    def look(self, connection: Connection, deployment: Deployment) -> Plan:
        """Inspect every step; it takes a moment, so it is told in one line."""
        from patchctl.engine import inspect
        from patchctl.steps import STEPS
        from patchctl.views.progress import Quiet

        limits = self.limits(deployment)
        with (
            self.err.status("Looking at what stands") if self.err.is_interactive else nullcontext()
        ):
            return connection.run(
                inspect(STEPS, connection.clients, deployment, Quiet().notify, limits)
            )

    def limits(self, deployment: Deployment) -> Limits:
        from patchctl.engine import Limits

        return Limits(deployment.config.parallelism, deployment.config.timeout * 60.0)

    def progress(self, connection: Connection) -> Progress:
        from patchctl.views.progress import Lines, Quiet, Spinners

        if self.json:
            return Quiet()
        if self.err.is_interactive:
            return Spinners(self.err, connection.runner.get_loop().time)
        return Lines(self.err)

    def confirm(self, question: str, *, needed: bool = False) -> None:
        """Ask on a terminal. Raises Interrupted for a no, and BadInput where an answer is `needed`
        and nobody can give it."""
        if self.given["yes"]:
            return
        if not _can_ask():
            if needed:
                raise BadInput([NOBODY_TO_ASK], "Do it all the same: {again} --yes")
            return
        if self.json:
            raise BadInput(["--yes is needed with --output json: nobody has seen the plan"])
        if not _asked(lambda: typer.confirm(question, err=True)):
            raise Interrupted("NotConfirmed", "Nothing was changed.")

    def confirm_by_typing(self, word: str) -> None:
        """For what cannot be undone. Raises BadInput without a terminal and without --yes."""
        if self.given["yes"]:
            return
        if not _can_ask():
            raise BadInput([NOBODY_TO_ASK], "Do it all the same: {again} --yes")
        question = f"Type {word} to go on"
        typed = _asked(lambda: typer.prompt(question, err=True, default="", show_default=False))
        if typed != word:
            raise Interrupted("NotConfirmed", f"That was not {word}. Nothing was changed.")

    def report(self, reports: Sequence[StepReport]) -> None:
        self.envelope.steps = list(reports)


@contextmanager
def command(ctx: typer.Context, name: str, *, asks: bool = True) -> Iterator[Command]:
    """Run a command's body; report its end, and leave with the exit code that fits.

    `asks`: whether it is about a deployment, so that flags, environment and file count.
    """
    json = ctx.params.get("output") is Output.json
    envelope = Envelope(name, ctx.params.get("name"), bool(ctx.params.get("sandbox")))
    console = Console(stderr=True, highlight=False)
    try:
        with ExitStack() as resources:
            _keep_log(ctx.params.get("debug_log"), resources)
            layers = _layers(ctx) if asks else []
            out, typed = results_console(), command_line(ctx, None)
            c = Command(envelope, ctx.params, json, layers, resources, out, console, typed)
            if asks:
                _begin(c, ctx)
            yield c
    except Stopped as stopped:
        envelope.steps, envelope.error = stopped.reports, stopped.error
    except PatchctlError as error:
        envelope.error = error
    except typer.Exit:
        raise
    except (KeyboardInterrupt, typer.Abort):
        at_once = "Interrupted at once. What Azure has begun it goes on with."
        envelope.error = Interrupted("Interrupted", at_once)
    except Exception as error:  # the last net: JSON and exit codes hold even for our own faults
        envelope.error = unexpected(error)
    if envelope.error is not None and os.environ.get("PATCHCTL_DEBUG"):
        traceback.print_exception(envelope.error)
    finish(envelope, command_line(ctx, envelope.deployment), json=json, console=console)


def _begin(c: Command, ctx: typer.Context) -> None:
    c.say(_greeting(c.layers))
    asked = c.asked
    c.envelope.deployment, c.typed = asked.name, command_line(ctx, asked.name)
    c.envelope.sandbox, c.envelope.endpoint = asked.sandbox, asked.endpoint


def _keep_log(file: Path | None, resources: ExitStack) -> None:
    if file is not None:
        from patchctl.debug_log import written

        resources.enter_context(written(file))


def _can_ask() -> bool:
    """Whether somebody is there to answer; standard input may even be closed."""
    return sys.stdin is not None and sys.stdin.isatty()


def _asked(ask: Callable[[], T]) -> T:
    """Ask; to press Ctrl-C or Ctrl-D is to say no, while nothing has begun."""
    try:
        return ask()
    except (KeyboardInterrupt, typer.Abort):
        typer.echo(err=True)
        raise Interrupted("NotConfirmed", "Nothing was changed.") from None


def finish(envelope: Envelope, typed: CommandLine, *, json: bool, console: Console) -> None:
    """Print the JSON document or the error; raise typer.Exit unless all went well."""
    if envelope.error is not None:
        advise(envelope.error, typed)
    if json:
        typer.echo(envelope.text())
    elif envelope.error is not None:
        from patchctl.views import text

        for line in text.error(envelope.error):
            console.print(line, soft_wrap=True)
    if envelope.error is not None:
        raise typer.Exit(envelope.error.exit)


def results_console() -> Console:
    """Stdout. Without a terminal there is no width to keep to, and nothing is cut or folded."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=UNFOLDED)


def _unpadded(console: Console, table: RenderableType) -> str:
    """A table as text, without the blanks that fill its last column."""
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def state_directory() -> Path:
    """Where patchctl keeps what is to be kept on this machine; PATCHCTL_STATE_DIR moves it."""
    if directory := os.environ.get("PATCHCTL_STATE_DIR"):
        return Path(directory)
    import platformdirs

    return platformdirs.user_state_path("patchctl")


def sandbox_directory() -> Path:
    """Where the sandbox's world is kept; PATCHCTL_SANDBOX_DIR moves it."""
    directory = os.environ.get("PATCHCTL_SANDBOX_DIR")
    return Path(directory) if directory else state_directory() / "sandbox"


def pace() -> float:
    """Virtual seconds per real one, for people who want to watch; 0 does not wait."""
    try:
        return max(0.0, float(os.environ.get("PATCHCTL_SANDBOX_PACE", "0")))
    except ValueError:
        raise BadInput(["PATCHCTL_SANDBOX_PACE: a number of seconds is wanted, like 60"]) from None


def _greeting(layers: Sequence[Layer]) -> Text:
    """The first line, before anything slow is loaded and anybody is called; what is asked for is
    not checked yet."""
    asked = dict(item for layer in reversed(layers) for item in layer.values.items())
    where = asked.get("endpoint") or f"Azure ({asked.get('cloud', 'public')})"
    return Text(f"patchctl {__version__} · {'SANDBOX' if asked.get('sandbox') else where}")


def _who(connection: Connection) -> str:
    """Who and where we are; of a sandbox also when."""
    me, place = connection.me, ""
    if connection.sandbox:
        at = f" at {connection.endpoint}" if connection.endpoint else ""
        place = f"SANDBOX{at}, where it is {connection.clock():%a %Y-%m-%d %H:%M:%S} UTC · "
    return (
        f"{place}{me.name} in tenant {me.tenant} · subscription {connection.subscription_name} "
        f"({connection.clients.subscription})"
    )


def _layers(ctx: typer.Context) -> list[Layer]:
    """What is asked for: flags over environment over file."""
    flags: dict[str, Any] = {}
    environment: dict[str, Any] = {}
    for option in PATHS:
        source = ctx.get_parameter_source(option)
        if source is not None and source.name in ("COMMANDLINE", "ENVIRONMENT"):
            place = flags if source.name == "COMMANDLINE" else environment
            path, value = placed(option, ctx.params[option])
            place[path] = value
    spelled = {path: option.replace("_", "-") for option, path in PATHS.items()}
    layers = [
        Layer("the command line", flags, {p: f"--{o}" for p, o in spelled.items()}),
        Layer(
            "the environment",
            environment,
            {path: f"PATCHCTL_{option.upper()}" for option, path in PATHS.items()},
        ),
    ]
    file = ctx.params.get("config") or _file_here(FILE)
    return [*layers, _taken(read_file(file), ctx)] if file is not None else layers


def _taken(file: Layer, ctx: typer.Context) -> Layer:
    """What a file asks of this command. What a deployment is to be is asked of those alone that can
    be told it by options as well: the others are about what stands."""
    taken = {PATHS.get(option, f"patches.{option}") for option in ctx.params}  # as install has them
    others = {PATHS[option] for option in WANTED} - taken
    if PATHS["first"] in others:
        others.add("first_now")
    return replace(file, values={p: v for p, v in file.values.items() if p not in others})


def _file_here(name: str) -> Path | None:
    path = Path(name)
    return path if path.exists() else None

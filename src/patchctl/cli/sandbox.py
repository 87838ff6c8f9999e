"""`patchctl sandbox ...`: the world that --sandbox works in, by hand."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from patchctl.cli import options as o
from patchctl.cli import values
from patchctl.cli.commands import Group

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from arm_sandbox.options import Options
    from arm_sandbox.serving import Serving
    from arm_sandbox.store import Store
    from arm_sandbox.world import World
    from patchctl.cli.command import Command


class Sandbox(Group):
    """The commands of the group, in the order of its help."""

    places: ClassVar[Mapping[str, str]] = {
        name: f"sandbox:{name}"
        for name in ("outbox", "advance", "edit", "delete", "reset", "serve", "env")
    }


app = typer.Typer(
    cls=Sandbox, invoke_without_command=True, add_completion=False, rich_markup_mode=None
)


class Stop(StrEnum):
    next_window = "next-window"


class Shell(StrEnum):
    bash = "bash"
    powershell = "powershell"


SET: Mapping[Shell, Callable[[str, str], str]] = {
    Shell.bash: lambda name, value: f"export {name}={shlex.quote(value)}",
    Shell.powershell: lambda name, value: f"$env:{name} = '" + value.replace("'", "''") + "'",
}
"""How a shell is told a variable."""


@app.callback()
def _sandbox(ctx: typer.Context) -> None:
    """Look at and play with the sandbox's world."""
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def outbox(
    ctx: typer.Context,
    number: Annotated[int | None, typer.Argument(help="Print this mail whole.")] = None,
    output: o.OutputAs = o.Output.text,
) -> None:
    """List the mails that Azure would have sent, or print one.

    \b
    Examples:
      patchctl sandbox outbox
      patchctl sandbox outbox 1
    """
    with _world(ctx, "sandbox outbox") as (c, world, store):
        from patchctl.errors import BadInput
        from patchctl.views import text

        mails = world.mails
        shown = ("to", "subject", "at")
        c.envelope.extra["mails"] = [
            {**{k: mail[k] for k in shown}, "file": str(store.outbox / mail["file"])}
            for mail in mails
        ]
        if number is not None:
            if not 1 <= number <= len(mails):
                raise BadInput([f"there is no mail {number}; there are {len(mails)}"])
            c.show((store.outbox / mails[number - 1]["file"]).read_text(encoding="utf-8"))
            return
        rows = [(str(i), *(mail[k] for k in shown)) for i, mail in enumerate(mails, 1)]
        c.show(text.listed(rows, "", *shown) if rows else "No mail yet.")


def advance(
    ctx: typer.Context,
    by: Annotated[str | None, typer.Option(help="How far: 90m, 36h, 3d, 2w or 1d12h.")] = None,
    to: Annotated[Stop | None, typer.Option(help="Where to stop instead.")] = None,
    fail_machine: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A machine that finds no updates in these windows."),
    ] = None,
    fail_update: Annotated[
        list[str] | None,
        typer.Option(metavar="KB|PACKAGE", help="An update that fails in these windows."),
    ] = None,
    stop_machine: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A machine to shut down first; it stays so."),
    ] = None,
    start_machine: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A machine to start first.")
    ] = None,
    output: o.OutputAs = o.Output.text,
) -> None:
    """Move the clock; what is due by then happens.

    \b
    Examples:
      patchctl sandbox advance --by 3d
      patchctl sandbox advance --to next-window --fail-update openssl
      patchctl sandbox advance --by 6h
    """
    with _world(ctx, "sandbox advance") as (c, world, store):
        from arm_sandbox import patch_night
        from patchctl.errors import BadInput
        from patchctl.views import patch_night as view

        named = (fail_machine, fail_update, stop_machine, start_machine)
        faults = patch_night.Faults(*(tuple(names or ()) for names in named))
        until = _until(world, by, to)
        problems = patch_night.problems(world, until, faults)
        if problems:
            raise BadInput(problems)
        before = len(world.mails)
        runs = [patch_night.trace(run) for run in patch_night.advance(world, until, faults)]
        mails = [{k: mail[k] for k in ("at", "to", "subject")} for mail in world.mails[before:]]
        store.save(world)
        c.envelope.extra |= {"now": world.stamp, "runs": runs, "mails": mails}
        c.show(f"In the sandbox it is now {world.stamp[:19].replace('T', ' ')} UTC.")
        c.show(*view.runs(runs), *view.mails(mails))


def edit(
    ctx: typer.Context,
    id: Annotated[str, typer.Argument(help="An id, or its end.")],
    items: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="What to set.")],
    output: o.OutputAs = o.Output.text,
) -> None:
    """Change a resource by hand, as in the portal.

    Values may be JSON.

    \b
    Example:
      patchctl sandbox edit ID properties.enabled=false
    """
    with _world(ctx, "sandbox edit") as (c, world, store):
        from arm_sandbox import by_hand
        from patchctl.errors import BadInput

        try:
            for item in items:
                path, separator, value = item.partition("=")
                if not separator:
                    right = "write it like properties.enabled=false"
                    raise BadInput([f"KEY=VALUE: '{item}' has no value; {right}"])
                tag = path.startswith("tags.")  # which is always text
                new = value if tag else values.value(value)
                by_hand.edit(world, by_hand.resource(world, id), path, new)
        except LookupError as error:
            raise BadInput([str(error)]) from None
        store.save(world)
        c.show(f"Changed: {', '.join(items)}")


def delete(
    ctx: typer.Context,
    id: Annotated[str, typer.Argument(help="An id, or its end.")],
    output: o.OutputAs = o.Output.text,
) -> None:
    """Delete a resource by hand, as in the portal.

    \b
    Example:
      patchctl sandbox delete ID
    """
    with _world(ctx, "sandbox delete") as (c, world, store):
        from arm_sandbox import by_hand
        from patchctl.errors import BadInput

        try:
            found = by_hand.resource(world, id)
            by_hand.require_deletable(world, found)
        except LookupError as error:
            raise BadInput([str(error)]) from None
        by_hand.delete(world, found)
        store.save(world)
        c.show(f"Deleted: {found.id}")


def reset(
    ctx: typer.Context,
    seed: Annotated[str, typer.Option(help="Decides everything that chance decides.")] = "patchctl",
    start: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="Where the clock starts; now, when left out."),
    ] = None,
    behaviour: Annotated[
        Path | None,
        typer.Option("--with", metavar="FILE", help="How it shall behave; see docs/sandbox.md."),
    ] = None,
    subscriptions: Annotated[
        int, typer.Option(min=1, max=200, help="How many subscriptions there are.")
    ] = 1,
    output: o.OutputAs = o.Output.text,
) -> None:
    """Forget everything in the sandbox and begin a new world.

    \b
    Examples:
      patchctl sandbox reset
      patchctl sandbox reset --seed 7 --at 2027-01-01T12:00
      patchctl sandbox reset --with hard-times.toml
      patchctl sandbox reset --subscriptions 3
    """
    with _begun(ctx, "sandbox reset") as c:
        from arm_sandbox import world
        from arm_sandbox.store import Store
        from patchctl.cli.command import sandbox_directory
        from patchctl.cli.memory import HISTORIES
        from patchctl.clients import usable

        store = Store(sandbox_directory())
        now, options = values.moment(start), _options(behaviour)
        with usable(store), store.locked():
            store.clear()
            shutil.rmtree(store.directory / HISTORIES, ignore_errors=True)
            several = world.subscriptions(subscriptions)
            store.save(world.World(seed, now, subscriptions=several, options=options))
        c.show(f"A new sandbox world (SANDBOX), seed {seed}, in {store.directory}")


def serve(
    ctx: typer.Context,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes any that is free.")
    ] = 8443,
    record: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Append every exchange to a file, without secrets."),
    ] = None,
    real_time: Annotated[
        bool, typer.Option("--real-time", help="Let time pass as it does in Azure: --speed 1.")
    ] = False,
    speed: Annotated[
        float, typer.Option(min=1, help="Seconds of the sandbox that pass in one of yours.")
    ] = 60,
) -> None:
    """Serve the sandbox over HTTPS to this machine.

    For az and any other client. It listens on 127.0.0.1 only. Ctrl-C ends it; the world is kept.

    \b
    Examples:
      patchctl sandbox serve
      patchctl sandbox serve --real-time --record traffic.jsonl
    """
    with _begun(ctx, "sandbox serve") as c:
        from arm_sandbox import server
        from arm_sandbox.recording import Recorder
        from arm_sandbox.store import Store
        from patchctl.cli.command import sandbox_directory
        from patchctl.clients import opened

        store = Store(sandbox_directory())
        with (
            server.until_interrupted(),
            opened(store) as world,
            _port_free(port),
            server.running(
                world,
                store,
                port=port,
                speed=1 if real_time else speed,
                watchers=(Recorder(record),) if record else (),
            ) as told,
        ):
            c.show(*_served(told, world, store))
            while True:
                time.sleep(1)
        c.show(f"Stopped. The world is kept in {store.directory}")


def env(
    ctx: typer.Context,
    shell: Annotated[Shell, typer.Option(help="Whose language to write.")] = Shell.bash,
) -> None:
    """Print what points a shell at the server, to eval.

    az, the SDKs and patchctl go by it. A client secret of the sandbox is among it, so do not show
    it around. A shell that has evaluated it trusts nothing but the sandbox; open another one for
    Azure.

    \b
    Examples:
      eval "$(patchctl sandbox env)"
      patchctl sandbox env --shell powershell | Out-String | Invoke-Expression
    """
    with _begun(ctx, "sandbox env"):
        from arm_sandbox.store import Store
        from patchctl.cli.command import sandbox_directory
        from patchctl.clients import usable
        from patchctl.errors import PatchctlError

        store = Store(sandbox_directory())
        with usable(store):
            told = store.server()
        if told is None:
            message = f"No server serves the sandbox in {store.directory}"
            raise PatchctlError("NotServed", message)
        from arm_sandbox.environment import environment

        ours = {"PATCHCTL_ENDPOINT": told.url, "PATCHCTL_SANDBOX": "false"}
        for name, value in {**environment(store.directory, told), **ours}.items():
            typer.echo(SET[shell](name, value))


def _served(told: Serving, world: World, store: Store) -> list[str]:
    from arm_sandbox.certificates import authority_file
    from arm_sandbox.serving import directory_in

    clock = world.stamp[:19].replace("T", " ")
    return [
        f"SANDBOX served at {told.url}, to this machine only (127.0.0.1)",
        f"  It is {clock} UTC there; {told.speed:g} of its seconds pass in one of yours.",
        f"  Certificate authority: {authority_file(directory_in(store.directory))}",
        f"  Mails: {store.outbox}",
        '  In another terminal: eval "$(patchctl sandbox env)"',
        "  Ctrl-C stops it; the world is kept.",
    ]


@contextmanager
def _port_free(port: int) -> Iterator[None]:
    from patchctl.errors import PatchctlError

    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        message = f"Port {port} of 127.0.0.1 cannot be had: {os.strerror(error.errno)}"
        raise PatchctlError("PortTaken", message) from None


@contextmanager
def _begun(ctx: typer.Context, name: str) -> Iterator[Command]:
    """Says where it is before the sandbox is loaded, which takes a moment."""
    from patchctl.cli.command import command, sandbox_directory

    with command(ctx, name, asks=False) as c:
        c.envelope.sandbox, c.envelope.deployment = True, None
        c.say(f"SANDBOX in {sandbox_directory()}")
        yield c


@contextmanager
def _world(ctx: typer.Context, name: str) -> Iterator[tuple[Command, World, Store]]:
    with _begun(ctx, name) as c:
        from arm_sandbox.store import Store
        from patchctl.cli.command import sandbox_directory
        from patchctl.clients import opened

        store = Store(sandbox_directory())
        with opened(store) as world:
            c.say(f"SANDBOX, where it is {world.stamp[:19].replace('T', ' ')} UTC")
            yield c, world, store


def _until(world: World, by: str | None, to: Stop | None) -> float:
    from arm_sandbox.patch_night import next_window
    from patchctl.errors import BadInput

    if (by is None) == (to is None):
        raise BadInput(["say how far: either --by, for example --by 3d, or --to next-window"])
    if by is not None:
        return world.now + values.seconds(by)
    until = next_window(world)
    if until is None:
        raise BadInput(["no window is to come: no maintenance configuration for guests stands"])
    return until


def _options(file: Path | None) -> Options:
    """How a world behaves, as a file says it. Raises BadInput with all that is wrong in it."""
    from pydantic import ValidationError

    from arm_sandbox.options import Options, load
    from patchctl.errors import BadInput

    try:
        return load(file) if file is not None else Options()
    except OSError as error:
        raise BadInput([f"--with {file}: {error.strerror}"], "Name a file that is there.") from None
    except ValidationError as error:
        wrong = [_wrong(problem) for problem in error.errors()]
    except ValueError as error:
        wrong = [f"not TOML: {error}"]
    problems = [f"--with {file}: {each}" for each in wrong]
    raise BadInput(problems, "examples/sandbox/complete.toml shows every key.")


def _wrong(problem: ErrorDetails) -> str:
    from patchctl import wording

    return f"{'.'.join(map(str, problem['loc']))}: {wording.said(problem)}"

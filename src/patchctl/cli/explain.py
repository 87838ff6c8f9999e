"""`patchctl explain`: what an error code means and what to do about it, without asking Azure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from patchctl.cli import options as o

if TYPE_CHECKING:
    from patchctl.catalogue import Entry


def explain(
    ctx: typer.Context,
    code: Annotated[
        str | None,
        typer.Argument(
            metavar="CODE",
            help="All of them, when left out.",
            autocompletion=o.completing("code"),
        ),
    ] = None,
    output: o.OutputAs = o.Output.text,
) -> None:
    """Explain an error code of Azure or of patchctl.

    Its cause, and what to do next. It asks nobody, so it works without a connection.

    \b
    Examples:
      patchctl explain ScopeLocked
      patchctl explain --output json
    """
    from patchctl import catalogue
    from patchctl.cli.command import command
    from patchctl.views import text
    from patchctl.views.data import plain

    with command(ctx, "explain", asks=False) as c:
        found = [_known(code)] if code is not None else list(catalogue.entries().values())
        c.envelope.extra["errors"] = plain([catalogue.spelled(entry) for entry in found])
        if code is None:
            c.show(text.listed([(entry.code, entry.cause) for entry in found], "code", "cause"))
        else:
            c.show(*text.explained(catalogue.spelled(found[0])))


def _known(code: str) -> Entry:
    """Raises BadInput, with the codes that look like it."""
    from patchctl import catalogue
    from patchctl.errors import BadInput

    entry = catalogue.find(code)
    if entry is not None:
        return entry
    near = catalogue.near(code)
    meant = f"; did you mean {' or '.join(near)}?" if near else ""
    raise BadInput(
        [f"CODE: '{code}' is not in the catalogue{meant}"],
        "What Azure said beside it, with the request id, is all that is known. "
        f"See: patchctl explain{f' {near[0]}' if near else ''}",
    )

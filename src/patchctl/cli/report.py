"""`patchctl report`: compliance, what was installed, what failed and what is overdue, to keep."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchctl.cli import options as o

if TYPE_CHECKING:
    from patchctl.cli.command import Command
    from patchctl.deployment import Deployment
    from patchctl.figures import Figures, Wanted
    from patchctl.history import History


class Format(StrEnum):
    text = "text"
    html = "html"
    csv = "csv"
    json = "json"
    eml = "eml"


ENDINGS = {
    "": Format.text,
    ".txt": Format.text,
    ".html": Format.html,
    ".csv": Format.csv,
    ".json": Format.json,
    ".eml": Format.eml,
}
"""What the ending of a file says. `-` and `/dev/null` have none."""

Since = Annotated[
    str,
    typer.Option(metavar="SPAN", help="How far back, like 30d or 12w.", envvar="PATCHCTL_SINCE"),
]
Run = Annotated[
    str | None, typer.Option("--run", metavar="ID", help="Of one run only: its id, or its end.")
]
As = Annotated[
    Format | None,
    typer.Option("--format", help="[default: by the ending of --out, or text]", metavar="FORMAT"),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="FILE", help="Where to write; an older file is replaced. - is stdout."
    ),
]
REPORTING: o.Options = {
    "since": (Since, "30d"),
    "run": (Run, None),
    "format": (As, None),
    "out": (Out, None),
}


@o.takes("report", REPORTING, o.EVERYWHERE)
def report(c: Command) -> None:
    """Report compliance, what was installed and what is overdue.

    Formats: text, html (one file for browser and paper), csv (a row an update and machine), json,
    eml (a mail to send).

    \b
    Examples:
      patchctl report --sandbox
      patchctl report --name web --since 12w --out report.html
      patchctl report --format eml | sendmail -t
    """
    from patchctl import fleet
    from patchctl.cli.command import UNFOLDED
    from patchctl.cli.memory import history
    from patchctl.figures import Wanted, figures
    from patchctl.refusals import require_standing
    from patchctl.views.documents.data import data

    form = _form(c)
    connection = c.connect()
    deployment = c.resolve(connection)
    connection.run(require_standing(connection.clients, deployment))
    with history(c, connection, deployment) as memory:
        since = _since(c, deployment)
        connection.run(fleet.collect(connection.clients, deployment, memory, since))
        wanted = Wanted(deployment.now, since, _run(c, memory))
        found = figures(memory, wanted, deployment=deployment.name, sandbox=connection.sandbox)
        if c.json:
            c.envelope.extra["report"] = data(found)
        width = c.out.width if _to_stdout(c.given["out"]) else UNFOLDED
        _write(c, form, _document(form, found, wanted, memory, deployment, width))


def _form(c: Command) -> Format:
    """What is asked for, or what the file's ending says. Raises BadInput for two at once."""
    from patchctl.errors import BadInput

    out = c.given["out"]
    form = Format(c.given["format"] or _by_ending(out))
    if c.json and _to_stdout(out) and form not in (Format.text, Format.json):
        problem = f"--format {form}: stdout holds the document of --output json"
        raise BadInput([problem], "Name a file with --out.")
    if not _to_stdout(out) and not _can_be_written(out):
        raise BadInput([f"--out: {out} cannot be a file"], "Name one in a directory that exists.")
    return form


def _by_ending(out: Path | None) -> Format:
    """Raises BadInput for a file that would look like what it is not."""
    from patchctl.errors import BadInput

    ending = out.suffix.lower() if out is not None else ""
    if ending not in ENDINGS:
        known = ", ".join(each for each in ENDINGS if each)
        problem = f"--out: {ending} is no ending of a report; choose from {known}"
        raise BadInput([problem], "Or say what is to be in it with --format.")
    return ENDINGS[ending]


def _can_be_written(out: Path) -> bool:
    """Whether a file is there or may be; a name that is too long is none at all."""
    try:
        return out.parent.is_dir() and (out.is_file() or not out.exists())
    except OSError:
        return False


def _to_stdout(out: Path | None) -> bool:
    return out is None or str(out) == "-"


def _since(c: Command, deployment: Deployment) -> datetime:
    """Where the time begins that the report is about; of one run, as far back as is known."""
    from patchctl.cli import values
    from patchctl.history import KEPT

    span = timedelta(seconds=values.seconds(c.given["since"], "--since"))
    return deployment.now - (KEPT if c.given["run"] else span)


def _run(c: Command, memory: History) -> str:
    """The run that is asked for, or an empty string. Raises BadInput for one that nobody knows."""
    from patchctl.errors import BadInput
    from patchctl.figures import find_run

    asked = c.given["run"]
    try:
        return find_run(memory, asked) if asked else ""
    except LookupError as error:
        raise BadInput(
            [f"--run: {error}"], "See those that are: patchctl report --name {name}"
        ) from None


def _document(
    form: Format,
    found: Figures,
    wanted: Wanted,
    memory: History,
    deployment: Deployment,
    width: int,
) -> Iterable[bytes]:
    """The report in pieces; only the form that is asked for loads its library."""
    match form:
        case Format.text:
            from patchctl.views.documents.plain_text import plain_text

            yield plain_text(found, width).encode()
        case Format.html:
            from patchctl.views.documents.html import html

            yield html(found).encode()
        case Format.csv:
            from patchctl.ledger import entries
            from patchctl.views.documents.spreadsheet import spreadsheet

            lines = spreadsheet(entries(memory, found, wanted))
            yield from (line.encode() for line in lines)
        case Format.json:
            from patchctl.views.documents.data import text

            yield text(found).encode()
        case Format.eml:
            from patchctl.views.documents.mail import mail

            yield mail(found, deployment.config.emails)


def _write(c: Command, form: Format, document: Iterable[bytes]) -> None:
    from patchctl.cli.output import to_file, to_stdout

    out = c.given["out"]
    if not _to_stdout(out):
        to_file(out, document)
        c.envelope.extra["file"] = str(out)
        c.say(f"Written: {out} ({form})")
    elif not c.json:
        to_stdout(document)

"""A report as one HTML file: for a screen, light or dark, and for paper; it loads nothing.

Whatever comes from Azure is text to it: the template escapes all of it, and the page forbids every
script but its own.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from patchctl import __version__
from patchctl.figures import Figures
from patchctl.observation import SEVERITIES
from patchctl.views.documents import charts
from patchctl.views.documents.summary import denominators, since, tiles, tone

HERE = "patchctl.views.documents"


def html(figures: Figures) -> str:
    script = _file("report.js")
    return template("report.html").render(
        f=figures,
        css=Markup(_file("report.css")),
        script=Markup(script),
        script_hash=_hash(script),
        version=__version__,
        severities=SEVERITIES,
        since=since(figures),
        tiles=tiles(figures),
        tone=tone,
        denominators=denominators(figures),
        **_charts(figures),
    )


@cache
def template(name: str) -> Template:
    loader = PackageLoader("patchctl.views", "documents")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    return environment.get_template(name)


def _charts(figures: Figures) -> dict[str, str]:
    """Both are left out where they would show nothing."""
    shown = {"ages_chart": "", "trend_chart": ""}
    if figures.pending:
        title = "Pending updates by age and severity"
        shown["ages_chart"] = Markup(charts.ages(figures.ages, title))
    if any(any(point.pending.values()) for point in figures.trend):
        title = "Pending updates over time, by severity"
        shown["trend_chart"] = Markup(charts.trend(figures.trend, title))
    return shown


def _file(name: str) -> str:
    return (files(HERE) / name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"

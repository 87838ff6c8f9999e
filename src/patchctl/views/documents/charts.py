"""Charts as SVG that the page itself paints: geometry from pygal, colours from the page's CSS.

So they follow the page into the dark and onto paper, and need neither a script nor the network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pygal
from pygal.etree import etree
from pygal.style import Style

from patchctl.figures import Point

Element = Any
"""Of the standard library's tree or of lxml's, whichever pygal finds."""

WIDTH, HEIGHT = 720, 300
TEXT = 13
"""Pixels; the page's CSS says the same, and pygal leaves that much room."""
TICKS = (1, 2, 5)
MOST_TICKS = 6
MOST_LABELS = 8


def ages(counts: Mapping[str, Mapping[str, int]], title: str) -> str:
    """Pending updates by age, a bar an age, parted by severity."""
    return _bars(list(counts), list(counts.values()), title)


def trend(points: Sequence[Point], title: str) -> str:
    """Pending updates over time, a bar a moment, parted by severity."""
    every = max(1, -(-len(points) // MOST_LABELS))
    labels = [
        f"{point.at:%d %b}" if place % every == 0 else ""
        for place, point in enumerate(reversed(points))
    ]
    return _bars(labels[::-1], [point.pending for point in points], title)


def _bars(labels: list[str], bars: Sequence[Mapping[str, int]], title: str) -> str:
    style = Style(label_font_size=TEXT, major_label_font_size=TEXT)
    chart = pygal.StackedBar(
        style=style,
        width=WIDTH,
        height=HEIGHT,
        css=(),
        js=(),
        show_legend=False,  # the page has one for all its charts
        margin=8,
        spacing=8,
        y_labels=ticks(max((sum(bar.values()) for bar in bars), default=0)),
        value_formatter=lambda value: f"{value:.0f}",
        x_labels=labels,
        truncate_label=-1,
    )
    for severity in bars[0] if bars else ():
        chart.add(severity, [bar[severity] for bar in bars])
    return _painted_by_the_page(chart.render_tree(), title)


def ticks(highest: int) -> list[int]:
    """Whole numbers for the axis, from 0 to the first at or above the highest."""
    step, power = 1, 1
    while step * (MOST_TICKS - 1) < highest:
        step = next((t * power for t in TICKS if t * power > step), 0) or 10 * power
        power = 10 ** (len(str(step)) - 1)
    return list(range(0, max(highest, 1) + step, step))


def _painted_by_the_page(tree: Element, title: str) -> str:
    """Without pygal's own style, script, tooltips and remarks, and with titles that say more."""
    for parent in list(tree.iter()):
        for part in list(parent):
            if _is_for_scripts(part):
                parent.remove(part)
    for bar in tree.iter("g"):
        if bar.get("class") == "bar":
            _name(bar)
    tree.find("title").text = title
    tree.set("role", "img")
    tree.set("aria-label", title)
    tree.attrib.pop("id", None)
    return str(etree.tostring(tree, encoding="unicode"))


def _is_for_scripts(part: Element) -> bool:
    remark = not isinstance(part.tag, str)
    return remark or part.tag == "defs" or "tooltip-overlay" in part.get("class", "")


def _name(bar: Element) -> None:
    """Let a bar show its number on pointing at it; one of nothing is not drawn at all."""
    value = bar.find("desc").text
    for part in list(bar):
        if part.tag == "desc" or value == "0":
            bar.remove(part)
    if value != "0":
        etree.SubElement(bar, "title").text = value

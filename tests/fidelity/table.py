"""Write docs/fidelity.md: what Azure answered, and what the sandbox answers.

python -m tests.fidelity.table
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from tests import oracle
from tests.fidelity.explained import explained, read
from tests.fidelity.replay import Compared, load, replay
from tests.fidelity.statuses import SECTIONS

PAGE = Path(__file__).parents[2] / "docs/fidelity.md"
HEAD = """\
# How true the sandbox is

Written by `python -m tests.fidelity.table`; a test fails when it is not up to date.

## Classes of interactions

What Azure answered is from recorded traffic and its API descriptions; the source says how often it
was recorded, or where. What the sandbox answers is asked of it when this page is written: status,
error code, polling headers, provisioning state.
"""
REPLAYED = """
## Recordings played again

Recordings of public test suites with Azure, each request sent to the sandbox as it was recorded and
the whole answers compared: status, error, headers that tell how to poll, and the body to the
letter, but for what a service draws anew each time (ids, times, etags, addresses).
"""


def page() -> str:
    """The whole page. Raises FileNotFoundError where there are no recordings."""
    return "\n".join((HEAD, *_classes(), REPLAYED, *_recordings()))


def _classes() -> Iterator[str]:
    for section, classes in SECTIONS.items():
        yield f"### {section}\n"
        yield "| Interaction | Azure | Source | Sandbox |"
        yield "|---|---|---|---|"
        for one in classes:
            answer = one.ask()
            same = "the same" if answer == one.azure else f"{answer}: {one.reason}"
            yield f"| {one.interaction} | {one.azure} | {one.source} | {same} |"
        yield ""


@cache
def compared() -> tuple[Compared, ...]:
    """Every exchange of every recording, beside the sandbox's answer."""
    place = oracle.find()
    if place is None:
        raise FileNotFoundError(oracle.SKIPPED)
    files = sorted((place / "recordings").glob("*.jsonl"))
    return tuple(one for file in files for one in replay(file.stem, load(file)))


def _recordings() -> Iterator[str]:
    reasons, _, _ = explained(compared(), read())
    total = Counter(one.recording for one in compared())
    other = Counter(one.recording for one in compared() if one.where in reasons)
    yield "| Recording | Exchanges | The same | With differences that are explained |"
    yield "|---|---|---|---|"
    for name, number in total.items():
        yield f"| {name} | {number} | {number - other[name]} | {other[name]} |"
    yield f"| all | {total.total()} | {total.total() - other.total()} | {other.total()} |"
    yield "\nWhy they differ:\n"
    yield from _why(reasons)
    yield ""


def _why(reasons: Mapping[str, list[str]]) -> Iterator[str]:
    counted = Counter(reason for each in reasons.values() for reason in each)
    for reason, number in sorted(counted.items(), key=lambda item: (-item[1], item[0])):
        yield f"- {number} times: {reason}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"Written: {PAGE}\n")

"""What doctor has found, a line each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.text import Text

from patchctl.doctor import Check, Verdict

STYLES = {Verdict.OK: "", Verdict.WARNING: "yellow", Verdict.FAILED: "bold red"}


def checks(found: Iterable[Check]) -> Iterator[Text]:
    """The verdict as a word, and below what is not right what helps."""
    for check in found:
        line = f"{check.verdict:<8} {check.subject}: {check.found}"
        yield Text(line, STYLES[check.verdict])
        if check.cure:
            yield Text(f"         cure: {check.cure}")

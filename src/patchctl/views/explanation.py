"""Why a machine will or will not be patched next time, as text: a line a link, and a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from patchctl.explanation import Explanation, Judgement
from patchctl.views.data import plain

STYLES = {Judgement.OK: "", Judgement.BROKEN: "bold red", Judgement.UNKNOWN: "yellow"}


def explanation(found: Explanation) -> Iterator[Text]:
    yield Text(found.machine, "bold")
    for link in found.links:
        yield Text(f"{link.judgement:<8}{link.name:<16} {link.seen}", STYLES[link.judgement])
        if link.cure:
            yield Text(f"{'':<8}{'':<16} cure: {link.cure}")
    yield Text(found.sentence, "bold" if found.will_be_patched else "bold red")


def document(found: Explanation) -> dict[str, Any]:
    """The same for programs."""
    judged = {
        "will_be_patched": found.will_be_patched,
        "certain": found.certain,
        "sentence": found.sentence,
    }
    return {**plain(found), **judged}

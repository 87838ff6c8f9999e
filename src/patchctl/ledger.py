"""Every update on every machine, an entry each: what a spreadsheet is made of.

Entries are read one by one from the history, for a large fleet has hundreds of thousands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from patchctl.figures import ENDED, OF_RUN, SINCE, UPDATE, Figures, Wanted
from patchctl.history import History


@dataclass(frozen=True, slots=True)
class Entry:
    """One update on one machine: pending, or what became of it in a run.

    A machine without any has one entry with nothing but itself in it. Times are UTC, as text.
    """

    machine: str
    machine_id: str
    os: str
    compliance: str
    update: str
    kb: str
    version: str
    classification: str
    severity: str
    state: str
    """Pending, or Azure's: Installed, Failed, NotSelected, Excluded."""
    at: str
    """When the run ended, or when it was last found pending."""
    run: str
    published: str
    pending_since: str
    days_pending: str
    reason: str
    sandbox: str
    """`sandbox` where none of it happened on Azure; else empty."""


ENTRIES = f"""SELECT machine.name, machine.id, os, {UPDATE},
    'Pending', last_seen, '', published, since,
    CAST(julianday(:now) - julianday({SINCE}) AS INTEGER), ''
FROM pending JOIN machine ON machine.key = pending.machine
JOIN patch ON patch.key = pending.patch WHERE gone IS NULL AND :run = ''
UNION ALL
SELECT machine.name, machine.id, os, {UPDATE},
    state, {ENDED}, schedule_run, published, '', '', iif(state = 'Failed', run.error, '')
FROM installation JOIN run ON run.key = installation.run
JOIN machine ON machine.key = run.machine JOIN patch ON patch.key = installation.patch
WHERE {ENDED} >= :since AND {OF_RUN}
UNION ALL
SELECT name, id, os, '', '', '', '', '', '', '', '', '', '', '', ''
FROM machine WHERE here AND :run = ''
    AND key NOT IN (SELECT machine FROM pending WHERE gone IS NULL)
    AND key NOT IN (SELECT run.machine FROM run JOIN installation ON installation.run = run.key
        WHERE {ENDED} >= :since)
ORDER BY 1, 2, 10, 4"""


def entries(history: History, figures: Figures, wanted: Wanted) -> Iterator[Entry]:
    """By machine, and there by time; machines that have left count for what was done to them."""
    compliance = {machine.id: machine.compliance.value for machine in figures.machines}
    sandbox = "sandbox" if figures.sandbox else ""
    for name, id, os, *rest in history.rows(ENTRIES, **wanted.values):
        texts = ("" if value is None else str(value) for value in rest)
        yield Entry(*(name, id, os, compliance.get(id, ""), *texts, sandbox))

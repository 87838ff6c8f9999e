"""The recipe, to its end: one script, which the docs tell people to run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.az.shell import Ended, Shell

RECIPE = Path(__file__).parents[2] / "examples" / "recipe-az.sh"


@pytest.fixture(scope="module")
def ended(shell: Shell) -> Ended:
    return shell.run("bash", RECIPE, "you@example.com", seconds=600)


def test_it_runs_to_its_end(ended: Ended) -> None:
    assert ended.code == 0, ended.err


def test_az_says_that_nothing_is_left(ended: Ended, shell: Shell) -> None:
    assert ended.out.splitlines()[-1] == "false"
    assert shell.az("group", "list", "--query", "[?tags.purpose == 'recipe']") == []


def test_what_az_printed_on_the_way(ended: Ended) -> None:
    """The patch settings, the assignment, the test mail and the assessment."""
    for said in (
        '"bypassPlatformSafetyChecksOnUserSchedule": true',
        '"maintenanceConfigurationId": ',
        '"state": "Complete"',
        '"availablePatchSummary": {',
    ):
        assert said in ended.out


def test_its_mails_are_in_the_outbox(ended: Ended, shell: Shell) -> None:
    outbox = Path(shell.variables["PATCHCTL_SANDBOX_DIR"]) / "outbox"
    assert any("you@example.com" in mail.read_text() for mail in outbox.glob("*.eml"))

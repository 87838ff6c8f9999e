"""The sandbox against recorded traffic: the same, or listed with the reason."""

from __future__ import annotations

import pytest

from tests import oracle
from tests.fidelity import table
from tests.fidelity.explained import explained, read
from tests.fidelity.statuses import SECTIONS, Class

CLASSES = [one for classes in SECTIONS.values() for one in classes]
recorded = pytest.mark.skipif(oracle.find() is None, reason=oracle.SKIPPED)


@pytest.mark.parametrize("one", CLASSES, ids=lambda one: one.interaction)
def test_a_class_is_answered_as_azure_does_or_says_why_not(one: Class) -> None:
    same = one.ask() == one.azure
    assert same or one.reason
    assert not (same and one.reason), "the reason is out of date"


@recorded
def test_each_difference_to_a_recording_is_explained_and_no_explanation_is_idle() -> None:
    _, unexplained, idle = explained(table.compared(), read())
    assert not unexplained
    assert not idle


@recorded
def test_the_page_is_up_to_date() -> None:
    assert table.PAGE.read_text(encoding="utf-8") == table.page()

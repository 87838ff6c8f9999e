"""The table of claims in docs/sandbox.md names witnesses that there are, and needs them."""

from __future__ import annotations

import re

import pytest

from tests.claims import ROOT, STATES, TABLE, Claim, claims, silent, standing

TABLE_TEXT = TABLE.read_text(encoding="utf-8")
CLAIMS = standing()


def test_every_row_can_be_read() -> None:
    (table,) = re.findall(r"^## The claims\n(.*?)(?=^## |\Z)", TABLE_TEXT, re.MULTILINE | re.DOTALL)
    rows = [
        line for line in table.splitlines() if line.startswith("| ") and "| State |" not in line
    ]
    assert len(rows) == len(CLAIMS) > 50
    assert {claim.state for claim in CLAIMS} == set(STATES)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.behaviour[:40])
def test_a_claim_has_a_witness_or_a_reason(claim: Claim) -> None:
    assert claim.witnesses or claim.state != "modelled"
    assert claim.state == "modelled" or len(re.sub(r"`.*`", "", claim.remark)) > 10
    for witness in claim.witnesses:
        file, _, test = witness.partition("::")
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), witness


def test_a_behaviour_is_claimed_once() -> None:
    behaviours = [claim.behaviour for claim in CLAIMS]
    assert len(set(behaviours)) == len(behaviours)


MADE = claims(
    "| a | modelled | `tests/test_x.py::test_a`, `tests/test_x.py::test_b` |\n"
    "| b | absent | nobody asks |\n"
)


def test_a_witness_has_to_speak() -> None:
    assert [claim.state for claim in MADE] == ["modelled", "absent"]
    good = {"tests/test_x.py::test_a": {"passed"}, "tests/test_x.py::test_b": {"passed", "skipped"}}
    assert silent(MADE, good) == []
    for outcome in ({"skipped"}, {"failed"}, {"passed", "failed"}, set[str]()):
        bad = {**good, "tests/test_x.py::test_b": outcome}
        assert silent(MADE, bad) == ["tests/test_x.py::test_b (a)"]

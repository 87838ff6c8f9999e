"""The check itself: it finds what is wrong, and lets pass what is allowed or was refused."""

from __future__ import annotations

import copy
import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import oracle
from tests.oracle.check import (
    Allowed,
    Descriptions,
    Exchange,
    Verdict,
    allowances,
    distinct,
    judge,
    read,
    told,
)

GROUP = "/subscriptions/5a4d0000-0000-4000-8000-000000000001/resourceGroups/rg"
CONFIGURATION = f"{GROUP}/providers/Microsoft.Maintenance/maintenanceConfigurations/nightly"
BODY = {"location": "eastus", "properties": {"maintenanceScope": "Host"}}


@pytest.fixture(scope="module")
def descriptions() -> Descriptions:
    place = oracle.find()
    if place is None:
        pytest.skip(oracle.SKIPPED)
    return Descriptions(place)


def exchange(method: str = "PUT", status: int = 200, **changes: Any) -> Exchange:
    body = {**BODY, "id": CONFIGURATION, "name": "nightly"}
    made: Exchange = {
        "seq": 0,
        "method": method,
        "path": CONFIGURATION,
        "query": {"api-version": "2023-04-01"},
        "api_version": "2023-04-01",
        "request": {"headers": {}, "body": BODY if method == "PUT" else None},
        "status": status,
        "response": {"headers": {}, "body": body if method != "DELETE" else None},
    }
    return made | changes


def wrong(agent: str = "", status: int = 400) -> Exchange:
    """A request with a value that is out of the question, and the answer to it."""
    found = exchange(status=status)
    found["request"] = {"headers": {"user-agent": agent}, "body": {**BODY, "location": 7}}
    if status >= 400:
        found["response"]["body"] = {"error": {"code": "BadRequest", "message": "No."}}
    return found


def judged(descriptions: Descriptions, *traffic: Exchange, allow: str = "-") -> Verdict:
    entry = Allowed("Maintenance*_Delete", 200, allow, "as Azure does", "recorded")
    return judge(descriptions, traffic, [entry])


def test_a_good_exchange_passes(descriptions: Descriptions) -> None:
    verdict = judged(descriptions, exchange(), exchange())
    assert (verdict.exchanges, verdict.distinct, verdict.checked["exact"]) == (2, 1, 2)
    assert not verdict.unexplained


def test_an_answer_that_breaks_the_contract_is_found(descriptions: Descriptions) -> None:
    verdict = judged(descriptions, exchange(status=204))
    (finding,) = verdict.unexplained
    assert "204 is not among" in finding


def test_what_is_allowed_is_counted_apart(descriptions: Descriptions) -> None:
    verdict = judged(descriptions, exchange("DELETE"), allow="response.body: required: *")
    assert not verdict.unexplained
    assert verdict.allowed.total() == 1
    assert "as Azure does (recorded)" in told(verdict)


def test_a_request_may_be_wrong_if_it_was_refused(descriptions: Descriptions) -> None:
    verdict = judged(descriptions, wrong())
    assert not verdict.unexplained
    assert verdict.checked["refused"] == 1
    assert judged(descriptions, wrong(status=200)).unexplained


def test_a_request_of_patchctl_may_never_be_wrong(descriptions: Descriptions) -> None:
    assert judged(descriptions, wrong("patchctl/1.0 azsdk-python")).unexplained
    careless = exchange()
    careless["request"] = {
        "headers": {"user-agent": "patchctl/1.0"},
        "body": {**BODY, "properties": {"maintenanceScope": "host"}},
    }
    assert judged(descriptions, careless).unexplained


def test_a_newer_type_is_asked_where_the_description_is_older(descriptions: Descriptions) -> None:
    path = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/nsg"
    body = {"location": "eastus", "properties": {"securityRules": [{"properties": {}}]}}
    newer: Exchange = {
        "query": {"api-version": "2026-03-01"},
        "api_version": "2026-03-01",
        "path": path,
    }
    newer["request"] = {"headers": {}, "body": body}
    answer = copy.deepcopy(exchange()["response"]) | {"body": {**body, "id": path}}
    verdict = judged(descriptions, exchange(status=201, **newer, response=answer))
    assert any("networkSecurityGroups@2025-09-01" in finding for finding in verdict.unexplained)
    assert verdict.checked["newer type"] == 1


def test_what_nobody_describes_is_counted_apart(descriptions: Descriptions) -> None:
    verdict = judged(descriptions, exchange("GET", path=f"{GROUP}/providers/No.Such/thing/a"))
    assert verdict.outside == {"GET No.Such/thing": 1}


def test_exchanges_that_differ_in_passing_only_are_one() -> None:
    other = exchange()
    other["response"]["headers"] = {"x-ms-request-id": "2", "Date": "later"}
    assert [times for _, times in distinct([exchange(), {**other, "seq": 5}])] == [2]
    other["response"]["headers"] = {"Location": "elsewhere"}
    assert len(distinct([exchange(), other])) == 2


def test_recordings_may_be_compressed(tmp_path: Path) -> None:
    file = tmp_path / "traffic.jsonl.gz"
    file.write_bytes(gzip.compress(json.dumps(exchange()).encode()))
    assert list(read([file])) == [exchange()]


def test_every_allowance_has_a_reason_and_a_source() -> None:
    for entry in allowances():
        assert len(entry.reason) > 20, entry
        assert len(entry.source) > 5, entry


def test_the_check_is_loud_where_there_is_no_oracle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.oracle.check import main

    monkeypatch.setenv(oracle.VARIABLE, str(tmp_path))
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("SKIPPED: ")


def test_the_check_fails_when_there_is_nothing_to_check(
    descriptions: Descriptions, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.oracle.check import main

    assert main([]) == 1
    assert "UNUSED" in capsys.readouterr().out
    assert "validate_request" in sys.modules

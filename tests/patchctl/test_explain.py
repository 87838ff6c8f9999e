"""`patchctl explain`: the catalogue, looked up by people."""

from __future__ import annotations

import pytest

from patchctl import catalogue
from tests import errors_page
from tests.patchctl.shell import Cli


@pytest.fixture(autouse=True)
def offline(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that `explain` does may need a place to ask."""
    monkeypatch.setenv("PATCHCTL_SANDBOX_DIR", "/dev/null/nowhere")


def test_a_code_in_any_case(cli: Cli) -> None:
    out = cli("explain", "scopelocked").out
    assert out.startswith("ScopeLocked\nSomebody has put a lock")
    assert "  next: az lock list" in out
    assert "  source: https://learn.microsoft.com/" in out
    assert cli("explain", "SCOPELOCKED").out == out


def test_as_json(cli: Cli) -> None:
    [error] = cli.json("explain", "ScopeLocked")["errors"]
    assert set(error) == {"code", "cause", "hint", "source"}
    assert error["code"] == "ScopeLocked"


def test_all_of_them(cli: Cli) -> None:
    codes = [error["code"] for error in cli.json("explain")["errors"]]
    assert codes == [entry.code for entry in catalogue.entries().values()]
    assert len(codes) >= 80
    out = cli("explain").out
    assert all(f"\n{code} " in out for code in codes)


@pytest.mark.parametrize(
    ("code", "near"),
    [
        ("ScopeLock", "ScopeLocked"),
        ("QuotaExceded", "QuotaExceeded"),
        ("AADSTS70008", "AADSTS700082"),
        ("Registration", "MissingSubscriptionRegistration"),
    ],
)
def test_an_unknown_code_may_be_a_known_one(cli: Cli, code: str, near: str) -> None:
    error = cli.json("explain", code, code=2)["error"]
    assert near in error["message"]
    assert cli.follow(error).code == 0


def test_few_codes_are_named_for_one_that_is_in_many(cli: Cli) -> None:
    assert cli.json("explain", "resource", code=2)["error"]["message"].count(" or ") == 4
    for short in ("", "R"):
        message = cli.json("explain", short, code=2)["error"]["message"]
        assert message == f"CODE: '{short}' is not in the catalogue"


def test_a_code_like_no_other(cli: Cli) -> None:
    error = cli.json("explain", "???", code=2)["error"]
    assert error["message"] == "CODE: '???' is not in the catalogue"
    assert error["next"] == "patchctl explain --output json"
    assert cli.follow(error).code == 0


def test_the_page_of_errors_is_up_to_date() -> None:
    assert errors_page.PAGE.read_text(encoding="utf-8") == errors_page.page()

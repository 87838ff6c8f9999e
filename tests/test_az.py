"""What can be told of the real az without running it: the last recording, and what the docs say."""

from __future__ import annotations

import gzip
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from arm_sandbox.recording import public

ROOT = Path(__file__).parent.parent
DOCS = (ROOT / "docs/sandbox.md").read_text(encoding="utf-8")
RECIPE = (ROOT / "examples/recipe-az.sh").read_text(encoding="utf-8")
SIGN_IN = (ROOT / "examples/sign-in-az.sh").read_text(encoding="utf-8")
SECTION = DOCS.partition("## The recipe with az\n")[2].partition("\n## ")[0]


@cache
def recording() -> list[dict[str, Any]]:
    with gzip.open(ROOT / "tests/az/recording.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_the_recording_holds_no_secret() -> None:
    for exchange in recording():
        for part in (exchange["request"], exchange["response"]):
            assert public(part["body"]) == part["body"], exchange["path"]
            assert not {"authorization", "cookie", "set-cookie"} & {
                *map(str.lower, part["headers"])
            }


def test_the_recording_knows_nothing_of_the_machine_it_was_made_on() -> None:
    agents = {exchange["request"]["headers"].get("user-agent", "") for exchange in recording()}
    assert not [agent for agent in agents if "(" in agent]
    assert {"AZURECLI/2.91.0"} <= {agent.split()[0] for agent in agents if agent}


def test_the_docs_name_every_command_that_has_been_seen_to_work() -> None:
    headers = (exchange["request"]["headers"] for exchange in recording())
    seen = {f"az {asked['commandname']}" for asked in headers if "commandname" in asked}
    listed = SECTION.partition("have been seen to work:")[2]
    assert set(re.findall(r"`(az [a-z -]+)`", listed)) == seen


def test_the_docs_sign_in_as_the_suite_does() -> None:
    shown = [line for line in DOCS.splitlines() if line.startswith(("az cloud ", "az login "))]
    assert shown == [line for line in SIGN_IN.splitlines() if line.startswith("az ")]


CORRECTIONS = re.findall(r"^\| \d+ \|.*\| (.*) \|$", SECTION, re.MULTILINE)


def test_the_docs_tell_all_corrections() -> None:
    assert len(CORRECTIONS) == 14


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_the_script_has_what_the_docs_say_was_corrected(correction: str) -> None:
    for words in re.findall(r"`([^`]+)`", correction):
        assert words in RECIPE

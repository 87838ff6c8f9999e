"""The page on testing your own tool is kept true: its code runs, and is as short as it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs/testing-your-tool.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("code", BLOCKS, ids=["transport", "fixture", "options"])
def test_its_code_runs(code: str) -> None:
    exec(compile(code, str(PAGE), "exec"), {})  # the page's own lines


def test_the_fixture_has_ten_lines_and_the_use_of_the_transport_five() -> None:
    transport, fixture = BLOCKS[0], BLOCKS[1]
    assert len([line for line in fixture.splitlines() if line.strip()]) <= 10
    body = re.search(r"async def .*?:\n((?:    .*\n)+)", transport)
    assert body is not None
    assert len(body[1].splitlines()) == 5


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)]+)\)", PAGE.read_text(encoding="utf-8")))
def test_its_links_lead_somewhere(link: str) -> None:
    assert (PAGE.parent / link).exists()

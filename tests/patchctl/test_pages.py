"""What docs/sandbox.md shows is done as it stands there, each block in a world of its own."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from patchctl.errors import Exit
from tests.patchctl.shell import Cli

PAGE = Path(__file__).parents[2] / "docs/sandbox.md"
BLOCKS = re.findall(r"```console\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_there_are_blocks_and_no_deploy_beside_them() -> None:
    assert len(BLOCKS) >= 3
    prose = re.sub(r"```.*?```", "", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert re.findall(r"`[^`\n]*patchctl deploy[^`\n]*`", prose) == []


@pytest.mark.slow
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[-1])
def test_a_block_can_be_followed(cli: Cli, block: str) -> None:
    for line in block.splitlines():
        # a pace changes how long one waits, and nothing else
        command, _, said = line.partition("  #")
        setting = re.fullmatch(r"\$ (?:PATCHCTL_SANDBOX_PACE=\d+ )?patchctl (.*)", command)
        assert setting is not None, line
        ended = cli(*shlex.split(setting[1]))
        code = re.match(r" exit (\d)", said)
        assert ended.code == (int(code[1]) if code else Exit.DONE), line + ended.err

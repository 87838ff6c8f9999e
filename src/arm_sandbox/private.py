"""Files that only their owner may read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def write(file: Path, text: str) -> None:
    """Write anew; a file that stood there, with whatever mode, is gone."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)


def kept(file: Path, make: Callable[[], str]) -> str:
    """What a file holds; it is made when it is first asked for."""
    if not file.exists():
        write(file, make())
    return file.read_text(encoding="utf-8")

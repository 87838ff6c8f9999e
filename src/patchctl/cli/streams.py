"""Stdout and stderr that may lose their reader: a command that writes to Azure must not stop
half-way because `head` has seen enough. It goes on in silence; its exit code says how it ended.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, TextIO, cast

from patchctl.errors import PatchctlError


class Lasting:
    """A stream; what is written when nobody reads any more goes nowhere.

    Raises PatchctlError for results that are lost for another reason, on a full disk for example;
    `talk` may be lost.
    """

    def __init__(self, stream: IO[Any], *, talk: bool = False) -> None:
        self._stream, self._talk = stream, talk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def buffer(self) -> Lasting:
        return Lasting(cast(TextIO, self._stream).buffer, talk=self._talk)

    def write(self, data: Any) -> int:
        if data != "":  # so click asks whether a stream takes text, and any error means no
            self._unless_closed(lambda: self._stream.write(data))
        return len(data)

    def flush(self) -> None:
        self._unless_closed(self._stream.flush)

    def _unless_closed(self, write: Callable[[], object]) -> None:
        try:
            write()
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
            if not (self._talk or _is_closed(error)):
                message = f"What was to be shown cannot be written: {error.strerror or error}"
                raise PatchctlError("NotWritten", message, "Send it elsewhere") from None


def _is_closed(error: OSError) -> bool:
    """Windows has no word of its own for a pipe that nobody reads."""
    return isinstance(error, BrokenPipeError) or os.name == "nt"


@contextmanager
def lasting() -> Iterator[None]:
    """Let both outlast their readers; one that was closed from the start leads nowhere."""
    before = sys.stdout, sys.stderr
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        out, err = Lasting(before[0] or nowhere), Lasting(before[1] or nowhere, talk=True)
        sys.stdout, sys.stderr = cast(TextIO, out), cast(TextIO, err)
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before

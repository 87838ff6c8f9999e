"""Where a document goes: to stdout as it is, or to a file that is there whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from patchctl.errors import PatchctlError


def to_stdout(document: Iterable[bytes]) -> None:
    """Byte for byte: no line ending is changed."""
    sys.stdout.flush()
    for piece in document:
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def to_file(file: Path, document: Iterable[bytes]) -> None:
    """Replace the file in one step. Raises PatchctlError when it cannot be written."""
    half = file.with_name(f".{file.name}.new")
    try:
        with half.open("wb") as writing:
            writing.writelines(document)
        os.replace(half, file)
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror or error}"
        raise PatchctlError("NotWritten", message) from None
    finally:
        with suppress(OSError):
            half.unlink(missing_ok=True)

"""What is asked for in one place, as it was written there: a flag, the environment, a file, what
stands. Nothing is checked yet; `config` does that when the layers lie over each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchctl.errors import BadInput

FILE = "patchctl.toml"
TABLES = ("schedule", "patches", "machine", "alerts")
"""What is a table of its own in the file."""
STANDING = "what stands"


@dataclass(frozen=True)
class Layer:
    """Values from one place: paths like `schedule.at` and what was written there."""

    source: str
    values: Mapping[str, Any]
    spelling: Mapping[str, str]
    """How each path is called in that place, for messages: `--at`, `PATCHCTL_AT`."""

    def called(self, path: str) -> str:
        return self.spelling.get(
            path, self.source if self.source == STANDING else f"{path} in {self.source}"
        )


def read_file(path: Path) -> Layer:
    """The layer of a configuration file. Raises BadInput when it cannot be read as TOML."""
    import tomllib

    try:
        with path.open("rb") as file:
            data = tomllib.load(file)
    except OSError as error:
        raise BadInput(
            [f"{path}: {error.strerror or error}"], "Name a file that can be read with --config."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(
            [f"{path}: not TOML: {error}"], "See examples/ for files that work."
        ) from None
    return Layer(str(path), flattened(data), {})


def flattened(data: Mapping[str, Any]) -> dict[str, Any]:
    """`{"schedule": {"at": x}}` as `{"schedule.at": x}`; `tags` is one value."""
    flat: dict[str, Any] = {}
    for key, value in data.items():
        if key in TABLES and isinstance(value, Mapping):
            flat |= {f"{key}.{inner}": item for inner, item in value.items()}
        else:
            flat[key] = value
    return flat


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, leaf = path.split(".", 1)
        node = data.setdefault(parents[0], {}) if parents else data
        node[leaf] = value
    return data

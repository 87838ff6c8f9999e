"""Every command, and where it is: imported and built when it is asked for, and no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any, ClassVar

import typer
import typer.main
from typer.core import TyperGroup

from patchctl.errors import Exit

PLACES = {
    "deploy": "deploy:deploy",
    "plan": "deploy:plan",
    "doctor": "doctor:doctor",
    "validate": "look:validate",
    "test-notify": "look:notify_test",
    "status": "status:status",
    "report": "report:report",
    "assess": "on_demand:assess",
    "install": "on_demand:install",
    "rehearse": "rehearse:rehearse",
    "destroy": "destroy:destroy",
    "list": "look:list_deployments",
    "explain": "explain:explain",
    "schema": "schema:schema",
    "sandbox": "sandbox:app",
}
"""Every command in the order of the help: its module, and what is to run in it."""
COMMANDS = PLACES.keys()
EXIT_CODES = "Exit codes: " + "; ".join(f"{code} {code.meaning}" for code in Exit) + "."


class Commands(Mapping[str, Any]):
    """The commands by name, each imported and built when it is asked for."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places

    def __getitem__(self, name: str) -> Any:
        return _built(*self._places[name].split(":"), name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


@cache
def _built(module: str, what: str, name: str) -> Any:
    """A command for the parser; it takes a while to make, and a process may run many of them."""
    found = getattr(import_module(f"patchctl.cli.{module}"), what)
    if not isinstance(found, typer.Typer):
        body, found = found, typer.Typer(add_completion=False, rich_markup_mode=None)
        found.command(name)(body)
    built: Any = typer.main.get_command(found)
    built.epilog = EXIT_CODES
    return built


class Group(TyperGroup):
    """What people type first; it builds the command that they ask for, and no other."""

    places: ClassVar[Mapping[str, str]] = PLACES

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes | {"commands": Commands(self.places)})

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Flags that are not given are off, those of Typer too, which it leaves without a default.

        It loads pydantic to read anything but True and False, which takes longer than a help.
        """
        for option in self.get_params(ctx):
            if getattr(option, "is_flag", False) and option.default is None:
                option.default = False
        return super().parse_args(ctx, args)

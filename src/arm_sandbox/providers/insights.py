"""Stub, being written."""
from __future__ import annotations
from collections.abc import Callable, Mapping
from arm_sandbox.arm import Kind
from arm_sandbox.ids import Id
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World
KINDS: tuple[Kind, ...] = ()
def _ignored(world: World, event: dict[str, object]) -> None: ...
HAPPENINGS: Mapping[str, Callable[..., None]] = {"activity.recorded": _ignored}
def answer(world: World, request: Request, id: Id) -> Response | None:
    return None

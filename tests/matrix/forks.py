"""A run that forks at the calls where a fault is to strike.

What comes before a fault is run once for all of them. From its call on each has a process and a
directory of its own, in which whatever comes after the run is played as well.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import pickle
import shutil
import sys
import traceback
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Generic, NoReturn, TypeVar

from arm_sandbox import faults
from arm_sandbox.options import Fault
from arm_sandbox.wire import Request
from arm_sandbox.world import World
from tests.matrix.shell import Ended, Shell

T = TypeVar("T")
TOLD = "told.pickle"


class NoSuchCall(ValueError):
    """A fault is to strike at a call that is not made."""


@dataclass
class Forks(Generic[T]):
    """Plays faults in one run of a command.

    `then` is called in the fault's process when the command has ended there, and what it gives back
    is handed to `each` in this one.
    """

    shell: Shell
    then: Callable[[Fault, Ended], T]
    each: Callable[[T], None]
    workers: int = 1
    _due: dict[tuple[str, str, int], list[Fault]] = field(default_factory=dict)
    _made: Counter[tuple[str, str]] = field(default_factory=Counter)
    _running: dict[int, tuple[Fault, Path]] = field(default_factory=dict)
    _killed: list[tuple[Fault, Path, int]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _fault: Fault | None = None
    """That of this process."""

    def play(self, command: Iterable[str], chosen: Iterable[Fault]) -> None:
        """Run a command once as it is, and from its call on with each of the chosen faults.

        Raises NoSuchCall.
        """
        self._due = defaultdict(list)
        for fault in chosen:
            self._due[fault.method, fault.path, fault.nth].append(fault)
        with self._striking():
            ended = self.shell.run(*command)
        if self._fault is not None:
            self._tell(self._fault, lambda: ended)
        self._reap_all()
        killed, self._killed = self._killed, []
        for fault, place, code in killed:
            if self._forked(fault, place):
                self._tell(fault, partial(self._killed_in, place, code))
        self._reap_all()
        if self._killed:
            raise RuntimeError(f"these ended without a word, and were not to: {self._killed}")
        if missed := [fault for each in self._due.values() for fault in each]:
            raise NoSuchCall(f"these never struck: {missed[:3]}")

    @contextmanager
    def _striking(self) -> Iterator[None]:
        before = faults.strike

        def strike(world: World, request: Request) -> str:
            if self._fault is None:
                self._branch(world, request)
            return before(world, request)

        faults.strike = strike
        try:
            yield
        finally:
            faults.strike = before

    def _branch(self, world: World, request: Request) -> None:
        call = request.method, request.path
        self._made[call] += 1
        for fault in self._due.pop((*call, self._made[call]), ()):
            place = self.shell.directory / f"fork-{next(self._numbers)}"
            loop = asyncio.get_running_loop()
            self.shell.copy(place)  # before this process goes on
            if self._forked(fault, place):
                asyncio._set_running_loop(loop)  # which a fork is not in by itself
                self.shell.enter(place)
                world.options.faults = [replace(fault, nth=1)]
                return

    def _forked(self, fault: Fault, place: Path) -> bool:
        """Whether this is the new process, which waits until there is a core for it."""
        while len(self._running) >= self.workers:
            self._reap()
        with warnings.catch_warnings():
            # The threads of pytest-xdist stay behind; the child needs none of them.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = _fork()
        if child:
            self._running[child] = fault, place
            return False
        gc.disable()  # it does not live long, and looking through memory copies it
        self._fault = fault
        return True

    def _reap_all(self) -> None:
        while self._running:
            self._reap()

    def _reap(self) -> None:
        """Wait for one of the processes. What was killed is judged once the run is over."""
        child, status = _wait()
        fault, place = self._running.pop(child)
        told = place / TOLD
        if not told.exists():
            self._killed.append((fault, place, os.waitstatus_to_exitcode(status)))
            return
        result: Any = pickle.loads(told.read_bytes())
        shutil.rmtree(place)
        if isinstance(result, str):
            raise RuntimeError(f"{fault}: {result}")
        with redirect_stdout(sys.__stdout__):  # the command runs, and its output is caught
            self.each(result)

    def _killed_in(self, place: Path, code: int) -> Ended:
        self.shell.enter(place)
        return self.shell.silent(code)

    def _tell(self, fault: Fault, ended: Callable[[], Ended]) -> NoReturn:
        """The end of a fault's process; never that of the tests that it was forked from."""
        try:
            result: T | str = self.then(fault, ended())
        except BaseException:
            result = traceback.format_exc()
        try:
            (self.shell.directory / TOLD).write_bytes(pickle.dumps(result))
        finally:
            os._exit(0)


def _fork() -> int:
    if sys.platform == "win32":
        raise OSError("Windows cannot fork a process")
    return os.fork()


def _wait() -> tuple[int, int]:
    if sys.platform == "win32":
        raise OSError("Windows has no process that was forked")
    return os.wait()

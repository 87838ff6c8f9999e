"""One scenario: a command in a situation, a fault at one of its calls, and what comes after it."""

from __future__ import annotations

import gc
import shlex
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from pydantic_core import from_json

from arm_sandbox.options import Fault
from arm_sandbox.providers import virtual_machines
from arm_sandbox.world import World
from patchctl.errors import Exit
from tests.matrix import oracles, state
from tests.matrix.faults import APART, Call, all_tried, calls
from tests.matrix.forks import Forks
from tests.matrix.shell import WORLD, Broken, Ended, Saved, Shell
from tests.matrix.situations import SITUATIONS, Situation, start

MINUTE = 60.0
DAY = 86400.0
SECOND = 1.0
AT_ONCE = (*APART, "answer-lost")
"""What one tries again at once, while Azure is still at work on what was begun."""
AFTER = {"operation-endless": 8 * DAY, "deleted": 25 * MINUTE}
"""How much later the rest is, if not a minute: a name is free 20 minutes after it was deleted."""
HOPS = 4
"""So many commands at most lead out of an error."""


Key = tuple[str, ...]
"""What is played, and a digest of the state from which it is: what is once known to come to a good
end is not played again."""


@dataclass(frozen=True)
class Outcome:
    """What became of a fault: what is wrong with it, and where it has left the world a while later.

    `at` is None where another fault has left it in an equal state.
    """

    fault: Fault
    wrong: tuple[str, ...]
    key: Key
    at: Saved | None
    found: frozenset[Key]
    """What is known since to come to a good end."""


@dataclass(frozen=True)
class Begun:
    """How a command begins in which a fault strikes."""

    stands: state.State
    usual: int
    """How it ends there when nothing goes wrong."""
    dated: bool
    """Whether windows are those of the undisturbed run; what is made anew later begins later."""


Heard = Callable[[Outcome], object]
Chosen = Callable[[Sequence[Call]], Sequence[Fault]]


@dataclass
class Matrix:
    """Plays scenarios; what follows from equal states is played once."""

    shell: Shell
    workers: int = 1
    _fine: set[Key] = field(default_factory=set)
    _references: dict[str, Reference] = field(default_factory=dict)

    def reference(self, situation: Situation) -> Reference:
        if situation.name not in self._references:
            begin, whole = (start(s, self.shell) for s in (situation.start, situation.whole))
            self.shell.restore(begin)
            ended = self.shell.succeed(*situation.command)
            reference = Reference(begin, ended, self.shell.keep(), whole)
            if situation.repeats:
                _require_nothing_left(situation, begin, reference.end)
            for saved in (begin, reference.end, whole):  # most of each state that is reached
                state.pending(saved)
            reference.look()
            self._references[situation.name] = reference
            gc.collect()
            gc.freeze()  # what stands by now is not looked through any more
        return self._references[situation.name]

    def singles(self, situation: Situation) -> list[tuple[Call, Fault]]:
        """Every fault at every call of a situation."""
        like = [each for each in SITUATIONS if each.name == situation.like]
        known = [call for each in like for call in self.reference(each).calls]
        return list(all_tried(self.reference(situation).calls, known))

    def play(self, situation: Situation, faults: Sequence[Fault], each: Heard) -> None:
        """Run the command once with each of these faults, then as it goes on."""
        self._play(situation, self.reference(situation).begin, faults, each)

    def go_on(self, situation: Situation, at: Saved, chosen: Chosen, each: Heard) -> None:
        """Run the command again from where a fault has left it, once with each fault of a choice
        among the calls that it makes then."""
        self.shell.restore(at)
        ended = self.shell.run(*situation.command)
        self._play(situation, at, chosen(calls(ended.exchanges)), each, ended.code)

    def _play(
        self,
        situation: Situation,
        at: Saved,
        faults: Sequence[Fault],
        each: Heard,
        usual: int = 0,
    ) -> None:
        """`usual`: how the command ends there when nothing goes wrong."""

        def heard(outcome: Outcome) -> None:
            self._fine |= outcome.found
            each(outcome)

        self.shell.restore(at)
        dated = state.moment(at) <= state.moment(self.reference(situation).begin) + DAY
        begun = Begun(state.standing(at), usual, dated)
        then = partial(self._outcome, situation, begun)
        Forks(self.shell, then, heard, self.workers).play(situation.command, faults)

    def _outcome(self, situation: Situation, begun: Begun, fault: Fault, ended: Ended) -> Outcome:
        reached, before = self.shell.keep(), set(self._fine)
        wrong = [
            *oracles.weathered(situation, fault, ended, begun.usual),
            *oracles.named(fault, ended, begun.usual),
            *self._judge(situation, begun, fault, ended, reached),
        ]
        at = cured(reached, fault, patient=situation.repeats)
        told = advice(ended, beside=situation.command)
        dated = not situation.later and begun.dated
        key = situation.name, told, str(dated), state.pending(at)
        wrong += self._unless_fine(key, lambda: self._goes_on(situation, at, told, dated=dated))
        found = frozenset(self._fine - before)
        return Outcome(fault, tuple(wrong), key, None if key in before else at, found)

    def _unless_fine(self, key: Key, play: Callable[[], Iterator[str]]) -> list[str]:
        """What goes wrong; nothing where all is known to go well."""
        wrong = [] if key in self._fine else list(play())
        if not wrong:
            self._fine.add(key)
        return wrong

    def _judge(
        self, situation: Situation, begun: Begun, fault: Fault, ended: Ended, reached: Saved
    ) -> Iterator[str]:
        reference = self.reference(situation)
        yield from oracles.told(situation, fault.kind, ended)
        yield from oracles.secret(ended, reached)
        yield from oracles.within_budget(ended, reference.ended)
        yield from oracles.patient(ended.exchanges)
        if situation.looks:
            yield from oracles.written(ended.exchanges)
        stands = state.standing(reached)
        yield from oracles.never_two(stands, reference.most, situation.meanwhile)
        got, wanted = stands, reference.stands
        if not begun.dated:
            got, wanted = (state.standing(s, dated=False) for s in (reached, reference.end))
        yield from oracles.truthful(situation, fault, ended, got, wanted)
        yield from oracles.kept(situation, fault, ended, begun.stands, stands, reference.nothing)
        yield from oracles.asked_first(fault, ended)

    def _goes_on(self, situation: Situation, at: Saved, told: str, *, dated: bool) -> Iterator[str]:
        reference = self.reference(situation)
        self.shell.restore(at)
        done = (yield from self._follow(told)) if told else ""
        for command in self._way_out(situation, at, done):
            yield from self._ends_well(command)
        got, wanted = (
            state.standing(saved, dated=dated) for saved in (self.shell.keep(), reference.end)
        )
        yield from (f"after the same command {line}" for line in state.differences(wanted, got))
        if not situation.repeats:
            yield from self._ends_well(situation.command, quietly=True)
        restoring = told if "--restore-from" in told else ""
        emptied = "destroyed", situation.whole, restoring, state.pending(at)
        yield from self._unless_fine(
            emptied, lambda: self._leaves_nothing(situation, at, restoring)
        )

    def _ends_well(self, command: tuple[str, ...], *, quietly: bool = False) -> Iterator[str]:
        """Run a command, unless it is known to change nothing here; `quietly`: it must not.

        What it would remember may be gone with the group: then what it says comes next is done.
        """
        quiet = "quiet", *command, state.pending(self.shell.keep())
        if quiet in self._fine:
            return
        ended = self.shell.run(*command)
        written = oracles.written(ended.exchanges)
        told = advice(ended) if ended.code == Exit.USAGE else ""
        if told and not oracles.remembers(state.standing(self.shell.keep())):
            yield from self._follow(told)
        elif ended.code != 0:
            yield f"patchctl {shlex.join(command)} ended with {ended.code}: {ended.error}"
        elif not written:
            self._fine.add(quiet)
        if quietly:
            yield from (f"once more, it wrote {w}" for w in written)

    def _follow(self, told: str) -> Generator[str, None, str]:
        """Do what one is told, and what one is told then, until nothing is wrong any more; what
        was done last."""
        seen = [told]
        for _ in range(HOPS):
            ended = self.shell.run(*shlex.split(seen[-1])[1:])
            if ended.code == 0:
                return seen[-1]
            seen.append(advice(ended))
            if not seen[-1]:
                break
        yield f"the advice leads nowhere: {' -> '.join(seen)}: {ended.error}"
        return ""

    def _way_out(self, situation: Situation, at: Saved, done: str) -> Iterator[tuple[str, ...]]:
        """What a user types: the same command again, `done` what one was told.

        Who makes nothing sees what somebody has broken, and mends it by deploying, as one is told
        or by oneself: that is left where all that is left was to be destroyed.
        """
        begin = self.reference(situation).begin
        makes = situation.command[0] in ("deploy", "destroy") or done.startswith("patchctl deploy")
        if not makes and state.standing(at) != state.standing(begin):
            yield situation.mended
        yield situation.command

    def _leaves_nothing(self, situation: Situation, at: Saved, restoring: str) -> Iterator[str]:
        """`restoring` is what one is told to do where nothing but a file remembers some machine."""
        self.shell.restore(at)
        if restoring:
            yield from self._follow(restoring)
        ended = self.shell.run(*situation.undone)
        if ended.code != 0:
            yield f"destroy ended with {ended.code}: {ended.out[-700:]}"
        got = state.standing(self.shell.keep())
        wanted = self.reference(situation).nothing
        yield from (f"after destroy {line}" for line in state.differences(wanted, got))


def _require_nothing_left(situation: Situation, begin: Saved, end: Saved) -> None:
    """Raises Broken where a command that makes nothing leaves something."""
    for line in state.differences(state.standing(begin), state.standing(end)):
        raise Broken(f"{situation.name} leaves what was not there, undisturbed: {line}")


@dataclass(frozen=True)
class Reference:
    """An undisturbed run: where it begins, how it ends, and the world without anything of ours."""

    begin: Saved
    ended: Ended
    end: Saved
    whole: Saved

    @cached_property
    def stands(self) -> state.State:
        return state.standing(self.end)

    @cached_property
    def nothing(self) -> state.State:
        """What stands where nothing of ours does."""
        return state.standing(self.whole)

    @cached_property
    def most(self) -> state.State:
        return state.standing(self.begin) | self.stands

    @cached_property
    def calls(self) -> list[Call]:
        return calls(self.ended.exchanges)

    def look(self) -> None:
        """Read all of it now, once, and not in each process that is forked off."""
        _ = self.calls, self.nothing, self.most


def cured(saved: Saved, fault: Fault, *, patient: bool = False) -> Saved:
    """A while later, what went wrong no longer does.

    What hangs in Azure has come to its end; `patient`: so has what Azure was at work on.
    """
    world = World.from_json(from_json(saved[WORLD]))
    options = world.options
    options.faults, options.locks, options.policies = [], [], []
    world.attempts.clear()
    soon = MINUTE if max(options.read_lag) else SECOND  # nobody can know of what no read shows yet
    world.now += soon if fault.kind in AT_ONCE else AFTER.get(fault.kind, MINUTE)
    if patient and world.running:
        world.now = max(world.operations[n].due for names in world.running.values() for n in names)
        world.now += MINUTE
    if fault.kind == "stopped":
        for machine in world.of_type.get("microsoft.compute/virtualmachines", {}).values():
            virtual_machines.start(world, machine)
        world.now += 10 * MINUTE
    return {**saved, WORLD: world.saved().encode()}


def advice(ended: Ended, beside: tuple[str, ...] = ()) -> str:
    """The command that a failed command says comes next, unless that is played `beside` it."""
    if ended.code in (0, 137) or not ended.out.strip():
        return ""
    error: dict[str, Any] = ended.error or {}
    told = str(error.get("next") or "")
    return "" if shlex.split(told)[1:] == list(beside) else told

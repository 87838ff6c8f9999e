"""What must be true of every command, whatever goes wrong, and of what comes after it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from arm_sandbox.faults import EDITS
from arm_sandbox.ids import parse
from arm_sandbox.options import Fault
from patchctl.errors import Exit
from patchctl.remembered import AT_WORK
from tests.canary import MADE_UP, TOKEN
from tests.comparison import MACHINES
from tests.matrix import state
from tests.matrix.faults import APART, HOMES
from tests.matrix.shell import KILLED, Ended, Saved
from tests.matrix.situations import Situation

REQUESTS = 100
"""So many requests more than twice those of the undisturbed run may be made, polls excepted."""
POLL = 5.0
"""Seconds between two polls, at least."""
SECONDS = 2.5 * 3600
"""So much longer than the undisturbed run may be taken: a step may wait for an hour."""
LOOKS = 2
"""The plan looks at what stands, and then the step does before it writes."""
SIGTERM = -15
ASKED_TO_END = ("interrupt", "interrupt-twice", "terminate")
OUR_FAULT = "patchctl has a fault"
"""How every unexpected error begins, whether it ends the command or is told of one machine."""
SENT_AGAIN = ("401", "429-retry-after", "500", "503")
SENT_AGAIN_IF_SAFE = ("408", "429", "connection-refused", "connection-reset", "timeout")
"""After what azure-core sends a request once more: any, or one that has the same effect twice."""
BUSY = re.compile(
    r"(POST .*/assessPatches|(PATCH|DELETE) .*/virtualMachines/[^/]+"
    r"|DELETE .*/(networkInterfaces|virtualNetworks|networkSecurityGroups)/[^/]+)$"
)
"""What is asked again when Azure says that it is at something else on the machine."""
NOTE = re.compile(rf'"{AT_WORK}": "[^"]*", ')
AGAIN = ("AnotherOperationInProgress", "PreconditionFailed", "ResourceGroupNotFound")
"""What a request meets that is sent once more, after it has been carried out."""
CAUSES: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(("connection-refused", "connection-reset"), ("NoConnection",)),
    "timeout": ("NoConnection", "TimedOut"),
    "400": ("InvalidParameter",),
    "401": ("ExpiredAuthenticationToken",),
    "403": ("AuthorizationFailed",),
    "408": ("RequestTimeout",),
    "409-in-progress": ("AnotherOperationInProgress",),
    "409-conflict": ("Conflict",),
    "412": ("PreconditionFailed",),
    **dict.fromkeys(("429", "429-retry-after"), ("TooManyRequests",)),
    "500": ("InternalServerError",),
    "503": ("ServiceUnavailable",),
    "answer-lost": ("NoConnection", *AGAIN),
    "broken-off": ("NoAnswer", *AGAIN),
    "answer-cut": ("NoAnswer",),
    "not-json": ("NotAzure",),
    "504-after": ("GatewayTimeout", "TimedOut", *AGAIN),
    "operation-failed": ("InternalExecutionError",),
    "operation-canceled": ("OperationPreempted",),
    "operation-endless": ("TimedOut",),
    # Told of no place to poll, azure-core polls the thing itself, which no read may show yet.
    "operation-untold": ("NoResult", "ResourceNotFound"),
    "locked": ("ScopeLocked",),
    "denied": ("RequestDisallowedByPolicy",),
    **dict.fromkeys(ASKED_TO_END, ("Interrupted",)),
}
"""What is said of a fault, by the kinds of which there is but one thing to be said."""
OURS = (
    *("PartlyDone", "NotReady", "NotAsItShouldBe", "AssessmentFailed", "InstallationFailed"),
    *("NotMade", "PlanChanged", "RightWithheld"),
)
"""What is said of what came of it, whatever it was."""
Exchanges = Sequence[dict[str, Any]]


def told(situation: Situation, kind: str, ended: Ended) -> Iterator[str]:
    """What a command says, and how it ends."""
    if OUR_FAULT in ended.out + ended.err:
        yield f"a fault of our own: {ended.out[:500]} {ended.err[-500:]}"
    if kind in APART and ended.code in (KILLED, SIGTERM) and not ended.out:
        if not kind.startswith("killed"):
            yield f"it ended with {ended.code} and without a word"
        return
    if kind in ASKED_TO_END and ended.code not in (Exit.INTERRUPTED, KILLED, SIGTERM):
        yield f"it was asked to end, and ended with {ended.code}"
    if ended.code not in set(Exit):
        yield f"exit code {ended.code} is not documented: {ended.err[-500:]}"
    try:
        document = json.loads(ended.out)
    except ValueError:
        yield f"stdout is no JSON document: {ended.out[:300]!r} {ended.err[-300:]}"
        return
    error = document["error"]
    if (ended.code == 0) is not document["ok"] or (error is None) is not document["ok"]:
        yield f"exit code {ended.code}, but ok is {document['ok']} and the error {error}"
    if error is not None:
        yield from _helpful(situation, error, ended)


def _helpful(situation: Situation, error: dict[str, Any], ended: Ended) -> Iterator[str]:
    said = f"{error['code']}: {error['message'][:300]}"
    if not error["message"] or not error["hint"]:
        yield f"no message or no hint: {error}"
    failed = refused(ended.exchanges)
    if failed is not None and error["code"] in str(failed["response"]["body"]):
        if not error["request_id"]:
            yield f"no request id in {said}"
        if "/resourcegroups/" in failed["path"].lower() and not error["resource"]:
            yield f"no resource in {said}"
        has_steps = situation.command[0] in ("deploy", "destroy")
        if has_steps and written([failed]) and not error["step"]:
            yield f"no step in {said}"


def refused(exchanges: Exchanges) -> dict[str, Any] | None:
    """The last answer that was a refusal."""
    return next((e for e in reversed(exchanges) if e["status"] >= 400 and e["status"] != 404), None)


def weathered(situation: Situation, fault: Fault, ended: Ended, usual: int) -> Iterator[str]:
    """What passes by itself stops nobody: a request that can be sent once more is."""
    safe = fault.method in ("GET", "PUT", "DELETE")
    passes = fault.kind in SENT_AGAIN or (safe and fault.kind in SENT_AGAIN_IF_SAFE)
    at_work = fault.kind == "409-conflict" and BUSY.match(f"{fault.method} {fault.path}")
    busy = situation.command[0] in ("deploy", "destroy") and at_work
    if (passes or busy) and fault.times == 1 and ended.code != usual:
        yield f"one {fault.kind} ended it with {ended.code}, not {usual}: {ended.err[-300:]}"


def truthful(
    situation: Situation, fault: Fault, ended: Ended, reached: state.State, end: state.State
) -> Iterator[str]:
    """Who makes or takes away something, and says that it is done, has done it; who says that all
    is there has seen it.

    What Azure denies for good nobody can know. A note that could not be taken away stands until
    nobody believes it any more.
    """
    denied = fault.kind == "404" and fault.times == 0
    tells = situation.command[0] in ("deploy", "destroy", "validate")
    if tells and ended.code == 0 and not denied:
        reached = Counter(NOTE.sub("", line) for line in reached.elements())
        yield from (f"it ended well, but {line}" for line in state.differences(end, reached))


def kept(
    situation: Situation,
    fault: Fault,
    ended: Ended,
    began: state.State,
    reached: state.State,
    whole: state.State,
) -> Iterator[str]:
    """What remembers how a machine was stands as long as the machine can be put back, if it stood
    when the command began."""
    passes = fault.kind in (*SENT_AGAIN, *SENT_AGAIN_IF_SAFE)
    if situation.command[0] != "destroy" or not passes or ended.code == 0:
        return
    changed = [line for line in (whole - reached) if line.lower().startswith(MACHINES)]
    if changed and remembers(began) and not remembers(reached):
        yield f"the group is gone, and with it how {len(changed)} machines were"


def remembers(stands: state.State) -> bool:
    """Whether there is a group that a deployment is put into."""
    homes = [f'/resourceGroups/{home}"' for home in HOMES]
    return any(home in line for line in stands for home in homes)


def asked_first(fault: Fault, ended: Ended) -> Iterator[str]:
    """What a look can show that somebody has edited is not written over: it was in no plan.

    After the look of the plan and that of the step, what reads once more is the write itself. What
    depends on something that the run has made anew may look otherwise because of that.
    """
    edits = fault.kind == "edited" and parse(fault.path).type.lower() in EDITS
    if not edits or fault.method != "GET":
        return
    made, path = ended.exchanges, fault.path.lower()
    calls = [
        n for n, e in enumerate(made) if (e["method"], e["path"]) == (fault.method, fault.path)
    ]
    edit = calls[fault.nth - 1]
    before, after = _written_to(made[:edit]), _written_to(made[edit:])
    later = calls[fault.nth :]
    looked = fault.nth <= LOOKS or any(path not in _written_to(made[edit:n]) for n in later)
    shown = made[edit]["status"] == 200 and not _made_anew(made[:edit])
    if before and looked and path in after and shown:
        yield "what somebody has edited meanwhile was written over"


def _made_anew(exchanges: Exchanges) -> bool:
    """Whether something was made that was seen to be missing."""
    missed = {e["path"].lower() for e in exchanges if (e["method"], e["status"]) == ("GET", 404)}
    return not missed.isdisjoint(_written_to(exchanges))


def _written_to(exchanges: Exchanges) -> list[str]:
    return [e["path"].lower() for e in exchanges if e["method"] in ("PUT", "PATCH")]


def named(fault: Fault, ended: Ended, usual: int) -> Iterator[str]:
    """Who is told of a cause is told of the right one, unless it would have ended so anyhow."""
    error = ended.error if ended.code not in (0, usual, KILLED, SIGTERM) and ended.out else None
    known = CAUSES.get(fault.kind)
    if error is not None and known and error["code"] not in (*known, *OURS):
        yield f"{fault.kind} is told as {error['code']}: {error['message'][:300]}"


def secret(ended: Ended, reached: Saved) -> Iterator[str]:
    """A password that was made up, or a token, in what a command says, records, logs or keeps."""
    if any(map(_is_secret, (ended.out, ended.err, ended.log))):
        yield "there is a secret in what it says"
    if any("/virtualmachines/" in e["path"].lower() for e in ended.exchanges):
        kept = (content.decode(errors="replace") for content in reached.values())
        if any(map(_is_secret, (ended.record, *kept))):
            yield "there is a secret in what it keeps"


def _is_secret(text: str) -> bool:
    return bool(MADE_UP.search(text) or TOKEN.search(text))


def within_budget(ended: Ended, undisturbed: Ended) -> Iterator[str]:
    took, usually = _seconds(ended.exchanges), _seconds(undisturbed.exchanges)
    if took > usually + SECONDS:
        yield f"it took {took / 60:.0f} minutes instead of {usually / 60:.0f}"
    most = 2 * len(undisturbed.exchanges) + REQUESTS + max(0.0, took - usually) / POLL
    if len(ended.exchanges) > most:
        yield f"{len(ended.exchanges)} requests were made, the most is {most:.0f}"


def _seconds(exchanges: Exchanges) -> float:
    return _at(exchanges[-1]) - _at(exchanges[0]) if exchanges else 0.0


def patient(exchanges: Exchanges) -> Iterator[str]:
    """Nobody is asked again before their Retry-After: all of a subscription after a 429.

    What was sent in the same moment as what was refused could not know.
    """
    closed: dict[str, tuple[float, float]] = {}
    for exchange in exchanges:
        at = _at(exchange)
        for key in (_place(exchange), exchange["path"]):
            since, until = closed.get(key, (0.0, 0.0))
            if since < at < until:
                yield f"{exchange['method']} {exchange['path']} was sent before its Retry-After"
        headers = {k.lower(): v for k, v in exchange["response"]["headers"].items()}
        key = _place(exchange) if exchange["status"] == 429 else exchange["path"]
        if "retry-after" in headers and (exchange["status"] == 429 or exchange["method"] == "GET"):
            closed[key] = (at, at + int(headers["retry-after"]))


def _place(exchange: dict[str, Any]) -> str:
    found = re.search(r"^/subscriptions/[^/]+", exchange["path"])
    kind = {"GET": "reads", "DELETE": "deletes"}.get(exchange["method"], "writes")
    return f"{found[0] if found else ''} {kind}"


def _at(exchange: dict[str, Any]) -> float:
    headers = {k.lower(): v for k, v in exchange["response"]["headers"].items()}
    return _moment(headers["date"])


@lru_cache
def _moment(date: str) -> float:
    return parsedate_to_datetime(date).astimezone(UTC).timestamp()


def written(exchanges: Exchanges) -> list[str]:
    """The writes among them; questions that are asked by POST are none."""
    return [
        f"{e['method']} {e['path']}"
        for e in exchanges
        if e["method"] not in ("GET", "HEAD") and not _asks(e["path"].lower())
    ]


def _asks(path: str) -> bool:
    return path.endswith("/providers/microsoft.resourcegraph/resources")


def never_two(reached: state.State, most: state.State, meanwhile: str) -> Iterator[str]:
    """There is never more of a type than when all stands and the command is at work."""
    allowed = state.types(most) + Counter([meanwhile])
    for type, number in state.types(reached).items():
        if number > allowed[type]:
            yield f"there are {number} of {type}, not {allowed[type]} at most"

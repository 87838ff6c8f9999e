"""Hold recorded traffic against Azure's own API descriptions: `python -m tests.oracle.check FILE`

A finding is a departure from the published contract, in a request or in an answer. Azure itself
makes some; `allowed.toml` lists those that the sandbox copies, each with its reason. A request
that was refused may be as wrong as it likes: its errors were the point. Not so patchctl's own.
"""

from __future__ import annotations

import gzip
import importlib
import json
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from arm_sandbox.ids import parse
from tests import oracle

Exchange = dict[str, Any]
ALLOWED = Path(__file__).with_name("allowed.toml")
CARELESS = ("open-enum", "casing", "read-only", "unknown-property", "unknown-query")
"""Notices that patchctl's own requests must not cause either, at the described api-version."""
PASSING = re.compile(r"date|x-ms-.*request-id|x-ms-ratelimit.*|content-length|user-agent")
"""Headers that tell exchanges apart which are alike."""


@dataclass(frozen=True)
class Allowed:
    """A departure that is meant: `operation` and `finding` are patterns with `*`."""

    operation: str
    status: int
    finding: str
    reason: str
    source: str

    def covers(self, operation: str, status: int, finding: str) -> bool:
        return (
            status == self.status
            and fnmatchcase(operation, self.operation)
            and fnmatchcase(finding, self.finding)
        )


def allowances(file: Path = ALLOWED) -> list[Allowed]:
    return [
        Allowed(**entry) for entry in tomllib.loads(file.read_text(encoding="utf-8"))["allowed"]
    ]


# -- traffic


def read(files: Iterable[Path]) -> Iterator[Exchange]:
    for file in files:
        content = file.read_bytes()
        lines = (gzip.decompress(content) if file.suffix == ".gz" else content).splitlines()
        yield from map(json.loads, lines)


def distinct(traffic: Iterable[Exchange]) -> list[tuple[Exchange, int]]:
    """Exchanges that say the same once, each with how often it was met."""
    met: dict[str, tuple[Exchange, int]] = {}
    for exchange in traffic:
        key = json.dumps([_is_ours(exchange), _essence(exchange)], sort_keys=True)
        met[key] = (exchange, met.get(key, (exchange, 0))[1] + 1)
    return list(met.values())


def _essence(exchange: Exchange) -> Exchange:
    essence = {**exchange, "seq": 0}
    for side in ("request", "response"):
        headers = exchange[side]["headers"].items()
        kept = {name: value for name, value in headers if not PASSING.fullmatch(name.lower())}
        essence[side] = {**exchange[side], "headers": kept}
    return essence


def _is_ours(exchange: Exchange) -> bool:
    return "patchctl/" in str(exchange["request"]["headers"].get("user-agent", ""))


# -- one exchange


@dataclass
class Judgement:
    """What the descriptions say of one exchange; `operation` is empty where they say nothing."""

    operation: str = ""
    checked: tuple[str, ...] = ()
    findings: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


class Descriptions:
    """Azure's API descriptions, and its newer descriptions of resource types for Bicep."""

    def __init__(self, place: Path) -> None:
        sys.path.insert(0, str(place))
        self._specs = _module("validate_request").SpecSet(place / "specs")
        self._types = _module("bicep_types")
        self._types.load = cache(self._types.load)
        listed = json.loads((place / "bicep-types/manifest.json").read_text(encoding="utf-8"))
        names = [entry["resource"] for entry in listed["entries"]]
        self._newest = {name.split("@")[0].lower(): name for name in sorted(names)}

    def judge(self, exchange: Exchange) -> Judgement:
        result = self._contract(exchange)
        if result.operation_id is None or result.generic:
            return Judgement()
        judgement = Judgement(
            result.operation_id,
            ("exact",),
            [str(error) for error in result.errors],
            [f"{notice.where}: {notice.kind}" for notice in result.notices],
        )
        if result.version_exact:
            judgement.findings += _careless(exchange, result.notices)
        else:
            self._judge_by_newer_type(exchange, judgement)
        return judgement

    def _contract(self, exchange: Exchange) -> Any:
        request, response = exchange["request"], exchange["response"]
        return self._specs.validate(
            exchange["method"],
            exchange["path"],
            exchange["query"],
            request["body"],
            exchange["status"],
            response["body"],
            response["headers"],
        )

    def _judge_by_newer_type(self, exchange: Exchange, judgement: Judgement) -> None:
        judgement.checked = ("older",)
        name = self._newest.get(parse(exchange["path"]).type.lower())
        if name is None or exchange["method"] not in ("GET", "PUT"):
            return
        judgement.checked = ("older", "newer type")
        for side, body in _documents(exchange):
            errors, notices = self._types.check_body(name, body, side)
            judgement.findings += [f"{side}.body: {error} ({name})" for error in errors]
            judgement.notices += [f"{side}.body: of a newer type" for _ in notices]


def _module(name: str) -> Any:
    return importlib.import_module(name)


def _careless(exchange: Exchange, notices: Iterable[Any]) -> list[str]:
    asked = (notice for notice in notices if notice.where.startswith("request"))
    return [str(notice) for notice in asked if _is_ours(exchange) and notice.kind in CARELESS]


def _documents(exchange: Exchange) -> Iterator[tuple[str, Exchange]]:
    """The bodies of an exchange that are a whole resource."""
    answer = exchange["response"]["body"]
    if exchange["status"] < 300 and isinstance(answer, dict) and "value" not in answer:
        yield "response", answer
    if exchange["method"] == "PUT" and isinstance(exchange["request"]["body"], dict):
        yield "request", exchange["request"]["body"]


# -- all of them


@dataclass
class Verdict:
    """What became of the exchanges; each Counter holds how many there were of a thing."""

    allowances: list[Allowed]
    exchanges: int = 0
    distinct: int = 0
    checked: Counter[str] = field(default_factory=Counter)
    outside: Counter[str] = field(default_factory=Counter)
    notices: Counter[str] = field(default_factory=Counter)
    allowed: Counter[Allowed] = field(default_factory=Counter)
    unexplained: Counter[str] = field(default_factory=Counter)

    def count(self, exchange: Exchange, times: int, judgement: Judgement) -> None:
        self.exchanges += times
        self.distinct += 1
        if not judgement.operation:
            self.outside[_class(exchange)] += times
        for what in judgement.checked:
            self.checked[what] += times
        for notice in judgement.notices:
            self.notices[notice] += times
        for finding in judgement.findings:
            self._weigh(exchange, times, judgement.operation, finding)

    def _weigh(self, exchange: Exchange, times: int, operation: str, finding: str) -> None:
        status = exchange["status"]
        if finding.startswith("request") and status >= 400 and not _is_ours(exchange):
            self.checked["refused"] += times
            return
        for entry in self.allowances:
            if entry.covers(operation, status, finding):
                self.allowed[entry] += times
                return
        where = f"{exchange['method']} {exchange['path']}?api-version={exchange['api_version']}"
        self.unexplained[f"{operation} {status} {finding}\n           {where}"] += times

    @property
    def unused(self) -> list[Allowed]:
        return [entry for entry in self.allowances if entry not in self.allowed]


def _class(exchange: Exchange) -> str:
    """The kind of a request that no description covers."""
    id = parse(exchange["path"])
    what = id.type if id.namespace else re.sub(r"(?<=/)[^/]*\d[^/]*", "*", exchange["path"])
    return f"{exchange['method']} {what}"


def judge(
    descriptions: Descriptions, traffic: Iterable[Exchange], allowed: list[Allowed]
) -> Verdict:
    verdict = Verdict(allowed)
    for exchange, times in distinct(traffic):
        verdict.count(exchange, times, descriptions.judge(exchange))
    return verdict


def told(verdict: Verdict) -> str:
    """The verdict for a person to read."""
    checked = verdict.checked
    lines = [
        f"{verdict.exchanges} exchanges, {verdict.distinct} of them distinct",
        f"{checked['exact']:8} checked against the same api-version",
        f"{checked['older']:8} checked against an older api-version; of these",
        f"{checked['newer type']:10} also against a newer type of the resource",
        f"{verdict.outside.total():8} outside the descriptions; of these",
        *(f"{times:10} {what}" for what, times in verdict.outside.most_common(12)),
        f"{checked['refused']:8} errors in requests that were refused",
        f"{verdict.notices.total():8} notices; of these",
        *(f"{times:10} {what}" for what, times in verdict.notices.most_common(12)),
        f"{verdict.allowed.total():8} findings that are allowed",
        *(f"{times:10} {a.reason} ({a.source})" for a, times in verdict.allowed.most_common()),
        f"{verdict.unexplained.total():8} findings that nothing explains",
        *(f"{times:10} {what}" for what, times in verdict.unexplained.most_common()),
        *(f"  UNUSED: {a.operation} {a.status} {a.finding}" for a in verdict.unused),
    ]
    return "\n".join(lines)


def main(files: list[str]) -> int:
    """0 when every finding is explained and every explanation is needed."""
    place = oracle.find()
    if place is None:
        sys.stdout.write(f"{oracle.SKIPPED}\n")
        return 0
    traffic = read(file for file in map(Path, files) if file.exists())
    verdict = judge(Descriptions(place), traffic, allowances())
    sys.stdout.write(f"{told(verdict)}\n")
    return 1 if verdict.unexplained or verdict.unused or not verdict.exchanges else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""The condition of a policy definition: whether a resource, as it would be, fulfils it.

The operators and the meaning of fields are documented ("Azure Policy definition structure"). An
operator that is not here is refused when a definition is written, never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from arm_sandbox.arm import Body
from arm_sandbox.ids import same
from arm_sandbox.providers.expressions import Scope, evaluate
from arm_sandbox.providers.functions import FUNCTIONS
from arm_sandbox.wire import Json

Condition = dict[str, Any]

ALIASES = {"microsoft.compute/virtualmachines/sku.name": "properties.hardwareProfile.vmSize"}
"""Those that do not simply name a property."""
LOGIC = ("allOf", "anyOf", "not")


def _text(value: Json) -> str:
    """Texts are compared without regard to case, and truth values as texts (docs)."""
    return str(value).lower()


def _is_in(value: Json, listed: Json) -> bool:
    return _text(value) in map(_text, listed)


def _like(value: Json, pattern: Json) -> bool:
    return value is not None and fnmatchcase(_text(value), _text(pattern))


def _contains(value: Json, part: Json) -> bool:
    if isinstance(value, list):
        return _is_in(part, value)
    return value is not None and _text(part) in _text(value)


OPERATORS: Mapping[str, Callable[[Json, Json], bool]] = {
    "equals": lambda value, wanted: _text(value) == _text(wanted),
    "in": _is_in,
    "like": _like,
    "contains": _contains,
    "containsKey": lambda value, key: isinstance(value, dict) and _is_in(key, list(value)),
    "exists": lambda value, wanted: (value is not None) == (_text(wanted) == "true"),
    "less": lambda value, limit: value is not None and value < limit,
    "lessOrEquals": lambda value, limit: value is not None and value <= limit,
    "greater": lambda value, limit: value is not None and value > limit,
    "greaterOrEquals": lambda value, limit: value is not None and value >= limit,
}


@dataclass
class Judgement:
    """One look at a resource; `seen` are the conditions fulfilled so far, as Azure tells them."""

    type: str
    document: Body
    parameters: Mapping[str, Json]
    seen: list[Body] = field(default_factory=list)

    def of(self, rule: Condition) -> bool:
        """Whether the `if` of a rule is fulfilled."""
        return self._holds(evaluate(rule, self._scope()))

    def effect(self, rule: Condition) -> str:
        return str(evaluate(rule["effect"], self._scope()))

    def _scope(self) -> Scope:
        return Scope(
            group={},
            subscription={},
            deployment="",
            parameters=self.parameters,
            defaults={},
            variables={},
            functions={**FUNCTIONS, "field": lambda scope, name: self._field(name)},
            reference=lambda name, version, whole: None,
        )

    def _holds(self, condition: Condition) -> bool:
        if "allOf" in condition:
            return all(self._holds(part) for part in condition["allOf"])
        if "anyOf" in condition:
            return any(self._holds(part) for part in condition["anyOf"])
        if "not" in condition:
            return not self._holds(condition["not"])
        return self._compares(condition)

    def _compares(self, condition: Condition) -> bool:
        kind = "field" if "field" in condition else "value"
        operator = next(name for name in condition if name != kind)
        name, wanted = condition[kind], condition[operator]
        value = self._field(name) if kind == "field" else name
        many = kind == "field" and "[*]" in name
        values = value if many and isinstance(value, list) else [value]
        holds = all(_compare(operator, each, wanted) for each in values)
        if holds:
            self.seen.append(_told(kind, name, value, operator, wanted))
        return holds

    def _field(self, name: str) -> Json:
        """Of `type`, `location`, `tags['a']`, or an alias: `Microsoft.Compute/disks/sku.name`."""
        tag = re.fullmatch(r"tags\[['\"]?(.+?)['\"]?\]|tags\.(.+)", name, re.IGNORECASE)
        if tag:
            return _member(self.document.get("tags"), tag[1] or tag[2])
        if same(name, "type"):
            return self.type
        if "/" not in name:
            return _at(self.document, name.split("."))
        path = ALIASES.get(name.lower())
        if path is None:
            type, _, path = name.rpartition("/")
            path = f"properties.{path}" if same(type, self.type) else ""
        elif not name.lower().startswith(f"{self.type}/".lower()):
            path = ""
        return _at(self.document, path.split(".")) if path else None


def _compare(operator: str, value: Json, wanted: Json) -> bool:
    """`notEquals`, `notIn` and the like are fulfilled where their opposites are not."""
    if operator in OPERATORS:
        return OPERATORS[operator](value, wanted)
    return not OPERATORS[_opposite(operator)](value, wanted)


def _opposite(operator: str) -> str:
    rest = operator.removeprefix("not")
    return rest[:1].lower() + rest[1:]


def _at(value: Json, path: list[str]) -> Json:
    """The value at a path; a name with `[*]` stands for every item of a list."""
    for number, name in enumerate(path):
        if name.endswith("[*]"):
            items = _member(value, name[:-3]) or []
            return [_at(item, path[number + 1 :]) for item in items]
        value = _member(value, name)
    return value


def _member(value: Json, name: str) -> Json:
    if not isinstance(value, dict):
        return None
    return next((item for key, item in value.items() if same(key, name)), None)


def _told(kind: str, name: Json, value: Json, operator: str, wanted: Json) -> Body:
    """A fulfilled condition as the details of a refusal show it."""
    return {
        "result": "True",
        "expressionKind": kind.capitalize(),
        "expression": name,
        **({"path": str(name).rpartition("/")[2]} if kind == "field" else {}),
        "expressionValue": value,
        "targetValue": wanted,
        "operator": operator[:1].upper() + operator[1:],
    }


def unknown(condition: Json) -> Iterator[str]:
    """What in a condition is not understood here."""
    if not isinstance(condition, dict):
        yield str(condition)
        return
    logic = [name for name in condition if name in LOGIC]
    for name in logic:
        parts = condition[name] if isinstance(condition[name], list) else [condition[name]]
        yield from (found for part in parts for found in unknown(part))
    if not logic:
        names = [name for name in condition if name not in ("field", "value")]
        if len(names) != 1 or len(condition) != 2:
            yield ", ".join(condition)
        elif names[0] not in OPERATORS and _opposite(names[0]) not in OPERATORS:
            yield names[0]

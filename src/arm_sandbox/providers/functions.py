"""The functions that expressions in a template may call, as Azure's reference describes them.

Left out are those whose answer nobody outside can compute (`guid`), that need another service
(`listKeys`) or the real time (`utcNow`).
"""

from __future__ import annotations

import base64
import hashlib
import json
import operator
import re
from collections.abc import Mapping
from functools import partial, reduce
from typing import Any

from arm_sandbox.providers.expressions import Function, Invalid, Scope, evaluate
from arm_sandbox.wire import Json

# -- what the template itself holds


def _parameter(scope: Scope, name: str) -> Json:
    if name.lower() in scope.parameters:
        return scope.parameters[name.lower()]
    if name.lower() in scope.defaults:
        return evaluate(scope.defaults[name.lower()], scope)
    raise Invalid(
        f"The template parameter '{name}' is not found. Please see "
        "https://aka.ms/arm-syntax-parameters for usage details."
    )


def _variable(scope: Scope, name: str) -> Json:
    if name.lower() in scope.variables:
        return evaluate(scope.variables[name.lower()], scope)
    raise Invalid(
        f"The template variable '{name}' is not found. Please see "
        "https://aka.ms/arm-syntax-variables for usage details."
    )


def _copy_index(scope: Scope, *arguments: Json) -> int:
    """`copyIndex()`, `copyIndex(1)`, `copyIndex('loop')` or `copyIndex('loop', 1)`."""
    if scope.index is None:
        raise Invalid(
            "The template function 'copyIndex' is not expected at this location. The function can "
            "only be used in a resource with copy specified. Please see https://aka.ms/arm-copy "
            "for usage details."
        )
    return scope.index + sum(argument for argument in arguments if isinstance(argument, int))


def _reference(scope: Scope, what: str, api_version: str = "", how: str = "") -> Json:
    return scope.reference(what, api_version, how.lower() == "full")


# -- ids


def _resource_id(scope: Scope, *arguments: str) -> str:
    """`resourceId([subscription], [group], type, name...)`."""
    before, type, names = _cut_at_type(arguments)
    group = f"/resourceGroups/{before[-1] if before else scope.group['name']}"
    subscription = before[0] if len(before) == 2 else scope.subscription["subscriptionId"]
    return _below(f"/subscriptions/{subscription}{group}", type, names)


def _subscription_id(scope: Scope, *arguments: str) -> str:
    before, type, names = _cut_at_type(arguments)
    subscription = before[0] if before else scope.subscription["subscriptionId"]
    return _below(f"/subscriptions/{subscription}", type, names)


def _extension_id(scope: Scope, above: str, type: str, *names: str) -> str:
    return _below(above, type, names)


def _cut_at_type(arguments: tuple[str, ...]) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    at = next(at for at, argument in enumerate(arguments) if "/" in argument)
    return arguments[:at], arguments[at], arguments[at + 1 :]


def _below(scope: str, type: str, names: tuple[str, ...]) -> str:
    return f"{scope}/providers/{interleaved(type, names)}"


def interleaved(type: str, names: tuple[str, ...]) -> str:
    """`Microsoft.Network/virtualNetworks/v/subnets/s` of a type and the names to its segments."""
    namespace, *types = type.split("/")
    if len(types) != len(names):
        raise Invalid(
            f"Unable to evaluate template language function 'resourceId': the type '{type}' "
            f"requires '{len(types)}' resource name argument(s). Please see "
            "https://aka.ms/arm-resource-functions/#resourceid for usage details."
        )
    pairs = zip(types, names, strict=True)
    return "/".join((namespace, *(segment for pair in pairs for segment in pair)))


# -- texts, lists and objects


def _concat(*values: Json) -> Json:
    if values and all(isinstance(value, list) for value in values):
        return [item for value in values for item in value]
    return "".join(_text(value) for value in values)


def _text(value: Json) -> str:
    if isinstance(value, (dict, list)):
        return json.dumps(value, separators=(",", ":"))
    return str(value)


def _format(text: str, *values: Json) -> str:
    return re.sub(r"\{(\d+)\}", lambda match: _text(values[int(match[1])]), text)


def _substring(text: str, start: int, length: int | None = None) -> str:
    end = len(text) if length is None else start + length
    if not 0 <= start <= end <= len(text):
        raise ValueError("outside of the text")
    return text[start:end]


def _split(text: str, by: str | list[str]) -> list[str]:
    delimiters = [by] if isinstance(by, str) else by
    return re.split("|".join(re.escape(delimiter) for delimiter in delimiters), text)


def _contains(whole: Json, part: Json) -> bool:
    """Names in an object have no case, texts have (docs)."""
    if isinstance(whole, dict):
        return str(part).lower() in {str(name).lower() for name in whole}
    return part in whole


def _union(*values: Any) -> Json:
    if isinstance(values[0], dict):
        return reduce(operator.or_, values)
    return reduce(lambda found, more: found + [m for m in more if m not in found], values, [])


def _object(*values: Json) -> dict[str, Json]:
    return dict(zip(values[0::2], values[1::2], strict=True))


def _boolean(value: Json) -> bool:
    """`bool('true')`, `bool(1)`."""
    known = {"true": True, "1": True, "false": False, "0": False}
    return known[str(value).lower()]


def _unique(*values: str) -> str:
    """13 letters and digits that follow from the arguments; Azure's own hash is not published."""
    digest = hashlib.sha256("\0".join(values).encode()).digest()
    return base64.b32encode(digest).decode().lower()[:13]


def _pure(function: Any) -> Function:
    return partial(_without_scope, function)


def _without_scope(function: Any, scope: Scope, *arguments: Json) -> Json:
    return function(*arguments)


FUNCTIONS: Mapping[str, Function] = {
    "parameters": _parameter,
    "variables": _variable,
    "copyindex": _copy_index,
    "reference": _reference,
    "resourcegroup": lambda scope: scope.group,
    "subscription": lambda scope: scope.subscription,
    "deployment": lambda scope: {"name": scope.deployment},
    "resourceid": _resource_id,
    "subscriptionresourceid": _subscription_id,
    "extensionresourceid": _extension_id,
    **{
        name: _pure(function)
        for name, function in {
            "concat": _concat,
            "format": _format,
            "tolower": str.lower,
            "toupper": str.upper,
            "trim": str.strip,
            "replace": str.replace,
            "substring": _substring,
            "split": _split,
            "join": lambda items, by: by.join(map(_text, items)),
            "startswith": lambda text, start: text.lower().startswith(start.lower()),
            "endswith": lambda text, end: text.lower().endswith(end.lower()),
            "string": _text,
            "int": int,
            "bool": _boolean,
            "json": json.loads,
            "base64": lambda text: base64.b64encode(text.encode()).decode(),
            "uniquestring": _unique,
            "length": len,
            "empty": operator.not_,
            "contains": _contains,
            "first": operator.itemgetter(0),
            "last": operator.itemgetter(-1),
            "union": _union,
            "createarray": lambda *items: list(items),
            "createobject": _object,
            "coalesce": lambda *values: next((v for v in values if v is not None), None),
            "true": lambda: True,
            "false": lambda: False,
            "null": lambda: None,
            "equals": operator.eq,
            "less": operator.lt,
            "lessorequals": operator.le,
            "greater": operator.gt,
            "greaterorequals": operator.ge,
            "not": operator.not_,
            "and": lambda *values: all(values),
            "or": lambda *values: any(values),
            "add": operator.add,
            "sub": operator.sub,
            "mul": operator.mul,
            "div": lambda one, other: int(one / other),
            "mod": operator.mod,
            "min": min,
            "max": max,
        }.items()
    },
}

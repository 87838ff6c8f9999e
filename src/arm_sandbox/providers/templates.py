"""The resources of a template: what is to be made, and in which order.

The words of the refusals are from issue threads: vscode-azurearmtools#493, entaoai#15,
azure-docs#112757, azure-search-openai-demo#2321.
"""

from __future__ import annotations

import graphlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from arm_sandbox.ids import same
from arm_sandbox.providers.expressions import (
    Call,
    Invalid,
    Reference,
    Scope,
    calls,
    evaluate,
    value_of,
)
from arm_sandbox.providers.functions import FUNCTIONS, interleaved
from arm_sandbox.providers.parameters import Body, invalid, lowered
from arm_sandbox.wire import Json, gateway

NOT_SENT = (
    *("type", "name", "apiVersion", "dependsOn", "condition", "copy"),
    *("comments", "metadata", "scope", "resources"),
)
"""What a template says about a resource that is no part of the request for it."""


@dataclass(frozen=True)
class Part:
    """One resource that a template asks for; the expressions in it are not evaluated yet."""

    id: str
    type: str
    name: str
    api_version: str
    written: Body
    scope: Scope
    wanted: bool
    """What its `condition` says."""
    needs: frozenset[str] = frozenset()
    """Ids, in lower case, of the parts that have to stand before."""

    @property
    def namespace(self) -> str:
        return self.type.split("/")[0]

    @property
    def target(self) -> Body:
        """How a deployment names it."""
        return {"id": self.id, "resourceType": self.type, "resourceName": self.name}

    @property
    def location(self) -> str | None:
        location = evaluate(self.written.get("location"), self.scope)
        return str(location).replace(" ", "").lower() if location else None

    @property
    def contents(self) -> Body:
        return {name: value for name, value in self.written.items() if name not in NOT_SENT}

    def body(self, reference: Reference) -> Body:
        """The request for it. Raises Invalid."""
        scope = replace(self.scope, reference=reference)
        return {name: evaluate(value, scope) for name, value in self.contents.items()}

    @property
    def refers(self) -> bool:
        """Whether its body can only be known when other resources stand."""
        return any(True for _ in _references(self))


def scope_of(
    template: Body,
    values: Mapping[str, Json],
    *,
    group: Body,
    subscription: Body,
    deployment: str,
) -> Scope:
    """What the expressions of a template can refer to."""
    declared = lowered(template.get("parameters"))
    return Scope(
        group=group,
        subscription=subscription,
        deployment=deployment,
        parameters=lowered(values),
        defaults={n: p["defaultValue"] for n, p in declared.items() if "defaultValue" in p},
        variables=lowered(template.get("variables")),
        functions=FUNCTIONS,
        reference=no_reference,
    )


def no_reference(what: str, api_version: str, full: bool) -> Json:
    """Only the properties of resources and outputs may refer to what stands."""
    raise Invalid(
        "The template function 'reference' is not expected at this location. Please see "
        "https://aka.ms/arm-functions for usage details."
    )


def parts(template: Body, scope: Scope) -> list[Part]:
    """The resources of a template, in its order, each with those that it needs."""
    written = template.get("resources")
    if not isinstance(written, list):
        raise invalid("The sandbox knows no templates whose resources have symbolic names.")
    found = list(_flat(written, scope))
    _require_distinct(found)
    needs = {part.id.lower(): frozenset(_needs(part, found)) for part in found}
    _require_order(found, needs)
    wanted = {part.id.lower() for part in found if part.wanted}
    return [replace(p, needs=needs[p.id.lower()] & wanted) for p in found if p.wanted]


def _flat(written: list[Body], scope: Scope, above: Part | None = None) -> Iterator[Part]:
    """Resources, their copies, and the resources written inside of them."""
    for resource in written:
        for copied in _copies(resource, scope):
            part = _part(resource, copied, above)
            yield part
            yield from _flat(resource.get("resources") or [], copied, part)


def _copies(resource: Body, scope: Scope) -> Iterator[Scope]:
    if "copy" not in resource:
        yield scope
        return
    for index in range(evaluate(resource["copy"].get("count"), scope)):
        yield replace(scope, index=index)


def _part(resource: Body, scope: Scope, above: Part | None) -> Part:
    _require_outline(resource)
    type, name = resource["type"], resource["name"]
    if same(type, "Microsoft.Resources/deployments"):
        raise invalid("The sandbox knows no deployments inside of a template.")
    try:
        name = str(evaluate(name, scope))
        if above is not None:
            type, name = f"{above.type}/{type}", f"{above.name}/{name}"
        _require_segments(type, name)
        return Part(
            id=f"{_place(resource, scope)}/providers/{interleaved(type, tuple(name.split('/')))}",
            type=type,
            name=name,
            api_version=evaluate(resource["apiVersion"], scope),
            written=resource,
            scope=scope,
            wanted=bool(evaluate(resource.get("condition", True), scope)),
        )
    except Invalid as error:
        raise refused(name, error) from None


def _require_outline(resource: Body) -> None:
    for name in ("type", "apiVersion", "name"):
        if not isinstance(resource, dict) or not resource.get(name):
            raise gateway(
                400,
                "InvalidRequestContent",
                "The request content was invalid and could not be deserialized: 'Required property "
                f"'{name}' not found in JSON. Path 'properties.template.resources'.'.",
            )


def _require_segments(type: str, name: str) -> None:
    if len(type.split("/")) != len(name.split("/")) + 1:
        raise invalid(
            f"The template resource '{name}' for type '{type}' at line '0' and column '0' has "
            "incorrect segment lengths. A nested resource type must have identical number of "
            "segments as its resource name. A root resource type must have segment length one "
            "greater than its resource name. Please see https://aka.ms/arm-syntax-resources for "
            "usage details."
        )


def _place(resource: Body, scope: Scope) -> str:
    """What a resource hangs on: the group, or another resource that `scope` names."""
    group = str(scope.group["id"])
    named = evaluate(resource.get("scope"), scope)
    if not named:
        return group
    return str(named) if named.startswith("/") else f"{group}/providers/{named}"


def refused(name: str, error: Invalid) -> Exception:
    """An expression that is wrong inside of a resource."""
    return invalid(
        f"The template resource '{name}' at line '0' and column '0' is not valid: {error}. Please "
        "see https://aka.ms/arm-functions for usage details."
    )


# -- order


def _needs(part: Part, found: list[Part]) -> Iterator[str]:
    """What `dependsOn` names, and what `reference` refers to in the same template (docs)."""
    for text in evaluate(part.written.get("dependsOn") or [], part.scope):
        named = [other.id.lower() for other in found if _is_called(other, str(text))]
        if not named:
            raise _not_in_template(str(text))
        yield from named
    for call in _references(part):
        text = value_of(call.arguments[0], part.scope)
        yield from (other.id.lower() for other in found if _is_called(other, str(text)))


def _references(part: Part) -> Iterator[Call]:
    found = (call for call in calls(part.contents) if same(call.name, "reference"))
    return (call for call in found if call.arguments)


def _is_called(part: Part, text: str) -> bool:
    """By id, by `Namespace/type/name`, by name, or by the name of the copies it is one of."""
    copies = (part.written.get("copy") or {}).get("name", "")
    at_end = part.id.partition("/providers/")[2]
    return any(same(text, name) for name in (part.id, at_end, part.name, copies))


def _not_in_template(text: str) -> Exception:
    if "/" in text:
        return invalid(
            f"The resource '{text.partition('/providers/')[2] or text}' is not defined in the "
            "template. Please see https://aka.ms/arm-syntax for usage details."
        )
    return invalid(
        f"The template reference '{text}' is not valid: could not find template resource or "
        "resource copy with this name. Please see https://aka.ms/arm-function-reference for usage "
        "details."
    )


def _require_distinct(found: list[Part]) -> None:
    seen: set[str] = set()
    for part in found:
        if part.id.lower() in seen:
            raise invalid(
                f"The resource '{part.id}' at line '0' and column '0' is defined multiple times in "
                "a template. Please see https://aka.ms/arm-syntax-resources for usage details."
            )
        seen.add(part.id.lower())


def _require_order(found: list[Part], needs: Mapping[str, frozenset[str]]) -> None:
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        circle = next(part for part in found if part.id.lower() in error.args[1])
        raise invalid(
            f"Circular dependency detected on resource: '{circle.id}'. Please see "
            "https://aka.ms/arm-syntax-resources for usage details."
        ) from None

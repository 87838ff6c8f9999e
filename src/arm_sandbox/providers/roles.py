"""Role definitions: Microsoft's published list ("Azure built-in roles"), with ids and actions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from arm_sandbox.ids import Id, same
from arm_sandbox.wire import Refusal, Request, Response, gateway

DEFINITION = "Microsoft.Authorization/roleDefinitions"
LONG_AGO = "2021-11-11T20:13:47.8628684Z"

Permission = Mapping[str, list[str]]
"""`actions` and `notActions`, as in a role definition."""


@cache
def built_in() -> Mapping[str, dict[str, Any]]:
    """The `properties` of the built-in roles, by the GUID that is their name."""
    text = files("arm_sandbox.providers").joinpath("built_in_roles.json").read_text("utf-8")
    return {role["name"]: _properties(role) for role in json.loads(text)}


def _properties(role: dict[str, Any]) -> dict[str, Any]:
    members = ("actions", "notActions", "dataActions", "notDataActions")
    return {
        "roleName": role["roleName"],
        "type": "BuiltInRole",
        "description": role["description"],
        "assignableScopes": ["/"],
        "permissions": [{member: role.get(member, []) for member in members}],
        "createdOn": LONG_AGO,
        "updatedOn": LONG_AGO,
        "createdBy": None,
        "updatedBy": None,
    }


def named(role_name: str) -> str:
    """The GUID of a built-in role. Raises ValueError where there is none of that name."""
    for guid, properties in built_in().items():
        if same(properties["roleName"], role_name):
            return guid
    raise ValueError(f"the sandbox knows no built-in role '{role_name}'")


def require(id: str) -> dict[str, Any]:
    """The properties of a role, by its id or its GUID."""
    guid = id.rsplit("/", 1)[-1].lower()
    if guid not in built_in():
        message = f"The specified role definition with ID '{guid}' does not exist."
        raise Refusal(404, "RoleDefinitionDoesNotExist", message)
    return built_in()[guid]


def permits(permission: Permission, action: str) -> bool:
    return _fits(permission["actions"], action) and not _fits(permission["notActions"], action)


def _fits(patterns: Iterable[str], action: str) -> bool:
    return any(_pattern(pattern).fullmatch(action) for pattern in patterns)


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """An action with `*` in it, which stands for any part of a path, however deep."""
    return re.compile(re.escape(text).replace(r"\*", ".*"), re.IGNORECASE)


def answer(request: Request, id: Id) -> Response:
    if request.method != "GET":
        raise gateway(405, "HttpMethodNotAllowed", "Custom roles are not part of the sandbox.")
    if id.name:
        return Response(200, _definition(id, id.name.lower(), require(id.name)))
    wanted = filtered(request, r"roleName eq '([^']*)'", r"type eq '([^']*)'")
    found = [
        _definition(id, guid, properties)
        for guid, properties in built_in().items()
        if wanted is None or any(same(wanted, properties[key]) for key in ("roleName", "type"))
    ]
    return Response(200, {"value": found})


def definition_id(subscription: str, id: str) -> str:
    """A definition belongs to the subscription, whatever scope it is read at (recorded)."""
    place = f"/subscriptions/{subscription}" if subscription else ""
    return f"{place}/providers/{DEFINITION}/{id.rsplit('/', 1)[-1].lower()}"


def _definition(id: Id, guid: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    whole = definition_id(id.subscription, guid)
    return {"properties": properties, "id": whole, "type": DEFINITION, "name": guid}


def filtered(request: Request, *forms: str) -> str | None:
    """The value in a `$filter` of one of the given forms, or None where none is asked for."""
    text = request.query.get("$filter", "").strip()
    if not text or text.lower() == "atscope()":
        return None
    for form in forms:
        match = re.fullmatch(form, text, re.IGNORECASE)
        if match:
            return match[1]
    raise Refusal(400, "UnsupportedQuery", f"The filter '{text}' is not supported.")

"""Microsoft.ManagedIdentity: identities, and when the directory knows of them."""

from __future__ import annotations

import pytest

from arm_sandbox.providers.authorization import REPLICATION, SPREADING, allowed
from arm_sandbox.wire import Response
from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, SUBSCRIPTION, ask, wait

IDENTITIES = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
IDENTITY = f"{IDENTITIES}/id-alerts"
VERSION = "2024-11-30"
NAME = "88888888-0000-4000-8000-000000000001"


def put(world: World, path: str = IDENTITY, **body: object) -> Response:
    return ask(world, "PUT", path, {"location": "eastus", **body}, version=VERSION)


def test_an_identity_is_made_changed_read_and_deleted(world: World) -> None:
    made = put(world, tags={"a": "b"})
    assert made.status == 201
    assert made.body["id"] == IDENTITY.replace("resourceGroups", "resourcegroups")
    assert made.body["type"] == "Microsoft.ManagedIdentity/userAssignedIdentities"
    assert made.body["properties"]["tenantId"] == world.tenant
    principal = made.body["properties"]["principalId"]
    assert principal != made.body["properties"]["clientId"]

    again = put(world, tags={"c": "d"})
    assert (again.status, again.body["tags"]) == (200, {"c": "d"})
    patched = ask(world, "PATCH", IDENTITY, {"tags": {"e": "f"}}, version=VERSION)
    assert patched.status == 200
    assert patched.body["properties"] == again.body["properties"] == made.body["properties"]

    listed = ask(world, "GET", IDENTITIES, version=VERSION).body["value"]
    everywhere = f"{SUBSCRIPTION}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
    assert listed == ask(world, "GET", everywhere, version=VERSION).body["value"] == [patched.body]

    assert ask(world, "DELETE", IDENTITY, version=VERSION).status == 200
    assert ask(world, "DELETE", IDENTITY, version=VERSION).status == 204
    assert ask(world, "GET", IDENTITY, version=VERSION).status == 404


def assign(world: World, principal: str, **more: str) -> Response:
    """Give a principal the role Reader on the group."""
    role = "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
    properties = {"roleDefinitionId": role, "principalId": principal, **more}
    path = f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/{NAME}"
    return ask(world, "PUT", path, {"properties": properties}, version="2022-04-01")


def test_the_directory_learns_of_an_identity_later(world: World) -> None:
    principal = put(world).body["properties"]["principalId"]
    assert assign(world, principal).body["error"]["code"] == "PrincipalNotFound"
    wait(world, REPLICATION[1])
    assert assign(world, principal).status == 201


def test_told_its_type_the_directory_is_not_asked(world: World) -> None:
    principal = put(world).body["properties"]["principalId"]
    assert assign(world, principal, principalType="ServicePrincipal").status == 201


def test_a_role_given_to_an_identity_holds_minutes_later(world: World) -> None:
    principal = put(world).body["properties"]["principalId"]
    assign(world, principal, principalType="ServicePrincipal")
    read = "Microsoft.Compute/virtualMachines/read"
    wait(world, SPREADING[0] - 1)
    assert not allowed(world, principal, read, GROUP)
    wait(world, SPREADING[1])
    assert allowed(world, principal, read, GROUP)


def test_a_role_outlives_the_identity_that_it_was_given_to(world: World) -> None:
    principal = put(world).body["properties"]["principalId"]
    made = assign(world, principal, principalType="ServicePrincipal")
    ask(world, "DELETE", IDENTITY, version=VERSION)
    assert principal not in world.principals
    orphan = ask(world, "GET", made.body["id"], version="2022-04-01")
    assert orphan.body["properties"]["principalId"] == principal


def test_identities_made_again_are_other_principals(world: World) -> None:
    first = put(world).body["properties"]
    ask(world, "DELETE", IDENTITY, version=VERSION)
    wait(world, 60)
    second = put(world).body["properties"]
    assert first["principalId"] != second["principalId"]
    assert first["clientId"] != second["clientId"]


@pytest.mark.parametrize("name", ["ab", "-abc", "a.b.c", "x" * 129])
def test_names_have_3_to_128_plain_characters(world: World, name: str) -> None:
    assert put(world, f"{IDENTITIES}/{name}").body["error"]["code"] == "InvalidResourceName"
    assert put(world, f"{IDENTITIES}/{'x' * 128}").status == 201

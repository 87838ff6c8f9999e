"""Role assignments and definitions, and what they let a principal do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from arm_sandbox.options import Access
from arm_sandbox.providers.authorization import add_principal, allowed
from arm_sandbox.wire import Response
from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, SUBSCRIPTION, ask, wait

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
ROLES = "/providers/Microsoft.Authorization/roleDefinitions"
ASSIGNMENTS = "/providers/Microsoft.Authorization/roleAssignments"
NAME = "88888888-0000-4000-8000-000000000001"
OTHER_NAME = "88888888-0000-4000-8000-000000000002"
SOMEBODY = "29ebdd43-cb11-4cdb-8e38-401181cbe8b9"
NSG = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/nsg"
NIC = f"{GROUP}/providers/Microsoft.Network/networkInterfaces/nic"
VNET = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet"
SUBNET = f"{VNET}/subnets/default"
VERSION = "2022-04-01"
READ = "Microsoft.Network/networkSecurityGroups/read"
WRITE = "Microsoft.Network/networkSecurityGroups/write"


def assign(
    world: World, scope: str = GROUP, name: str = NAME, who: str = SOMEBODY, **more: Any
) -> Response:
    role = f"{SUBSCRIPTION}{ROLES}/{READER}"
    properties = {"roleDefinitionId": role, "principalId": who, **more}
    path = f"{scope}{ASSIGNMENTS}/{name}"
    return ask(world, "PUT", path, {"properties": properties}, version=VERSION)


def code(response: Response) -> str:
    return str(response.body["error"]["code"])


def restricted(world: World, *actions: str, role: str = "", scope: str = "/") -> World:
    world.options.access = [Access(role=role, actions=[*actions], scope=scope)]
    return world


def test_an_assignment_is_made_changed_read_and_deleted_in_the_recorded_shape(world: World) -> None:
    made = assign(world, principalType="ServicePrincipal")
    assert made.status == 201
    assert made.body == {
        "properties": {
            "roleDefinitionId": f"{SUBSCRIPTION}{ROLES}/{READER}",
            "principalId": SOMEBODY,
            "principalType": "ServicePrincipal",
            "scope": GROUP,
            "condition": None,
            "conditionVersion": None,
            "createdOn": made.body["properties"]["createdOn"],
            "updatedOn": made.body["properties"]["updatedOn"],
            "createdBy": None,
            "updatedBy": world.principal["oid"],
            "delegatedManagedIdentityResourceId": None,
            "description": None,
        },
        "id": f"{GROUP}{ASSIGNMENTS}/{NAME}",
        "type": "Microsoft.Authorization/roleAssignments",
        "name": NAME,
    }
    again = assign(world, principalType="ServicePrincipal", description="why")
    assert (again.status, again.body["properties"]["description"]) == (200, "why")
    read = ask(world, "GET", f"{GROUP}{ASSIGNMENTS}/{NAME}", version=VERSION)
    assert read.body["properties"]["createdBy"] == world.principal["oid"]
    deleted = ask(world, "DELETE", f"{GROUP}{ASSIGNMENTS}/{NAME}", version=VERSION)
    assert (deleted.status, deleted.body) == (200, read.body)
    assert ask(world, "DELETE", f"{GROUP}{ASSIGNMENTS}/{NAME}", version=VERSION).status == 204


def test_an_assignment_that_cannot_be_is_refused_as_azure_words_it(world: World) -> None:
    typed = {"principalType": "ServicePrincipal"}
    assert code(assign(world, name="mine", **typed)) == "InvalidRoleAssignmentId"
    unknown = {**typed, "roleDefinitionId": f"{ROLES}/{NAME}"}
    assert code(assign(world, **unknown)) == "RoleDefinitionDoesNotExist"
    assign(world, **typed)
    twice = assign(world, name=OTHER_NAME, **typed)
    assert (twice.status, code(twice)) == (409, "RoleAssignmentExists")
    other = assign(world, who=NAME, **typed)
    assert (other.status, code(other)) == (400, "RoleAssignmentUpdateNotPermitted")
    missing = assign(world, NSG, **typed)
    assert (missing.status, code(missing)) == (404, "ResourceNotFound")


def test_the_directory_answers_late_about_a_new_identity(world: World) -> None:
    add_principal(world, SOMEBODY)
    refused = assign(world)
    assert (refused.status, code(refused)) == (400, "PrincipalNotFound")
    assert SOMEBODY.replace("-", "") in refused.body["error"]["message"]
    wait(world, 60)
    assert assign(world).body["properties"]["principalType"] == "ServicePrincipal"


def test_of_an_unknown_principal_only_its_type_helps(world: World) -> None:
    wait(world, 86400)
    assert code(assign(world)) == "PrincipalNotFound"
    assert assign(world, principalType="Group").status == 201


def names(world: World, scope: str, filter: str = "") -> list[str]:
    query = f"&$filter={filter}" if filter else ""
    listed = ask(world, "GET", f"{scope}{ASSIGNMENTS}", version=VERSION, query=query)
    return [found["name"] for found in listed.body["value"]]


def test_a_list_shows_what_is_above_and_below_and_a_filter_takes_some_of_it(world: World) -> None:
    ask(world, "PUT", NSG, {"location": "eastus"}, version="2024-05-01")
    typed = {"principalType": "User"}
    assign(world, SUBSCRIPTION, NAME, **typed)
    assign(world, NSG, OTHER_NAME, **typed)
    owner, *others = names(world, GROUP)
    assert others == [NAME, OTHER_NAME]
    assert names(world, GROUP, "atScope()") == [owner, NAME]
    assert names(world, NSG, "atScope()") == [owner, NAME, OTHER_NAME]
    assert names(world, GROUP, f"principalId eq '{SOMEBODY}'") == [NAME, OTHER_NAME]
    assert names(world, GROUP, f"atScope() and principalId eq '{SOMEBODY}'") == [NAME]
    assert names(world, GROUP, f"principalId eq '{world.principal['oid']}'") == [owner]


def test_built_in_roles_are_found_by_name_and_id(world: World) -> None:
    query = "&$filter=roleName eq 'Scheduled Patching Contributor'"
    listed = ask(world, "GET", f"{GROUP}{ROLES}", version=VERSION, query=query)
    (found,) = listed.body["value"]
    assert found["id"] == f"{SUBSCRIPTION}{ROLES}/cd08ab90-6b14-449c-ad9a-8f8e549482c6"
    reader = ask(world, "GET", f"{SUBSCRIPTION}{ROLES}/{READER}", version=VERSION)
    assert reader.body["properties"]["permissions"][0]["actions"] == ["*/read"]
    assert ask(world, "GET", f"{ROLES}/{READER}", version=VERSION).body["id"] == f"{ROLES}/{READER}"
    everything = ask(world, "GET", f"{SUBSCRIPTION}{ROLES}", version=VERSION).body["value"]
    assert len({role["name"] for role in everything}) == len(everything) > 10


def test_a_role_permits_its_actions_in_its_scope_and_below(world: World) -> None:
    assert not allowed(world, SOMEBODY, READ, NSG)
    assign(world, principalType="ServicePrincipal")
    assert allowed(world, SOMEBODY, READ, NSG)
    assert allowed(world, SOMEBODY.upper(), READ.upper(), NSG.upper())
    assert not allowed(world, SOMEBODY, WRITE, NSG)
    assert not allowed(world, SOMEBODY, READ, SUBSCRIPTION)
    assert not allowed(world, SOMEBODY, READ, GROUP.replace("rg-test", "rg-test-2"))


def test_what_a_role_excludes_another_may_still_give(world: World) -> None:
    restricted(world, role="Contributor")
    own, action = world.principal["oid"], "Microsoft.Authorization/roleAssignments/write"
    assert allowed(world, own, WRITE, NSG)
    assert not allowed(world, own, action, GROUP)
    world.options.access.append(Access(actions=["Microsoft.Authorization/roleAssignments/*"]))
    assert allowed(world, own, action, GROUP)


def test_without_the_action_azure_names_client_action_and_scope(world: World) -> None:
    restricted(world, "*/read")
    refused = ask(world, "PUT", NSG, {"location": "eastus"}, version="2024-05-01")
    assert (refused.status, refused.headers["x-ms-failure-cause"]) == (403, "gateway")
    assert refused.body["error"] == {
        "code": "AuthorizationFailed",
        "message": f"The client 'you@sandbox.example' with object id '{world.principal['oid']}' "
        "does not have authorization to perform action "
        f"'{WRITE}' over scope '{NSG}' or the scope is invalid. If access was recently granted, "
        "please refresh your credentials.",
    }


VM = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/vm"


@pytest.mark.parametrize(
    ("method", "path", "action", "scope"),
    [
        ("GET", SUBSCRIPTION, "Microsoft.Resources/subscriptions/read", SUBSCRIPTION),
        (
            "GET",
            f"{SUBSCRIPTION}/providers/Microsoft.Compute",
            "Microsoft.Resources/subscriptions/providers/read",
            SUBSCRIPTION,
        ),
        (
            "POST",
            f"{SUBSCRIPTION}/providers/Microsoft.Insights/register",
            "Microsoft.Insights/register/action",
            SUBSCRIPTION,
        ),
        ("PATCH", GROUP, "Microsoft.Resources/subscriptions/resourceGroups/write", GROUP),
        ("DELETE", GROUP, "Microsoft.Resources/subscriptions/resourceGroups/delete", GROUP),
        ("GET", VM, "Microsoft.Compute/virtualMachines/read", VM),
        ("GET", VM.rsplit("/", 1)[0], "Microsoft.Compute/virtualMachines/read", GROUP),
        ("GET", f"{VM}/instanceView", "Microsoft.Compute/virtualMachines/instanceView/read", VM),
        (
            "POST",
            f"{VM}/assessPatches",
            "Microsoft.Compute/virtualMachines/assessPatches/action",
            VM,
        ),
        (
            "DELETE",
            f"{VM}/providers/Microsoft.Maintenance/configurationAssignments/a",
            "Microsoft.Maintenance/configurationAssignments/delete",
            f"{VM}/providers/Microsoft.Maintenance/configurationAssignments/a",
        ),
        (
            "GET",
            f"{SUBSCRIPTION}/providers/Microsoft.Compute/locations/eastus/operations/{NAME}",
            "Microsoft.Compute/locations/operations/read",
            f"{SUBSCRIPTION}/providers/Microsoft.Compute/locations/eastus/operations/{NAME}",
        ),
    ],
)
def test_the_action_follows_from_method_and_path(
    world: World, method: str, path: str, action: str, scope: str
) -> None:
    restricted(world, "*", scope="/elsewhere")
    message = ask(world, method, path).body["error"]["message"]
    assert f"perform action '{action}' over scope '{scope}' or" in message


def test_a_reference_needs_an_action_of_its_own(world: World) -> None:
    network = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}
    subnet = {"name": "default", "properties": {"addressPrefix": "10.0.0.0/24"}}
    body = {"location": "eastus", "properties": {**network, "subnets": [subnet]}}
    assert ask(world, "PUT", VNET, body, version="2024-05-01").status == 201
    wait(world, 60)
    restricted(world, "Microsoft.Network/networkInterfaces/*")
    configuration = {"name": "ip", "properties": {"subnet": {"id": SUBNET}}}
    body = {"location": "eastus", "properties": {"ipConfigurations": [configuration]}}
    refused = ask(world, "PUT", NIC, body, version="2024-05-01")
    assert (refused.status, code(refused)) == (403, "LinkedAuthorizationFailed")
    assert (
        f"action 'Microsoft.Network/networkInterfaces/write' on scope '{NIC}'; however, it does "
        "not have permission to perform action 'Microsoft.Network/virtualNetworks/subnets/join/"
        f"action' on the linked scope(s) '{SUBNET}' or" in refused.body["error"]["message"]
    )
    world.options.access[0].actions.append("Microsoft.Network/virtualNetworks/subnets/join/action")
    assert ask(world, "PUT", NIC, body, version="2024-05-01").status == 201


def test_a_grant_takes_time_to_hold_and_to_end(world: World) -> None:
    world.options.access_delay = (30.0, 300.0)
    assign(world, principalType="ServicePrincipal")
    assert not allowed(world, SOMEBODY, READ, NSG)
    wait(world, 301)
    assert allowed(world, SOMEBODY, READ, NSG)
    ask(world, "DELETE", f"{GROUP}{ASSIGNMENTS}/{NAME}", version=VERSION)
    assert names(world, GROUP, f"principalId eq '{SOMEBODY}'") == []
    assert allowed(world, SOMEBODY, READ, NSG)
    again = World.from_json(json.loads(world.saved()))
    wait(again, 301)
    assert ask(again, "GET", GROUP).status == 200
    assert not allowed(again, SOMEBODY, READ, NSG)
    assert again.revoked == {}


def test_the_permissions_at_a_scope_are_those_of_who_asks(world: World) -> None:
    def actions(scope: str) -> list[list[str]]:
        path = f"{scope}/providers/Microsoft.Authorization/permissions"
        listed = ask(world, "GET", path, version=VERSION).body["value"]
        return [permission["actions"] for permission in listed]

    assert actions(GROUP) == [["*"]]
    restricted(world, role="Reader")
    world.options.access.append(Access(actions=[WRITE], scope=GROUP))
    assert actions(SUBSCRIPTION) == [["*/read"]]
    assert actions(GROUP) == [["*/read"], [WRITE]]


def test_a_group_takes_the_assignments_in_it_along(world: World) -> None:
    assign(world, principalType="ServicePrincipal")
    ask(world, "DELETE", GROUP)
    wait(world, 600)
    assert ask(world, "GET", GROUP).status == 404
    assert not allowed(world, SOMEBODY, READ, NSG)


def test_lists_show_everybody_what_is_theirs(world: World) -> None:
    other = f"{SUBSCRIPTION}/resourceGroups/rg-other"
    ask(world, "PUT", other, {"location": "eastus"})
    ask(world, "PUT", NSG, {"location": "eastus"}, version="2024-05-01")
    guest = {"oid": SOMEBODY, "upn": "guest@sandbox.example"}

    def shown(path: str) -> Response:
        return ask(world, "GET", path, who=guest)

    assert shown("/subscriptions").body["value"] == []
    assert code(shown(f"{SUBSCRIPTION}/resourcegroups")) == "AuthorizationFailed"
    assign(world, principalType="User")
    assert len(shown("/subscriptions").body["value"]) == 1
    assert shown(SUBSCRIPTION).status == 200
    groups = shown(f"{SUBSCRIPTION}/resourcegroups").body["value"]
    assert [group["name"] for group in groups] == ["rg-test"]
    found = shown(f"{SUBSCRIPTION}/resources").body["value"]
    assert [resource["id"] for resource in found] == [NSG]
    refused = shown(other)
    assert refused.status == 403
    assert "client 'guest@sandbox.example' with" in refused.body["error"]["message"]


def test_nobody_is_owner_of_the_tenant(world: World) -> None:
    path = "/providers/Microsoft.Authorization/policyDefinitions/test/error_policy"
    refused = ask(world, "GET", path, version="2021-06-01")
    assert code(refused) == "AuthorizationFailed"
    assert (
        "perform action 'Microsoft.Authorization/policyDefinitions/error_policy/read' over scope "
        "'/providers/Microsoft.Authorization/policyDefinitions/test'"
        in refused.body["error"]["message"]
    )

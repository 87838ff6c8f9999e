"""Tags by themselves, and the lists that are asked for by them and by other things."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, SUBSCRIPTION, ask

NSG = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/nsg"
VNET = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet"


@pytest.fixture
def made(world: World) -> World:
    """A world with a security group and a network that have tags."""
    nsg = {"location": "eastus", "tags": {"Env": "prod", "a": "b"}, "properties": {}}
    space = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}
    vnet = {"location": "westus2", "tags": {"Env": "dev"}, "properties": space}
    for path, body in ((NSG, nsg), (VNET, vnet)):
        assert ask(world, "PUT", path, body, version="2024-05-01").status == 201
    return world


def tags(world: World, method: str, scope: str, body: Any = None) -> dict[str, str]:
    response = ask(world, method, f"{scope}/providers/Microsoft.Resources/tags/default", body)
    assert response.status == 200, response.body
    assert response.body["id"] == f"{scope}/providers/Microsoft.Resources/tags/default"
    found: dict[str, str] = response.body["properties"]["tags"]
    return found


def patch(operation: str, **values: str) -> dict[str, Any]:
    return {"operation": operation, "properties": {"tags": values}}


@pytest.mark.parametrize("scope", [SUBSCRIPTION, GROUP, NSG])
def test_tags_of_a_scope_are_read_and_written(made: World, scope: str) -> None:
    assert tags(made, "PUT", scope, {"properties": {"tags": {"x": "1"}}}) == {"x": "1"}
    assert tags(made, "PATCH", scope, patch("Merge", y="2")) == {"x": "1", "y": "2"}
    assert tags(made, "PATCH", scope, patch("delete", x="other", y="2")) == {"x": "1"}
    assert tags(made, "PATCH", scope, patch("Replace", z="3")) == {"z": "3"}
    assert tags(made, "GET", scope) == {"z": "3"}
    path = f"{scope}/providers/Microsoft.Resources/tags/default"
    assert ask(made, "DELETE", path).status == 200
    assert tags(made, "GET", scope) == {}


def test_tags_are_those_of_the_resource(made: World) -> None:
    tags(made, "PATCH", NSG, patch("Merge", c="d"))
    body = ask(made, "GET", NSG, version="2024-05-01").body
    assert body["tags"] == {"Env": "prod", "a": "b", "c": "d"}


def test_refuses_tags_of_what_is_not_there(made: World) -> None:
    path = f"{NSG}2/providers/Microsoft.Resources/tags/default"
    response = ask(made, "GET", path)
    assert (response.status, response.body["error"]["code"]) == (404, "ResourceNotFound")


def test_refuses_an_unknown_operation_on_tags(made: World) -> None:
    path = f"{NSG}/providers/Microsoft.Resources/tags/default"
    response = ask(made, "PATCH", path, patch("Add", a="b"))
    assert response.body["error"]["code"] == "InvalidTagsPatchOperation"


def test_the_names_of_tags_go_by_any_case(made: World) -> None:
    ask(made, "PATCH", f"{NSG}/providers/Microsoft.Resources/tags/default", patch("Merge", ENV="x"))
    assert ask(made, "GET", NSG, version="2024-05-01").body["tags"]["Env"] == "x"
    ask(
        made, "PATCH", f"{NSG}/providers/Microsoft.Resources/tags/default", patch("Delete", env="x")
    )
    assert "Env" not in (ask(made, "GET", NSG, version="2024-05-01").body.get("tags") or {})


def test_a_resource_takes_fifty_tags(made: World) -> None:
    path = f"{NSG}/providers/Microsoft.Resources/tags/default"
    standing = len(ask(made, "GET", path).body["properties"]["tags"])
    most = {f"tag{n}": "x" for n in range(50 - standing)}
    assert ask(made, "PATCH", path, patch("Merge", **most)).status == 200
    assert ask(made, "PATCH", path, patch("Merge", one_more="x")).status == 400
    body = ask(made, "GET", NSG, version="2024-05-01").body
    more = {**body, "tags": {**body["tags"], "one_more": "x"}}
    assert ask(made, "PUT", NSG, more, version="2024-05-01").status == 400
    assert len(ask(made, "GET", path).body["properties"]["tags"]) == 50


def test_the_tags_of_a_subscription_are_no_resource_in_it(made: World) -> None:
    tags(made, "PUT", SUBSCRIPTION, {"properties": {"tags": {"x": "1"}}})
    listed = ask(made, "GET", f"{SUBSCRIPTION}/resources").body["value"]
    assert {found["name"] for found in listed} == {"nsg", "vnet"}


def test_every_tag_in_use_is_counted(made: World) -> None:
    used = {
        tag["tagName"]: tag for tag in ask(made, "GET", f"{SUBSCRIPTION}/tagNames").body["value"]
    }
    assert used["Env"]["count"]["value"] == 2
    assert {value["tagValue"] for value in used["Env"]["values"]} == {"prod", "dev"}


@pytest.mark.parametrize(
    ("filter", "names"),
    [
        ("resourceType eq 'microsoft.network/virtualnetworks'", {"vnet"}),
        ("resourceType ne 'Microsoft.Network/virtualNetworks'", {"nsg"}),
        ("name eq 'NSG'", {"nsg"}),
        ("resourceGroup eq 'RG-test'", {"nsg", "vnet"}),
        ("resourceGroup eq 'other'", set()),
        ("location eq 'West US 2'", {"vnet"}),
        ("substringof('s', name)", {"nsg"}),
        (
            "resourceGroup eq 'rg-test' and resourceType eq 'Microsoft.Network/virtualNetworks'",
            {"vnet"},
        ),
        ("tagname eq 'env'", {"nsg", "vnet"}),
        ("tagName eq 'Env' and tagValue eq 'prod'", {"nsg"}),
        ("tagName eq 'Env' and tagValue eq 'Prod'", set()),
    ],
)
def test_resources_are_filtered(made: World, filter: str, names: set[str]) -> None:
    query = f"&$filter={quote(filter)}&$expand=createdTime,changedTime,provisioningState"
    listed = ask(made, "GET", f"{SUBSCRIPTION}/resources", query=query).body["value"]
    assert {found["name"] for found in listed} == names
    assert all(("tags" in found) != filter.lower().startswith("tagname") for found in listed)


@pytest.mark.parametrize(
    "filter", ["colour eq 'red'", "name eq nsg", "tagValue eq 'x'", "name eq 'a' or"]
)
def test_refuses_filters_that_are_not_known(made: World, filter: str) -> None:
    response = ask(made, "GET", f"{SUBSCRIPTION}/resources", query=f"&$filter={quote(filter)}")
    assert response.body["error"]["code"] == "InvalidFilterInQueryString"


def test_every_provider_is_listed_once(world: World) -> None:
    found = ask(world, "GET", f"{SUBSCRIPTION}/providers", query="&$expand=metadata").body["value"]
    names = [provider["namespace"] for provider in found]
    assert len(names) == len({name.lower() for name in names})
    assert {"Microsoft.Compute", "Microsoft.Resources", "Microsoft.KeyVault"} <= set(names)
    compute = next(provider for provider in found if provider["namespace"] == "Microsoft.Compute")
    assert compute == ask(world, "GET", f"{SUBSCRIPTION}/providers/microsoft.compute").body

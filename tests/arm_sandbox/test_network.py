"""Networks as Azure makes, shows and refuses them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from arm_sandbox.providers.network import has_route
from arm_sandbox.providers.public_addresses import BASIC_RETIRED
from arm_sandbox.wire import Response
from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, ask, finish, wait

API = "2026-03-01"
NETWORK = f"{GROUP}/providers/Microsoft.Network"
NSG = f"{NETWORK}/networkSecurityGroups/nsg1"
VNET = f"{NETWORK}/virtualNetworks/vnet1"
SUBNET = f"{VNET}/subnets/default"
ADDRESS = f"{NETWORK}/publicIPAddresses/ip1"
NAT = f"{NETWORK}/natGateways/nat1"
NIC = f"{NETWORK}/networkInterfaces/nic1"


def put(world: World, id: str, body: Any, version: str = API) -> Response:
    return ask(world, "PUT", id, body, version=version)


def make(world: World, id: str, body: Any, version: str = API) -> Any:
    """Make or change something and wait for its end; the document afterwards."""
    response = put(world, id, body, version)
    assert response.status in (200, 201), response.body
    assert finish(world, response).body["status"] == "Succeeded"
    return ask(world, "GET", id, version=version).body


def remove(world: World, id: str) -> None:
    response = ask(world, "DELETE", id, version=API)
    assert response.status == 202, response.body
    assert finish(world, response).body["status"] == "Succeeded"


def network(**subnet: Any) -> dict[str, Any]:
    properties = {"addressPrefix": "10.0.0.0/24", **subnet}
    space = {"addressPrefixes": ["10.0.0.0/16"]}
    subnets = [{"name": "default", "properties": properties}]
    return {"location": "eastus", "properties": {"addressSpace": space, "subnets": subnets}}


def address() -> dict[str, Any]:
    properties = {"publicIPAllocationMethod": "Static"}
    return {"location": "eastus", "sku": {"name": "Standard"}, "properties": properties}


def interface(**more: Any) -> dict[str, Any]:
    properties = {"subnet": {"id": SUBNET}, **more}
    configurations = [{"name": "ipconfig1", "properties": properties}]
    return {"location": "eastus", "properties": {"ipConfigurations": configurations}}


def refused(response: Response, status: int, code: str) -> str:
    assert (response.status, response.body["error"]["code"]) == (status, code), response.body
    return str(response.body["error"]["message"])


# -- how things are made


def test_a_network_is_made_by_an_operation_and_settles(world: World) -> None:
    response = put(world, VNET, network())
    assert response.status == 201
    assert "Location" not in response.headers
    assert response.headers["Azure-AsyncOperation"].startswith("https://management.azure.com/")
    assert "/locations/eastus/operations/" in response.headers["Azure-AsyncOperation"]
    assert response.body["properties"]["provisioningState"] == "Updating"
    assert (
        response.body["properties"]["subnets"][0]["properties"]["provisioningState"] == "Updating"
    )
    assert finish(world, response).body == {"status": "Succeeded"}
    got = ask(world, "GET", VNET, version=API)
    assert got.headers["ETag"] == got.body["etag"] != response.body["etag"]
    assert got.body["properties"]["provisioningState"] == "Succeeded"
    assert got.body["properties"]["resourceGuid"] == response.body["properties"]["resourceGuid"]
    subnet = got.body["properties"]["subnets"][0]
    assert subnet["id"] == SUBNET
    assert subnet["type"] == "Microsoft.Network/virtualNetworks/subnets"
    assert subnet["properties"]["provisioningState"] == "Succeeded"
    assert subnet["properties"]["privateEndpointNetworkPolicies"] == "Disabled"


def test_an_update_answers_200_and_keeps_the_guid(world: World) -> None:
    before = make(world, VNET, network())
    response = put(world, VNET, {**network(), "tags": {"a": "b"}})
    assert response.status == 200
    assert response.body["properties"]["provisioningState"] == "Updating"
    assert response.body["properties"]["resourceGuid"] == before["properties"]["resourceGuid"]


def test_a_patch_of_tags_is_synchronous(world: World) -> None:
    make(world, VNET, network())
    response = ask(world, "PATCH", VNET, {"tags": {"env": "dev"}}, version=API)
    assert response.status == 200
    assert "Azure-AsyncOperation" not in response.headers
    assert response.body["tags"] == {"env": "dev"}
    assert response.body["properties"]["provisioningState"] == "Succeeded"
    assert len(response.body["properties"]["subnets"]) == 1


def test_a_deletion_has_both_headers_and_ends_in_204(world: World) -> None:
    make(world, VNET, network())
    response = ask(world, "DELETE", VNET, version=API)
    assert (response.status, response.content) == (202, b"")
    assert finish(world, response).body == {"status": "Succeeded"}
    path = response.headers["Location"].removeprefix("https://management.azure.com").split("?")[0]
    assert ask(world, "GET", path).status == 204
    assert ask(world, "GET", VNET, version=API).status == 404
    assert ask(world, "GET", SUBNET, version=API).status == 404
    assert ask(world, "DELETE", VNET, version=API).status == 204


def test_a_put_without_subnets_leaves_them_and_an_empty_list_removes_them(world: World) -> None:
    make(world, VNET, network())
    body = network()
    del body["properties"]["subnets"]
    assert len(make(world, VNET, body)["properties"]["subnets"]) == 1
    body["properties"]["subnets"] = []
    assert make(world, VNET, body)["properties"]["subnets"] == []


def test_a_subnet_is_a_resource_of_its_own(world: World) -> None:
    make(world, VNET, network())
    second = f"{VNET}/subnets/second"
    response = put(world, second, {"properties": {"addressPrefix": "10.0.1.0/24"}})
    assert response.status == 201
    assert response.body["properties"]["provisioningState"] == "Updating"
    finish(world, response)
    listed = ask(world, "GET", f"{VNET}/subnets", version=API).body["value"]
    assert {subnet["name"] for subnet in listed} == {"default", "second"}
    assert len(ask(world, "GET", VNET, version=API).body["properties"]["subnets"]) == 2
    resources = ask(world, "GET", f"{GROUP}/resources").body["value"]
    assert [resource["name"] for resource in resources] == ["vnet1"]
    remove(world, second)
    assert len(ask(world, "GET", f"{VNET}/subnets", version=API).body["value"]) == 1


def test_a_list_of_subnets_has_only_those_of_its_network(world: World) -> None:
    make(world, VNET, network())
    make(world, f"{NETWORK}/virtualNetworks/vnet2", network())
    listed = ask(world, "GET", f"{VNET}/subnets", version=API).body["value"]
    assert [subnet["id"] for subnet in listed] == [SUBNET]


def test_a_security_group_has_six_rules_by_default(world: World) -> None:
    rule = {
        "name": "ssh",
        "properties": {
            "protocol": "Tcp",
            "sourceAddressPrefix": "10.0.0.0/8",
            "sourcePortRange": "*",
            "destinationAddressPrefix": "*",
            "destinationPortRange": "22",
            "access": "Allow",
            "priority": 1000,
            "direction": "Inbound",
        },
    }
    made = make(world, NSG, {"location": "eastus", "properties": {"securityRules": [rule]}})
    names = [default["name"] for default in made["properties"]["defaultSecurityRules"]]
    assert len(names) == 6
    assert names[0] == "AllowVnetInBound"
    own = made["properties"]["securityRules"][0]
    assert own["id"] == f"{NSG}/securityRules/ssh"
    assert own["properties"]["priority"] == 1000


def test_a_public_address_gets_its_number_when_it_is_made(world: World) -> None:
    response = put(world, ADDRESS, address())
    assert "ipAddress" not in response.body["properties"]
    assert response.body["sku"] == {"name": "Standard", "tier": "Regional"}
    finish(world, response)
    got = ask(world, "GET", ADDRESS, version=API).body["properties"]
    assert got["ipAddress"].count(".") == 3
    assert got["idleTimeoutInMinutes"] == 4
    assert make(world, ADDRESS, address())["properties"]["ipAddress"] == got["ipAddress"]


def test_interfaces_get_addresses_from_the_fourth_up(world: World) -> None:
    make(world, VNET, network())
    response = put(world, NIC, interface())
    assert response.status == 201
    assert response.body["properties"]["provisioningState"] == "Succeeded"
    finish(world, response)
    first = ask(world, "GET", NIC, version=API).body["properties"]
    assert first["ipConfigurations"][0]["properties"]["privateIPAddress"] == "10.0.0.4"
    assert first["ipConfigurations"][0]["properties"]["primary"] is True
    assert first["dnsSettings"]["internalDomainNameSuffix"].endswith(".internal.cloudapp.net")
    assert "macAddress" not in first
    second = make(world, f"{NETWORK}/networkInterfaces/nic2", interface())["properties"]
    assert second["ipConfigurations"][0]["properties"]["privateIPAddress"] == "10.0.0.5"
    subnet = ask(world, "GET", SUBNET, version=API).body["properties"]
    assert subnet["ipConfigurations"][0]["id"].endswith("/NIC1/ipConfigurations/IPCONFIG1")


# -- who uses what


def test_users_are_shown_by_what_they_use(world: World) -> None:
    make(world, NSG, {"location": "eastus"})
    make(world, ADDRESS, address())
    make(world, VNET, network(networkSecurityGroup={"id": NSG}))
    make(world, NIC, interface(publicIPAddress={"id": ADDRESS}))
    group = ask(world, "GET", NSG, version=API).body["properties"]
    assert group["subnets"] == [{"id": SUBNET}]
    used = ask(world, "GET", ADDRESS, version=API).body["properties"]
    assert used["ipConfiguration"] == {"id": f"{NIC}/ipConfigurations/ipconfig1"}


def test_what_is_used_cannot_be_deleted(world: World) -> None:
    make(world, NSG, {"location": "eastus"})
    make(world, ADDRESS, address())
    make(world, VNET, network(networkSecurityGroup={"id": NSG}))
    make(world, NIC, interface(publicIPAddress={"id": ADDRESS}))
    for id, code in (
        (VNET, "InUseSubnetCannotBeDeleted"),
        (SUBNET, "InUseSubnetCannotBeDeleted"),
        (NSG, "InUseNetworkSecurityGroupCannotBeDeleted"),
        (ADDRESS, "PublicIPAddressCannotBeDeleted"),
    ):
        refused(ask(world, "DELETE", id, version=API), 400, code)
    remove(world, NIC)
    remove(world, ADDRESS)
    remove(world, VNET)
    remove(world, NSG)


def test_a_gateway_in_use_cannot_be_deleted(world: World) -> None:
    make(world, NAT, {"location": "eastus", "sku": {"name": "Standard"}})
    make(world, VNET, network(natGateway={"id": NAT}))
    assert ask(world, "GET", NAT, version=API).body["properties"]["subnets"] == [{"id": SUBNET}]
    refused(ask(world, "DELETE", NAT, version=API), 400, "InUseNatGatewayCannotBeDeleted")


def test_a_subnet_with_interfaces_cannot_be_left_out(world: World) -> None:
    make(world, VNET, network())
    make(world, NIC, interface())
    body = network()
    body["properties"]["subnets"] = []
    refused(put(world, VNET, body), 400, "InUseSubnetCannotBeDeleted")


def test_a_subnet_with_interfaces_keeps_its_prefix(world: World) -> None:
    make(world, VNET, network())
    make(world, NIC, interface())
    moved = network(addressPrefix="10.0.9.0/24")
    refused(put(world, VNET, moved), 400, "InUsePrefixCannotBeDeleted")


def test_a_public_address_has_one_user(world: World) -> None:
    make(world, VNET, network())
    make(world, ADDRESS, address())
    make(world, NIC, interface(publicIPAddress={"id": ADDRESS}))
    other = f"{NETWORK}/networkInterfaces/nic2"
    body = interface(publicIPAddress={"id": ADDRESS})
    refused(put(world, other, body), 400, "PublicIPAddressInUse")


# -- what is refused


@pytest.mark.parametrize("name", ["networkSecurityGroup", "natGateway"])
def test_a_subnet_refers_to_what_stands(world: World, name: str) -> None:
    response = put(world, VNET, network(**{name: {"id": NSG}}))
    assert NSG in refused(response, 400, "InvalidResourceReference")


def test_an_interface_refers_to_what_stands(world: World) -> None:
    assert SUBNET in refused(put(world, NIC, interface()), 400, "InvalidResourceReference")


def test_an_interface_is_in_the_region_of_its_network(world: World) -> None:
    make(world, VNET, network())
    response = put(world, NIC, {**interface(), "location": "westeurope"})
    refused(response, 400, "InvalidResourceReference")


def test_an_interface_needs_a_subnet(world: World) -> None:
    body = {
        "location": "eastus",
        "properties": {"ipConfigurations": [{"name": "x", "properties": {}}]},
    }
    refused(put(world, NIC, body), 400, "MissingJsonReferenceId")


def test_a_static_private_address_lies_in_the_subnet(world: World) -> None:
    make(world, VNET, network())
    static = {"privateIPAllocationMethod": "Static", "privateIPAddress": "10.9.0.4"}
    refused(put(world, NIC, interface(**static)), 400, "PrivateIPAddressNotInSubnet")


def test_a_static_private_address_is_free(world: World) -> None:
    make(world, VNET, network())
    make(world, NIC, interface())
    static = {"privateIPAllocationMethod": "Static", "privateIPAddress": "10.0.0.4"}
    response = put(world, f"{NETWORK}/networkInterfaces/nic2", interface(**static))
    refused(response, 400, "PrivateIPAddressIsAllocated")


@pytest.mark.parametrize(
    ("prefix", "code"),
    [
        ("10.0.0.0/33", "InvalidAddressPrefixFormat"),
        ("10.0.0.5/24", "InvalidCIDRNotation"),
        ("10.1.0.0/24", "NetcfgInvalidSubnet"),
        ("10.0.0.0/8", "NetcfgInvalidSubnet"),
    ],
)
def test_a_wrong_prefix(world: World, prefix: str, code: str) -> None:
    refused(put(world, VNET, network(addressPrefix=prefix)), 400, code)
    assert ask(world, "GET", VNET, version=API).status == 404


def test_subnets_do_not_overlap(world: World) -> None:
    make(world, VNET, network())
    response = put(world, f"{VNET}/subnets/b", {"properties": {"addressPrefix": "10.0.0.128/25"}})
    refused(response, 400, "NetcfgSubnetRangesOverlap")


def test_a_subnet_of_no_network(world: World) -> None:
    message = refused(ask(world, "GET", SUBNET, version=API), 404, "ResourceNotFound")
    assert "'Microsoft.Network/virtualNetworks/vnet1'" in message
    body = {"properties": {"addressPrefix": "10.0.0.0/24"}}
    refused(put(world, SUBNET, body), 404, "ParentResourceNotFound")


def test_no_such_subnet(world: World) -> None:
    make(world, VNET, network())
    other = f"{VNET}/subnets/other"
    response = ask(world, "GET", other, version=API)
    assert refused(response, 404, "NotFound") == f"Resource {other} not found."
    assert "x-ms-failure-cause" not in response.headers


def test_subnets_of_one_network_are_written_one_by_one(world: World) -> None:
    make(world, VNET, network())
    first = put(world, f"{VNET}/subnets/a", {"properties": {"addressPrefix": "10.0.1.0/24"}})
    assert first.status == 201
    second = put(world, f"{VNET}/subnets/b", {"properties": {"addressPrefix": "10.0.2.0/24"}})
    refused(second, 409, "AnotherOperationInProgress")
    refused(put(world, VNET, network()), 409, "AnotherOperationInProgress")
    wait(world, 15)
    make(world, f"{VNET}/subnets/b", {"properties": {"addressPrefix": "10.0.2.0/24"}})


def test_a_standard_address_is_static(world: World) -> None:
    body = address()
    body["properties"]["publicIPAllocationMethod"] = "Dynamic"
    refused(put(world, ADDRESS, body), 400, "StandardAndStandardV2SkuPublicIPAddressesMustBeStatic")


def test_basic_addresses_are_no_more(world: World) -> None:
    response = put(world, ADDRESS, {**address(), "sku": {"name": "Basic"}})
    refused(response, 400, "IPv4BasicSkuPublicIpCountLimitReached")


def test_rules_do_not_share_a_priority(world: World) -> None:
    rules = [
        {"name": name, "properties": {"priority": 100, "direction": "Inbound"}}
        for name in ("a", "b")
    ]
    body = {"location": "eastus", "properties": {"securityRules": rules}}
    refused(put(world, NSG, body), 400, "SecurityRuleConflict")


def test_a_priority_has_bounds(world: World) -> None:
    rules = [{"name": "a", "properties": {"priority": 99, "direction": "Inbound"}}]
    body = {"location": "eastus", "properties": {"securityRules": rules}}
    refused(put(world, NSG, body), 400, "SecurityRuleInvalidPriority")


def test_a_misspelt_property_of_a_subnet_is_named(world: World) -> None:
    message = refused(put(world, VNET, network(adressPrefix="x")), 400, "InvalidRequestContent")
    assert "properties.subnets[0].properties.adressPrefix" in message


def test_a_location_that_is_not_one(world: World) -> None:
    response = put(world, NSG, {"location": "atlantis"})
    refused(response, 400, "LocationNotAvailableForResourceType")


# -- the way out


@pytest.mark.parametrize(
    ("version", "shown", "routed"), [(API, False, False), ("2025-05-01", None, True)]
)
def test_newer_versions_make_private_subnets(
    world: World, version: str, shown: bool | None, routed: bool
) -> None:
    made = make(world, VNET, network(), version)
    assert made["properties"]["subnets"][0]["properties"].get("defaultOutboundAccess") is shown
    make(world, NIC, interface(), version)
    assert has_route(world, NIC) is routed


def test_an_old_subnet_stays_open_when_a_newer_version_writes_it(world: World) -> None:
    make(world, VNET, network(defaultOutboundAccess=True))
    body = network()
    assert make(world, VNET, body)["properties"]["subnets"][0]["properties"][
        "defaultOutboundAccess"
    ]


def test_an_outbound_access_that_is_asked_for(world: World) -> None:
    make(world, VNET, network(defaultOutboundAccess=True))
    make(world, NIC, interface())
    assert has_route(world, NIC)


def test_a_public_address_is_a_way_out(world: World) -> None:
    make(world, VNET, network())
    make(world, ADDRESS, address())
    make(world, NIC, interface(publicIPAddress={"id": ADDRESS}))
    assert has_route(world, NIC)


@pytest.mark.parametrize("addresses", [[], [{"id": ADDRESS}]])
def test_a_gateway_with_an_address_is_a_way_out(world: World, addresses: list[Any]) -> None:
    make(world, ADDRESS, address())
    make(world, NAT, {"location": "eastus", "properties": {"publicIpAddresses": addresses}})
    make(world, VNET, network(natGateway={"id": NAT}))
    make(world, NIC, interface())
    assert has_route(world, NIC) is bool(addresses)


@pytest.mark.parametrize(
    ("settings", "host"),
    [
        ({"domainNameLabel": "web"}, r"web\.eastus\.cloudapp\.azure\.com"),
        (
            {"domainNameLabel": "web", "domainNameLabelScope": "TenantReuse"},
            r"web\.[a-z2-7]{16}\.eastus\.cloudapp\.azure\.com",
        ),
    ],
)
def test_a_label_gives_an_address_a_name(world: World, settings: Any, host: str) -> None:
    body = address()
    body["properties"]["dnsSettings"] = settings
    shown = make(world, ADDRESS, body)["properties"]["dnsSettings"]
    assert re.fullmatch(host, shown.pop("fqdn"))
    assert shown == settings


def test_protection_of_machines_is_told_only_when_it_is_on(world: World) -> None:
    body = network()
    body["properties"]["enableVmProtection"] = False
    assert "enableVmProtection" not in make(world, VNET, body)["properties"]
    body["properties"]["enableVmProtection"] = True
    assert make(world, VNET, body)["properties"]["enableVmProtection"] is True


# -- the rules of a security group as resources of their own


RULE = f"{NSG}/securityRules/rdp"
RDP = {
    "properties": {
        "protocol": "Tcp",
        "sourcePortRange": "*",
        "destinationPortRange": "3389",
        "sourceAddressPrefix": "*",
        "destinationAddressPrefix": "*",
        "access": "Deny",
        "priority": 200,
        "direction": "Inbound",
    }
}


def test_a_rule_is_made_and_shown_by_its_group(world: World) -> None:
    before = make(world, NSG, {"location": "eastus"})
    assert put(world, RULE, RDP).status == 201
    wait(world, 10)
    rule = ask(world, "GET", RULE, version=API).body
    assert rule["type"] == "Microsoft.Network/networkSecurityGroups/securityRules"
    assert rule["properties"]["provisioningState"] == "Succeeded"
    assert rule["properties"]["destinationPortRanges"] == []
    after = ask(world, "GET", NSG, version=API).body
    assert after["properties"]["securityRules"] == [rule]
    assert after["etag"] not in (before["etag"], None)
    assert ask(world, "GET", f"{NSG}/securityRules", version=API).body == {"value": [rule]}


def test_a_rule_goes_alone_or_with_its_group(world: World) -> None:
    make(
        world, NSG, {"location": "eastus", "properties": {"securityRules": [{"name": "a", **RDP}]}}
    )
    remove(world, f"{NSG}/securityRules/a")
    assert ask(world, "GET", NSG, version=API).body["properties"]["securityRules"] == []
    make(world, RULE, RDP)
    make(world, NSG, {"location": "eastus"})
    assert ask(world, "GET", RULE, version=API).status == 404
    make(world, RULE, RDP)
    remove(world, NSG)
    assert world.find(RULE) is None


def test_rules_have_priorities_of_their_own(world: World) -> None:
    make(world, NSG, {"location": "eastus"})
    refused(
        put(world, RULE, RDP | {"properties": RDP["properties"] | {"priority": 99}}),
        400,
        "SecurityRuleInvalidPriority",
    )
    make(world, RULE, RDP)
    refused(put(world, f"{NSG}/securityRules/other", RDP), 400, "SecurityRuleConflict")
    assert put(world, RULE, RDP).status == 200


def test_a_rule_of_no_group(world: World) -> None:
    refused(put(world, RULE, RDP), 404, "ParentResourceNotFound")
    message = refused(ask(world, "GET", RULE, version=API), 404, "ResourceNotFound")
    assert "'Microsoft.Network/networkSecurityGroups/nsg1'" in message
    make(world, NSG, {"location": "eastus"})
    assert RULE in refused(ask(world, "GET", RULE, version=API), 404, "NotFound")


def test_default_rules_can_be_read(world: World) -> None:
    make(world, NSG, {"location": "eastus"})
    path = f"{NSG}/defaultSecurityRules"
    listed = ask(world, "GET", path, version=API).body["value"]
    assert len(listed) == 6
    assert ask(world, "GET", f"{path}/DenyAllInBound", version=API).body in listed
    refused(ask(world, "GET", f"{path}/nope", version=API), 404, "NotFound")


# -- what the api-version and the year decide


def test_an_answer_has_what_its_api_version_knows(world: World) -> None:
    make(world, VNET, network())
    shown = {
        version: ask(world, "GET", VNET, version=version).body["properties"]
        for version in ("2018-01-01", "2024-03-01", API)
    }
    assert "privateEndpointVNetPolicies" in shown["2024-03-01"]
    assert "delegations" not in shown["2018-01-01"]["subnets"][0]["properties"]


@pytest.mark.parametrize(("version", "told"), [("2024-05-01", True), ("2015-06-15", False)])
def test_pools_are_told_of_networks_that_newer_clients_made(
    world: World, version: str, told: bool
) -> None:
    """Recorded: a subnet that is read with 2024-01-01 has them or not, as its network was made."""
    make(world, VNET, network(), version)
    subnet = ask(world, "GET", SUBNET, version="2024-01-01").body["properties"]
    assert ("ipamPoolPrefixAllocations" in subnet) is told


def test_an_id_is_spelled_as_azure_spells_it(world: World) -> None:
    path = NSG.replace("/resourceGroups/", "/resourcegroups/").replace("Microsoft.N", "microsoft.n")
    made = put(
        world,
        path.replace("networkSecurityGroups", "networksecuritygroups"),
        {"location": "eastus"},
    )
    assert made.body["id"] == NSG


def test_a_basic_address_could_be_had_until_it_was_retired(world: World) -> None:
    basic = {"location": "eastus", "properties": {"publicIPAllocationMethod": None}}
    refused(put(world, ADDRESS, basic), 400, "IPv4BasicSkuPublicIpCountLimitReached")
    world = World(now=BASIC_RETIRED - 3600)
    ask(world, "PUT", GROUP, {"location": "eastus"})
    made = make(world, ADDRESS, basic, "2018-01-01")
    assert made["sku"] == {"name": "Basic"}
    assert made["properties"]["publicIPAllocationMethod"] == "Dynamic"
    assert "ipAddress" not in made["properties"]
    make(world, VNET, network())
    make(world, NIC, interface(publicIPAddress={"id": ADDRESS}))
    assert "ipAddress" in ask(world, "GET", ADDRESS, version=API).body["properties"]


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("10.0.0.50", {"available": True, "isPlatformReserved": False}),
        ("10.0.0.0", {"available": False, "isPlatformReserved": True}),
        ("10.0.0.4", {"available": False, "isPlatformReserved": False}),
        ("10.7.0.4", {"available": False, "isPlatformReserved": False}),
    ],
)
def test_whether_an_address_is_free(world: World, address: str, found: Any) -> None:
    make(world, VNET, network())
    make(world, NIC, interface())
    path = f"{VNET}/CheckIPAddressAvailability"
    body = ask(world, "GET", path, version=API, query=f"&ipAddress={address}").body
    assert body.pop("availableIPAddresses", ["10.0.0.5"])[0] == "10.0.0.5"
    assert body == found


def test_a_refusal_of_network_has_details(world: World) -> None:
    make(world, NSG, {"location": "eastus"})
    make(world, VNET, network(networkSecurityGroup={"id": NSG}))
    response = ask(world, "DELETE", NSG, version=API)
    refused(response, 400, "InUseNetworkSecurityGroupCannotBeDeleted")
    assert response.body["error"]["details"] == []
    missing = ask(world, "GET", NIC, version=API)
    assert "details" not in missing.body["error"]

"""Network security groups, and their rules for what may pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from arm_sandbox import arm, conflicts
from arm_sandbox.arm import Body
from arm_sandbox.ids import Id, parse, same
from arm_sandbox.providers.network_documents import (
    BASE,
    GROUPS,
    INTERFACES,
    RULES,
    SUBNETS,
    document_of,
    new_etag,
    referring,
    require_place,
    settled,
    shown,
)
from arm_sandbox.wire import Refusal, Request, Response
from arm_sandbox.world import Resource, World

Taken = dict[tuple[str, int], str]
"""The name of the rule that has a direction and a priority."""


def answer(world: World, request: Request, id: Id) -> Response | None:
    """The default rules can be read, and never written."""
    if not same(id.type, f"{GROUPS}/defaultSecurityRules") or request.method != "GET":
        return None
    arm.require_parent(world, request, id)
    rules = world.resources[id.parent.lower()].properties["defaultSecurityRules"]
    if not id.name:
        return Response(200, {"value": rules})
    found = next((rule for rule in rules if same(rule["name"], id.name)), None)
    if found is None:
        raise Refusal(404, "NotFound", f"Resource {id.text} not found.")
    return Response(200, found)


# -- groups


def _check_group(world: World, id: Id, body: Body, old: Resource | None) -> None:
    require_place(GROUPS, body)
    taken: Taken = {}
    for rule in body.get("properties", {}).get("securityRules") or []:
        _require_rule(rule, taken)


def _require_rule(rule: Body, taken: Taken) -> None:
    properties = rule.get("properties", {})
    priority, direction = properties.get("priority", 0), str(properties.get("direction", ""))
    if not 100 <= priority <= 4096:
        message = (
            f"Security rule has invalid priority value {priority}. Valid values are 100 to 4096."
        )
        raise Refusal(400, "SecurityRuleInvalidPriority", message)
    other = taken.setdefault((direction.lower(), priority), rule.get("name", ""))
    if other is not rule.get("name", ""):
        raise Refusal(
            400,
            "SecurityRuleConflict",
            f"Security rule {rule.get('name')} conflicts with rule {other}. Rules cannot have the "
            "same Priority and Direction.",
        )


def _fill_group(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    """The rules are resources of their own in the world; the group shows them as its part."""
    document = document_of(world, id, body, old)
    rules = document["properties"].pop("securityRules", None) or []
    for rule in list(world.below(id.text, RULES)):
        world.remove(rule.id)
    for rule in rules:
        child = parse(f"{id.text}/securityRules/{rule['name']}")
        filled = {**arm.envelope(child, RULES, {}), **_fill_rule(world, child, rule, None)}
        filled["properties"]["provisioningState"] = "Succeeded"
        world.add(Resource(child.text, RULES, filled))
    document["properties"]["defaultSecurityRules"] = [
        _default_rule(id, document["etag"], *default) for default in DEFAULT_RULES
    ]
    return document


def _show_group(world: World, resource: Resource, request: Request) -> Body:
    users = {
        name: referring(world, type, "networkSecurityGroup", resource.id) for name, type in USERS
    }
    body = shown(resource, **{k: [{"id": id} for id in ids] for k, ids in users.items()})
    rules = sorted(world.below(resource.id, RULES), key=_by_priority)
    body["properties"]["securityRules"] = [{**r.body, "etag": body["etag"]} for r in rules]
    return body


def _by_priority(rule: Resource) -> tuple[str, int]:
    return str(rule.properties["direction"]), int(rule.properties["priority"])


USERS = (("networkInterfaces", INTERFACES), ("subnets", SUBNETS))


def _group_deletable(world: World, group: Resource) -> None:
    users = [
        id for _, type in USERS for id in referring(world, type, "networkSecurityGroup", group.id)
    ]
    if users:
        raise Refusal(
            400,
            "InUseNetworkSecurityGroupCannotBeDeleted",
            f"Network security group {group.id} cannot be deleted because it is in use by the "
            f"following resources: {', '.join(users)}. In order to delete the Network security "
            "group, remove the association with the resource(s). To learn how to do this, see "
            "aka.ms/deletensg.",
        )


# -- rules

EMPTY_RULE: Mapping[str, list[str]] = {
    "sourcePortRanges": [],
    "destinationPortRanges": [],
    "sourceAddressPrefixes": [],
    "destinationAddressPrefixes": [],
}
DEFAULT_RULES = (
    ("AllowVnetInBound", "all VMs in VNET", "VirtualNetwork", "VirtualNetwork", "Allow", 65000),
    (
        "AllowAzureLoadBalancerInBound",
        "azure load balancer",
        "AzureLoadBalancer",
        "*",
        "Allow",
        65001,
    ),
    ("DenyAllInBound", "all inbound traffic", "*", "*", "Deny", 65500),
    ("AllowVnetOutBound", "all VMs in VNET", "VirtualNetwork", "VirtualNetwork", "Allow", 65000),
    ("AllowInternetOutBound", "all VMs to Internet", "*", "Internet", "Allow", 65001),
    ("DenyAllOutBound", "all outbound traffic", "*", "*", "Deny", 65500),
)


def _default_rule(
    group: Id, etag: str, name: str, what: str, source: str, target: str, access: str, priority: int
) -> Body:
    return {
        "name": name,
        "id": f"{group.text}/defaultSecurityRules/{name}",
        "etag": etag,
        "type": f"{GROUPS}/defaultSecurityRules",
        "properties": {
            "provisioningState": "Succeeded",
            "description": f"{access} {what}",
            "protocol": "*",
            "sourcePortRange": "*",
            "destinationPortRange": "*",
            "sourceAddressPrefix": source,
            "destinationAddressPrefix": target,
            "access": access,
            "priority": priority,
            "direction": "Inbound" if name.endswith("InBound") else "Outbound",
            **EMPTY_RULE,
        },
    }


def _check_rule(world: World, id: Id, body: Body, old: Resource | None) -> None:
    beside = [rule for rule in world.below(id.parent, RULES) if rule.body["name"] != id.name]
    taken = {
        (str(rule.properties["direction"]).lower(), int(rule.properties["priority"])): str(
            rule.body["name"]
        )
        for rule in beside
    }
    conflicts.require_idle(world, id.parent)
    _require_rule({**body, "name": id.name}, taken)


def _fill_rule(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    sent = {k: v for k, v in (body.get("properties") or {}).items() if k != "provisioningState"}
    return {"etag": new_etag(world, id.text), "properties": {**EMPTY_RULE, **sent}}


def _rule_made(world: World, rule: Resource) -> None:
    settled(world, rule)
    group = world.find(parse(rule.id).parent)
    if group is not None:
        group.body["etag"] = rule.body["etag"]


GROUP = replace(
    BASE,
    type=GROUPS,
    model="azure.mgmt.network.models:NetworkSecurityGroup",
    check=_check_group,
    fill=_fill_group,
    show=_show_group,
    deletable=_group_deletable,
)
RULE = replace(
    BASE,
    type=RULES,
    model="azure.mgmt.network.models:SecurityRule",
    patch_model="",
    patched_at_once=False,
    tracked=False,
    located=False,
    check=_check_rule,
    fill=_fill_rule,
    when_made=_rule_made,
)

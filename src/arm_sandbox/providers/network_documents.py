"""What the resource types of Microsoft.Network have in common.

What one resource shows of another (a subnet's interfaces, say) is looked up when it is shown.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from arm_sandbox.arm import Body, Kind, reference, require_references, writable
from arm_sandbox.ids import Id, same
from arm_sandbox.operations import LongRunning
from arm_sandbox.providers import resources
from arm_sandbox.world import Resource, World

API = "2026-03-01"
VERSIONS = (
    *("2015-05-01-preview", "2015-06-15", "2016-03-30", "2016-06-01", "2016-07-01", "2016-08-01"),
    *("2016-09-01", "2016-10-01", "2016-11-01", "2016-12-01", "2017-03-01", "2017-04-01"),
    *("2017-06-01", "2017-08-01", "2017-09-01", "2017-10-01", "2017-11-01", "2018-01-01"),
    *("2018-02-01", "2018-03-01", "2018-04-01", "2018-05-01", "2018-06-01", "2018-07-01"),
    *("2018-08-01", "2018-10-01", "2018-11-01", "2018-12-01", "2019-02-01", "2019-04-01"),
    *("2019-06-01", "2019-07-01", "2019-08-01", "2019-09-01", "2019-11-01", "2019-12-01"),
    *("2020-01-01", "2020-03-01", "2020-04-01", "2020-05-01", "2020-06-01", "2020-07-01"),
    *("2020-08-01", "2020-11-01", "2021-01-01", "2021-02-01", "2021-03-01", "2021-05-01"),
    *("2021-06-01", "2021-08-01", "2021-12-01", "2022-01-01", "2022-05-01", "2022-07-01"),
    *("2022-09-01", "2022-11-01", "2023-02-01", "2023-04-01", "2023-05-01", "2023-06-01"),
    *("2023-09-01", "2023-11-01", "2024-01-01", "2024-03-01", "2024-05-01", "2024-07-01"),
    *("2024-10-01", "2025-01-01", "2025-03-01", "2025-05-01", "2025-07-01", "2025-09-01"),
)
"""Those that Azure's API descriptions have."""

GROUPS = "Microsoft.Network/networkSecurityGroups"
RULES = "Microsoft.Network/networkSecurityGroups/securityRules"
NETWORKS = "Microsoft.Network/virtualNetworks"
SUBNETS = "Microsoft.Network/virtualNetworks/subnets"
ADDRESSES = "Microsoft.Network/publicIPAddresses"
GATEWAYS = "Microsoft.Network/natGateways"
INTERFACES = "Microsoft.Network/networkInterfaces"

WRITE = LongRunning("network", (2.0, 10.0))
DELETE = LongRunning("network", (5.0, 15.0), location=True)


def document_of(world: World, id: Id, body: Body, old: Resource | None, **properties: Any) -> Body:
    """What was sent, with the given properties and those that every network resource has."""
    document = writable(body)
    if "location" in document:
        document["location"] = resources.plain_location(document["location"])
    guid = old.properties["resourceGuid"] if old is not None else world.guid(id.text)
    document["etag"] = new_etag(world, id.text)
    document["properties"] = {
        **document.get("properties", {}),
        **properties,
        "resourceGuid": guid,
    }
    return document


def new_etag(world: World, id: str) -> str:
    return f'W/"{world.guid(f"{id}|etag")}"'


def settled(world: World, resource: Resource) -> None:
    """The etag changes when the state does (recorded)."""
    resource.body["etag"] = new_etag(world, resource.id)


def shown(resource: Resource, **found: Any) -> Body:
    """A copy of a document, with what was found about the resource elsewhere, if anything was."""
    body = copy.deepcopy(resource.body)
    body["properties"] |= {name: value for name, value in found.items() if value}
    return body


def ids_in(resource: Resource, *names: str) -> list[str]:
    """The ids in lists of references."""
    return [item["id"] for name in names for item in resource.properties.get(name) or []]


def of_type(world: World, type: str) -> Iterator[Resource]:
    return (found for found in list(world.resources.values()) if found.type == type)


def referring(world: World, type: str, name: str, id: str) -> list[str]:
    """The ids of the resources of a type whose property `name` refers to `id`."""
    return [
        found.id
        for found in of_type(world, type)
        if same(reference(world, found.properties, name, "id"), id)
    ]


def require_all(world: World, id: Id, location: str, *bodies: tuple[Body, str]) -> None:
    ids = [reference(world, body, name, "id") for body, name in bodies]
    require_references(world, ids, referrer=id.text, location=location)


def require_place(kind: str, body: Body) -> str:
    return resources.require_location(kind, body["location"])


BASE = Kind(
    type="",
    model="",
    patch_model="azure.mgmt.network.models:TagsObject",
    patched_at_once=True,
    shape="network",
    api_version=API,
    versions=VERSIONS,
    create=WRITE,
    update=WRITE,
    delete=DELETE,
    when_made=settled,
    etags="network",
)
"""What is the same for every type of Microsoft.Network."""

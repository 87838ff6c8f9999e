"""Registration of resource providers: each subscription says which ones it wants to use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from arm_sandbox.arm import Kind
from arm_sandbox.ids import Id, same
from arm_sandbox.locations import LOCATIONS
from arm_sandbox.wire import Request, Response, gateway
from arm_sandbox.world import World

SECONDS = (30.0, 90.0)
AT_FIRST = (
    "microsoft.authorization",
    "microsoft.compute",
    "microsoft.network",
    "microsoft.resourcegraph",
    "microsoft.resources",
)
"""A new world has Compute and Network registered; the others always are (docs, "Registered by
default")."""
OTHERS = (
    *("Microsoft.AlertsManagement", "Microsoft.ApiManagement", "Microsoft.App"),
    *("Microsoft.AppConfiguration", "Microsoft.Automanage", "Microsoft.Automation"),
    *("Microsoft.AzureArcData", "Microsoft.Batch", "Microsoft.Cache", "Microsoft.Cdn"),
    *("Microsoft.ClassicInfrastructureMigrate", "Microsoft.CognitiveServices"),
    *("Microsoft.ContainerInstance", "Microsoft.ContainerRegistry", "Microsoft.ContainerService"),
    *("Microsoft.DBforMySQL", "Microsoft.DBforPostgreSQL", "Microsoft.DataFactory"),
    *("Microsoft.DataProtection", "Microsoft.Databricks", "Microsoft.DesktopVirtualization"),
    *("Microsoft.DevTestLab", "Microsoft.Devices", "Microsoft.DocumentDB", "Microsoft.EventGrid"),
    *("Microsoft.EventHub", "Microsoft.Features", "Microsoft.GuestConfiguration"),
    *("Microsoft.HealthcareApis", "Microsoft.HybridCompute", "Microsoft.KeyVault"),
    *("Microsoft.Kusto", "Microsoft.Logic", "Microsoft.MachineLearningServices", "Microsoft.Maps"),
    *("Microsoft.ManagedIdentity", "Microsoft.ManagedServices", "Microsoft.Management"),
    *("Microsoft.Migrate", "Microsoft.NetApp", "Microsoft.NotificationHubs"),
    *("Microsoft.OperationalInsights", "Microsoft.OperationsManagement"),
    *("Microsoft.PolicyInsights", "Microsoft.Portal", "Microsoft.PowerBIDedicated"),
    *("Microsoft.RecoveryServices", "Microsoft.Relay"),
    *("Microsoft.ResourceHealth", "Microsoft.Search", "Microsoft.Security"),
    *("Microsoft.SecurityInsights", "Microsoft.ServiceBus", "Microsoft.SignalRService"),
    *("Microsoft.Solutions", "Microsoft.Sql", "Microsoft.Storage", "Microsoft.StreamAnalytics"),
    *("Microsoft.Synapse", "Microsoft.VirtualMachineImages", "Microsoft.Web"),
)
"""Providers that can be registered here, though nothing of theirs is there (docs, a selection)."""
CHANGES = {
    "register": ("Registering", "Registered"),
    "unregister": ("Unregistering", "Unregistered"),
}
"""What a provider is on the way, and in the end (recorded)."""


def changes(request: Request, id: Id) -> bool:
    """Whether a request registers a provider or ends that."""
    action = id.types[0].lower() if len(id.types) == 1 and not id.names else ""
    return request.method == "POST" and not id.group and action in CHANGES


def is_done(world: World, subscription: str, namespace: str) -> bool:
    return state(world, subscription, namespace) == "Registered"


def require(world: World, subscription: str, namespace: str) -> None:
    if not is_done(world, subscription, namespace):
        code = "MissingSubscriptionRegistration"
        message = (
            f"The subscription is not registered to use namespace '{namespace}'. "
            "See https://aka.ms/rps-not-found for how to register subscriptions."
        )
        detail = {"code": code, "target": namespace, "message": message}
        raise gateway(409, code, message, more={"details": [detail]})


def state(world: World, subscription: str, namespace: str) -> str:
    at_first = "Registered" if namespace.lower() in AT_FIRST else "NotRegistered"
    return world.registrations.get(f"{subscription}/{namespace}".lower(), at_first)


def _get_provider(
    world: World, request: Request, subscription: str, namespace: str, kinds: Mapping[str, Kind]
) -> Response:
    return Response(200, _provider(world, subscription, namespace, kinds))


def _list_providers(
    world: World, request: Request, subscription: str, kinds: Mapping[str, Kind]
) -> Response:
    names = sorted(_names(kinds).values())
    return Response(200, {"value": [_provider(world, subscription, n, kinds) for n in names]})


def _provider(
    world: World, subscription: str, namespace: str, kinds: Mapping[str, Kind]
) -> dict[str, Any]:
    name = _name(namespace, kinds)
    types = [kind for kind in kinds.values() if same(kind.type.split("/")[0], name)]
    return {
        "id": f"/subscriptions/{subscription}/providers/{name}",
        "namespace": name,
        "resourceTypes": [_resource_type(kind) for kind in types],
        "registrationState": state(world, subscription, name),
        "registrationPolicy": "RegistrationRequired",
    }


def _name(namespace: str, kinds: Mapping[str, Kind]) -> str:
    """A namespace as it is spelled. Raises Refusal for one that Azure does not know."""
    name = _names(kinds).get(namespace.lower())
    if name is None:
        message = f"The resource namespace '{namespace}' is invalid."
        raise gateway(404, "InvalidResourceNamespace", message)
    return name


def _names(kinds: Mapping[str, Kind]) -> dict[str, str]:
    """Each by itself in lower case, as the kinds spell it if any does."""
    names = (*(kind.type.split("/")[0] for kind in kinds.values()), "Microsoft.Resources", *OTHERS)
    return {name.lower(): name for name in reversed(names)}


def _resource_type(kind: Kind) -> dict[str, Any]:
    moves = "CrossResourceGroupResourceMove, CrossSubscriptionResourceMove"
    return {
        "resourceType": kind.type.partition("/")[2],
        "locations": list(LOCATIONS.values()),
        "apiVersions": kind.all_versions[::-1],
        "capabilities": f"{moves}, SupportsTags, SupportsLocation" if kind.tracked else "None",
    }


def _change(
    world: World,
    request: Request,
    subscription: str,
    namespace: str,
    verb: str,
    kinds: Mapping[str, Kind],
) -> Response:
    _name(namespace, kinds)
    change(world, subscription, namespace, verb.lower())
    return Response(200, _provider(world, subscription, namespace, kinds))


def change(world: World, subscription: str, namespace: str, verb: str = "register") -> None:
    """Begin to register a provider, or to end that, unless it is so or on the way."""
    key, (during, after) = f"{subscription}/{namespace}".lower(), CHANGES[verb]
    if state(world, subscription, namespace) not in (during, after):
        world.later(world.between(key, verb, *SECONDS), "provider.registered", key=key, to=after)
        world.registrations[key] = during


def _changed(world: World, key: str, to: str = "Registered") -> None:
    world.registrations[key] = to


_PROVIDER = "/subscriptions/([^/]+)/providers/([^/]+)"
ROUTES: tuple[tuple[str, str, Callable[..., Response]], ...] = (
    ("GET", "/subscriptions/([^/]+)/providers", _list_providers),
    ("GET", _PROVIDER, _get_provider),
    ("POST", f"{_PROVIDER}/(register|unregister)", _change),
)
HAPPENINGS: Mapping[str, Callable[..., None]] = {"provider.registered": _changed}

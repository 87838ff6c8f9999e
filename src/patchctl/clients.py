"""The SDK's own clients, and how a command connects to Azure or the sandbox."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from patchctl import __version__, interruption
from patchctl.clouds import CLOUDS, Cloud
from patchctl.debug_log import Requests
from patchctl.errors import BadInput, Interrupted, PatchctlError, Unregistered
from patchctl.operations import Finishing, Operations
from patchctl.pacing import Buckets, Pacing
from patchctl.sign_in import Identity, cli_subscription, find_subscription, identity
from patchctl.translation import translated

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.pipeline.transport import AsyncHttpTransport
    from azure.core.polling import AsyncLROPoller
    from azure.mgmt.alertsmanagement.aio import AlertsManagementClient
    from azure.mgmt.authorization.v2022_04_01.aio import AuthorizationManagementClient
    from azure.mgmt.compute.aio import ComputeManagementClient
    from azure.mgmt.hybridcompute.aio import HybridComputeManagementClient
    from azure.mgmt.maintenance.aio import MaintenanceManagementClient
    from azure.mgmt.monitor.aio import MonitorManagementClient
    from azure.mgmt.msi.v2024_11_30.aio import ManagedServiceIdentityClient
    from azure.mgmt.network.aio import NetworkManagementClient
    from azure.mgmt.resource.resources.aio import ResourceManagementClient
    from azure.mgmt.resource.subscriptions.aio import SubscriptionClient
    from azure.mgmt.resource.templatespecs.aio import TemplateSpecsClient
    from azure.mgmt.resourcegraph.aio import ResourceGraphClient
    from azure.mgmt.resourcehealth.aio import ResourceHealthMgmtClient

    from arm_sandbox.store import Store
    from arm_sandbox.transport import Watcher
    from arm_sandbox.world import World
    from patchctl.azure_transport import SharedTransport

T = TypeVar("T")

RECORD = "PATCHCTL_SANDBOX_RECORD"
"""Names a file that every exchange with the sandbox is appended to, for whoever wants to look."""
NOBODY = Identity("", "", "")
POLL = 5
"""Seconds between polls where the service asks for no time of its own (compute does not)."""
BUSY = ("AnotherOperationInProgress", "Conflict")
"""What Network and Compute say to a write while they are at work on the same thing."""
BUSY_FOR, TRY_AGAIN = 1800.0, 30.0
"""Seconds that it may take until they no longer are, and between two tries."""
LOOKS, LOOK_AGAIN = 60, 5.0
"""How often one looks whether something is gone, and the seconds between."""


@dataclass(frozen=True)
class Clients:
    """One client a service, made when first used; all share one credential and one transport."""

    credential: AsyncTokenCredential
    transport: AsyncHttpTransport[Any, Any]
    cloud: Cloud
    subscription: str = ""
    run: str = field(default_factory=lambda: str(uuid.uuid4()))
    """Sent with every request as its correlation id."""
    buckets: Buckets = field(default_factory=Buckets)
    operations: Operations = field(default_factory=Operations)
    others: dict[str, Clients] = field(default_factory=dict)
    """Those of other subscriptions, as far as they were asked for."""

    @cached_property
    def resources(self) -> ResourceManagementClient:
        from azure.mgmt.resource.resources.aio import ResourceManagementClient

        return ResourceManagementClient(self.credential, self.subscription, **self._options)

    @cached_property
    def subscriptions(self) -> SubscriptionClient:
        from azure.mgmt.resource.subscriptions.aio import SubscriptionClient

        return SubscriptionClient(self.credential, **self._options)

    @cached_property
    def template_specs(self) -> TemplateSpecsClient:
        from azure.mgmt.resource.templatespecs.aio import TemplateSpecsClient

        return TemplateSpecsClient(self.credential, self.subscription, **self._options)

    @cached_property
    def compute(self) -> ComputeManagementClient:
        from azure.mgmt.compute.aio import ComputeManagementClient

        return ComputeManagementClient(self.credential, self.subscription, **self._options)

    @cached_property
    def hybrid_compute(self) -> HybridComputeManagementClient:
        from azure.mgmt.hybridcompute.aio import HybridComputeManagementClient

        return HybridComputeManagementClient(self.credential, self.subscription, **self._options)

    @cached_property
    def network(self) -> NetworkManagementClient:
        from azure.mgmt.network.aio import NetworkManagementClient

        return NetworkManagementClient(self.credential, self.subscription, **self._options)

    @cached_property
    def maintenance(self) -> MaintenanceManagementClient:
        from azure.mgmt.maintenance.aio import MaintenanceManagementClient

        return MaintenanceManagementClient(self.credential, self.subscription, **self._options)

    @cached_property
    def monitor(self) -> MonitorManagementClient:
        from azure.mgmt.monitor.aio import MonitorManagementClient

        return MonitorManagementClient(self.credential, self.subscription, **self._options)

    @cached_property
    def identities(self) -> ManagedServiceIdentityClient:
        from azure.mgmt.msi.v2024_11_30.aio import ManagedServiceIdentityClient

        return ManagedServiceIdentityClient(self.credential, self.subscription, **self._options)

    @cached_property
    def authorization(self) -> AuthorizationManagementClient:
        from azure.mgmt.authorization.v2022_04_01.aio import AuthorizationManagementClient

        return AuthorizationManagementClient(self.credential, self.subscription, **self._options)

    @cached_property
    def graph(self) -> ResourceGraphClient:
        from azure.mgmt.resourcegraph.aio import ResourceGraphClient

        return ResourceGraphClient(self.credential, **self._options)

    @cached_property
    def alerts(self) -> AlertsManagementClient:
        from azure.mgmt.alertsmanagement.aio import AlertsManagementClient

        return AlertsManagementClient(self.credential, self.subscription, **self._options)

    @cached_property
    def health(self) -> ResourceHealthMgmtClient:
        from azure.mgmt.resourcehealth.aio import ResourceHealthMgmtClient

        return ResourceHealthMgmtClient(self.credential, self.subscription, **self._options)

    def within(self, subscription: str) -> Clients:
        """The same clients for another subscription."""
        key = subscription.lower()
        if key == self.subscription.lower():
            return self
        return self.others.setdefault(key, replace(self, subscription=subscription))

    @property
    def _options(self) -> dict[str, Any]:
        from patchctl.pipeline import NotRegistering, Referring, SignedIn, refuse_pages

        return {
            "base_url": self.cloud.endpoint,
            "authentication_policy": SignedIn(self.credential, self.cloud.scope),
            "credential_scopes": [self.cloud.scope],
            "transport": self.transport,
            "polling_interval": POLL,
            "user_agent": f"patchctl/{__version__}",
            "per_retry_policies": [
                Pacing(self.buckets),
                Referring(),
                NotRegistering(),
                refuse_pages(),
                Finishing(self.operations),
            ],
            "logging_policy": Requests(),
            "headers": {"x-ms-correlation-request-id": self.run},
        }


async def find(getting: Awaitable[T]) -> T | None:
    """What a GET answers, or None for 404."""
    from azure.core.exceptions import ResourceNotFoundError

    try:
        return await getting
    except ResourceNotFoundError:
        return None
    except Unregistered:
        return None  # of a provider that is not registered nothing can be there


async def find_surely(get: Callable[[], Awaitable[T]]) -> T | None:
    """The same, and None only where a second GET, some seconds later, shows nothing either: a read
    may reach a region that does not know of it yet."""
    found = await find(get())
    if found is None:
        await asyncio.sleep(LOOK_AGAIN)
        found = await find(get())
    return found


async def ended(operation: AsyncLROPoller[T], what: str) -> T:
    """What came of an operation, once it has ended. Raises PatchctlError where nobody told.

    Told of no place to poll, azure-core takes the first answer, which has nothing in it, for the
    last.
    """
    result: T | None = await operation.result()
    if result is None:
        raise PatchctlError("NoResult", f"Azure took {what}, and told nowhere what came of it.")
    return result


async def once_free(begin: Callable[[], Awaitable[T]]) -> T:
    """Begin something once Azure is at nothing else on it, as it may still be for a run that was
    broken off. Raises what Azure says where that lasts for half an hour."""
    from azure.core.exceptions import HttpResponseError

    loop = asyncio.get_running_loop()
    patience = loop.time() + BUSY_FOR
    while True:
        try:
            return await begin()
        except HttpResponseError as error:
            busy = error.error is not None and error.error.code in BUSY
            if not busy or loop.time() >= patience:
                raise
        await asyncio.sleep(TRY_AGAIN)


class Deleting(Protocol):
    """What the clients have for each type that takes a while to delete."""

    def begin_delete(self, group: str, name: str, /) -> Awaitable[AsyncLROPoller[None]]: ...

    def get(self, group: str, name: str, /) -> Awaitable[object]: ...


async def delete(operations: Deleting, group: str, name: str) -> None:
    """Delete something, and see for some minutes that it is gone: what it uses is refused to be
    deleted before, and an answer may not say where to ask what comes of it."""
    deleting = await once_free(lambda: operations.begin_delete(group, name))
    await deleting.result()
    for _ in range(LOOKS):
        if await find(operations.get(group, name)) is None:
            return
        await asyncio.sleep(LOOK_AGAIN)


@dataclass
class Connection:
    """A command's way to Azure or to the sandbox, on an event loop of its own."""

    runner: asyncio.Runner
    clients: Clients
    clock: Callable[[], datetime]
    draw_suffix: Callable[[], str]
    sandbox: bool = False
    endpoint: str | None = None
    """The address of what is no known cloud."""
    me: Identity = NOBODY
    subscription_name: str = ""

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end; the SDK's errors come out as patchctl's."""
        return run(self.runner, translated(main), self.clients.operations)


def run(runner: asyncio.Runner, main: Coroutine[Any, Any, T], operations: Operations) -> T:
    """Raises Interrupted after Ctrl-C, and KeyboardInterrupt once it was pressed twice."""
    try:
        return interruption.run(runner, main)
    except asyncio.CancelledError:
        raise Interrupted("Interrupted", f"Interrupted. {operations.told}") from None
    except KeyboardInterrupt:
        operations.abandoned = True
        raise


def _hush() -> None:
    """What fails is told by our errors; the SDK and asyncio would print it a second time."""
    for name in ("azure", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def connect_to_azure(
    cloud: str, tenant: str | None, subscription: str | None, *, one: bool = True
) -> Iterator[Connection]:
    """Sign in the ordinary way. Raises NotSignedIn, and BadInput for an unknown subscription.

    `one`: the command works in one subscription, so it must be clear in which.
    """
    from patchctl.azure_transport import SharedCredential, ordinary_credential

    place = CLOUDS[cloud]
    credential = SharedCredential(lambda: ordinary_credential(place), tenant)
    with _network() as (runner, transport):
        connection = _over(runner, Clients(credential, transport, place))
        asked = subscription or os.environ.get("AZURE_SUBSCRIPTION_ID") or cli_subscription()
        connection.run(_sign_in(connection, asked, one=one))
        yield connection


@contextmanager
def connect_to_endpoint(
    url: str, tenant: str | None, subscription: str | None, *, one: bool = True
) -> Iterator[Connection]:
    """Sign in to what is no known cloud, with credentials of its own only; see `endpoint`."""
    from patchctl.azure_transport import SharedCredential
    from patchctl.endpoint import OwnCredential, described

    with _network() as (runner, transport):
        place = run(runner, described(transport, url), Operations())
        own = OwnCredential(place, tenant)
        credential = SharedCredential(lambda: own, tenant)
        connection = _over(runner, Clients(credential, transport, place.cloud))
        connection.endpoint, connection.sandbox = url, place.is_sandbox
        connection.clock = lambda: place.now
        asked = subscription or os.environ.get("AZURE_SUBSCRIPTION_ID")
        connection.run(_sign_in(connection, asked, one=one))
        yield connection


@contextmanager
def _network() -> Iterator[tuple[asyncio.Runner, SharedTransport]]:
    from patchctl.azure_transport import Abandonable, SharedTransport

    _hush()
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(Abandonable())
        transport = SharedTransport()
        try:
            yield runner, transport
        finally:
            runner.run(transport.close())


def _over(runner: asyncio.Runner, clients: Clients) -> Connection:
    """A connection over the network, before signing in."""
    return Connection(
        runner,
        clients,
        clock=lambda: datetime.now(UTC),
        draw_suffix=lambda: secrets.token_hex(3),
    )


@contextmanager
def connect_to_sandbox(
    directory: Path, subscription: str | None, pace: float = 0.0, watch: tuple[Watcher, ...] = ()
) -> Iterator[Connection]:
    """Open the world kept in a directory; its clock goes on from where it stood."""
    from arm_sandbox.clock import VirtualLoop
    from arm_sandbox.store import Store
    from arm_sandbox.transport import SandboxCredential, SandboxTransport

    _hush()
    store, recorders = Store(directory), _recorders()
    with opened(store) as world:
        loop = VirtualLoop(world.now, pace)
        save = store.saver(world)
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            clients = Clients(
                SandboxCredential(world),
                SandboxTransport(world, (*watch, *recorders, save)),
                CLOUDS["public"],
            )
            connection = Connection(
                runner,
                clients,
                clock=lambda: datetime.fromtimestamp(int(loop.now), UTC),
                draw_suffix=lambda: world.guid("suffix")[:6],
                sandbox=True,
            )
            connection.run(_sign_in(connection, subscription or next(iter(world.subscriptions))))
            try:
                yield connection
            finally:
                world.now = max(world.now, loop.now)
                store.save(world)


def _recorders() -> Sequence[Watcher]:
    """What keeps the traffic, where that is asked for. Raises BadInput before there is any."""
    from arm_sandbox.recording import recorders

    try:
        return recorders(RECORD)
    except OSError as error:
        raise BadInput([f"{RECORD}: {error.filename}: {error.strerror}"]) from None


@contextmanager
def usable(store: Store) -> Iterator[None]:
    """Turn what can go wrong with the sandbox's directory into PatchctlErrors."""
    from arm_sandbox.store import WorldInUse

    try:
        yield
    except OSError as error:
        message = f"The sandbox in {store.directory} cannot be used: {error.strerror or error}"
        raise PatchctlError("SandboxUnusable", message) from None
    except WorldInUse as error:
        served = "Work on it there, without --sandbox, by the variables of: patchctl sandbox env"
        hint = served if error.server else ""
        raise PatchctlError("SandboxInUse", str(error), hint) from None


@contextmanager
def opened(store: Store) -> Iterator[World]:
    """The world of a store, locked. Raises PatchctlError when it is in use or cannot be read."""
    with usable(store), store.locked():
        try:
            world = store.load()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = f"The sandbox in {store.directory} cannot be read: {error}"
            raise PatchctlError("SandboxDamaged", message) from None
        yield world


async def _sign_in(connection: Connection, asked: str | None, *, one: bool = True) -> None:
    """Fetch the token, read from it who we are, and find the subscription."""
    clients = connection.clients
    token = await clients.credential.get_token(clients.cloud.scope)
    connection.me = identity(token.token)
    found = await find_subscription(clients.subscriptions, asked, one=one)
    connection.subscription_name = found[1]
    connection.clients = replace(clients, subscription=found[0])

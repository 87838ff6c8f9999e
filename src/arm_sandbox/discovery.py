"""`/metadata/endpoints`: what a client that knows a cloud's address only asks it first."""

from __future__ import annotations

from typing import Any

from arm_sandbox.providers.catalogue import IMAGES
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World

NAME = "ArmSandbox"
"""The name of the cloud; a client can tell by it that this is no Azure."""
AUDIENCES = ("https://management.core.windows.net/", "https://management.azure.com/")
ALIASES = {
    "Win2019Datacenter": "2019-datacenter-gensecond",
    "Win2022Datacenter": "2022-datacenter-g2",
    "Win2022AzureEdition": "2022-datacenter-azure-edition",
    "Ubuntu2204": "22_04-lts-gen2",
    "Ubuntu2404": "server",
}
"""Names that `az vm create --image` takes, and the sku of each."""


def answer(world: World, request: Request) -> Response | None:
    """Answer a question about the cloud as a whole; None for anything else."""
    documents = {"/metadata/endpoints": _endpoints, "/metadata/image-aliases": _image_aliases}
    document = documents.get(request.path.lower())
    return None if document is None or request.method != "GET" else document(world, request)


def _endpoints(world: World, request: Request) -> Response:
    """One object since 2022-09-01, before that a list of them (seen with azure-cli)."""
    cloud = _cloud(world, request.origin)
    return Response(200, cloud if request.api_version >= "2022-09-01" else [cloud])


def _cloud(world: World, origin: str) -> dict[str, Any]:
    """Whatever the sandbox has nothing for leads to the sandbox, lest a token go elsewhere."""
    return {
        "name": NAME,
        "portal": origin,
        "resourceManager": f"{origin}/",
        "authentication": {
            "loginEndpoint": origin,
            "audiences": list(AUDIENCES),
            "tenant": world.tenant,
            "identityProvider": "AAD",
        },
        "graph": f"{origin}/",
        "graphAudience": f"{origin}/",
        "microsoftGraphResourceId": f"{origin}/",
        "gallery": f"{origin}/",
        "batch": f"{origin}/",
        "media": f"{origin}/",
        "sqlManagement": f"{origin}/",
        "vmImageAliasDoc": f"{origin}/metadata/image-aliases",
        "suffixes": {"storage": "storage.invalid", "keyVaultDns": "vault.invalid"},
    }


def _image_aliases(world: World, request: Request) -> Response:
    images = {image.sku: image for image in IMAGES}
    aliases: dict[str, dict[str, Any]] = {"Linux": {}, "Windows": {}}
    for alias, sku in ALIASES.items():
        image = images[sku]
        aliases[image.os][alias] = {
            "publisher": image.publisher,
            "offer": image.offer,
            "sku": image.sku,
            "version": "latest",
            "architecture": "x64",
        }
    return Response(200, {"outputs": {"aliases": {"type": "object", "value": aliases}}})

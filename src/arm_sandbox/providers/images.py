"""Looking images of the marketplace up: publishers, their offers, skus and versions.

The lists are bare arrays, as the API description says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from arm_sandbox.providers import catalogue, resources
from arm_sandbox.wire import Refusal, Request, Response
from arm_sandbox.world import World


def _list(
    world: World, request: Request, subscription: str, location: str, *names: str
) -> Response:
    """Publishers, the offers of one, or the skus of an offer."""
    place = resources.require_location("locations/publishers", location)
    found = catalogue.images_named(*names)
    if not found:
        raise _missing()
    below = sorted({image.names[: len(names) + 1] for image in found})
    return Response(200, _listed(subscription, place, below))


def _list_versions(
    world: World, request: Request, subscription: str, location: str, *names: str
) -> Response:
    place = resources.require_location("locations/publishers", location)
    image = catalogue.require_image(*names)
    versions = sorted(image.versions, reverse="desc" in request.query.get("$orderby", "").lower())
    top = int(request.query.get("$top", len(versions)))
    below = [(*image.names, version) for version in versions[:top]]
    return Response(200, _listed(subscription, place, below))


def _get_version(
    world: World, request: Request, subscription: str, location: str, *names: str
) -> Response:
    place = resources.require_location("locations/publishers", location)
    image = catalogue.require_image(*names[:3])
    if names[3] not in image.versions:
        raise _missing()
    path = catalogue.image_path(subscription, place, *image.names, names[3])
    return Response(200, catalogue.image_version(image, path, place))


def _missing() -> Refusal:
    return Refusal(404, "NotFound", "Artifact: VMImage was not found.")


def _listed(
    subscription: str, location: str, found: Iterable[tuple[str, ...]]
) -> list[dict[str, Any]]:
    return [
        {
            "location": location,
            "name": names[-1],
            "id": catalogue.image_path(subscription, location, *names),
        }
        for names in found
    ]


_PUBLISHERS = "/subscriptions/([^/]+)/providers/microsoft.compute/locations/([^/]+)/publishers"
_OFFERS = f"{_PUBLISHERS}/([^/]+)/artifacttypes/vmimage/offers"
_SKUS = f"{_OFFERS}/([^/]+)/skus"
_VERSIONS = f"{_SKUS}/([^/]+)/versions"
LOOK_UPS: tuple[tuple[str, Callable[..., Response]], ...] = (
    (_PUBLISHERS, _list),
    (_OFFERS, _list),
    (_SKUS, _list),
    (_VERSIONS, _list_versions),
    (f"{_VERSIONS}/([^/]+)", _get_version),
)
"""Paths, each with what answers a GET of it."""

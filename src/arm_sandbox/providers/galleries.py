"""Compute galleries: the images that an organisation has made for itself.

Just enough of them for machines to be made from: what is in an image is told by its definition.
"""

from __future__ import annotations

from dataclasses import replace

from arm_sandbox.arm import Body, Kind, reference, writable
from arm_sandbox.ids import Id
from arm_sandbox.operations import LongRunning
from arm_sandbox.providers.refusals import missing
from arm_sandbox.providers.resources import plain_location
from arm_sandbox.world import Resource, World

GALLERY = "Microsoft.Compute/galleries"
DEFINITION = f"{GALLERY}/images"
VERSION = f"{DEFINITION}/versions"
API = "2026-03-03"
VERSIONS = (
    *("2018-06-01", "2019-03-01", "2019-07-01", "2019-12-01", "2020-09-30", "2021-07-01"),
    *("2021-10-01", "2022-01-03", "2022-03-03", "2022-08-03", "2023-07-03", "2024-03-03"),
    "2025-03-03",
)
WRITE = LongRunning("compute", (2.0, 8.0))
REQUIRED = ("osType", "osState", "identifier.publisher", "identifier.offer", "identifier.sku")
"""What a definition has to say (API description)."""


def _check_definition(world: World, id: Id, body: Body, old: Resource | None) -> None:
    for name in REQUIRED:
        if not reference(world, body.get("properties"), *name.split(".")):
            missing(f"galleryImage.properties.{name}")


def _fill(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    document = writable(body)
    document["location"] = plain_location(document["location"])
    document.setdefault("properties", {})
    return document


BASE = Kind(
    type=GALLERY,
    model="azure.mgmt.compute.models:Gallery",
    api_version=API,
    versions=VERSIONS,
    fill=_fill,
    create=WRITE,
    update=WRITE,
    delete=LongRunning("compute", (2.0, 8.0), location=True),
    creating="Creating",
)
KINDS: tuple[Kind, ...] = (
    BASE,
    replace(
        BASE,
        type=DEFINITION,
        model="azure.mgmt.compute.models:GalleryImage",
        check=_check_definition,
    ),
    replace(BASE, type=VERSION, model="azure.mgmt.compute.models:GalleryImageVersion"),
)

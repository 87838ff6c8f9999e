"""Microsoft.Resources/templateSpecs: what is kept of templates, and notes about them.

A spec stands by itself, with no version of a template in it; what it has as `metadata` comes back
as it was sent (REST reference, `Template Specs - Create Or Update`; azure-cli's recording
test_list_template_spec).
"""

from __future__ import annotations

import json
import re

from arm_sandbox.arm import Body, Kind, system_data
from arm_sandbox.ids import Id
from arm_sandbox.providers.resources import require_location
from arm_sandbox.wire import Refusal, Request, Response
from arm_sandbox.world import Resource, World

SPEC = "Microsoft.Resources/templateSpecs"
LARGEST = 2 * 1024 * 1024
"""About 2 MB (azure-docs, template-specs-known-issues)."""


def answer(world: World, request: Request, id: Id) -> Response | None:
    """Specs are plain resources."""
    return None


def _check(world: World, id: Id, body: Body, old: Resource | None) -> None:
    require_location(SPEC, str(body["location"]))
    if not re.fullmatch(r"[-\w.()]{1,90}", id.name, re.ASCII):
        message = f"The template spec name '{id.name}' is invalid."
        raise Refusal(400, "InvalidTemplateSpecName", message)
    if len(json.dumps(body)) > LARGEST:
        message = "The size of the template spec content exceeds the maximum limit."
        raise Refusal(400, "TemplateSpecTooLarge", message)


def _fill(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    return {
        "location": require_location(SPEC, str(body["location"])),
        **({"tags": body["tags"]} if body.get("tags") else {}),
        "systemData": system_data(world, old),
        "properties": body.get("properties") or {},
    }


KINDS: tuple[Kind, ...] = (
    Kind(
        type=SPEC,
        model="azure.mgmt.resource.templatespecs.models:TemplateSpec",
        api_version="2022-02-01",
        patch_model="azure.mgmt.resource.templatespecs.models:TemplateSpecUpdateModel",
        versions=("2019-06-01-preview", "2021-03-01-preview", "2021-05-01"),
        check=_check,
        fill=_fill,
    ),
)

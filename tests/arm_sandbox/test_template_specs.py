"""Microsoft.Resources/templateSpecs: documents that stay until they are deleted."""

from __future__ import annotations

from arm_sandbox.wire import Response
from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, SUBSCRIPTION, ask

SPECS = f"{GROUP}/providers/Microsoft.Resources/templateSpecs"
SPEC = f"{SPECS}/notes"
VERSION = "2022-02-01"
METADATA = {"machines": {"/subscriptions/x/Y": "[1, 2]", "b.c": [True, None]}}


def put(world: World, path: str = SPEC, **body: object) -> Response:
    return ask(world, "PUT", path, {"location": "eastus", **body}, version=VERSION)


def test_a_spec_is_made_changed_read_and_deleted(world: World) -> None:
    made = put(world)
    assert (made.status, made.body["properties"]) == (201, {})
    assert made.body["systemData"]["createdByType"] == "User"

    again = put(world, tags={"a": "b"}, properties={"metadata": METADATA})
    assert again.status == 200
    read = ask(world, "GET", SPEC, version=VERSION).body
    assert (read["tags"], read["properties"]["metadata"]["machines"]["/subscriptions/x/Y"]) == (
        {"a": "b"},
        "[1, 2]",
    )
    patched = ask(world, "PATCH", SPEC, {"tags": {"c": "d"}}, version=VERSION).body
    assert patched["properties"] == read["properties"]
    assert ask(world, "DELETE", SPEC, version=VERSION).status == 200
    assert ask(world, "DELETE", SPEC, version=VERSION).status == 204


def test_specs_are_listed_with_their_tags(world: World) -> None:
    put(world, tags={"a": "b"})
    everywhere = f"{SUBSCRIPTION}/providers/Microsoft.Resources/templateSpecs"
    for path in (SPECS, everywhere):
        [listed] = ask(world, "GET", path, version=VERSION).body["value"]
        assert (listed["name"], listed["tags"]) == ("notes", {"a": "b"})
    resources = ask(world, "GET", f"{GROUP}/resources", version="2021-04-01").body["value"]
    assert SPEC.lower() in {resource["id"].lower() for resource in resources}


def test_refuses_what_is_too_large_moved_or_misnamed(world: World) -> None:
    put(world)
    large = put(world, properties={"metadata": {"a": "x" * 2_100_000}})
    assert (large.status, large.body["error"]["code"]) == (400, "TemplateSpecTooLarge")
    assert put(world, location="westus2").status == 409
    assert put(world, f"{SPECS}/a,b").status == 400

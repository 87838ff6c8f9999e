"""Extensions of virtual machines."""

from __future__ import annotations

from arm_sandbox.arm import Body, Kind, reference, writable
from arm_sandbox.ids import Id, parse, same
from arm_sandbox.operations import LongRunning
from arm_sandbox.providers import resources, virtual_machines
from arm_sandbox.providers.refusals import invalid
from arm_sandbox.providers.virtual_machines import API, EXTENSIONS, VERSIONS
from arm_sandbox.wire import Refusal
from arm_sandbox.world import Resource, World


def _check(world: World, id: Id, body: Body, old: Resource | None) -> None:
    """The patch extensions come by themselves, never by hand (LinuxPatchExtension#279)."""
    machine = world.find(id.parent)
    publisher = reference(world, body, "properties", "publisher")
    if machine is not None and virtual_machines.power_state(machine) != "running":
        _needs_power()
    if same(publisher, "Microsoft.CPlat.Core") or not publisher:
        message = f"The value of parameter publisher is invalid: '{publisher}'."
        invalid(message, "publisher")


def _deletable(world: World, extension: Resource) -> None:
    machine = world.find(parse(extension.id).parent)
    if machine is not None and virtual_machines.power_state(machine) != "running":
        _needs_power()


def _needs_power() -> None:
    message = "Cannot modify extensions in the VM when the VM is not running."
    raise Refusal(409, "OperationNotAllowed", message)


def _fill(world: World, id: Id, body: Body, old: Resource | None) -> Body:
    document = writable(body)
    document["properties"].pop("protectedSettings", None)
    document["location"] = resources.plain_location(document["location"])
    return document


EXTENSION = Kind(
    type=EXTENSIONS,
    model="azure.mgmt.compute.models:VirtualMachineExtension",
    patch_model="azure.mgmt.compute.models:VirtualMachineExtensionUpdate",
    api_version=API,
    versions=VERSIONS,
    check=_check,
    fill=_fill,
    create=LongRunning("compute", (15.0, 60.0)),
    update=LongRunning("compute", (10.0, 30.0)),
    delete=LongRunning("compute", (10.0, 30.0), location=True),
    creating="Creating",
    deletable=_deletable,
)

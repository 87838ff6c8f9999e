"""The demo machine, on customer-managed schedules from its first minute."""

from __future__ import annotations

import secrets
import string
from functools import partial
from http import HTTPStatus

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError
from azure.mgmt.compute.models import (
    DiskUpdate,
    HardwareProfile,
    ImageReference,
    LinuxConfiguration,
    ManagedDiskParameters,
    NetworkInterfaceReference,
    NetworkInterfaceReferenceProperties,
    NetworkProfile,
    OSDisk,
    OSProfile,
    SecurityProfile,
    SshConfiguration,
    SshPublicKey,
    StorageProfile,
    UefiSettings,
    VirtualMachine,
    VirtualMachineProperties,
    WindowsConfiguration,
)

from patchctl import actions, machine_settings
from patchctl.actions import Needed
from patchctl.clients import Clients, delete, find, find_surely, once_free
from patchctl.deployment import NONE_MADE, Deployment
from patchctl.errors import PatchctlError
from patchctl.machine_settings import machine_of, of_linux, of_windows
from patchctl.machines import Settings, never_came_up, scheduled, settings_checks
from patchctl.report import (
    Finding,
    Inspection,
    Part,
    State,
    check,
    in_progress,
    joined,
    merged_tags,
    not_ours,
    tags_check,
)

NAME = "virtual-machine"
NEEDS = ("network",)
ACTIONS = (
    Needed("Microsoft.Compute/virtualMachines", "read write delete", when=actions.makes_machine),
    Needed("Microsoft.Network/networkInterfaces", "join/action", when=actions.makes_machine),
    Needed("Microsoft.Compute/disks", "read write delete", when=actions.makes_machine),
    Needed("Microsoft.Compute/skus", "read", actions.subscription, actions.makes_machine),
    Needed(
        "Microsoft.Compute/locations",
        "usages/read",
        actions.subscription,
        actions.makes_machine,
        without="doctor does not see the quota",
    ),
    Needed(
        "Microsoft.Compute/locations",
        "operations/read publishers/artifacttypes/offers/skus/versions/read",
        actions.subscription,
        actions.makes_machine,
    ),
)
ADMIN = "azureuser"


async def inspect(clients: Clients, deployment: Deployment) -> Inspection:
    if deployment.own:
        return Inspection(State.READY, notes=(NONE_MADE,))
    machines, group = clients.compute.virtual_machines, deployment.group
    machine = await find(machines.get(group, deployment.virtual_machine, expand="instanceView"))
    if machine is None or machine.properties is None:
        return _absent(deployment)
    disk = await _disk_part(clients, deployment)
    part = Part(
        deployment.virtual_machine_id,
        dict(machine.tags or {}),
        (
            *_patch_findings(deployment, machine_of(machine).settings),
            tags_check("machine's tags", deployment.tags, machine.tags),
        ),
        in_progress(machine.properties),
    )
    found = joined((part, disk), deployment.is_ours)
    if found.foreign:
        return not_ours(found.foreign)  # and its disk with it
    if never_came_up(machine.properties):
        again = "It never came up: it is deleted with its disk, and made again."
        return Inspection(State.FAILED, found.resources, found.findings, (again,))
    return found


async def apply(clients: Clients, deployment: Deployment) -> None:
    machines, name = clients.compute.virtual_machines, deployment.virtual_machine
    found = await find(machines.get(deployment.group, name, expand="instanceView"))
    if found is not None and found.properties is not None and never_came_up(found.properties):
        # Nobody has its password, so it is of no use to anybody.
        await delete(machines, deployment.group, name)
        found = None
    if found is None:
        await _create(clients, deployment)
    else:
        await _mend(clients, deployment, found)
    await _tag_disk(clients, deployment)


async def destroy(clients: Clients, deployment: Deployment) -> None:
    await delete(clients.compute.virtual_machines, deployment.group, deployment.virtual_machine)


# -- what is wanted


def desired(deployment: Deployment) -> VirtualMachine:
    """The machine to create; `deployment.offer` says of what size and image."""
    if deployment.offer is None:
        raise ValueError("a machine is made of an offer, and none was looked up")
    publisher, offer, sku = deployment.offer.image
    return VirtualMachine(
        location=deployment.config.location,
        tags=deployment.tags,
        properties=VirtualMachineProperties(
            hardware_profile=HardwareProfile(vm_size=deployment.offer.size),
            storage_profile=StorageProfile(
                image_reference=ImageReference(
                    publisher=publisher, offer=offer, sku=sku, version="latest"
                ),
                os_disk=OSDisk(
                    name=deployment.os_disk,
                    create_option="FromImage",
                    delete_option="Delete",
                    managed_disk=ManagedDiskParameters(storage_account_type="StandardSSD_LRS"),
                ),
            ),
            security_profile=SecurityProfile(
                security_type="TrustedLaunch",
                uefi_settings=UefiSettings(secure_boot_enabled=True, v_tpm_enabled=True),
            ),
            os_profile=_os_profile(deployment),
            network_profile=NetworkProfile(
                network_interfaces=[
                    NetworkInterfaceReference(
                        id=deployment.network_interface_id,
                        properties=NetworkInterfaceReferenceProperties(
                            primary=True, delete_option="Detach"
                        ),
                    )
                ]
            ),
        ),
    )


def _os_profile(deployment: Deployment) -> OSProfile:
    settings = scheduled(deployment.config.patches.reboot)
    if deployment.config.machine.os == "windows":
        return OSProfile(
            computer_name=deployment.computer_name,
            admin_username=ADMIN,
            admin_password=_password(),
            windows_configuration=WindowsConfiguration(
                provision_vm_agent=True,
                enable_automatic_updates=True,  # Azure demands it with AutomaticByPlatform.
                patch_settings=of_windows(settings),
            ),
        )
    key = SshPublicKey(path=f"/home/{ADMIN}/.ssh/authorized_keys", key_data=_public_key())
    return OSProfile(
        computer_name=deployment.computer_name,
        admin_username=ADMIN,
        linux_configuration=LinuxConfiguration(
            provision_vm_agent=True,
            disable_password_authentication=True,
            ssh=SshConfiguration(public_keys=[key]),
            patch_settings=of_linux(settings),
        ),
    )


def _password() -> str:
    """Random, of all four classes that Azure counts; it is sent to Azure and kept nowhere."""
    classes = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "-_.+")
    rest = [secrets.choice("".join(classes)) for _ in range(32)]
    return "".join([*(secrets.choice(letters) for letters in classes), *rest])


def _public_key() -> str:
    """The public half of a new key; the private one is gone when this returns."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = Ed25519PrivateKey.generate().public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


# -- what stands


def _patch_findings(deployment: Deployment, settings: Settings | None) -> tuple[Finding, ...]:
    source = deployment.asked.source("patches.reboot")
    return settings_checks(settings, deployment.config.patches.reboot, source)


def _absent(deployment: Deployment) -> Inspection:
    findings = list(_patch_findings(deployment, None))
    if deployment.offer is not None:
        source = deployment.asked.source("machine.size")
        findings += [
            check("size", deployment.offer.size, "not there", source),
            check("image", ":".join(deployment.offer.image), "not there"),
        ]
    disk = deployment.id("Microsoft.Compute/disks", deployment.os_disk)
    return Inspection(State.ABSENT, (deployment.virtual_machine_id, disk), tuple(findings))


async def _disk_part(clients: Clients, deployment: Deployment) -> Part:
    disk = await find(clients.compute.disks.get(deployment.group, deployment.os_disk))
    id = deployment.id("Microsoft.Compute/disks", deployment.os_disk)
    tags = disk.tags if disk is not None else None
    # A disk has no tags until we give it ours, so it is ours by its name.
    return Part(id, deployment.tags, (tags_check("OS disk's tags", deployment.tags, tags),))


# -- making it so


async def _create(clients: Clients, deployment: Deployment) -> None:
    if deployment.offer is None:  # looked up where no machine stands, and this one did
        raise PatchctlError(
            "PlanChanged",
            "The machine was deleted meanwhile.",
            step=NAME,
            resource=deployment.virtual_machine_id,
        )
    machines = clients.compute.virtual_machines
    try:
        creating = await machines.begin_create_or_update(
            deployment.group,
            deployment.virtual_machine,
            desired(deployment),
            etag="*",
            match_condition=MatchConditions.IfMissing,
        )
    except ResourceExistsError as error:
        get = partial(machines.get, deployment.group, deployment.virtual_machine)
        if error.status_code != HTTPStatus.PRECONDITION_FAILED or await find_surely(get) is None:
            raise
        return  # an answer was lost, or another patchctl was faster; the engine looks at it
    await creating.result()


async def _mend(clients: Clients, deployment: Deployment, found: VirtualMachine) -> None:
    """PATCH the patch settings and the tags, and nothing else of the machine."""
    settings = scheduled(deployment.config.patches.reboot)
    update = machine_settings.desired(machine_of(found), settings)
    update.tags = merged_tags(found.tags, deployment.tags)
    machines, name = clients.compute.virtual_machines, deployment.virtual_machine
    updating = await once_free(lambda: machines.begin_update(deployment.group, name, update))
    await updating.result()


async def _tag_disk(clients: Clients, deployment: Deployment) -> None:
    disk = await find(clients.compute.disks.get(deployment.group, deployment.os_disk))
    if disk is None or tags_check("", deployment.tags, disk.tags).ok:
        return
    update = DiskUpdate(tags=merged_tags(disk.tags, deployment.tags))
    await (
        await clients.compute.disks.begin_update(deployment.group, deployment.os_disk, update)
    ).result()

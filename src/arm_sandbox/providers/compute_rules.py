"""What Compute refuses of a virtual machine, in the words that people have met."""

from __future__ import annotations

import re
from typing import Any

from arm_sandbox.arm import Body, merge, reference, require_references
from arm_sandbox.ids import Id, same
from arm_sandbox.providers import catalogue, os_disks, patch_rules, quota, resources
from arm_sandbox.providers.catalogue import Image, Size
from arm_sandbox.providers.os_disks import Origin
from arm_sandbox.providers.patch_rules import CONFIGURATIONS
from arm_sandbox.providers.refusals import invalid, missing
from arm_sandbox.providers.virtual_machines import MACHINES
from arm_sandbox.wire import Refusal
from arm_sandbox.world import Resource, World

RESERVED_USERS = (
    *(
        "administrator",
        "admin",
        "user",
        "user1",
        "test",
    ),
    *(
        "user2",
        "test1",
        "user3",
        "admin1",
        "1",
    ),
    *(
        "123",
        "a",
        "actuser",
        "adm",
        "admin2",
    ),
    *(
        "aspnet",
        "backup",
        "console",
        "david",
        "guest",
    ),
    *(
        "john",
        "owner",
        "root",
        "server",
        "sql",
    ),
    *(
        "support",
        "support_388945a0",
        "sys",
        "test2",
        "test3",
    ),
    *(
        "user4",
        "user5",
    ),
)
"""From the description of `adminUsername` in Azure's own API specification."""
RESERVED_PASSWORDS = (
    *(
        "abc@123",
        "P@$$w0rd",
        "P@ssw0rd",
        "P@ssword123",
        "Pa$$word",
    ),
    *(
        "pass@word1",
        "Password!",
        "Password1",
        "Password22",
        "iloveyou!",
    ),
)
PASSWORD_LENGTHS = {"Windows": (8, 123), "Linux": (6, 72)}
"""The service's own limits (specification); the portal and az ask for twelve."""
PASSWORD_CLASSES = (r"[a-z]", r"[A-Z]", r"\d", r"[\W_]")
NOT_IN_WINDOWS_NAMES = r"""[`~!@#$%^&*()=+_\[\]{}\\|;:.'",<>/?\s]"""
NOT_IN_LINUX_NAMES = r"""[`~!@#$%^&*()=+_\[\]{}\\|;:'",<>/?\s]"""

UNCHANGEABLE = (
    ("imageReference", "storageProfile", "imageReference"),
    ("osDisk.name", "storageProfile", "osDisk", "name"),
    ("osDisk.createOption", "storageProfile", "osDisk", "createOption"),
    ("osProfile.computerName", "osProfile", "computerName"),
    ("osProfile.adminUsername", "osProfile", "adminUsername"),
    (
        "windowsConfiguration.enableAutomaticUpdates",
        *("osProfile", "windowsConfiguration", "enableAutomaticUpdates"),
    ),
)


def check(world: World, id: Id, body: Body, old: Resource | None) -> None:
    """Raise what Azure answers to a virtual machine that it would not make or change."""
    _look(world, id, body, old, quota.REFUSED)
    properties = merge(old.properties if old else {}, body.get("properties") or {})
    _require_interfaces(world, id, properties, resources.plain_location(body["location"]))


def preflight(world: World, id: Id, body: Body, old: Resource | None) -> None:
    """All but its interfaces, which need not be there yet when a template is looked at."""
    _look(world, id, body, old, quota.REFUSED_IN_TEMPLATE)


def _look(world: World, id: Id, body: Body, old: Resource | None, over_quota: str) -> None:
    location = resources.require_location(MACHINES, str(body.get("location") or ""))
    properties = body.get("properties") or {}
    if old is not None:
        _require_unchanged(properties, old.properties)
        properties = merge(old.properties, properties)
    size = _require_size(world, properties, location)
    quota.require(world, id, size, location, over_quota)
    if old is None:
        origin = os_disks.origin(world, properties.get("storageProfile") or {})
    else:
        origin = os_disks.origin_of(world, old)
    _require_boot(properties, size, origin.image)
    _require_disk(world, id, properties, size, old)
    _require_os_profile(id, properties, origin, old)
    if not origin.specialized:
        patch_rules.require(properties["osProfile"], origin, old)


def _require_unchanged(properties: Body, standing: Body) -> None:
    """409, although some threads tell of 400 (terraform-provider-azurerm#24533)."""
    for name, *path in UNCHANGEABLE:
        sent, before = _at(properties, path), _at(standing, path)
        if isinstance(sent, dict) and isinstance(before, dict):
            changed = any(not same(str(before.get(k)), str(v)) for k, v in sent.items())
        else:
            changed = sent is not None and sent != before
        if changed:
            message = f"Changing property '{name}' is not allowed."
            raise Refusal(409, "PropertyChangeNotAllowed", message, target=name)


def _at(body: Any, path: list[str]) -> Any:
    for name in path:
        body = body.get(name) if isinstance(body, dict) else None
    return body


# -- size, image, disk


def _require_size(world: World, properties: Body, location: str) -> Size:
    name = _at(properties, ["hardwareProfile", "vmSize"])
    if not name:
        missing("hardwareProfile.vmSize")
    size = catalogue.size_named(name, location)
    if size is None:
        offered = ",".join(found.name for found in catalogue.sizes_in(location))
        invalid(
            f"The value {name} provided for the VM size is not valid. The valid sizes in the "
            f"current region are: {offered}. Find out more on the valid VM sizes in each region at "
            "https://aka.ms/azure-regions.",
            "vmSize",
        )
    if location in quota.restricted(world, size):
        raise Refusal(
            409,
            "SkuNotAvailable",
            "The requested VM size for resource 'Following SKUs have failed for Capacity "
            f"Restrictions: {size.name}' is currently not available in location '{location}'. "
            "Please try another size or deploy to a different location or different zone. See "
            "https://aka.ms/azureskunotavailable for details.",
        )
    return size


def _require_boot(properties: Body, size: Size, image: Image) -> None:
    if _at(properties, ["securityProfile", "securityType"]) == "TrustedLaunch":
        _require_trusted(size, image)
    if image.generation not in size.generations.split(","):
        number = image.generation.removeprefix("V")
        raise Refusal(
            400,
            "BadRequest",
            f"The selected VM size '{size.name}' cannot boot Hypervisor Generation '{number}'. If "
            "this was a Create operation please check that the Hypervisor Generation of the Image "
            "matches the Hypervisor Generation of the selected VM Size. If this was an Update "
            f"operation please select a Hypervisor Generation '{number}' VM Size. For more "
            "information, see https://aka.ms/azuregen2vm",
        )


def _require_trusted(size: Size, image: Image) -> None:
    """The words are those of azure-cli#28005 and azure-cli#27975."""
    if not size.trusted:
        raise Refusal(
            400,
            "BadRequest",
            f"The VM size '{size.name}' is not supported for creation of VMs and Virtual Machine "
            "Scale Set with 'TrustedLaunch' security type. For more information, see "
            "https://aka.ms/TrustedLaunch-FAQ",
        )
    if image.generation != "V2":
        raise Refusal(
            400,
            "BadRequest",
            "Use of TrustedLaunch setting is not supported for the provided image. Please select "
            "Trusted Launch Supported Gen2 OS Image. For more information, see "
            "https://aka.ms/TrustedLaunch-FAQ.",
        )


def _require_disk(world: World, id: Id, properties: Body, size: Size, old: Resource | None) -> None:
    disk = _at(properties, ["storageProfile", "osDisk"])
    if disk is not None and not disk.get("createOption"):
        missing("osDisk.createOption")
    name = reference(world, disk, "name")
    kind = reference(world, disk, "managedDisk", "storageAccountType")
    if kind.startswith("Premium") and not size.premium:
        invalid(
            f"Requested operation cannot be performed because the VM size {size.name} does not "
            f"support the storage account type {kind} of disk '{name}'. Consider updating the VM "
            "to a size that supports Premium storage.",
            "osDisk.managedDisk.storageAccountType",
        )
    attached = same(reference(world, disk, "createOption"), "Attach")
    if old is None and attached:
        _require_attachable(world, id, disk)
    elif old is None and name and world.find(disk_id(id, name)) is not None:
        raise Refusal(
            409,
            "ConflictingUserInput",
            f"Disk '{name}' already exists in resource group {id.group.upper()}. Only "
            "CreateOption.Attach is supported.",
            target=f"/subscriptions/{id.subscription}/resourceGroups/{id.group}",
        )


def _require_attachable(world: World, id: Id, disk: Body) -> None:
    if not disk.get("osType"):
        missing("osDisk.osType")
    wanted = reference(world, disk, "managedDisk", "id")
    standing = world.find(wanted)
    if standing is None:
        raise Refusal(404, "NotFound", f"Resource {wanted} not found.")
    owner = standing.body.get("managedBy")
    if owner:
        raise Refusal(
            409,
            "ConflictingUserInput",
            f"Cannot attach disk '{standing.body['name']}' to VM '{id.name}' because the disk is "
            f"currently owned by VM '{owner.rsplit('/', 1)[1]}'.",
        )


def disk_id(machine: Id, name: str) -> str:
    return f"{machine.scope}/providers/Microsoft.Compute/disks/{name}"


# -- the guest


def _require_os_profile(id: Id, properties: Body, origin: Origin, old: Resource | None) -> None:
    profile, image = properties.get("osProfile"), origin.image
    if origin.specialized:
        _require_no_profile(profile, old)
        return
    if not profile:
        missing("osProfile")
    other = CONFIGURATIONS["Linux" if image.os == "Windows" else "Windows"]
    if profile.get(other) is not None:
        invalid(f"Parameter '{other}' is not allowed.", other)
    _require_computer_name(str(profile.get("computerName") or id.name), image)
    _require_user(profile.get("adminUsername"), image)
    if old is None:
        _require_sign_in(profile, image)


def _require_no_profile(profile: Body | None, old: Resource | None) -> None:
    """A system that has been set up takes no profile, at first (terraform#11147) or later
    (azure-docs#21850)."""
    if profile and old is None:
        invalid("Parameter 'osProfile' is not allowed.", "osProfile")
    if profile:
        message = "Changing property 'osProfile' is not allowed."
        raise Refusal(409, "PropertyChangeNotAllowed", message, target="osProfile")


def _require_computer_name(name: str, image: Image) -> None:
    if image.os == "Windows":
        if len(name) > 15 or name.isdigit() or re.search(NOT_IN_WINDOWS_NAMES, name):
            invalid(
                "Windows computer name cannot be more than 15 characters long, be entirely "
                "numeric, or contain the following characters: ` ~ ! @ # $ % ^ & * ( ) = + _ [ ] "
                "{ } \\ | ; : . ' \" , < > / ?.",
                "computerName",
            )
    elif len(name) > 64 or re.search(NOT_IN_LINUX_NAMES, name):
        invalid(
            "Linux host name cannot exceed 64 characters in length or contain the following "
            "characters: ` ~ ! @ # $ % ^ & * ( ) = + _ [ ] { } \\ | ; : ' \" , < > / ?.",
            "computerName",
        )


def _require_user(name: str | None, image: Image) -> None:
    if not name:
        missing("adminUsername")
    longest = 20 if image.os == "Windows" else 64
    if name.lower() in RESERVED_USERS or len(name) > longest or name.endswith("."):
        invalid("The Admin Username specified is not allowed.", "adminUsername")


def _require_sign_in(profile: Body, image: Image) -> None:
    linux = profile.get("linuxConfiguration") or {}
    keys = (linux.get("ssh") or {}).get("publicKeys") or []
    for key in keys:
        _require_key(key, profile["adminUsername"])
    if linux.get("disablePasswordAuthentication"):
        if not keys:
            invalid(
                "Authentication using either SSH or by user name and password must be enabled in "
                "Linux profile.",
                "linuxConfiguration",
            )
    elif image.os == "Windows" or not keys or profile.get("adminPassword"):
        _require_password(profile.get("adminPassword"), image)


def _require_key(key: Body, user: str) -> None:
    path = f"/home/{user}/.ssh/authorized_keys"
    if key.get("path") != path:
        invalid(
            "Destination path for SSH public keys is currently limited to its default value "
            f"{path}  due to a known issue in Linux provisioning agent.",
            "linuxConfiguration.ssh.publicKeys.path",
        )
    if not str(key.get("keyData") or "").startswith(("ssh-rsa ", "ssh-ed25519 ")):
        target = "linuxConfiguration.ssh.publicKeys.keyData"
        invalid(f"The value of parameter {target} is invalid.", target)


def _require_password(password: str | None, image: Image) -> None:
    if not password:
        missing("adminPassword")
    shortest, longest = PASSWORD_LENGTHS[image.os]
    classes = sum(re.search(pattern, password) is not None for pattern in PASSWORD_CLASSES)
    if password in RESERVED_PASSWORDS:
        invalid("The supplied password is not allowed.", "adminPassword")
    if not shortest <= len(password) <= longest or classes < 3:
        invalid(
            f"The supplied password must be between {shortest}-{longest} characters long and must "
            "satisfy at least 3 of password complexity requirements from the following:\r\n"
            "1) Contains an uppercase character\r\n2) Contains a lowercase character\r\n"
            "3) Contains a numeric digit\r\n4) Contains a special character\r\n"
            "5) Control characters are not allowed",
            "adminPassword",
        )


# -- interfaces


def _require_interfaces(world: World, id: Id, properties: Body, location: str) -> None:
    references = _at(properties, ["networkProfile", "networkInterfaces"])
    if not references:
        missing("networkProfile")
    for sent in references:
        _require_interface(world, id, str(sent.get("id") or ""), location)
    primary = sum(bool(_at(sent, ["properties", "primary"])) for sent in references)
    if len(references) > 1 and primary != 1:
        raise Refusal(
            400,
            "VirtualMachineMustHaveOneNetworkInterfaceAsPrimary",
            f"Virtual machine {id.text} must have one network interface set as the primary.",
        )


def _require_interface(world: World, id: Id, nic_id: str, location: str) -> None:
    nic = world.find(nic_id)
    if nic is None:
        raise Refusal(404, "NotFound", f"Resource {nic_id} not found.")
    require_references(world, [nic_id], referrer=id.text, location=location)
    user = reference(world, nic.properties, "virtualMachine", "id")
    if user and not same(user, id.text):
        raise Refusal(
            400,
            "NicInUse",
            f"Network Interface {nic.id} is used by existing resource {user}. In order to delete "
            "the network interface, it must be dissociated from the resource. To learn more, see "
            "aka.ms/deletenic.",
        )

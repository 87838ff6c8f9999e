"""Classes of interactions by status, polling headers and how an operation ends.

From what was recorded (sections 1, 2 and 8 of the notes on Azure's behaviour): how often, or
in which exchange, is in `source`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from arm_sandbox.wire import Response
from tests.arm_sandbox.ask import SUBSCRIPTION
from tests.fidelity.site import (
    ACTION_GROUP,
    ADDRESS,
    ALERT,
    ARC_MACHINE,
    ASSIGNMENT,
    BODIES,
    CONFIGURATION,
    GROUP,
    MACHINE,
    NIC,
    NSG,
    PROVIDERS,
    RULE,
    SUBNET,
    VNET,
    WHERE,
    WORKSPACE,
    YOU,
    Site,
    arc,
    empty,
    said,
    site,
)

NOT_MODELLED = "404, InvalidResourceType"
OPERATION = "Azure-AsyncOperation"
BOTH = f"{OPERATION}, Location"
WAIT = "Retry-After"
"""Of network operations: most recorders removed it; those of 2017 that did not hold it."""


@dataclass(frozen=True)
class Class:
    """One class of interactions: what Azure answers in few words, and how to ask the sandbox."""

    interaction: str
    azure: str
    source: str
    ask: Callable[[], str]
    reason: str = ""
    """Why the sandbox answers otherwise, where it does."""


def before(path: str) -> Site:
    """A world with all that a thing needs, and not the thing."""
    paths = list(BODIES)
    return site(*paths[paths.index(path) :])


def new(name: str, path: str, azure: str, source: str) -> Class:
    return Class(f"PUT {name}, new", azure, source, lambda: said(before(path).put(path)))


def again(name: str, path: str, azure: str, source: str) -> Class:
    return Class(f"PUT {name}, again", azure, source, lambda: said(site().put(path)))


def patch(name: str, path: str, azure: str, source: str) -> Class:
    tags = {"tags": {"a": "b"}}
    return Class(f"PATCH {name}", azure, source, lambda: said(site()("PATCH", path, tags)))


def delete(name: str, path: str, azure: str, source: str) -> Class:
    return Class(f"DELETE {name}", azure, source, lambda: said(_free(path)("DELETE", path)))


def _free(path: str) -> Site:
    """A world in which nothing needs the thing."""
    at = list(BODIES).index(path)
    users = {NSG: list(BODIES)[1:], VNET: list(BODIES)[3:], ADDRESS: [NIC, MACHINE, ASSIGNMENT]}
    return site(*users.get(path, [MACHINE, ASSIGNMENT] if path == NIC else list(BODIES)[at + 1 :]))


def missing(name: str, path: str, azure: str = "204, no body") -> Class:
    source = "contract; resource-provider contract"
    return Class(f"DELETE {name} that is not there", azure, source, lambda: said(_gone(path)))


def _gone(path: str) -> Response:
    return before(path)("DELETE", path)


def action(name: str) -> Class:
    """POST of an action on a running machine."""

    def ask() -> str:
        return said(site()("POST", f"{MACHINE}/{name}", INSTALL if "install" in name else None))

    return Class(f"POST virtual machine {name}", f"202, {BOTH}, no body", "recorded", ask)


INSTALL = {"maximumDuration": "PT2H", "rebootSetting": "Never"}
GROUPS = [
    Class(
        "PUT group, new",
        "201, Succeeded",
        "27 times",
        lambda: said(empty()("PUT", f"{SUBSCRIPTION}/resourceGroups/other", WHERE)),
    ),
    Class(
        "PUT group, again", "200, Succeeded", "4 times", lambda: said(site()("PUT", GROUP, WHERE))
    ),
    patch("group", GROUP, "200, Succeeded", "3 times"),
    Class("HEAD group", "204, no body", "10 times", lambda: said(site()("HEAD", GROUP))),
    Class(
        "HEAD group that is not there",
        "404, no body",
        "6 times",
        lambda: said(site()("HEAD", f"{GROUP}-other")),
    ),
    Class(
        "DELETE group",
        "202, Location, Retry-After, no body",
        "33 times; Retry-After 15 in powershell_maintenance_and_patches#16",
        lambda: said(empty()("DELETE", GROUP)),
    ),
    Class(
        "DELETE in a group that is not there",
        "404, ResourceGroupNotFound",
        "errors, Microsoft.Sql",
        lambda: said(site()("DELETE", VNET.replace("/rg/", "/other/"))),
    ),
]
NETWORK = [
    row
    for name, path, created, updated, deleted, count in (
        ("virtual network", VNET, "Updating", "Updating", BOTH, "194 / 22 / 12 times"),
        ("security group", NSG, "Updating", "Updating", BOTH, "40 times, deleted 5 times"),
        ("public address", ADDRESS, "Updating", "Updating", BOTH, "120 / 2 / 6 times"),
        ("interface", NIC, "Succeeded", "Updating", BOTH, "34 / 41 / 5 times"),
    )
    for row in (
        new(name, path, f"201, {OPERATION}, {WAIT}, {created}", count),
        again(name, path, f"200, {OPERATION}, {WAIT}, {updated}", count),
        patch(name, path, "200, Succeeded", "recorded: synchronous"),
        delete(name, path, f"202, {deleted}, {WAIT}, no body", count),
        missing(name, path),
    )
]
SUBNETS = [
    Class(
        "PUT subnet, new",
        f"201, {OPERATION}, {WAIT}, Updating",
        "72 times",
        lambda: said(
            site()("PUT", f"{VNET}/subnets/b", {"properties": {"addressPrefix": "10.0.1.0/24"}})
        ),
    ),
    Class(
        "PUT subnet, again",
        f"200, {OPERATION}, {WAIT}, Updating",
        "195 times",
        lambda: said(site()("PUT", SUBNET, {"properties": {"addressPrefix": "10.0.0.0/24"}})),
    ),
    Class(
        "DELETE subnet",
        f"202, {BOTH}, {WAIT}, no body",
        "10 times",
        lambda: said(site(NIC, MACHINE, ASSIGNMENT)("DELETE", SUBNET)),
    ),
]
MACHINES = [
    new("virtual machine", MACHINE, f"201, {OPERATION}, Creating", "10 times"),
    again("virtual machine", MACHINE, f"200, {OPERATION}, Updating", "97 times, 9 without header"),
    patch("virtual machine", MACHINE, f"200, {OPERATION}, Updating", "10 times"),
    delete("virtual machine", MACHINE, f"202, {BOTH}, no body", "16 times"),
    missing("virtual machine", MACHINE),
    *map(action, ("deallocate", "restart", "powerOff", "assessPatches", "installPatches")),
    Class(
        "POST virtual machine installPatches, with a wrong KB",
        "400, InvalidParameter",
        "6 times",
        lambda: said(
            site()(
                "POST",
                f"{MACHINE}/installPatches",
                {**INSTALL, "windowsParameters": {"kbNumbersToInclude": ["1111"]}},
            )
        ),
    ),
]
ORDERED = "202, Location, Retry-After, no body"
CONNECTED = "azure-powershell, ConnectedMachine: {}.Recording.json"
ASSESSED = CONNECTED.format("Invoke-AzConnectedAssessMachinePatch")
INSTALLED = CONNECTED.format("Install-AzConnectedMachinePatch")
ARC = [
    Class(
        "PATCH machine of Arc",
        "200, Updating",
        CONNECTED.format("Update-AzConnectedMachine"),
        lambda: said(arc()("PATCH", ARC_MACHINE, {"tags": {"a": "b"}})),
    ),
    Class(
        "POST machine of Arc assessPatches",
        ORDERED,
        ASSESSED,
        lambda: said(_ordered("assessPatches")[1]),
    ),
    Class(
        "POST machine of Arc installPatches",
        ORDERED,
        INSTALLED,
        lambda: said(_ordered("installPatches")[1]),
    ),
    Class(
        "poll of either on Arc, running",
        ORDERED,
        INSTALLED,
        lambda: said(_result("installPatches", 10)),
    ),
    Class(
        "poll of an assessment on Arc, ended",
        "200 assessmentActivityId, availablePatchCountByClassification, lastModifiedDateTime, "
        "osType, patchServiceUsed, rebootPending, startDateTime, startedBy, status",
        ASSESSED,
        lambda: _names(_result("assessPatches", 600)),
    ),
    Class(
        "poll of an installation on Arc, ended",
        "200 excludedPatchCount, failedPatchCount, installationActivityId, installedPatchCount, "
        "lastModifiedDateTime, maintenanceWindowExceeded, notSelectedPatchCount, osType, "
        "patchServiceUsed, pendingPatchCount, rebootStatus, startDateTime, startedBy, status",
        INSTALLED,
        lambda: _names(_result("installPatches", 7200)),
    ),
    Class(
        "`Retry-After` of either on Arc",
        "Retry-After: 60",
        INSTALLED,
        lambda: _headers(_ordered("installPatches")[1], "Retry-After"),
    ),
]


def _ordered(action: str) -> tuple[Site, Response]:
    """An assessment or an installation of just critical updates, as they were recorded."""
    here = arc()
    critical = {"classificationsToInclude": ["Critical"]}
    install = {"windowsParameters": critical, "maximumDuration": "PT4H"}
    body = {**install, "rebootSetting": "IfRequired"} if "install" in action else None
    return here, here("POST", f"{ARC_MACHINE}/{action}", body)


def _result(action: str, seconds: float) -> Response:
    here, first = _ordered(action)
    here.wait(seconds)
    return here.follow(first.headers["Location"])


MAINTENANCE = [
    row
    for name, path, count in (
        ("maintenance configuration", CONFIGURATION, "21 of 21; deleted 10 times"),
        ("configuration assignment", ASSIGNMENT, "13 of 13; deleted 9 times"),
    )
    for row in (
        new(name, path, "200", count),
        again(name, path, "200", count),
        delete(name, path, "200, no body", count),
        missing(name, path),
    )
] + [patch("maintenance configuration", CONFIGURATION, "200", "recorded")]


def _deleted(path: str) -> str:
    return said(site()("DELETE", path))


MONITOR = [
    row
    for name, path, count in (
        ("action group", ACTION_GROUP, "37 / 6 / 4 times"),
        ("activity-log alert", ALERT, "8 / 17 / 2 times"),
        ("scheduled query rule", RULE, "7 / 7 / 5 times"),
    )
    for row in (
        new(name, path, "201", count),
        again(name, path, "200", count),
        patch(name, path, "200", "recorded"),
        Class(f"DELETE {name}", "200, no body", count, partial(_deleted, path)),
        missing(name, path),
    )
] + [
    Class(
        "POST test notification",
        "202, Location, no body",
        "recorded",
        lambda: said(
            site()(
                "POST",
                f"{ACTION_GROUP}/createNotifications",
                {"alertType": "activitylog", "emailReceivers": [YOU]},
            )
        ),
    ),
    Class(
        "GET status of a test while it runs",
        "202",
        "recorded; the contract knows 200 only",
        lambda: said(_notified(0)),
    ),
    Class("GET status of a test that is over", "200", "recorded", lambda: said(_notified(300))),
]


def _notified(seconds: float) -> Response:
    here = site()
    body = {"alertType": "activitylog", "emailReceivers": [YOU]}
    asked = here("POST", f"{ACTION_GROUP}/createNotifications", body)
    here.wait(seconds)
    return here.follow(asked.headers["Location"])


READER = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{{}}".format(
    "acdd72a7-3385-48ef-bd42-f606fba81ae7"
)
ROLES = f"{GROUP}/providers/Microsoft.Authorization/roleAssignments"
ROLE = f"{ROLES}/88888888-0000-4000-8000-000000000001"
GRANT = {
    "properties": {
        "roleDefinitionId": READER,
        "principalId": "0b1ec700-0000-4000-8000-0000000000bb",
        "principalType": "User",
    }
}


def _granted() -> Site:
    here = site()
    here("PUT", ROLE, GRANT)
    return here


OTHERS = [
    Class("PUT role assignment, new", "201", "35 times", lambda: said(site()("PUT", ROLE, GRANT))),
    Class(
        "DELETE role assignment",
        "200",
        "4 times, with the object",
        lambda: said(_granted()("DELETE", ROLE)),
    ),
    replace(
        new(
            "Log Analytics workspace",
            WORKSPACE,
            "201, Location, Creating",
            "48 times, 41 of them with Location",
        ),
        reason="simplified: no Location, which clients do not follow; they poll the resource",
    ),
    Class(
        "POST Resource Graph query",
        "200",
        "resource_graph_query#0",
        lambda: said(site()("POST", GRAPH, {"query": "resources | take 1"})),
    ),
    Class(
        "POST Resource Graph query that is wrong",
        "400, BadRequest",
        "resource_graph_query_error#0",
        lambda: said(site()("POST", GRAPH, {"query": "resources | wher x"})),
    ),
    Class(
        "POST provider register",
        "200",
        "recorded, with the provider's document",
        lambda: said(site()("POST", f"{SUBSCRIPTION}/providers/Microsoft.KeyVault/register")),
    ),
    Class(
        "PUT workbook, new",
        "200",
        "11 times",
        lambda: said(site()("PUT", f"{PROVIDERS}/Microsoft.Insights/workbooks/w", WHERE)),
        "absent: patchctl makes no workbooks yet",
    ),
    Class(
        "PUT logic app, new",
        "201, Succeeded",
        "9 times",
        lambda: said(site()("PUT", f"{PROVIDERS}/Microsoft.Logic/workflows/w", WHERE)),
        "absent: patchctl uses no logic apps; the provider is not registered",
    ),
]
GRAPH = "/providers/Microsoft.ResourceGraph/resources"


# -- how an operation is followed


def _following(path: str, method: str = "PUT") -> tuple[Site, Response]:
    here = before(path) if method == "PUT" else _free(path)
    return here, here.put(path) if method == "PUT" else here("DELETE", path)


def _polled(path: str, method: str, header: str, seconds: float) -> Response:
    here, first = _following(path, method)
    here.wait(seconds)
    return here.follow(first.headers[header])


def _names(answer: Response) -> str:
    return f"{answer.status} {', '.join(sorted(answer.body))}"


def _group_polled(seconds: float) -> Response:
    here = empty()
    first = here("DELETE", GROUP)
    here.wait(seconds)
    return here.follow(first.headers["Location"])


def _done(action: str) -> tuple[Response, Response, Response]:
    """The answers to an order, to a poll at its end, and at its Location."""
    here = site()
    first = here("POST", f"{MACHINE}/{action}", INSTALL if "install" in action else None)
    here.wait(7200)
    status = here.follow(first.headers["Azure-AsyncOperation"])
    return first, status, here.follow(first.headers["Location"])


def _ids_of_an_assessment() -> str:
    first, status, result = _done("assessPatches")
    seen = {
        first.headers["x-ms-request-id"],
        status.body["name"],
        result.body["assessmentActivityId"],
    }
    return "the same" if len(seen) == 1 else "different"


FOLLOWED = [
    Class(
        "poll of a network operation, running",
        "200 status",
        "network: only the status",
        lambda: _names(_polled(VNET, "PUT", "Azure-AsyncOperation", 0)),
    ),
    Class(
        "poll of a network operation, ended",
        "200 status",
        "network: only the status",
        lambda: _names(_polled(VNET, "PUT", "Azure-AsyncOperation", 300)),
    ),
    Class(
        "Location of a network deletion, ended",
        f"204, {BOTH}, no body",
        "network_vnet#30",
        lambda: said(_polled(VNET, "DELETE", "Location", 300)),
    ),
    Class(
        "poll of a compute operation, running",
        "200 name, startTime, status",
        "powershell_maintenance_and_patches#12",
        lambda: _names(_polled(MACHINE, "PUT", "Azure-AsyncOperation", 0)),
    ),
    Class(
        "poll of a compute operation, ended",
        "200 endTime, name, startTime, status",
        "recorded",
        lambda: _names(_polled(MACHINE, "PUT", "Azure-AsyncOperation", 300)),
    ),
    Class(
        "Location of a machine's deletion, ended",
        "200, no body",
        "recorded",
        lambda: said(_polled(MACHINE, "DELETE", "Location", 300)),
    ),
    Class(
        "poll of an assessment, ended",
        "200 endTime, name, properties, startTime, status",
        "vm_linux_patch_mode#32",
        lambda: _names(_done("assessPatches")[1]),
    ),
    Class(
        "Location of an assessment, ended",
        "200 assessmentActivityId, availablePatches, criticalAndSecurityPatchCount, error, "
        "otherPatchCount, rebootPending, startDateTime, status",
        "vm_linux_patch_mode#33",
        lambda: _names(_done("assessPatches")[2]),
    ),
    Class(
        "poll of an installation, ended",
        "200 endTime, name, properties, startTime, status",
        "powershell_maintenance_and_patches#14",
        lambda: _names(_done("installPatches")[1]),
    ),
    Class(
        "Location of an installation, ended",
        "200 error, excludedPatchCount, failedPatchCount, installationActivityId, "
        "installedPatchCount, maintenanceWindowExceeded, notSelectedPatchCount, patches, "
        "pendingPatchCount, rebootStatus, startDateTime, status",
        "powershell_maintenance_and_patches#15",
        lambda: _names(_done("installPatches")[2]),
    ),
    Class(
        "the ids of operation, request and assessment",
        "the same",
        "compute, section 2",
        _ids_of_an_assessment,
    ),
    Class(
        "poll of a group's deletion, running",
        "202, Location, Retry-After, no body",
        "resource_group#1, powershell_maintenance_and_patches#17",
        lambda: said(_group_polled(0)),
    ),
    Class(
        "poll of a group's deletion, ended",
        "200, no body",
        "resource_group#5",
        lambda: said(_group_polled(400)),
    ),
]


def _headers(answer: Response, *names: str) -> str:
    told = {name.lower(): value for name, value in answer.headers.items()}
    return ", ".join(f"{name}: {told.get(name.lower(), '-')}" for name in names)


HEADERS = [
    Class(
        "`Retry-After` of a group's deletion",
        "Retry-After: 15",
        "powershell_maintenance_and_patches#16",
        lambda: _headers(empty()("DELETE", GROUP), "Retry-After"),
    ),
    Class(
        "`Retry-After` of a network write",
        "Retry-After: 3",
        "2017: PUT network 3, security group 10, DELETE 10, polls 10",
        lambda: _headers(before(VNET).put(VNET), "Retry-After"),
        "10 for all, which Azure used for the others and for every poll",
    ),
    Class(
        "`Retry-After` of a machine's write",
        "Retry-After: -",
        "powershell_maintenance_and_patches#11",
        lambda: _headers(before(MACHINE).put(MACHINE), "Retry-After"),
    ),
    Class(
        "headers of every answer",
        "Cache-Control: no-cache, Pragma: no-cache, Expires: -1, X-Content-Type-Options: nosniff",
        "recorded",
        lambda: _headers(
            site()("GET", GROUP), "Cache-Control", "Pragma", "Expires", "X-Content-Type-Options"
        ),
    ),
    Class(
        "remaining writes of a principal, a full bucket",
        "x-ms-ratelimit-remaining-subscription-writes: 199",
        "since September 2024",
        lambda: _headers(
            _rested()("PUT", GROUP, WHERE), "x-ms-ratelimit-remaining-subscription-writes"
        ),
    ),
    Class(
        "remaining writes of a machine, a full bucket",
        "x-ms-ratelimit-remaining-resource: "
        "Microsoft.Compute/PutVMSubscriptionMaximum;1499,Microsoft.Compute/PutVMResource;11",
        "compute 2024",
        lambda: _headers(before(MACHINE).put(MACHINE), "x-ms-ratelimit-remaining-resource"),
    ),
    Class(
        "remaining queries of Resource Graph, a full bucket",
        "x-ms-user-quota-remaining: 14, x-ms-user-quota-resets-after: 00:00:05",
        "15 queries in 5 seconds",
        lambda: _headers(
            site()("POST", GRAPH, {"query": "resources"}),
            "x-ms-user-quota-remaining",
            "x-ms-user-quota-resets-after",
        ),
    ),
]


def _rested() -> Site:
    here = empty()
    here.wait(3600)
    return here


SECTIONS = {
    "Groups": GROUPS,
    "Network": NETWORK + SUBNETS,
    "Virtual machines": MACHINES,
    "Machines of Arc": ARC,
    "Maintenance": MAINTENANCE,
    "Monitor": MONITOR,
    "Other services": OTHERS,
    "Following an operation": FOLLOWED,
    "Headers": HEADERS,
}

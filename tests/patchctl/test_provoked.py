"""Every error of Azure that the catalogue knows is met, and what it says to do leads out of it.

What the sandbox refuses by its own rules is provoked so elsewhere too (`test_real_life`); here each
code comes from the service that gives it, as an answer that a world was told to give.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import pytest

from arm_sandbox.failures import GRAPH, SIGN_IN
from arm_sandbox.options import Failure, Options
from patchctl import catalogue
from tests.patchctl.shell import EMAIL, Cli, follow
from tests.patchctl.test_provoked_own import ELSEWHERE, OWN

pytestmark = [pytest.mark.world, pytest.mark.slow]

GROUPS = "Microsoft.Resources/resourceGroups"
MACHINES = "Microsoft.Compute/virtualMachines"
INTERFACES = "Microsoft.Network/networkInterfaces"
ADDRESSES = "Microsoft.Network/publicIPAddresses"
NETWORKS = "Microsoft.Network/virtualNetworks"
SECURITY = "Microsoft.Network/networkSecurityGroups"
GATEWAYS = "Microsoft.Network/natGateways"
SCHEDULES = "Microsoft.Maintenance/maintenanceConfigurations"
ASSIGNMENTS = "Microsoft.Maintenance/configurationAssignments"
ACTION_GROUPS = "Microsoft.Insights/actionGroups"
RULES = "Microsoft.Insights/scheduledQueryRules"
ROLES = "Microsoft.Authorization/roleAssignments"
MANY = 99
"""More often than anybody tries."""

REFUSED: Mapping[tuple[str, int], Sequence[str]] = {
    (GROUPS, 400): (
        "InvalidResourceNamespace", "InvalidResourceType", "NoRegisteredProviderFound",
        "LocationNotAvailableForResourceType", "LocationNotAvailableForResourceGroup",
        "LocationRequired", "InvalidSubscriptionId",
        "BadRequest", "InvalidRequestContent", "InvalidRequestFormat", "InvalidParameter",
        "LinkedInvalidPropertyId", "ReservedResourceName", "InvalidResourceName",
        "InvalidTemplate", "InvalidTemplateDeployment", "Http400",
    ),
    (GROUPS, 401): (
        "InvalidAuthenticationToken", "ExpiredAuthenticationToken", "AuthenticationFailed",
        "InvalidAuthenticationTokenTenant", "InvalidAuthenticationTokenAudience", "Http401",
    ),
    (GROUPS, 403): (
        "AuthorizationFailed", "RequestDisallowedByPolicy", "RequestDisallowedByAzure",
        "PolicyViolation", "RegionDoesNotAllowProvisioning", "ReadOnlyDisabledSubscription",
        "DisallowedOperation", "SubscriptionNotRegistered", "Http403",
    ),
    (GROUPS, 404): ("SubscriptionNotFound", "NotFound", "Http404"),
    (GROUPS, 407): ("Http407",),
    (GROUPS, 413): ("Http413",),
    (GROUPS, 408): ("RequestTimeout", "Http408"),
    (GROUPS, 409): (
        "Conflict", "InvalidResourceGroupLocation", "ResourceGroupBeingDeleted", "ScopeLocked",
        "DeploymentActive", "DeploymentQuotaExceeded", "ResourceQuotaExceeded", "Http409",
        "OperationInProgress", "InvalidSubscriptionRegistrationState",
    ),
    (GROUPS, 412): ("PreconditionFailed", "Http412"),
    (GROUPS, 429): ("TooManyRequests", "SubscriptionRequestsThrottled", "Http429"),
    (GROUPS, 500): ("InternalServerError", "ServerTimeout", "Http500"),
    (GROUPS, 502): ("BadGatewayConnection", "Http502"),
    (GROUPS, 503): ("ServiceUnavailable", "Http503"),
    (GROUPS, 504): ("GatewayTimeout", "Http504"),
    (MACHINES, 400): (
        "ImageNotFound", "PlatformImageNotFound", "VMMarketplaceInvalidInput",
        "MarketplacePurchaseEligibilityFailed", "SubscriptionNotAuthorizedForImage",
        "DiskImageNotReady", "PropertyChangeNotAllowed", "ConflictingUserInput",
    ),
    (MACHINES, 404): ("ResourceGroupNotFound", "ResourceNotFound", "ParentResourceNotFound"),
    (MACHINES, 409): (
        "SkuNotAvailable", "QuotaExceeded", "OperationNotAllowed", "MissingRegistrationForLocation",
        "ResourceUpdateBlockedOnPlatformUpdate",
    ),
    (MACHINES, 429): ("ResourceRequestsThrottled", "ResourceCollectionRequestsThrottled"),
    (INTERFACES, 400): (
        "InvalidResourceReference", "SubnetIsFull", "PrivateIPAddressIsAllocated",
        "PrivateIPAddressNotInSubnet", "PrivateIPAddressInReservedRange",
    ),
    (INTERFACES, 429): ("RetryableError",),
    (INTERFACES, 409): ("AnotherOperationInProgress", "ReferencedResourceNotProvisioned"),
    (NETWORKS, 400): ("NetcfgSubnetRangesOverlap", "InUsePrefixCannotBeDeleted"),
    (SCHEDULES, 400): ("InvalidMaintenanceWindow",),
    (SCHEDULES, 409): ("MissingSubscriptionRegistration",),
    (SCHEDULES, 412): ("PreconditionFailedEtagMismatch",),
    (ASSIGNMENTS, 400): ("UnsupportedPatchMode", "HCRP400"),
    (ASSIGNMENTS, 404): ("MaintenanceConfigurationNotFound", "HCRP404"),
    (ASSIGNMENTS, 409): ("HCRP409", "ExtensionOperationTimedOut"),
    (ACTION_GROUPS, 400): (
        "InvalidEmailAddress", "ReceiverNotFound", "ReceiverAlreadyEnabled",
    ),
    (RULES, 400): ("ScopeNotFound", "ActionGroupNotFound"),
    (RULES, 403): ("LinkedAuthorizationFailed",),
    (ROLES, 400): ("PrincipalNotFound", "PrincipalTypeNotSupported", "RoleAssignmentLimitExceeded"),
    (ROLES, 403): ("AuthorizationPermissionMismatch", "RoleAssignmentUpdateNotPermitted"),
    (ROLES, 404): ("RoleDefinitionDoesNotExist",),
    (ROLES, 409): ("RoleAssignmentExists",),
}  # fmt: skip
"""Codes by what is written and by the status with which that is refused at once."""
ENDED: Mapping[tuple[str, str], Sequence[str]] = {
    (MACHINES, "create"): (
        "AllocationFailed", "ZonalAllocationFailed", "OverconstrainedAllocationRequest",
        "OverconstrainedZonalAllocationRequest", "OSProvisioningTimedOut",
        "OSProvisioningClientError", "OSProvisioningInternalError", "VMStartTimedOut",
        "InternalOperationError", "InternalExecutionError", "NetworkingInternalOperationError",
        "TooManyVMRedeploymentRequests", "VMExtensionProvisioningError",
        "VMExtensionProvisioningTimeout", "VMExtensionHandlerNonTransientError",
        "VMExtensionManagementInternalError", "VMArtifactRepositoryInternalError",
        "DeploymentFailed", "DeploymentCanceled", "ResourceDeploymentFailure",
    ),
    (MACHINES, "assessPatches"): (
        "VMGuestPatchInternalError", "VMAgentStatusCommunicationError", "VMNotFound",
    ),
    (INTERFACES, "create"): ("OperationPreempted",),
}  # fmt: skip
"""Codes by the operation that ends in them."""
LEFT_OVER: Mapping[str, Sequence[str]] = {
    NETWORKS: ("InUseSubnetCannotBeDeleted",),
    SECURITY: ("InUseNetworkSecurityGroupCannotBeDeleted",),
    INTERFACES: ("NicInUse",),
    GATEWAYS: ("InUseNatGatewayCannotBeDeleted",),
    ADDRESSES: ("PublicIPAddressCannotBeDeleted",),
}
"""Codes with which it is refused to delete what something still uses."""
BY_NAT: Mapping[str, Sequence[str]] = {
    ADDRESSES: ("PublicIPCountLimitReached", "IPv4BasicSkuPublicIpCountLimitReached"),
    GATEWAYS: ("PublicIPAddressInUse",),
}
GRAPH_REFUSES = {
    "InvalidQuery": 400,
    "ParserFailure": 400,
    "DisallowedLogicalTableName": 400,
    "NoValidSubscriptionsInQueryRequest": 400,
    "ResponsePayloadTooLarge": 400,
    "RateLimiting": 429,
}
IN_EVERY_RUN = (
    *("AuthorizationFailed", "ScopeLocked", "TooManyRequests", "AllocationFailed", "NicInUse"),
    *("InvalidQuery", "AADSTS50076", "Http502"),
)
"""Some of each kind; the others take minutes."""


def failing(type: str, code: str, on: str = "create", refused: int = 0) -> Failure:
    """As a service answers; what has no code has no more than a status."""
    said = "" if code.startswith("Http") else code
    message = f"The namespace 'Microsoft.Compute' was refused with {code}."
    return Failure(type, on, times=MANY, refused=refused, code=said, message=message)


DEPLOY = ("deploy", *EMAIL)
Scene = tuple[Failure, tuple[str, ...]]


def scenes() -> Iterator[tuple[str, Scene]]:
    for (type, status), codes in REFUSED.items():
        yield from ((code, (failing(type, code, refused=status), DEPLOY)) for code in codes)
    for (type, on), codes in ENDED.items():
        yield from ((code, (failing(type, code, on), DEPLOY)) for code in codes)
    for type, codes in LEFT_OVER.items():
        destroy = ("destroy", "--yes")
        yield from ((code, (failing(type, code, "delete", 400), destroy)) for code in codes)
    for type, codes in BY_NAT.items():
        nat = (*DEPLOY, "--outbound", "nat")
        yield from ((code, (failing(type, code, refused=400), nat)) for code in codes)
    for code, status in GRAPH_REFUSES.items():
        yield code, (failing(GRAPH, code, "query", status), ("status",))
    yield (
        "ResourceGroupDeletionBlocked",
        (
            failing(GROUPS, "ResourceGroupDeletionBlocked", "delete"),
            ("destroy", "--yes"),
        ),
    )
    for entry in catalogue.entries().values():
        if entry.code.startswith("AADSTS"):
            yield entry.code, (failing(SIGN_IN, entry.code, "get"), DEPLOY)


SCENES = dict(scenes())


SELECTED = [
    pytest.param(code, marks=() if code in IN_EVERY_RUN else pytest.mark.slow) for code in SCENES
]


def behave(cli: Cli, *failures: Failure) -> None:
    cli.change(lambda world: setattr(world, "options", Options(failures=list(failures))))


@pytest.mark.parametrize("code", SELECTED)
def test_what_it_says_leads_out_of_it(cli: Cli, code: str) -> None:
    failure, command = SCENES[code]
    if command[0] in ("destroy", "status"):
        cli.deploy("--outbound", "nat")
        if code in {each for codes in LEFT_OVER.values() for each in codes}:
            cli.leave_a_foreign_address()
    behave(cli, failure)
    ended = cli(*command, "--output", "json")
    error = json.loads(ended.out)["error"]
    assert error["code"] == code
    assert failure.message in error["message"]
    assert error["request_id"] or failure.type == SIGN_IN
    behave(cli)  # whoever was asked has done what they were asked for
    follow(cli, error)
    assert cli(*command).code == 0
    assert command[0] == "destroy" or cli("validate").code == 0


def test_every_code_of_the_catalogue_is_provoked() -> None:
    provoked = {*SCENES, *OWN, *ELSEWHERE}
    assert {entry.code for entry in catalogue.entries().values()} == provoked
    assert {*IN_EVERY_RUN} <= {*SCENES}

"""The buckets of Resource Manager, Compute and Resource Graph, and what is told of them."""

from __future__ import annotations

import json

import pytest

from arm_sandbox import throttling
from arm_sandbox.wire import Refusal, Request, Response
from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, SUBSCRIPTION, ask, finish, signed_in, wait
from tests.arm_sandbox.test_authorization import SOMEBODY
from tests.arm_sandbox.test_compute import API, make, make_interface, windows
from tests.arm_sandbox.test_compute import MACHINE as VM

READS = "x-ms-ratelimit-remaining-subscription-reads"
ALL_READS = "x-ms-ratelimit-remaining-subscription-global-reads"
RESOURCE = "x-ms-ratelimit-remaining-resource"
OWN = "x-ms-ratelimit-remaining-subscription-resource-requests"


def error(response: Response) -> dict[str, str]:
    found: dict[str, str] = response.body["error"]
    return found


def test_every_answer_tells_how_many_requests_are_left(world: World) -> None:
    first = ask(world, "GET", GROUP)
    assert (first.headers[READS], first.headers[ALL_READS]) == ("249", "3749")
    assert first.headers["x-ms-throttling-version"] == "v2"
    assert ask(world, "GET", GROUP).headers[READS] == "248"
    wait(world, 1)
    assert ask(world, "GET", GROUP).headers[READS] == "249"
    written = ask(world, "PATCH", GROUP, {"tags": {}})
    assert written.headers["x-ms-ratelimit-remaining-subscription-writes"] == "199"
    assert written.headers["x-ms-ratelimit-remaining-subscription-global-writes"] == "2999"
    deleted = ask(world, "DELETE", GROUP)
    assert deleted.headers["x-ms-ratelimit-remaining-subscription-deletes"] == "199"
    tenant = ask(world, "GET", "/subscriptions")
    assert tenant.headers["x-ms-ratelimit-remaining-tenant-reads"] == "249"


def test_a_refusal_tells_it_if_it_is_the_providers_own(world: World) -> None:
    missing = ask(world, "GET", f"{SUBSCRIPTION}/resourceGroups/none")
    assert (missing.status, READS in missing.headers) == (404, False)
    own = ask(world, "GET", f"{SUBSCRIPTION}/resourcegroups", query="&$filter=nonsense")
    assert (own.status, READS in own.headers) == (400, True)


def test_who_asks_too_often_is_told_when_to_come_back(world: World) -> None:
    assert [ask(world, "GET", GROUP).status for _ in range(251)] == [200] * 250 + [429]
    refused = ask(world, "GET", GROUP)
    oid, id = world.principal["oid"], SUBSCRIPTION.split("/")[2]
    assert error(refused) == {
        "code": "SubscriptionRequestsThrottled",
        "message": f"Number of 'read' requests for subscription '{id}' actor '{oid}' exceeded. "
        "Please try again after '1' seconds after additional tokens are available. Refer to "
        "https://aka.ms/arm-throttling for additional information.",
    }
    assert refused.headers["Retry-After"] == "1"
    assert ask(world, "PATCH", GROUP, {"tags": {}}).status == 200
    wait(world, 1)
    assert [ask(world, "GET", GROUP).status for _ in range(26)] == [200] * 25 + [429]


def test_a_principal_has_a_bucket_of_its_own_and_a_share_of_everybodys(world: World) -> None:
    for _ in range(250):
        ask(world, "GET", GROUP)
    answer = ask(world, "GET", SUBSCRIPTION, who={"oid": SOMEBODY})
    assert answer.status == 403
    assert ask(world, "GET", GROUP).status == 429
    world.buckets[f"{SUBSCRIPTION[15:]}|reads"] = [0.5, world.now]
    assert ask(world, "GET", SUBSCRIPTION, who={"oid": SOMEBODY}).status == 429


def test_action_groups_and_configurations_count_apart(world: World) -> None:
    path = f"{GROUP}/providers/Microsoft.Insights/actionGroups/ag"
    body = {"location": "Global", "properties": {"groupShortName": "ag", "enabled": True}}
    made = ask(world, "PUT", path, body, version="2023-01-01")
    assert (made.status, made.headers[OWN]) == (201, "24")
    assert "x-ms-ratelimit-remaining-subscription-writes" not in made.headers
    assert ask(world, "GET", path, version="2023-01-01").headers[OWN] == "249"
    for _ in range(24):
        ask(world, "PUT", path, body, version="2023-01-01")
    refused = ask(world, "PUT", path, body, version="2023-01-01")
    assert (refused.status, refused.headers["Retry-After"]) == (429, "12")
    assert error(refused)["code"] == "ResourceRequestsThrottled"
    assert (
        "'Microsoft.Insights/actionGroups/write' exceeded the limit of '25'"
        in (error(refused)["message"])
    )
    deleted = ask(world, "DELETE", path, version="2023-01-01")
    assert deleted.headers["x-ms-ratelimit-remaining-subscription-deletes"] == "199"


@pytest.fixture
def standing(world: World) -> World:
    """A world with a machine that runs."""
    make_interface(world, outbound=True)
    make(world, windows())
    wait(world, 300)
    return world


def test_compute_counts_what_is_done_to_a_machine(world: World) -> None:
    make_interface(world, outbound=True)
    made = ask(world, "PUT", VM, windows(), version=API)
    assert made.headers[RESOURCE] == (
        "Microsoft.Compute/PutVMSubscriptionMaximum;1499,Microsoft.Compute/PutVMResource;11"
    )
    poll = finish(world, made)
    assert "Microsoft.Compute/GetOperationResource;" in poll.headers[RESOURCE]
    wait(world, 300)
    read = ask(world, "GET", VM, version=API)
    assert read.headers[RESOURCE].endswith("Microsoft.Compute/LowCostGetResource;35")
    listed = ask(world, "GET", VM.rsplit("/", 1)[0], version=API)
    assert listed.headers[RESOURCE] == "Microsoft.Compute/HighCostGetSubscriptionMaximum;899"
    assessed = ask(world, "POST", f"{VM}/assessPatches", version=API)
    assert assessed.headers[RESOURCE] == (
        "Microsoft.Compute/VMGuestPatchOperationSubscriptionMaximum;599,"
        "Microsoft.Compute/VMGuestPatchOperationResource;5"
    )
    stopped = ask(world, "POST", f"{VM}/deallocate", version=API)
    assert "DeleteVMResource;11" in stopped.headers[RESOURCE]


def test_a_seventh_assessment_within_a_minute_is_too_many(standing: World) -> None:
    answers = [ask(standing, "POST", f"{VM}/assessPatches", version=API) for _ in range(7)]
    assert [answer.status for answer in answers] == [202] + [409] * 5 + [429]
    refused = answers[-1]
    assert error(refused)["code"] == "OperationNotAllowed"
    (detail,) = refused.body["error"]["details"]
    assert (detail["code"], detail["target"]) == (
        "TooManyRequests",
        "VMGuestPatchOperationResource",
    )
    assert json.loads(detail["message"])["allowedRequestCount"] == 6
    assert refused.headers["Retry-After"] == "30"
    assert "Microsoft.Compute/VMGuestPatchOperationResource;0" in refused.headers[RESOURCE]
    assert "x-ms-ratelimit-remaining-subscription-writes" in refused.headers
    wait(standing, 30)
    assert ask(standing, "POST", f"{VM}/assessPatches", version=API).status == 409


def query(world: World) -> dict[str, str]:
    url = "https://management.azure.com/providers/Microsoft.ResourceGraph/resources"
    request = Request.parse("POST", url, signed_in(world), b"")
    assert throttling.admit(world, request) == {}
    return throttling.admit_to_provider(world, request)


def test_resource_graph_gives_fifteen_queries_back_after_five_seconds(world: World) -> None:
    assert query(world) == {
        "x-ms-user-quota-remaining": "14",
        "x-ms-user-quota-resets-after": "00:00:05",
    }
    wait(world, 2.5)
    for _ in range(14):
        last = query(world)
    assert last["x-ms-user-quota-resets-after"] == "00:00:03"
    with pytest.raises(Refusal, match="429 RateLimiting") as refused:
        query(world)
    assert refused.value.headers["x-ms-user-quota-remaining"] == "0"
    wait(world, 2.5)
    assert query(world)["x-ms-user-quota-remaining"] == "14"


def test_a_refused_query_counts_as_well(world: World) -> None:
    path = "/providers/Microsoft.ResourceGraph/resources"
    wrong = {"query": "resources | nonsense"}
    refused = ask(world, "POST", path, wrong, version="2021-03-01")
    assert (refused.status, refused.headers["x-ms-user-quota-remaining"]) == (400, "14")
    assert not [name for name in refused.headers if "ratelimit" in name]
    for _ in range(14):
        ask(world, "POST", path, wrong, version="2021-03-01")
    throttled = ask(world, "POST", path, wrong, version="2021-03-01")
    assert (throttled.status, error(throttled)["code"]) == (429, "RateLimiting")


def test_full_buckets_are_forgotten(world: World) -> None:
    for number in range(2000):
        ask(world, "GET", f"{VM}{number}", version=API)
        wait(world, 1)
    assert len(world.buckets) <= throttling.MANY + 3
    again = World.from_json(json.loads(world.saved()))
    assert ask(again, "GET", GROUP).headers[READS] == "249"


def test_a_world_can_be_told_to_let_everybody_in(standing: World) -> None:
    standing.options.throttling = False
    answers = [ask(standing, "GET", VM, version=API) for _ in range(400)]
    assert {answer.status for answer in answers} == {200}
    assert not any("ratelimit" in name for name in answers[-1].headers)
    assert query(standing) == {}

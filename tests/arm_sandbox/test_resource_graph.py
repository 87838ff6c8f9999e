"""Resource Graph as a client sees it: queries, pages, refusals, quotas."""

from __future__ import annotations

import json
from typing import Any

import pytest

from arm_sandbox import clock
from arm_sandbox.options import Access
from arm_sandbox.transport import SandboxCredential
from arm_sandbox.wire import Response
from arm_sandbox.world import Resource, World
from tests.arm_sandbox.ask import GROUP, SUBSCRIPTION, ask, transport_to, wait

PATH = "/providers/Microsoft.ResourceGraph/resources"
GUID = SUBSCRIPTION.rsplit("/", 1)[1]
DISK = "Microsoft.Compute/disks"


def query(world: World, text: str, **more: Any) -> Response:
    options = {name: more.pop(name) for name in [*more] if name.startswith("$") or "Format" in name}
    body = {"query": text, "subscriptions": [GUID], "options": options, **more}
    return ask(world, "POST", PATH, body, version="2024-04-01")


def rows(world: World, text: str, **more: Any) -> Any:
    response = query(world, text, **more)
    assert response.status == 200, response.body
    return response.body["data"]


def details(response: Response) -> list[Any]:
    assert (response.status, response.body["error"]["code"]) == (400, "BadRequest")
    told: list[Any] = response.body["error"]["details"]
    return told


def disks(world: World, number: int, group: str = GROUP) -> None:
    for n in range(number):
        id = f"{group}/providers/{DISK}/disk-{n:04}"
        world.add(Resource(id, DISK, {"location": "eastus", "properties": {"diskSizeGB": n}}))


def test_an_answer_has_the_shape_that_was_recorded(world: World) -> None:
    response = query(world, "project id, tags, properties | limit 2", **{"$top": 100, "$skip": 0})
    assert response.body == {
        "totalRecords": 0,
        "count": 0,
        "data": [],
        "facets": [],
        "resultTruncated": "false",
    }
    assert response.headers["x-ms-user-quota-remaining"] == "14"
    assert response.headers["x-ms-user-quota-resets-after"] == "00:00:05"


def test_a_refusal_is_the_one_that_was_recorded(world: World) -> None:
    response = query(world, "where where")
    assert details(response) == [
        {
            "code": "InvalidQuery",
            "message": "Query is invalid. Please refer to the documentation for the Azure Resource "
            "Graph service and fix the error before retrying.",
        },
        {
            "code": "ParserFailure",
            "message": "ParserFailure",
            "line": 1,
            "characterPositionInLine": 11,
            "token": "<EOF>",
            "expectedToken": "Ǐ",
        },
    ]
    message = response.body["error"]["message"]
    assert message.startswith(
        "Please provide below info when asking for support: timestamp = 2026-11-23T12:00:01"
    )


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("resources | where name = 1", "ParserFailure", "ParserFailure"),
        ("resources | cout()", "ParserFailure", "ParserFailure"),
        ("resources | where cout()", "UnknownFunction", "Unknown function: 'cout'."),
        ("resources | render piechart", "InvalidQueryLanguage", "InvalidQueryLanguage"),
        (
            "computeresources",
            "DisallowedLogicalTableName",
            "Table computeresources is invalid, unsupported or disallowed.",
        ),
        (
            "resources | join kind=leftsemi resourcecontainers on subscriptionId",
            "UnsupportedJoinFlavor",
            'The join kind "LeftSemi" is not supported or not allowed.',
        ),
        (
            "resources | where compliant == 1",
            "Default",
            "'where' operator: Failed to resolve column or scalar expression named 'compliant'",
        ),
    ],
)
def test_what_is_not_known_is_refused(world: World, text: str, code: str, message: str) -> None:
    last = details(query(world, text))[-1]
    assert (last["code"], last["message"]) == (code, message)


def test_pages_are_turned_with_a_token(world: World) -> None:
    disks(world, 25)
    text = "resources | order by id asc | project name"
    first = query(world, text, **{"$top": 10}).body
    assert (first["totalRecords"], first["count"], first["resultTruncated"]) == (25, 10, "false")
    second = query(world, text, **{"$skipToken": first["$skipToken"]}).body
    assert second["data"][0] == {"name": "disk-0010"}
    assert second["count"] == 10, "the token keeps the size of a page"
    last = query(world, text, **{"$skipToken": second["$skipToken"], "$top": 100}).body
    assert last["count"] == 5
    assert "$skipToken" not in last


def test_a_page_has_a_thousand_rows(world: World) -> None:
    disks(world, 1001)
    body = query(world, "resources | project id").body
    assert (body["totalRecords"], body["count"]) == (1001, 1000)
    assert "$skipToken" in body


def test_a_token_belongs_to_its_query(world: World) -> None:
    disks(world, 3)
    token = query(world, "resources | project id", **{"$top": 2}).body["$skipToken"]
    other = query(world, "resources | project id, name", **{"$skipToken": token})
    assert details(other)[0]["code"] == "InvalidSkipToken"
    assert details(query(world, "resources", **{"$skipToken": "x"}))


def test_rows_can_be_skipped_unless_the_query_limits_them(world: World) -> None:
    disks(world, 5)
    ordered = "resources | order by name asc | project name"
    assert rows(world, ordered, **{"$skip": 4}) == [{"name": "disk-0004"}]
    limited = rows(world, f"{ordered} | limit 2", **{"$skip": 1})
    assert limited == [{"name": "disk-0000"}, {"name": "disk-0001"}]


@pytest.mark.parametrize("text", ["resources | take 3", "resources | project properties"])
def test_some_queries_have_no_second_page(world: World, text: str) -> None:
    disks(world, 3)
    body = query(world, text, **{"$top": 2}).body
    assert (body["count"], body["resultTruncated"]) == (2, "true")
    assert "$skipToken" not in body


def test_pages_without_an_order_are_sorted_by_id_if_it_is_shown(world: World) -> None:
    for name in "cab":
        world.add(Resource(f"{GROUP}/providers/{DISK}/{name}", DISK, {"location": "eastus"}))
    shown = rows(world, "resources | project id, name", **{"$top": 2})
    assert [row["name"] for row in shown] == ["a", "b"]


def test_pages_without_an_order_and_an_id_do_not_fit_together(world: World) -> None:
    disks(world, 40)
    seen = []
    token: str | None = ""
    while token is not None:
        options = {"$skipToken": token} if token else {"$top": 10}
        body = query(world, "resources | project name", **options).body
        seen += [row["name"] for row in body["data"]]
        token = body.get("$skipToken")
    assert len(seen) == 40
    assert len(set(seen)) < 40


def test_a_table_names_its_columns_once(world: World) -> None:
    disks(world, 1)
    text = "resources | project name, size=toint(properties.diskSizeGB), properties, t=now()"
    assert rows(world, text, resultFormat="table") == {
        "columns": [
            {"name": "name", "type": "string"},
            {"name": "size", "type": "integer"},
            {"name": "properties", "type": "object"},
            {"name": "t", "type": "datetime"},
        ],
        "rows": [["disk-0000", 0, {"diskSizeGB": 0}, "2026-11-23T12:00:01Z"]],
    }


@pytest.mark.parametrize("options", [{"$top": 0}, {"$top": 1001}, {"$top": "many"}, {"$skip": -1}])
def test_bad_options_are_refused(world: World, options: dict[str, Any]) -> None:
    assert details(query(world, "resources", **options))


def test_facets_are_refused_rather_than_left_out(world: World) -> None:
    assert details(query(world, "resources", facets=[{"expression": "location"}]))


def test_no_more_than_fifteen_queries_in_five_seconds(world: World) -> None:
    for _ in range(15):
        assert query(world, "resources | count").status == 200
    refused = query(world, "resources | count")
    assert (refused.status, refused.body["error"]["code"]) == (429, "RateLimiting")
    assert refused.headers["x-ms-user-quota-remaining"] == "0"
    wait(world, 5)
    assert query(world, "resources | count").status == 200


# -- scopes and rights


def test_without_subscriptions_all_are_asked(world: World) -> None:
    other = "5a4d0000-0000-4000-8000-000000000002"
    world.subscriptions[other] = "Other"
    disks(world, 1)
    disks(world, 1, f"/subscriptions/{other}/resourceGroups/g")
    everywhere = {"query": "resources | summarize n=count() by subscriptionId"}
    found = ask(world, "POST", PATH, everywhere, version="2021-03-01").body["data"]
    assert sorted(row["subscriptionId"] for row in found) == [GUID, other]
    assert rows(world, "resources | count") == [{"Count": 1}]


def test_what_the_caller_cannot_read_is_not_there(world: World) -> None:
    disks(world, 2)
    scope = f"{GROUP}/providers/{DISK}/disk-0001"
    world.options.access = [Access(role="Reader", scope=scope)]
    assert [row["name"] for row in rows(world, "resources | project name")] == ["disk-0001"]


def test_a_subscription_without_rights_is_passed_over(world: World) -> None:
    other = "5a4d0000-0000-4000-8000-000000000002"
    world.subscriptions[other] = "Other"
    world.options.access = [Access(role="Reader", scope=SUBSCRIPTION)]
    assert query(world, "resources", subscriptions=[GUID, other]).status == 200
    alone = details(query(world, "resources", subscriptions=[other]))
    assert alone[0]["code"] == "NoValidSubscriptionsInQueryRequest"
    strange = details(query(world, "resources", subscriptions=["mine"]))
    assert strange[0]["code"] == "SubscriptionsContainInvalidGuids"


def test_the_root_management_group_has_everything(world: World) -> None:
    body = {"query": "resourcecontainers | count", "managementGroups": [world.tenant]}
    assert ask(world, "POST", PATH, body, version="2022-10-01").body["data"] == [{"Count": 2}]
    body["managementGroups"] = ["nowhere"]
    refused = ask(world, "POST", PATH, body, version="2022-10-01")
    assert details(refused)[0]["code"] == "NoValidSubscriptionsInQueryRequest"


def test_unknown_versions_and_methods_are_refused(world: World) -> None:
    assert ask(world, "POST", PATH, {"query": "resources"}, version="2020-01-01").status == 404
    assert ask(world, "GET", PATH, version="2024-04-01").status == 404


# -- the SDK


def test_the_sdk_reads_page_after_page(world: World) -> None:
    from azure.mgmt.resourcegraph.aio import ResourceGraphClient
    from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions

    disks(world, 7)

    async def names() -> list[str]:
        credential = SandboxCredential(world)
        async with ResourceGraphClient(credential, transport=transport_to(world)) as client:
            found: list[str] = []
            token = None
            while True:
                options = QueryRequestOptions(top=3, skip_token=token)
                text = "resources | order by id asc | project id, name"
                request = QueryRequest(query=text, subscriptions=[GUID], options=options)
                page = await client.resources(request)
                told: Any = page.data
                found += [row["name"] for row in told]
                token = page.skip_token
                if token is None:
                    return found

    found = clock.run(names(), start=world.now)
    assert found == [f"disk-{n:04}" for n in range(7)]
    assert json.dumps(found)

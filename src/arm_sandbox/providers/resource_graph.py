"""Microsoft.ResourceGraph: queries over the tables, page by page.

Sources: the API description 2024-04-01 with its examples, recorded queries, "Guidance for
pagination", and what somebody measured on 2026-08-05 with 2022-10-01: a page is of 1,000 rows
unless asked otherwise, the format an array of objects; subscriptions that the caller cannot read
are passed over in silence, and refused only if there is no other.
"""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from arm_sandbox import failures, kql, tables
from arm_sandbox.arm import Kind
from arm_sandbox.ids import Id, same
from arm_sandbox.kql.values import JSON_TYPES
from arm_sandbox.providers import authorization
from arm_sandbox.tokens import caller
from arm_sandbox.wire import Json, Refusal, Request, Response, gateway
from arm_sandbox.world import World

VERSIONS = (
    *("2018-09-01-preview", "2019-04-01", "2020-04-01-preview", "2021-03-01"),
    *("2021-06-01-preview", "2022-10-01", "2024-04-01"),
)
PAGE = 1000
"""Rows of a page, at most and if nothing is asked for."""
SECONDS = (0.1, 0.9)

KINDS: tuple[Kind, ...] = ()
HAPPENINGS: Mapping[str, Callable[..., None]] = {}


@dataclass(frozen=True)
class Page:
    """Which rows of a result are wanted, and how."""

    skip: int
    top: int
    format: str


def answer(world: World, request: Request, id: Id) -> Response | None:
    """Answer a query, wherever in the tenant its rows are."""
    if not request.is_query:
        return None
    if request.method != "POST" or request.api_version not in VERSIONS:
        message = f"The resource type could not be found for api version '{request.api_version}'."
        raise gateway(404, "InvalidResourceType", message)
    failures.refuse(world, failures.GRAPH, "query")
    asked = request.body if isinstance(request.body, dict) else {}
    query = str(asked.get("query") or "")
    try:
        page = _page(asked)
        result = kql.run(query, _source(world, request, asked), world.now)
    except kql.QueryError as error:
        raise _refusal(world, error) from None
    body = _response(world, asked, result, page)
    return Response(200, body, seconds=world.between("resource graph", "query", *SECONDS))


def _refusal(world: World, error: kql.QueryError) -> Refusal:
    return Refusal(
        400,
        "BadRequest",
        f"Please provide below info when asking for support: timestamp = {world.stamp}, "
        f"correlationId = {world.guid('refused query')}.",
        shape="arm",
        more={"details": list(error.details)},
    )


def _invalid(code: str, message: str) -> kql.QueryError:
    return kql.QueryError({"code": code, "message": message})


# -- where the rows come from


def _source(world: World, request: Request, asked: Json) -> kql.Source:
    """The tables as far as the caller may read them in the subscriptions that are asked for."""
    oid = caller(world, request).oid
    wanted = _subscriptions(world, oid, asked)
    readable = authorization.readable(world, oid)

    def source(table: str) -> tuple[kql.Columns, Iterator[kql.Row]]:
        rows = tables.rows(world, table, readable)
        return tables.COLUMNS, (row for row in rows if row["subscriptionId"].lower() in wanted)

    return source


def _subscriptions(world: World, oid: str, asked: Json) -> set[str]:
    """Those that are named, or all; without management groups the tenant's root has them all."""
    named = [str(each).lower() for each in asked.get("subscriptions") or ()]
    groups = asked.get("managementGroups") or ()
    if named and groups:
        message = "Subscriptions and management groups cannot both be given."
        raise _invalid("InvalidQueryScope", message)
    if not all(map(_is_guid, named)):
        message = "The subscriptions contain invalid identifiers."
        raise _invalid("SubscriptionsContainInvalidGuids", message)
    strange = [group for group in groups if not same(str(group), world.tenant)]
    known = set() if strange else {*world.subscriptions} & {*(named or world.subscriptions)}
    readable = {id for id in known if authorization.knows(world, oid, f"/subscriptions/{id}")}
    if not readable and (named or groups):
        message = "There must be at least one subscription that is eligible to contain resources."
        raise _invalid("NoValidSubscriptionsInQueryRequest", message)
    return readable


def _is_guid(text: str) -> bool:
    try:
        return bool(uuid.UUID(text))
    except ValueError:
        return False


# -- pages


def _page(asked: Json) -> Page:
    """What the options want; a token says what they leave out. Raises QueryError."""
    options = asked.get("options") or {}
    token = _opened(asked, options["$skipToken"]) if options.get("$skipToken") else {}
    top, skip = (
        options.get("$top", token.get("top", PAGE)),
        options.get("$skip", token.get("skip", 0)),
    )
    if not isinstance(top, int) or not 1 <= top <= PAGE:
        raise _invalid("InvalidTop", f"$top must be from 1 to {PAGE}.")
    if not isinstance(skip, int) or skip < 0:
        raise _invalid("InvalidSkip", "$skip must not be negative.")
    if asked.get("facets"):
        raise _invalid("FacetsNotSupported", "Facets are not part of the sandbox.")
    return Page(skip, top, str(options.get("resultFormat") or "objectArray"))


def _token(asked: Json, top: int, skip: int) -> str:
    text = json.dumps({"top": top, "skip": skip, "of": _digest(asked)})
    return base64.b64encode(text.encode()).decode()


def _opened(asked: Json, token: str) -> dict[str, Any]:
    """What a token says, if it was given for this query and these scopes."""
    try:
        said: dict[str, Any] = json.loads(base64.b64decode(token, validate=True))
    except ValueError:
        said = {}
    if said.get("of") != _digest(asked):
        raise _invalid("InvalidSkipToken", "The $skipToken does not belong to this query.")
    return said


def _digest(asked: Json) -> str:
    meant = [asked.get(key) for key in ("query", "subscriptions", "managementGroups")]
    return hashlib.sha256(json.dumps(meant).encode()).hexdigest()[:16]


def _response(world: World, asked: Json, result: kql.Result, page: Page) -> Json:
    """`limit` and columns without a scalar among them leave no pages to turn (documented).

    A token is then missing, and `resultTruncated` tells; where there is one it says "false".
    """
    pageable = not result.limited and set(result.columns.values()) != {"dynamic"}
    rows = _settled(world, result, page)
    skip = 0 if result.limited else page.skip
    shown, end = rows[skip : skip + page.top], skip + page.top
    more = end < len(rows)
    body = {
        "totalRecords": len(rows),
        "count": len(shown),
        "data": _data(result.columns, shown, page.format),
        "facets": [],
        "resultTruncated": "true" if more and not pageable else "false",
    }
    return body | ({"$skipToken": _token(asked, page.top, end)} if more and pageable else {})


def _settled(world: World, result: kql.Result, page: Page) -> list[kql.Row]:
    """Pages are in the order of the query, else of the column `id` (documented with an example).

    Where there is neither, "the results are random and not repeatable": every page has its own.
    """
    rows = result.rows
    if result.ordered or len(rows) <= page.top:
        return rows
    if "id" in result.columns:
        return sorted(rows, key=lambda row: str(row["id"]))
    start = int(world.between("resource graph", "order", 0, len(rows)))
    return rows[start:] + rows[:start]


def _data(columns: kql.Columns, rows: list[kql.Row], format: str) -> Json:
    if format != "table":
        return rows
    told = [{"name": name, "type": JSON_TYPES[type]} for name, type in columns.items()]
    return {"columns": told, "rows": [[row[name] for name in columns] for row in rows]}

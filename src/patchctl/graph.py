"""Asking Resource Graph: a page for every 1,000 rows, and never faster than the quota allows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from patchctl.clients import Clients
from patchctl.observation import Row

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineResponse
    from azure.mgmt.resourcegraph.models import QueryResponse

PAGE = 1000
"""The most rows that Resource Graph answers at once."""
SUBSCRIPTIONS = 300
"""The most that should be asked about at once (azure-docs, guidance-for-throttled-requests.md)."""


class Graph:
    """The tables of some subscriptions. Requests go one after the other.

    Resource Graph tells with each answer how many more questions it takes before the quota is
    renewed, and when that is; so it is waited for rather than run into (the same page).
    """

    def __init__(self, clients: Clients, subscriptions: Sequence[str]) -> None:
        self._clients = clients
        self._subscriptions = subscriptions
        self._pause = 0.0

    async def rows(self, query: str) -> AsyncIterator[list[Row]]:
        """The rows that answer a query, page by page. It has to project `id`: without it Resource
        Graph answers no more than the first page (work-with-data.md, "Paging results")."""
        for first in range(0, len(self._subscriptions), SUBSCRIPTIONS):
            batch = list(self._subscriptions[first : first + SUBSCRIPTIONS])
            token: str | None = ""
            while token is not None:
                page = await self._page(query, batch, token or None)
                rows: Any = page.data  # of type JSON to the SDK; an array, as asked for
                yield rows
                token = page.skip_token

    async def _page(self, query: str, subscriptions: list[str], token: str | None) -> QueryResponse:
        from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions

        await asyncio.sleep(self._pause)
        options = QueryRequestOptions(top=PAGE, skip_token=token, result_format="objectArray")
        request = QueryRequest(query=query, subscriptions=subscriptions, options=options)
        return await self._clients.graph.resources(request, cls=self._note_quota)

    def _note_quota(
        self, response: PipelineResponse[Any, Any], page: QueryResponse, _: object
    ) -> QueryResponse:
        self._pause = pause(response.http_response.headers)
        return page


def pause(headers: Mapping[str, str]) -> float:
    """Seconds to wait before the next question; the quota is told like `0` and `00:00:03`."""
    remaining = headers.get("x-ms-user-quota-remaining", "")
    if not remaining.isdigit() or int(remaining) > 0:
        return 0.0
    hours, minutes, seconds = headers.get("x-ms-user-quota-resets-after", "00:00:05").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)

"""What each request passes on its way to Azure, beside what azure-core itself makes it pass."""

from __future__ import annotations

import sys
from http import HTTPStatus
from typing import Any

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import (
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import CustomHookPolicy, SansIOHTTPPolicy
from azure.mgmt.core.policies import AsyncARMChallengeAuthenticationPolicy

from patchctl.errors import PatchctlError, Unregistered
from patchctl.operations import ADDRESSES
from patchctl.translation import note, resource, translate


class SignedIn(AsyncARMChallengeAuthenticationPolicy):
    """Signs requests; where a token is no longer taken, once more with one that is fetched anew.

    azure-core renews a token by the clock of this machine, which may be slow, and knows nothing of
    one that was revoked. What is refused with 401 has had no effect, whatever it was.
    """

    def __init__(self, credential: AsyncTokenCredential, scope: str) -> None:
        super().__init__(credential, scope)
        self._scope = scope

    async def on_challenge(
        self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]
    ) -> bool:
        if not await super().on_challenge(request, response):
            _, _, refused = request.http_request.headers["Authorization"].partition(" ")
            await self.authorize_request(request, self._scope, refused=refused)
        return True


class Referring(SansIOHTTPPolicy[Any, Any]):
    """Lets a poll tell, as its Referer (RFC 9110, 10.1.3), which request began the operation, and
    an error of the connection what was asked."""

    def __init__(self) -> None:
        self._begun: dict[str, str] = {}

    def on_request(self, request: PipelineRequest[Any]) -> None:
        if origin := self._begun.get(request.http_request.url):
            request.http_request.headers["Referer"] = origin

    def on_response(
        self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]
    ) -> None:
        asked = request.http_request
        for name in ADDRESSES:
            if url := response.http_response.headers.get(name):
                self._begun[url] = asked.headers.get("Referer") or asked.url

    def on_exception(self, request: PipelineRequest[Any]) -> None:
        error = sys.exception()
        if isinstance(error, (ServiceRequestError, ServiceResponseError)):
            note(error, request.http_request)


class NotRegistering:
    """Says that a resource provider is not registered, before the SDK's own policy registers it.

    That would write where one only looks, and fails at what begins an operation, whose answer comes
    unread. It is left to it where a machine of another subscription is put on a schedule.
    """

    next: Any
    """What comes after it in the pipeline, which sets this."""

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        asked, unread = request.http_request, request.context.options.get("stream")
        response: PipelineResponse[Any, Any] = await self.next.send(request)
        answer = response.http_response
        looking = asked.method in ("GET", "HEAD")
        if answer.status_code == HTTPStatus.CONFLICT and (looking or unread):
            await read(answer)
            error = translate(HttpResponseError(response=answer))
            if isinstance(error, Unregistered):
                raise error
        return response


async def read(answer: Any) -> None:
    """Have an answer whole; an older client's has no `read`, and reads itself when asked."""
    if hasattr(answer, "read"):
        await answer.read()


def refuse_pages() -> SansIOHTTPPolicy[Any, Any]:
    """A policy that takes no web page for an answer: proxies and hotels give theirs with 200."""

    def refuse(response: PipelineResponse[Any, Any]) -> None:
        answer = response.http_response
        if answer.status_code < HTTPStatus.BAD_REQUEST and "html" in answer.headers.get(
            "Content-Type", ""
        ):
            raise PatchctlError(
                "NotAzure",
                f"A web page came where {answer.request.url.split('/')[2]} should have answered.",
                resource=resource(answer.request),
            )

    return CustomHookPolicy(raw_response_hook=refuse)

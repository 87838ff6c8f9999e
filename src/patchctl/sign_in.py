"""Who is signed in, and in which subscription a command works."""

from __future__ import annotations

import base64
import json
import os
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from patchctl.errors import BadInput, NotSignedIn

if TYPE_CHECKING:
    from azure.mgmt.resource.subscriptions.aio import SubscriptionClient


@dataclass(frozen=True)
class Identity:
    """Who is signed in: a name to show, the object id that Azure knows, and the tenant."""

    name: str
    object_id: str
    tenant: str


def identity(token: str) -> Identity:
    """Who a token was given to. It is read for showing and tagging; Azure checks it."""
    part = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    names = ("upn", "unique_name", "preferred_username", "app_displayname", "appid", "oid")
    name = next((str(claims[key]) for key in names if claims.get(key)), "unknown")
    return Identity(name, str(claims.get("oid", "")), str(claims.get("tid", "")))


async def find_subscription(
    client: SubscriptionClient, asked: str | None, *, one: bool
) -> tuple[str, str]:
    """Id and name of the subscription asked for by either, or of the only one there is."""
    from azure.core.exceptions import ResourceNotFoundError

    if asked and _is_id(asked):
        with suppress(ResourceNotFoundError):
            found = await client.subscriptions.get(asked)
            return asked.lower(), found.display_name or ""
    known = [
        ((s.subscription_id or "").lower(), s.display_name or "")
        async for s in client.subscriptions.list()
    ]
    fitting = [s for s in known if asked is None or asked.lower() in (s[0], s[1].lower())]
    if len(fitting) == 1:
        return fitting[0]
    if not known:
        raise NotSignedIn(
            "NoSubscription",
            "This identity can read no subscription.",
        )
    if not one and asked is None:
        return "", f"all {len(known)}"
    listed = ", ".join(f"{name} ({id})" for id, name in known)
    problem = f"'{asked}' is none of" if asked else "say which of"
    raise BadInput([f"--subscription: {problem} {listed}"])


def _is_id(text: str) -> bool:
    try:
        return bool(uuid.UUID(text))
    except ValueError:
        return False


def cli_subscription() -> str | None:
    """The Azure CLI's current subscription, from its profile (asking `az` takes a second)."""
    directory = os.environ.get("AZURE_CONFIG_DIR") or Path.home() / ".azure"
    try:
        text = (Path(directory) / "azureProfile.json").read_text(encoding="utf-8-sig")
        known = json.loads(text)["subscriptions"]
        return next((str(s["id"]) for s in known if s.get("isDefault")), None)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # no Azure CLI here, which is fine

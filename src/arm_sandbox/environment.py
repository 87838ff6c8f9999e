"""What a shell needs, so that az, the SDKs or anything else in it talk to the server."""

from __future__ import annotations

import os
from pathlib import Path

from arm_sandbox.authority import Authority
from arm_sandbox.certificates import authority_file
from arm_sandbox.serving import Serving, directory_in


def environment(sandbox: Path, told: Serving) -> dict[str, str]:
    """The variables that point az and the SDKs at a server; the client's secret is among them.

    What the variables do is written in docs/sandbox.md.
    """
    directory = directory_in(sandbox)
    authority, trusted = Authority.kept_in(directory), str(authority_file(directory))
    return {
        "ARM_ENDPOINT": told.url,
        "AZURE_AUTHORITY_HOST": told.url,
        "AZURE_TENANT_ID": told.tenant,
        "AZURE_CLIENT_ID": authority.client_id,
        "AZURE_CLIENT_SECRET": authority.client_secret,
        "AZURE_SUBSCRIPTION_ID": told.subscription,
        "REQUESTS_CA_BUNDLE": trusted,
        "SSL_CERT_FILE": trusted,
        **_for_az(directory),
        **_past_proxies(),
    }


def _for_az(directory: Path) -> dict[str, str]:
    """A folder of its own, and no question to anybody on the internet."""
    return {
        "AZURE_CONFIG_DIR": str(directory / "az"),
        "AZURE_CORE_INSTANCE_DISCOVERY": "false",
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        "AZURE_CORE_SURVEY_MESSAGE": "false",
        "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off",
        "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
    }


def _past_proxies() -> dict[str, str]:
    """Where a proxy is set, loopback has to be kept from it."""
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return {}
    known = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    hosts = [host for host in known.split(",") if host]
    hosts += [host for host in ("127.0.0.1", "localhost") if host not in hosts]
    return dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(hosts))

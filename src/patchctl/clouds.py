"""Where the Azure clouds are, and which of them an address belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Cloud:
    """Where an Azure cloud is. Both addresses go to every client: one ignores the cloud setting."""

    endpoint: str
    scope: str
    authority: str


CLOUDS = {
    "public": Cloud(
        "https://management.azure.com",
        "https://management.azure.com/.default",
        "login.microsoftonline.com",
    ),
    "usgov": Cloud(
        "https://management.usgovcloudapi.net",
        "https://management.core.usgovcloudapi.net/.default",
        "login.microsoftonline.us",
    ),
    "china": Cloud(
        "https://management.chinacloudapi.cn",
        "https://management.chinacloudapi.cn/.default",
        "login.chinacloudapi.cn",
    ),
}


def known_cloud(endpoint: str) -> str | None:
    """The name of the cloud whose address this is, if it is one."""
    host = urlsplit(endpoint).netloc.lower().removesuffix(":443")
    return next((name for name, c in CLOUDS.items() if urlsplit(c.endpoint).netloc == host), None)

"""Where the tests run: on the sandbox, or with `--live` on a subscription that can be spared."""

from __future__ import annotations

import os

import pytest

SUBSCRIPTION = "PATCHCTL_LIVE_SUBSCRIPTION"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--live",
        action="store_true",
        help=f"run on Azure, in the subscription named by {SUBSCRIPTION}; it costs money",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--live") and not os.environ.get(SUBSCRIPTION):
        raise pytest.UsageError(f"--live wants {SUBSCRIPTION}: a subscription you can spare")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--live"):
        return
    for item in items:
        if item.get_closest_marker("world"):
            item.add_marker(pytest.mark.skip(reason="looks into the sandbox's world"))

"""Where the tests run: on the sandbox, or with `--live` on a subscription that can be spared.

What they say to the sandbox is recorded, and searched for secrets when they have ended. They draw
the same cases each time, unless asked for others with `--hypothesis-profile others`.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import arm_sandbox
import patchctl
from tests.canary import RECORD, CanaryPlugin
from tests.claims import WitnessPlugin
from tests.matrix import summary
from tests.signals import hear_ctrl_c

SUBSCRIPTION = "PATCHCTL_LIVE_SUBSCRIPTION"

# How fast a machine is says nothing about what it tests.
settings.register_profile(
    "same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("others", settings.get_profile("same"), derandomize=False)
settings.load_profile("same")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--live",
        action="store_true",
        help=f"run on Azure, in the subscription named by {SUBSCRIPTION}; it costs money",
    )

    parser.addoption(
        "--record-az",
        action="store_true",
        help="keep what the real az said and heard as tests/az/recording.jsonl.gz (with -m az)",
    )


def pytest_configure(config: pytest.Config) -> None:
    hear_ctrl_c()
    if config.getoption("--live") and not os.environ.get(SUBSCRIPTION):
        raise pytest.UsageError(f"--live wants {SUBSCRIPTION}: a subscription you can spare")
    if RECORD not in os.environ:
        directory = tempfile.TemporaryDirectory(prefix="patchctl-tests-")
        config.add_cleanup(directory.cleanup)
        os.environ[RECORD] = f"{directory.name}/traffic.jsonl"
    config.pluginmanager.register(CanaryPlugin(Path(os.environ[RECORD])), "canary")
    config.pluginmanager.register(WitnessPlugin(), "witnesses")
    config.pluginmanager.register(summary, "matrix")


@pytest.fixture(scope="session", autouse=True)
def _searched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    canary = request.config.pluginmanager.get_plugin("canary")
    assert isinstance(canary, CanaryPlugin)
    canary.places.append(tmp_path_factory.getbasetemp())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--live"):
        return
    for item in items:
        if item.get_closest_marker("world"):
            item.add_marker(pytest.mark.skip(reason="looks into the sandbox's world"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Load all modules: Hypothesis draws from the constants of those that are loaded."""
    if any(item.get_closest_marker("hypothesis") for item in session.items):
        for package in (patchctl, arm_sandbox):
            for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
                if not module.name.endswith("__main__"):
                    importlib.import_module(module.name)

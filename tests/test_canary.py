"""Planted secrets are nowhere to be seen again, and whoever shows one is caught."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from arm_sandbox import recording, tokens
from arm_sandbox.authority import Authority, answer
from arm_sandbox.store import Store
from arm_sandbox.wire import Request, Response
from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, SUBSCRIPTION, send
from tests.arm_sandbox.templates import template
from tests.canary import MADE_UP, MARK, Canary, CanaryPlugin
from tests.patchctl.shell import Cli

PROVIDERS = f"{GROUP}/providers"
PASSWORD = f"{MARK}-Password-1"
MACHINE = f"{PROVIDERS}/Microsoft.Compute/virtualMachines/vm1"
NIC = f"{PROVIDERS}/Microsoft.Network/networkInterfaces/nic1"
VNET = f"{PROVIDERS}/Microsoft.Network/virtualNetworks/vnet1"
SUBNET = {"name": "default", "properties": {"addressPrefix": "10.0.0.0/24"}}
IMAGE = {
    "publisher": "Canonical",
    "offer": "ubuntu-24_04-lts",
    "sku": "server",
    "version": "latest",
}
CALLBACK = f"https://logic.example/invoke?sv=1.0&sig={MARK}"
RECEIVERS = {
    "logicAppReceivers": [{"name": "app", "resourceId": VNET, "callbackUrl": CALLBACK}],
    "webhookReceivers": [{"name": "hook", "serviceUri": f"https://hooks.example/?code={MARK}"}],
    "azureFunctionReceivers": [
        {
            "name": "function",
            "functionAppResourceId": VNET,
            "functionName": "f",
            "httpTriggerUrl": f"https://f.example/api?code={MARK}",
        }
    ],
}
ACTION_GROUP = f"{PROVIDERS}/Microsoft.Insights/actionGroups/ag"
SCRIPT = {"commandToExecute": f"echo {MARK}"}
DEPLOYMENT = {
    "mode": "Incremental",
    "parameters": {"seed": {"value": MARK}},
    "template": template(
        parameters={
            "seed": {"type": "securestring"},
            "other": {"type": "string", "defaultValue": "x"},
        },
        outputs={"seen": {"type": "string", "value": "[parameters('other')]"}},
    ),
}
PLANTED: list[tuple[str, str, str, Any]] = [
    (
        "PUT",
        VNET,
        "2024-05-01",
        {
            "location": "eastus",
            "properties": {
                "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
                "subnets": [SUBNET],
            },
        },
    ),
    (
        "PUT",
        NIC,
        "2024-05-01",
        {
            "location": "eastus",
            "properties": {
                "ipConfigurations": [
                    {"name": "a", "properties": {"subnet": {"id": f"{VNET}/subnets/default"}}}
                ]
            },
        },
    ),
    (
        "PUT",
        MACHINE,
        "2024-07-01",
        {
            "location": "eastus",
            "properties": {
                "hardwareProfile": {"vmSize": "Standard_B2s"},
                "storageProfile": {
                    "imageReference": IMAGE,
                    "osDisk": {"createOption": "FromImage"},
                },
                "osProfile": {
                    "computerName": "vm1",
                    "adminUsername": "somebody",
                    "adminPassword": PASSWORD,
                    "customData": MARK,
                },
                "networkProfile": {"networkInterfaces": [{"id": NIC}]},
            },
        },
    ),
    (
        "PUT",
        f"{MACHINE}/extensions/script",
        "2024-07-01",
        {
            "location": "eastus",
            "properties": {
                "publisher": "Microsoft.Azure.Extensions",
                "type": "CustomScript",
                "typeHandlerVersion": "2.1",
                "protectedSettings": SCRIPT,
            },
        },
    ),
    (
        "PUT",
        ACTION_GROUP,
        "2023-01-01",
        {
            "location": "Global",
            "properties": {"groupShortName": "ag", "enabled": True, **RECEIVERS},
        },
    ),
    (
        "POST",
        f"{ACTION_GROUP}/createNotifications",
        "2023-01-01",
        {"alertType": "activitylog", **RECEIVERS},
    ),
    (
        "PUT",
        f"{PROVIDERS}/Microsoft.Resources/deployments/d",
        "2022-09-01",
        {"properties": DEPLOYMENT},
    ),
]


def say(world: World, canary: Canary, method: str, path: str, version: str, body: Any) -> Response:
    token = tokens.unsigned(tokens.claims(world)) + MARK  # where a signature would be
    url = f"https://management.azure.com{path}?api-version={version}"
    content = b"" if body is None else json.dumps(body).encode()
    request = Request.parse(method, url, {"Authorization": f"Bearer {token}"}, content)
    response = send(world, request)
    canary.watch(request, response)
    assert MARK not in json.dumps(recording.exchange(request, response))
    world.now += 200
    return response


@pytest.fixture
def site() -> World:
    world = World(now=1_795_435_200.0)
    world.registrations[f"{SUBSCRIPTION[15:]}/microsoft.insights"] = "Registered"
    return world


def test_what_is_planted_is_never_seen_again(site: World, tmp_path: Path) -> None:
    canary = Canary()
    say(site, canary, "PUT", GROUP, "2025-04-01", {"location": "eastus"})
    for method, path, version, body in PLANTED:
        assert say(site, canary, method, path, version, body).status < 300, path
        if method == "PUT":
            assert say(site, canary, "GET", path, version, None).status == 200
    assert say(site, canary, "GET", f"{GROUP}/resources", "2025-04-01", None).status == 200
    Store(tmp_path).save(site)
    canary.search(tmp_path.rglob("*.*"))
    assert canary.leaks == []


def test_a_refusal_does_not_repeat_what_it_refuses(site: World) -> None:
    canary = Canary()
    say(site, canary, "PUT", GROUP, "2025-04-01", {"location": "eastus"})
    for _, path, version, body in (PLANTED[2], PLANTED[4]):
        response = say(site, canary, "PUT", path, version, {**body, "location": "nowhere"})
        assert response.status == 400
    wrong = {"properties": {**DEPLOYMENT, "mode": "Sometimes"}}
    assert say(site, canary, *PLANTED[6][:3], wrong).status == 400
    headers = {"Authorization": f"Bearer {MARK}-no-token-at-all"}
    request = Request.parse("GET", f"https://management.azure.com{GROUP}", headers, b"")
    canary.watch(request, send(site, request))
    assert canary.leaks == []


def test_a_wrong_client_secret_is_not_repeated(site: World, tmp_path: Path) -> None:
    authority = Authority.kept_in(tmp_path)
    form = {"grant_type": "client_credentials", "client_id": authority.client_id}
    content = urlencode({**form, "client_secret": MARK, "resource": "https://x.example"}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    url = f"https://127.0.0.1:8443/{site.tenant}/oauth2/token"
    request = Request.parse("POST", url, headers, content)
    response = answer(authority, site, request)
    assert response is not None
    assert response.status == 401
    assert MARK not in json.dumps([response.body, recording.exchange(request, response)])


def test_a_password_that_patchctl_makes_up_is_known_and_nowhere(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plugin = request.config.pluginmanager.get_plugin("canary")
    assert isinstance(plugin, CanaryPlugin)
    before = len(plugin.canary.made_up)
    monkeypatch.setenv("PATCHCTL_SANDBOX_DIR", str(tmp_path))
    cli = Cli(tmp_path, capsys)
    out = cli("deploy", "--sandbox", "--email", "ops@example.com")
    assert out.code == 0, out.err
    assert len(plugin.canary.made_up) == before + 1
    assert not plugin.canary.held(out.out + out.err)


# -- the canary itself

MADE = "aB3-" + "x" * 32


def test_the_form_of_a_password_is_that_of_the_step() -> None:
    from patchctl.steps.virtual_machine import _password

    assert all(MADE_UP.fullmatch(_password()) for _ in range(100))
    assert MADE_UP.findall(f'"{MADE}", "{MADE}y", "5a4d0000-0000-4000-8000-000000000001"') == [MADE]


@pytest.mark.parametrize("secret", [MARK, MADE])
def test_whoever_shows_a_secret_is_caught(tmp_path: Path, secret: str) -> None:
    canary = Canary()
    asked = Request("PUT", "/x", body={"adminPassword": secret})
    canary.watch(asked, Response(200, {"name": "x"}))
    assert canary.leaks == []
    canary.watch(Request("GET", "/x"), Response(200, {"seen": f"it is {secret}"}))
    canary.watch(Request("GET", "/y"), Response(202, None, {"Location": f"https://x/?a={secret}"}))
    canary.hear("test_x", ["nothing", f"the password is {secret}."])
    (tmp_path / "world.json").write_text(json.dumps({"password": secret}))
    (tmp_path / "other.json").write_text("{}")
    canary.search(tmp_path.iterdir())
    (tmp_path / "world.json").unlink()  # the tests' own canary searches here, too
    assert canary.leaks == [
        "the answer to GET /x",
        "the answer to GET /y",
        "the output of test_x",
        f"the file {tmp_path / 'world.json'}",
    ]


def test_a_password_that_was_never_sent_is_no_secret() -> None:
    canary = Canary()
    canary.hear("test_x", [MADE])
    assert canary.leaks == []


SEEN_BY_A_WORKER = """
from pathlib import Path
from tests.canary import CanaryPlugin

def pytest_configure(config):
    config.pluginmanager.register(CanaryPlugin(Path("nowhere")), "canary")

def test_leak(request):
    request.config.pluginmanager.get_plugin("canary").canary.leaks.append("a worker")
"""


@pytest.mark.slow
def test_what_a_worker_has_seen_fails_the_session(tmp_path: Path) -> None:
    root = Path(__file__).parents[1]
    conftest, _, test = SEEN_BY_A_WORKER.partition("def test_leak")
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "test_it.py").write_text(f"def test_leak{test}")
    path = os.pathsep.join(str(each) for each in (root, root / "src"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "1", "-p", "no:cacheprovider", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "SECRET SEEN in a worker" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 1

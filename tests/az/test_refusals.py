"""What az says when something is wrong: its exit codes and Azure's own words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.az.shell import Shell

GROUP = "rg-refusals"
NSGS = "Microsoft.Network/networkSecurityGroups"
PASSWORD = "Canary-4711-Canary"
MISSING = 3
"""az's exit code for what is not there (404)."""


@pytest.fixture(scope="module")
def group(shell: Shell) -> Iterator[str]:
    """The id of a group for this module."""
    yield shell.az("group", "create", "-n", GROUP, "-l", "eastus", "--tags", "env=test")["id"]
    shell.az("group", "delete", "-n", GROUP, "--yes", "--no-wait")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("group", "show", "-n", "rg-none"), "ResourceGroupNotFound"),
        (("vm", "show", "-g", GROUP, "-n", "none"), "ResourceNotFound"),
        (("network", "vnet", "show", "-g", GROUP, "-n", "none"), "ResourceNotFound"),
        (("monitor", "action-group", "show", "-g", GROUP, "-n", "none"), "ResourceNotFound"),
        (("deployment", "group", "show", "-g", GROUP, "-n", "none"), "DeploymentNotFound"),
        (("vm", "list", "-g", "rg-none"), "ResourceGroupNotFound"),
        (("group", "delete", "-n", "rg-none", "--yes"), "ResourceGroupNotFound"),
    ],
)
def test_what_is_missing_is_exit_3(
    shell: Shell, group: str, command: tuple[str, ...], code: str
) -> None:
    ended = shell.refused(*command)
    assert ended.code == MISSING
    assert f"({code})" in ended.err


def test_a_wrong_secret(shell: Shell, tmp_path: Path) -> None:
    apart = Shell({**shell.variables, "AZURE_CONFIG_DIR": str(tmp_path)})
    apart.run("az", "cloud", "register", "-n", "Other", *_endpoint(shell))
    apart.run("az", "cloud", "set", "-n", "Other")
    who = ("-u", shell.variables["AZURE_CLIENT_ID"], "--tenant", shell.variables["AZURE_TENANT_ID"])
    ended = apart.refused("login", "--service-principal", *who, "-p", PASSWORD)
    assert "AADSTS7000215" in ended.err
    assert PASSWORD not in ended.err


def _endpoint(shell: Shell) -> tuple[str, str]:
    return "--endpoint-resource-manager", shell.variables["ARM_ENDPOINT"]


def test_a_group_somewhere_else(shell: Shell, group: str) -> None:
    ended = shell.refused("group", "create", "-n", GROUP, "-l", "westus2")
    assert "(InvalidResourceGroupLocation)" in ended.err


def test_a_size_that_is_not_offered(shell: Shell, group: str) -> None:
    machine = ("--image", "Win2022Datacenter", "--admin-username", "azureuser")
    secret = ("--admin-password", PASSWORD, "--size", "Standard_None")
    ended = shell.refused("vm", "create", "-g", GROUP, "-n", "vm1", *machine, *secret)
    assert "(InvalidTemplateDeployment)" in ended.err
    assert "The value Standard_None provided for the VM size is not valid" in ended.err
    assert PASSWORD not in ended.err


def test_an_assignment_of_what_is_not_there(shell: Shell, group: str) -> None:
    machine = f"{group}/providers/Microsoft.Compute/virtualMachines/none"
    path = f"{machine}/providers/Microsoft.Maintenance/configurationAssignments/a"
    body = json.dumps({"location": "eastus", "properties": {"maintenanceConfigurationId": group}})
    url = f"{path}?api-version=2023-04-01"
    ended = shell.refused("rest", "--method", "put", "--url", url, "--body", body)
    assert ended.code == 1
    assert "none" in ended.err


def test_a_resource_by_az_resource(shell: Shell, group: str) -> None:
    named = ("-g", GROUP, "-n", "nsg1", "--resource-type", NSGS)
    made = shell.az("resource", "create", *named, "--properties", "{}")
    again = shell.az("resource", "create", *named, "--properties", "{}")
    assert made["id"] == again["id"] == f"{group}/providers/{NSGS}/nsg1"
    assert shell.az("resource", "tag", *named, "--tags", "a=b")["tags"] == {"a": "b"}
    assert shell.az("resource", "show", *named)["tags"] == {"a": "b"}
    listed = shell.az("resource", "list", "--resource-type", NSGS, "-g", GROUP)
    assert [found["name"] for found in listed] == ["nsg1"]
    assert [found["name"] for found in shell.az("resource", "list", "--tag", "a=b")] == ["nsg1"]
    shell.az("resource", "delete", *named)
    assert shell.refused("resource", "show", *named).code == MISSING


def test_tags_by_az_tag(shell: Shell, group: str) -> None:
    scope = ("--resource-id", group)
    assert shell.az("tag", "list", *scope)["properties"]["tags"] == {"env": "test"}
    merged = shell.az("tag", "update", *scope, "--operation", "Merge", "--tags", "a=b")
    assert merged["properties"]["tags"] == {"env": "test", "a": "b"}
    shell.az("tag", "create", *scope, "--tags", "env=test")
    assert shell.az("group", "show", "-n", GROUP)["tags"] == {"env": "test"}


def test_a_template_with_comments(shell: Shell, group: str, tmp_path: Path) -> None:
    file = tmp_path / "nsg.jsonc"
    file.write_text(TEMPLATE, encoding="utf-8")
    deployment = ("-g", GROUP, "-n", "d1")
    deploy = ("deployment", "group", "create", *deployment, "--template-file", str(file))
    made = shell.az(*deploy, "--parameters", "name=nsg2", f"secret={PASSWORD}")["properties"]
    assert made["outputs"]["id"]["value"] == f"{group}/providers/{NSGS}/nsg2"
    assert made["parameters"]["secret"] == {"type": "SecureString"}
    (operation, *_) = shell.az("deployment", "operation", "group", "list", *deployment)
    assert operation["properties"]["targetResource"]["resourceName"] == "nsg2"
    ended = shell.refused(*deploy, "--parameters", "name=a/b", f"secret={PASSWORD}")
    assert "incorrect segment lengths" in ended.err


TEMPLATE = """{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {"name": {"type": "string"}, "secret": {"type": "securestring"}},
  "resources": [
    // one is enough
    {
      "type": "Microsoft.Network/networkSecurityGroups",
      "apiVersion": "2015-06-15",
      "name": "[parameters('name')]",
      "location": "[resourceGroup().location]" /* where the group is */
    }
  ],
  "outputs": {
    "id": {
      "type": "string",
      "value": "[resourceId('Microsoft.Network/networkSecurityGroups', parameters('name'))]"
    }
  }
}
"""


def test_a_provider(shell: Shell) -> None:
    namespaces = {provider["namespace"] for provider in shell.az("provider", "list")}
    assert {"Microsoft.Compute", "Microsoft.Maintenance", "Microsoft.Insights"} <= namespaces


def test_looking_around(shell: Shell, group: str) -> None:
    """Sizes, usages and images of a location, and what happened in a group."""
    sizes = shell.az("vm", "list-skus", "-l", "eastus", "--size", "Standard_B2s")
    assert "Standard_B2s" in [size["name"] for size in sizes]
    assert shell.az("vm", "list-usage", "-l", "eastus")[0]["limit"]
    offer = ("--publisher", "Canonical", "--offer", "ubuntu-24_04-lts", "--all", "-l", "eastus")
    assert {image["sku"] for image in shell.az("vm", "image", "list", *offer)} == {"server"}
    start = datetime.now(UTC) - timedelta(days=1)
    times = ("--start-time", f"{start:%Y-%m-%d}", "--end-time", "2099-01-01")  # it is ahead of us
    events = shell.az("monitor", "activity-log", "list", "-g", GROUP, *times)
    done = {event["operationName"]["value"] for event in events}
    assert "Microsoft.Resources/resourceGroups/write" in done

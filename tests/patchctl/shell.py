"""Commands run as a shell would run them, in a sandbox of their own."""

from __future__ import annotations

import json
import os
import shlex
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure.mgmt.authorization.v2022_04_01.models import RoleAssignmentCreateParameters
from azure.mgmt.network.models import (
    PublicIPAddress,
    PublicIPAddressPropertiesFormat,
    PublicIPAddressSku,
)

from arm_sandbox import transport
from arm_sandbox.store import Store
from arm_sandbox.world import Resource, World
from patchctl import clients
from patchctl.cli import main
from patchctl.clients import RECORD, Connection, connect_to_sandbox

ROLES = "Microsoft.Authorization/roleDefinitions"
ROLE_GUIDS = {"Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7"}
GROUP = "rg-patching-demo"
EMAIL = ("--email", "ops@example.com")
USUAL = {"PATCHCTL_SANDBOX", "PATCHCTL_SANDBOX_DIR", RECORD}
UNTOUCHED = (connect_to_sandbox, vars(transport)["respond"])
"""What a test may replace to see, or to change, what is said to the sandbox."""


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Deployed:
    """What a deploy onto nothing said, and the files that it left."""

    outcomes: Mapping[str, str]
    files: Mapping[Path, bytes]


DEPLOYED: dict[tuple[float, tuple[str, ...]], Deployed] = {}
"""By the time and the options."""


def files_in(directory: Path) -> dict[Path, bytes]:
    found = [path for path in directory.rglob("*") if path.is_file()]
    return {path.relative_to(directory): path.read_bytes() for path in found}


def put(files: Mapping[Path, bytes], directory: Path) -> None:
    for path, content in files.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


class Cli:
    """Runs commands as a shell would, in a sandbox of its own."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.store = Store(directory)
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Ended:
        with pytest.raises(SystemExit) as end:
            main(list(arguments))
        captured = self._capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Ended(end.value.code, captured.out, captured.err)

    def json(self, *arguments: str, code: int = 0) -> Any:
        """The document of a command that ends with this code; there is nothing else on stdout."""
        ended = self(*arguments, "--output", "json")
        assert ended.code == code, ended.out + ended.err
        document = json.loads(ended.out)
        assert document["ok"] is (code == 0)
        assert (document["error"] is None) is (code == 0)
        return document

    def follow(self, error: Mapping[str, str]) -> Ended:
        """Do what an error says to do next."""
        return self(*shlex.split(error["next"])[1:])

    def deploy(self, *arguments: str) -> dict[str, str]:
        """Deploy; each step's outcome. Onto nothing it is done once for all tests of a process."""
        if not self._is_new:
            return outcomes(self.json("deploy", *EMAIL, *arguments))
        asked = (time.time(), arguments)  # a new world begins at this time
        if asked not in DEPLOYED:
            made = outcomes(self.json("deploy", *EMAIL, *arguments))
            DEPLOYED[asked] = Deployed(made, files_in(self.store.directory))
        put(DEPLOYED[asked].files, self.store.directory)
        return dict(DEPLOYED[asked].outcomes)

    @property
    def _is_new(self) -> bool:
        """Whether nothing is there or set that a deploy could come out differently for."""
        said = {name for name in os.environ if name.startswith("PATCHCTL_")}
        now = (clients.connect_to_sandbox, vars(transport)["respond"])
        return now == UNTOUCHED and said <= USUAL and not any(self.store.directory.iterdir())

    @property
    def world(self) -> World:
        return self.store.load()

    def change(self, how: Callable[[World], object]) -> None:
        world = self.store.load()
        how(world)
        self.store.save(world)

    def the(self, type: str) -> Resource:
        """The only resource of a type."""
        found = [r for r in self.world.resources.values() if r.type.lower() == type.lower()]
        assert len(found) == 1
        return found[0]

    def azure(self, act: Callable[[Connection], None]) -> None:
        """Do something with the SDK, as somebody else would."""
        with connect_to_sandbox(self.store.directory, None) as connection:
            act(connection)

    def grant(self, scope: str, principal: str, role: str) -> None:
        """Give a principal a built-in role, as an administrator would."""
        granted = RoleAssignmentCreateParameters(
            role_definition_id=f"{scope}/providers/{ROLES}/{ROLE_GUIDS[role]}",
            principal_id=principal,
            principal_type="ServicePrincipal",
        )
        name = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{scope} {principal} {role}"))

        def act(connection: Connection) -> None:
            roles = connection.clients.authorization.role_assignments
            connection.run(roles.create(scope, name, granted))

        self.azure(act)

    def leave_a_foreign_address(self) -> None:
        """Put something into the group that patchctl did not make."""
        address = PublicIPAddress(
            location="eastus",
            sku=PublicIPAddressSku(name="Standard"),
            properties=PublicIPAddressPropertiesFormat(public_ip_allocation_method="Static"),
        )

        async def make(connection: Connection) -> None:
            addresses = connection.clients.network.public_ip_addresses
            making = await addresses.begin_create_or_update(GROUP, "pip-foreign", address)
            await making.result()

        self.azure(lambda connection: connection.run(make(connection)))

    def mails(self, kind: str) -> list[dict[str, Any]]:
        return [mail for mail in self.world.mails if mail["kind"] == kind]


def outcomes(document: Any) -> dict[str, str]:
    return {step["step"]: step["outcome"] for step in document["steps"]}


def follow(cli: Cli, error: Mapping[str, str]) -> None:
    """Do what each error says to do next, waiting included, until there is none."""
    for _ in range(3):
        if "ait" in error["hint"]:
            cli("sandbox", "advance", "--by", "5m")
        ended = cli.follow(error)
        if ended.code == 0:
            return
        error = json.loads(ended.out)["error"]
    pytest.fail(f"it leads in circles: {error['hint']}")

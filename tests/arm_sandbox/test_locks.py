"""Locks: what they forbid, where they hold, and how a refusal is worded."""

from __future__ import annotations

import pytest

from arm_sandbox.wire import Response
from arm_sandbox.world import World
from tests.arm_sandbox.ask import GROUP, SUBSCRIPTION, ask, wait
from tests.arm_sandbox.test_authorization import ASSIGNMENTS, NAME, NSG, assign, restricted

VERSION = "2020-05-01"
NETWORK = "2024-05-01"
OTHER = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/other"


def lock(world: World, scope: str, level: str = "CanNotDelete") -> Response:
    return ask(world, "PUT", at(scope), {"properties": {"level": level}}, version=VERSION)


def at(scope: str) -> str:
    return f"{scope}/providers/Microsoft.Authorization/locks/mine"


@pytest.fixture
def standing(world: World) -> World:
    """A world with two security groups in its group."""
    for id in (NSG, OTHER):
        assert ask(world, "PUT", id, {"location": "eastus"}, version=NETWORK).status == 201
    wait(world, 60)
    return world


def refused(response: Response) -> str:
    assert response.status == 409, response.body
    assert response.headers["x-ms-failure-cause"] == "gateway"
    assert response.body["error"]["code"] == "ScopeLocked"
    return str(response.body["error"]["message"])


def test_what_is_locked_cannot_be_deleted_but_changed(standing: World) -> None:
    made = lock(standing, NSG)
    assert made.status == 201
    assert made.body["properties"] == {"level": "CanNotDelete"}
    assert refused(ask(standing, "DELETE", NSG, version=NETWORK)) == (
        f"The scope '{NSG}' cannot perform delete operation because following scope(s) are locked: "
        f"'{NSG}'. Please remove the lock and try again."
    )
    changed = {"location": "eastus", "tags": {"a": "b"}}
    assert ask(standing, "PUT", NSG, changed, version=NETWORK).status == 200
    assert ask(standing, "DELETE", OTHER, version=NETWORK).status == 202
    assert ask(standing, "DELETE", at(NSG), version=VERSION).status == 200
    wait(standing, 60)
    assert ask(standing, "DELETE", NSG, version=NETWORK).status == 202


def test_a_group_with_something_locked_in_it_stays_whole(standing: World) -> None:
    lock(standing, NSG)
    assert f"locked: '{NSG}'" in refused(ask(standing, "DELETE", GROUP))
    wait(standing, 600)
    assert ask(standing, "GET", OTHER, version=NETWORK).status == 200


@pytest.mark.parametrize("scope", [SUBSCRIPTION, GROUP, NSG])
def test_what_may_only_be_read_is_neither_changed_nor_acted_upon(
    standing: World, scope: str
) -> None:
    lock(standing, scope, "readonly")
    assert "cannot perform write operation" in refused(
        ask(standing, "PATCH", NSG, {"tags": {}}, version=NETWORK)
    )
    rule = f"{NSG}/securityRules/mine"
    assert f"locked: '{scope}'" in refused(ask(standing, "PUT", rule, {}, version=NETWORK))
    action = ask(standing, "POST", f"{NSG}/anything", version=NETWORK)
    assert f"The scope '{NSG}' cannot perform write operation" in refused(action)
    assert ask(standing, "GET", NSG, version=NETWORK).status == 200


def test_extensions_inherit_the_lock_of_what_they_hang_on(standing: World) -> None:
    assign(standing, NSG, principalType="User")
    lock(standing, GROUP)
    message = refused(ask(standing, "DELETE", f"{NSG}{ASSIGNMENTS}/{NAME}", version="2022-04-01"))
    assert f"locked: '{GROUP}'" in message


def test_a_list_shows_what_holds_at_a_scope(standing: World) -> None:
    for scope in (SUBSCRIPTION, NSG):
        lock(standing, scope)

    def listed(scope: str, filter: str = "") -> list[str]:
        path = f"{scope}/providers/Microsoft.Authorization/locks"
        query = f"&$filter={filter}" if filter else ""
        found = ask(standing, "GET", path, version=VERSION, query=query).body["value"]
        return [lock["id"] for lock in found]

    assert listed(GROUP) == [at(SUBSCRIPTION), at(NSG)]
    assert listed(GROUP, "atScope()") == [at(SUBSCRIPTION)]
    assert listed(NSG) == [at(SUBSCRIPTION), at(NSG)]


def test_a_contributor_may_not_lock(standing: World) -> None:
    restricted(standing, role="Contributor")
    assert lock(standing, GROUP).body["error"]["code"] == "AuthorizationFailed"


def test_an_unknown_level_is_refused(world: World) -> None:
    assert lock(world, GROUP, "Sometimes").status == 400

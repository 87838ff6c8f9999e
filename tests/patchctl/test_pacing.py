"""Requests wait for their turn once Azure has few tokens left, and never ask before it says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from arm_sandbox.clock import VirtualLoop
from arm_sandbox.wire import Request, Response
from patchctl.pacing import FEW, Bucket, Buckets, answered, wait
from tests.fleet.drawing import SUBSCRIPTIONS, Fleet, Group
from tests.patchctl.own_machines import Place, at, quiet

ROOT = "https://management.azure.com/subscriptions"
VM = f"{ROOT}/a/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm"


def test_nothing_waits_while_there_are_plenty() -> None:
    bucket = Bucket(10.0)
    bucket.remain(150, 0.0)
    assert [bucket.turn(5.0) for _ in range(20)] == [0.0] * 20


def test_with_few_left_requests_go_out_at_the_rate_of_the_refill() -> None:
    bucket = Bucket(10.0)
    bucket.remain(FEW, 0.0)
    assert [bucket.turn(5.0) for _ in range(3)] == pytest.approx([0.0, 0.1, 0.2])
    bucket.remain(150, 6.0)
    assert bucket.turn(6.0) == 0.0


def test_the_scarcest_region_counts_until_it_must_have_been_refilled() -> None:
    bucket = Bucket(10.0)
    bucket.remain(20, 0.0)
    bucket.remain(1400, 1.0)
    assert bucket.left == 30.0
    bucket.remain(1400, 200.0)
    assert bucket.left == 1400.0


def test_nobody_asks_before_retry_after() -> None:
    bucket = Bucket(10.0)
    bucket.close(7, 100.0)
    assert [bucket.turn(101.0) for _ in range(2)] == pytest.approx([6.0, 6.1])


def test_who_waits_already_waits_longer() -> None:
    async def wait_while_it_is_closed() -> float:
        now, bucket = asyncio.get_running_loop().time, Bucket(1.0, left=0.0)
        bucket.turn(now())
        waiting = asyncio.create_task(wait([bucket]))
        await asyncio.sleep(0.5)
        bucket.close(7, now())
        await waiting
        return now()

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(0.0)) as runner:
        assert runner.run(wait_while_it_is_closed()) == pytest.approx(7.5)


def test_what_azure_does_not_tell_changes_nothing() -> None:
    told = {"x-ms-ratelimit-remaining-subscription-reads": "unknown", "Retry-After": "soon"}
    for headers in ({}, told):
        drawn = Buckets().of("GET", VM)
        answered(drawn, "reads", 429, headers, 5.0)
        assert drawn == Buckets().of("GET", VM)


def test_each_subscription_and_verb_has_its_own() -> None:
    buckets = Buckets()
    asked = [
        ("GET", "a"),
        ("PUT", "a"),
        ("DELETE", "a"),
        ("GET", "b"),
        ("HEAD", "A"),
        ("POST", "a"),
    ]
    found = [buckets.of(verb, f"{ROOT}/{name}/resourceGroups") for verb, name in asked]
    assert all(len(drawn) == 1 for drawn in found)
    assert len({id(drawn[0]) for drawn in found}) == 4


def test_compute_has_buckets_of_its_own() -> None:
    buckets = Buckets()
    manager, region, machine = buckets.of("PATCH", f"{VM}?api-version=1")
    assert buckets.of("PATCH", f"{VM}-2")[1] is region
    assert buckets.of("PATCH", f"{VM}-2")[2] is not machine
    others = [("GET", VM), ("GET", VM.rpartition("/")[0]), ("POST", f"{VM}/assessPatches")]
    drawn = [buckets.of(*asked)[1] for asked in others]
    assert len({id(bucket) for bucket in (region, *drawn)}) == 4
    assert buckets.of("PUT", VM)[0] is manager
    assignment = f"{VM}/providers/Microsoft.Maintenance/configurationAssignments/a"
    assert buckets.of("PUT", assignment) == [manager]


def test_what_compute_tells_is_told_of_the_region_and_of_the_machine() -> None:
    manager, region, machine = Buckets().of("POST", f"{VM}/assessPatches")
    policies = [f"Microsoft.Compute/VMGuestPatchOperation{end}" for end in ENDS]
    told = {"x-ms-ratelimit-remaining-resource": f"{policies[0]};599,{policies[1]};0"}
    answered([manager, region, machine], "writes", 202, told, 0.0)
    assert (region.left, region.rate) == (599, 200 / 60)
    assert (machine.left, machine.rate) == (0, 2 / 60)
    assert [machine.turn(0.0) for _ in range(2)] == [0.0, 30.0]
    assert region.turn(0.0) == 0.0


ENDS = ("SubscriptionMaximum", "Resource")


# -- on the sandbox


@dataclass(frozen=True)
class Sent:
    """A request as the sandbox saw it, and when its answer came."""

    method: str
    path: str
    at: float
    answered: float
    response: Response

    @property
    def refused(self) -> bool:
        return self.response.status == 429


def _recorded(place: Place) -> list[Sent]:
    sent: list[Sent] = []

    def record(asked: Request, response: Response) -> None:
        now = place.world.now
        sent.append(Sent(asked.method, asked.path.lower(), now, now + response.seconds, response))

    place.watchers.append(record)
    return sent


FAR = Group(f"/subscriptions/{SUBSCRIPTIONS[0]}/resourceGroups/rg-far", "northeurope")


def two_regions() -> Fleet:
    """Some forty machines in one subscription, every other one in a second region."""
    fleet = quiet(120)
    machines = [m for m in fleet.machines if SUBSCRIPTIONS[0] in m.id]
    for n, machine in list(enumerate(machines))[1::2]:
        id = machine.id.replace(machine.group.id, FAR.id)
        machines[n] = replace(machine, id=id, group=FAR)
    return replace(fleet, groups=(*fleet.groups, FAR), machines=tuple(machines))


def _drain(place: Place, whose: str, tokens: float) -> None:
    """Somebody else has used up what the subscription, one region or one machine had."""
    [reads] = [key for key in place.world.buckets if key.startswith(f"{SUBSCRIPTIONS[0]}|reads|")]
    keys = {
        "subscription": reads.replace("|reads|", "|writes|"),
        "region": f"{SUBSCRIPTIONS[0]}|{FAR.location}|updatevmsubscriptionmaximum",
        "machine": f"{two_regions().machines[0].id}|UpdateVMResource".lower(),
    }
    place.world.buckets[keys[whose]] = [tokens, place.world.now]


def _too_early(sent: list[Sent]) -> Iterator[Sent]:
    """What was asked again of the same, once it was known that nobody may, and before one may. What
    goes out in the very moment of a refusal is under way already."""
    for n, refused in enumerate(sent):
        if refused.refused:
            again = refused.answered + int(refused.response.headers["Retry-After"])
            for later in sent[n + 1 :]:
                if refused.answered < later.at < again and _draws_on_what_is_empty(later, refused):
                    yield later


def _draws_on_what_is_empty(later: Sent, refused: Sent) -> bool:
    """A machine's own tokens, those of the machines of a subscription, or all of a verb."""
    told = refused.response.headers.get("x-ms-ratelimit-remaining-resource", "")
    if "Resource;0" in told:
        return (later.method, later.path) == (refused.method, refused.path)
    machines = "SubscriptionMaximum;0" in told
    near = later.path.split("/")[2] == refused.path.split("/")[2]
    return near and later.method == refused.method and (not machines or _is_of_machine(later))


def _is_of_machine(sent: Sent) -> bool:
    return "/microsoft.compute/" in sent.path and sent.path.count("/") == 8


@pytest.mark.slow
@pytest.mark.parametrize(
    ("whose", "tokens"), [("subscription", -400.0), ("region", -400.0), ("machine", -3.0)]
)
def test_where_nothing_is_left_nobody_asks_too_early(whose: str, tokens: float) -> None:
    fleet = two_regions()
    with at(fleet) as place:
        place.plan(place.deployment())
        sent = _recorded(place)
        _drain(place, whose, tokens)
        place.deploy()
        assert place.assigned == {m.id.lower() for m in fleet.machines}
        assert [one for one in sent if one.refused]
        assert not list(_too_early(sent))

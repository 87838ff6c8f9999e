"""Updates arrive over time: Patch Tuesday, definitions all day, packages when they come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from arm_sandbox.patching.lines import UBUNTU, WINDOWS, Line, lines_of
from arm_sandbox.patching.updates import (
    OUT_OF_BAND,
    Update,
    install,
    known_names,
    missing,
    patch_day,
    release,
)
from arm_sandbox.providers.catalogue import IMAGES, Image
from arm_sandbox.world import Resource, World

LINUX = {image.system: image for image in IMAGES if image.os == "Linux"}.values()
SERVER = next(image for image in IMAGES if image.sku == "2022-datacenter-g2")
LINE = {line.key: line for lines in (WINDOWS, UBUNTU) for line in lines}


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def newest(key: str, when: str, seed: str = "patchctl") -> Update:
    return release(seed, LINE[key], SERVER, at(when))


def machine(world: World, name: str, *, linux: bool = False) -> Resource:
    image = {"publisher": "Canonical", "offer": "ubuntu-24_04-lts", "sku": "server"}
    if not linux:
        image = {"publisher": SERVER.publisher, "offer": SERVER.offer, "sku": SERVER.sku}
    disk = {"osType": "Linux" if linux else "Windows"}
    storage = {"imageReference": image, "osDisk": disk}
    return Resource(
        f"/subscriptions/s/{name}",
        "Microsoft.Compute/virtualMachines",
        {"properties": {"storageProfile": storage}},
    )


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-11-10 17:59", "2026-10-13 18:00"),
        ("2026-11-10 18:00", "2026-11-10 18:00"),
        ("2026-12-31 23:59", "2026-12-08 18:00"),
        ("2027-01-01 00:00", "2026-12-08 18:00"),
        ("2027-06-08 18:00", "2027-06-08 18:00"),
    ],
)
def test_patch_tuesday_is_the_second_tuesday(now: str, day: str) -> None:
    assert patch_day(at(now)) == datetime.fromisoformat(day).replace(tzinfo=UTC)


def test_a_cumulative_update_replaces_that_of_the_month_before() -> None:
    october = newest("cumulative", "2026-11-10 17:59")
    november = newest("cumulative", "2026-11-10 18:00")
    assert newest("cumulative", "2026-12-08 17:59") == november
    assert october.name.startswith("2026-10 Cumulative Update for Microsoft server")
    assert november.name.startswith("2026-11 Cumulative Update for Microsoft server")
    assert november.number > october.number
    assert november.kb != october.kb
    assert f"(KB{november.kb})" in november.name


def test_definitions_come_every_eight_hours() -> None:
    moments = (datetime(2026, 11, 23, tzinfo=UTC) + timedelta(hours=h) for h in range(24 * 3))
    line = LINE["defender-definitions"]
    numbers = {release("patchctl", line, SERVER, moment.timestamp()).number for moment in moments}
    assert len(numbers) in (9, 10)
    assert newest("defender-definitions", "2026-11-23 12:00").kb == "2267602"


def test_out_of_band_updates_are_rare_and_come_after_patch_tuesday() -> None:
    months = [at(f"{year}-{month:02}-01 00:00") for year in range(2000, 2100) for month in (1, 6)]
    again = [release("7", LINE["cumulative"], SERVER, month) for month in months]
    rare = [update for update in again if update.number % 2]
    assert len(rare) == pytest.approx(OUT_OF_BAND * len(months), abs=10)
    for update in rare:
        days = (update.published - patch_day(update.published).timestamp()) / 86400
        assert 3 <= days <= 12


@pytest.mark.parametrize("image", [SERVER, *LINUX], ids=lambda image: image.title)
def test_releases_only_go_forward(image: Image) -> None:
    for line in lines_of(image):
        releases_go_forward(line, image)


def releases_go_forward(line: Line, image: Image) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    found = [
        release("patchctl", line, image, (start + timedelta(days=day)).timestamp())
        for day in range(400)
    ]
    for day, (early, late) in enumerate(pairwise(found)):
        assert late.number >= early.number
        assert (late.number == early.number) == (late == early)
        assert early.published <= (start + timedelta(days=day)).timestamp()
    assert len(set(found)) > 1


def test_no_two_lines_ever_share_a_kb() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    owner: dict[str, str] = {}
    for week in range(52 * 10):
        moment = (start + timedelta(weeks=week)).timestamp()
        for line in WINDOWS:
            kb = release("patchctl", line, SERVER, moment).kb
            assert owner.setdefault(kb, line.key) == line.key


def test_the_seed_decides_what_a_machine_lacks() -> None:
    names = [f"vm{n}" for n in range(200)]
    for linux, fewest, most in ((False, 2, 8), (True, 4, 12)):
        world = World(now=at("2026-11-23 12:00"))
        counts = [len(missing(world, machine(world, name, linux=linux))) for name in names]
        assert (min(counts), max(counts)) == (fewest, most)
        again = World(now=world.now)
        assert [len(missing(again, machine(again, n, linux=linux))) for n in names] == counts
        other = World(seed="other", now=world.now)
        assert [len(missing(other, machine(other, n, linux=linux))) for n in names] != counts


def test_machines_of_a_product_get_the_same_releases() -> None:
    world = World(now=at("2026-11-23 12:00"))
    one, other = (missing(world, machine(world, name)) for name in ("a", "b"))
    by_line = {update.line: update for update in one}
    assert all(by_line.get(update.line, update) == update for update in other)


def test_what_is_installed_is_lacking_again_with_the_next_release() -> None:
    world = World(now=at("2026-11-23 12:00"))
    server = machine(world, "vm1")
    for update in missing(world, server):
        install(server, update)
    assert missing(world, server) == []
    world.now = at("2026-11-24 12:00")
    assert [update.classification for update in missing(world, server)] == ["Definition"]
    world.now = at("2026-12-08 18:00")
    assert "cumulative" in {update.line for update in missing(world, server)}


def test_the_names_of_a_time_to_come_are_known() -> None:
    world = World(now=at("2026-11-23 12:00"))
    names = set(known_names(world, at("2027-02-20 12:00")))
    for when in ("2026-11-23", "2026-12-20", "2027-01-20", "2027-02-20"):
        assert f"KB{newest('cumulative', f'{when} 12:00').kb}" in names
    assert f"KB{newest('cumulative', '2027-03-20 12:00').kb}" not in names
    assert "openssl" in names
